// SPDX-License-Identifier: Apache-2.0
#include "plugin/manifest.h"

#include <gmock/gmock.h>

#include "plugin/interfaces.h"
#include "unit/plugin/plugin_fixture.h"

namespace scc::plugin {
namespace {

using test::sample_manifest;
using testing::ElementsAre;
using testing::HasSubstr;

const std::string kHash(64, 'a');

json::Value good() {
  json::Value m = sample_manifest("acme", kHash);
  m["vendor"]["name"] = "Acme Inc.";
  m["grants"]["process"] = json::Value::strings({"docker", "/usr/bin/x"});
  m["grants"]["endpoints"] =
      json::Value::strings({"unix:/run/x.sock", "unix:${XDG_RUNTIME_DIR}/x.sock", "env:X_HOST",
                            "https://api.acme.example:8443", "file:${HOME}/.x/*/m.json#/a/b"});
  m["grants"]["files"] = json::Value::strings({"${HOME}/.x/config.json", "/etc/x/*.pem"});
  m["grants"]["env"] = json::Value::strings({"X_HOST"});
  m["protected_paths"] = json::Value::strings({"${HOME}/.acme"});
  m["engine_sockets"] = json::Value::strings({"/run/x.sock"});
  m["workspace_markers"] = json::Value::strings({".acme/settings.json"});
  m["env_strip"] = json::Value::strings({"ACME_*"});
  json::Value& c = m["components"].array().front();
  c["auto_priority"] = 50;
  c["image_context"] = "agent-acme";
  c["capabilities"]["resume"] = true;
  return m;
}

TEST(Manifest, ReadsEverything) {
  const auto m = parse_manifest(json::dump(good()), "acme");
  ASSERT_TRUE(m) << m.error().message;
  EXPECT_EQ(m->id, "acme");
  EXPECT_EQ(m->vendor, "Acme Inc.");
  EXPECT_EQ(m->sdk_major, 1);
  EXPECT_EQ(m->libraries.at(std::string(platform())).path, "lib/plugin.so");
  ASSERT_EQ(m->components.size(), 1U);
  EXPECT_EQ(m->components[0].auto_priority, 50);
  EXPECT_EQ(m->components[0].image_context, "agent-acme");
  EXPECT_TRUE(m->components[0].capabilities.flag("/resume"));
  EXPECT_THAT(m->grants.process, ElementsAre("docker", "/usr/bin/x"));
  EXPECT_EQ(m->grants.endpoints.size(), 5U);
  EXPECT_THAT(m->protected_paths, ElementsAre("${HOME}/.acme"));
  EXPECT_THAT(m->env_strip, ElementsAre("ACME_*"));
}

TEST(Manifest, AcceptsNamesOfEveryShape) {
  for (const char* id : {"ab", "com.acme.agent", "a1-b2"}) {
    EXPECT_TRUE(parse_manifest(json::dump(sample_manifest(id, kHash)), id)) << id;
  }
  for (const char* version : {"0.0.0", "1.2.3-rc.1", "1.2.3+build.5", "1.2.3-a-b+c-d"}) {
    json::Value m = good();
    m["version"] = version;
    EXPECT_TRUE(parse_manifest(json::dump(m), "acme")) << version;
  }
}

TEST(Manifest, IgnoresUnknownMembersButNotUnknownGrants) {
  json::Value m = good();
  m["x-later"]["deep"] = 1;
  EXPECT_TRUE(parse_manifest(json::dump(m), "acme"));
  m["grants"]["camera"] = json::Value::strings({"front"});
  const auto refused = parse_manifest(json::dump(m), "acme");
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().message, HasSubstr("/grants/camera"));
}

TEST(Manifest, TheDirectoryMustCarryTheId) {
  const auto m = parse_manifest(json::dump(good()), "acme2");
  ASSERT_FALSE(m);
  EXPECT_THAT(m.error().message, HasSubstr("/id"));
}

struct Violation {
  const char* name;
  const char* pointer;   ///< what is set
  const char* value;     ///< JSON; empty: the member is removed
  const char* expected;  ///< pointer in the message
};

json::Value* descend(json::Value& root, std::string_view pointer) {
  json::Value* here = &root;
  while (!pointer.empty()) {
    pointer.remove_prefix(1);
    const std::size_t end = pointer.find('/');
    const std::string key(pointer.substr(0, end));
    pointer = end == std::string_view::npos ? std::string_view{} : pointer.substr(end);
    here = here->is_array() ? &here->array()[std::stoul(key)] : &(*here)[key];
  }
  return here;
}

class ManifestViolation : public testing::TestWithParam<Violation> {};

TEST_P(ManifestViolation, NamesThePointer) {
  json::Value m = good();
  const Violation& v = GetParam();
  if (*v.value == '\0') {
    const std::string_view p = v.pointer;
    const std::size_t slash = p.rfind('/');
    descend(m, p.substr(0, slash))->object().erase(std::string(p.substr(slash + 1)));
  } else {
    *descend(m, v.pointer) = *json::parse(v.value);
  }
  const auto parsed = parse_manifest(json::dump(m), "acme");
  ASSERT_FALSE(parsed) << v.name;
  EXPECT_EQ(parsed.error().id, "plugin.manifest");
  EXPECT_EQ(parsed.error().kind, Kind::config);
  EXPECT_THAT(parsed.error().message, HasSubstr(std::string(" ") + v.expected + " "));
}

#define PLATFORM_POINTER "/libraries/linux-x86_64"
INSTANTIATE_TEST_SUITE_P(
    All, ManifestViolation,
    testing::Values(
        Violation{"schema", "/schema", R"("scc.plugin/2")", "/schema"},
        Violation{"no_schema", "/schema", "", "/schema"}, Violation{"no_id", "/id", "", "/id"},
        Violation{"id_case", "/id", R"("Acme")", "/id"}, Violation{"id_number", "/id", "7", "/id"},
        Violation{"id_slash", "/id", R"("a/b")", "/id"}, Violation{"id_dots", "/id", R"("a..b")", "/id"},
        Violation{"version", "/version", R"("1.0")", "/version"},
        Violation{"version_zero", "/version", R"("01.0.0")", "/version"},
        Violation{"version_empty_pre", "/version", R"("1.0.0-")", "/version"},
        Violation{"title", "/title", R"("a\u001b[31m")", "/title"},
        Violation{"title_type", "/title", "1", "/title"},
        Violation{"vendor", "/vendor", R"("Acme")", "/vendor"},
        Violation{"sdk", "/sdk/major", R"("1")", "/sdk/major"}, Violation{"no_sdk", "/sdk", "", "/sdk/major"},
        Violation{"minor", "/sdk/min_minor", "-1", "/sdk/min_minor"},
        Violation{"minor_fraction", "/sdk/min_minor", "0.5", "/sdk/min_minor"},
        Violation{"no_libraries", "/libraries", "", "/libraries"},
        Violation{"empty_libraries", "/libraries", "{}", "/libraries"},
        Violation{"platform", "/libraries/beos-ppc", R"({"path":"a.so","sha256":""})", "/libraries/beos-ppc"},
        Violation{"container_empty", "/container", "{}", "/container"},
        Violation{"container_dotdot", "/container", R"({"linux-x86_64":{"path":"../a.so","sha256":""}})",
                  "/container/linux-x86_64/path"},
        Violation{"library_type", "/libraries/linux-aarch64", "[]", "/libraries/linux-aarch64"},
        Violation{"absolute", "/libraries/linux-aarch64", R"({"path":"/a.so","sha256":""})",
                  "/libraries/linux-aarch64/path"},
        Violation{"dotdot", "/libraries/linux-aarch64", R"({"path":"../a.so","sha256":""})",
                  "/libraries/linux-aarch64/path"},
        Violation{"inner_dotdot", "/libraries/linux-aarch64", R"({"path":"a/../b.so","sha256":""})",
                  "/libraries/linux-aarch64/path"},
        Violation{"suffix", "/libraries/linux-aarch64", R"({"path":"a.dll","sha256":""})",
                  "/libraries/linux-aarch64/path"},
        Violation{"sha", "/libraries/linux-aarch64", R"({"path":"a.so","sha256":"abc"})",
                  "/libraries/linux-aarch64/sha256"},
        Violation{"no_components", "/components", "", "/components"},
        Violation{"empty_components", "/components", "[]", "/components"},
        Violation{"component_type", "/components", "[1]", "/components/0"},
        Violation{"kind", "/components/0/kind", R"("wizard")", "/components/0/kind"},
        Violation{"interface", "/components/0/interface", R"("scc.provider")", "/components/0/interface"},
        Violation{"interface_kind", "/components/0/interface", R"("scc.runtime/1")",
                  "/components/0/interface"},
        Violation{"component_id", "/components/0/id", R"("A")", "/components/0/id"},
        Violation{"priority", "/components/0/auto_priority", "1001", "/components/0/auto_priority"},
        Violation{"image_context", "/components/0/image_context", R"("../x")", "/components/0/image_context"},
        Violation{"capabilities", "/components/0/capabilities", "[]", "/components/0/capabilities"},
        Violation{"grants", "/grants", "[]", "/grants"},
        Violation{"process", "/grants/process", R"(["./x"])", "/grants/process/0"},
        Violation{"process_type", "/grants/process", R"("docker")", "/grants/process"},
        Violation{"endpoint", "/grants/endpoints", R"(["http://x"])", "/grants/endpoints/0"},
        Violation{"endpoint_relative", "/grants/endpoints", R"(["unix:x.sock"])", "/grants/endpoints/0"},
        Violation{"endpoint_file", "/grants/endpoints", R"(["file:/a.json"])", "/grants/endpoints/0"},
        Violation{"files", "/grants/files", R"(["/ok", "rel"])", "/grants/files/1"},
        Violation{"files_dotdot", "/grants/files", R"(["${HOME}/../x"])", "/grants/files/0"},
        Violation{"env", "/grants/env", R"(["A=B"])", "/grants/env/0"},
        Violation{"protected", "/protected_paths", R"(["x"])", "/protected_paths/0"},
        Violation{"sockets", "/engine_sockets", R"([5])", "/engine_sockets/0"},
        Violation{"markers", "/workspace_markers", R"(["/abs"])", "/workspace_markers/0"},
        Violation{"strip", "/env_strip", R"(["*"])", "/env_strip/0"},
        Violation{"config_schema", "/config_schema", R"("/etc/passwd")", "/config_schema"}),
    [](const auto& param) { return std::string(param.param.name); });

TEST(Manifest, RepeatedComponentsAreRefused) {
  json::Value m = good();
  m["components"].array().push_back(m["components"].array().front());
  const auto parsed = parse_manifest(json::dump(m), "acme");
  ASSERT_FALSE(parsed);
  EXPECT_THAT(parsed.error().message, HasSubstr("/components/1"));
}

TEST(Manifest, RefusesWhatIsNoPlainJson) {
  const std::string deep = std::string(40, '[') + std::string(40, ']');
  for (const std::string& text : {std::string(), std::string("{"), std::string("// c\n{}"), std::string("[]"),
                                  deep, std::string(R"({"schema":"scc.plugin/1","schema":"scc.plugin/1"})"),
                                  std::string("{\"a\":\"\xff\"}"), std::string(300 << 10U, ' ') + "{}"}) {
    const auto parsed = parse_manifest(text, "acme");
    ASSERT_FALSE(parsed) << text.substr(0, 40);
    EXPECT_EQ(parsed.error().id, "plugin.manifest");
  }
}

TEST(Manifest, ListsAreBounded) {
  json::Value m = good();
  m["protected_paths"] = json::Value::strings(std::vector<std::string>(257, "/x"));
  EXPECT_FALSE(parse_manifest(json::dump(m), "acme"));
}

TEST(Interfaces, KindsAndMajors) {
  EXPECT_EQ(kind_of("scc.provider/2"), "provider");
  EXPECT_EQ(kind_of("com.acme.x/1"), "");
  EXPECT_TRUE(supported("scc.provider/1"));
  EXPECT_FALSE(supported("scc.provider/2"));
  EXPECT_FALSE(supported("scc.provider/1x"));
}

}  // namespace
}  // namespace scc::plugin
