// SPDX-License-Identifier: Apache-2.0
// The bad-plugin matrix (sdk.md §14): each broken library or installation gives its own error id, says so in
// words, and a good plugin in the same registry works before and after.
#include <unistd.h>

#include <gmock/gmock.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "base/str.h"
#include "builtin/builtin.h"
#include "os/fs.h"
#include "plugin/netpolicy.h"
#include "plugin/provider.h"
#include "plugin/runtime.h"
#include "unit/plugin/plugin_fixture.h"

namespace scc::test {
namespace {

using testing::HasSubstr;

std::string library(std::string_view name) {
  return slurp(std::filesystem::path(BAD_PLUGIN_DIR) / (std::string(name) + ".so"));
}

json::Value launch_request() {
  const auto parsed = json::parse(R"({"schema":"scc.launch-request/1",
    "workspace":{"source":"/w","target":"/w","entry_dir":"/w"},
    "session":{"id":"${session.id}","resume":false,"fresh":true},
    "policy":{"network":"open","permission_bypass":false},"config":{},"tty":false,"agent_args":[],
    "user":{"uid":1000,"gid":1000,"name":"agent"},"home":"/home/agent"})");
  return *parsed;
}

class BadPlugins : public PluginFixture {
 protected:
  /// A plugin "sample" from the named library, with its hash in the manifest, beside the good plugin
  /// "witness".
  void set_up(std::string_view variant) {
    const std::string bytes = library(variant);
    ASSERT_FALSE(bytes.empty()) << variant;
    install(plugins_, sample_manifest("sample", os::sha256_hex(bytes)), bytes);
  }

  /// Trusts as a user would who knows the files are what he wants; the pipeline still judges them at load.
  static void force_trust(const os::Paths& paths, const plugin::Entry& entry) {
    json::Value record;
    record["id"] = entry.manifest.id;
    record["library"] = entry.sha256;
    record["manifest"] = entry.manifest_sha256;
    record["path"] = entry.directory.string();
    record["time"] = "2024-01-01T00:00:00Z";
    json::Value doc;
    doc["schema"] = "scc.plugin-trust/1";
    doc["records"] = json::Array{record};
    ASSERT_TRUE(os::make_dirs(paths.state));
    ASSERT_TRUE(os::write_file_atomic(paths.state / "plugin-trust.json", json::dump(doc), 0600));
  }

  Result<std::unique_ptr<plugin::Provider>> load() {
    plugin::Registry registry = scan();
    const plugin::Entry* entry = find(registry, "sample");
    if (entry != nullptr) force_trust(paths_, *entry);
    registry = scan();
    return registry.provider("sample", json::Value());
  }

  /// The registry that holds the bad plugin still serves others.
  void expect_others_work() {
    options_.builtins = builtin::plugins();
    plugin::Registry registry = scan();
    const auto policy = registry.netpolicy("open", json::Value());
    EXPECT_TRUE(policy) << (policy ? "" : policy.error().message);
    EXPECT_NE(find(registry, "sample"), nullptr) << "the bad plugin vanished from the list";
  }

  void expect_refused(std::string_view variant, std::string_view id, std::string_view words) {
    set_up(variant);
    const auto provider = load();
    ASSERT_FALSE(provider) << variant << " was accepted";
    EXPECT_EQ(provider.error().id, id) << provider.error().message;
    EXPECT_THAT(provider.error().message, HasSubstr(std::string(words)));
    EXPECT_FALSE(provider.error().hint.empty());
    expect_others_work();
  }
};

TEST_F(BadPlugins, TheGoodOneWorks) {
  for (const char* variant : {"good", "good_effects", "unknown_interface"}) {
    set_up("good");
    json::Value manifest = sample_manifest("sample", os::sha256_hex(library(variant)));
    if (std::string_view(variant) == "unknown_interface") {
      json::Array& list = manifest["components"].array();
      json::Value extra = list.front();
      extra["interface"] = "com.acme.telepathy/1";
      list.push_back(extra);
      extra["interface"] = "scc.runtime/2";
      extra["kind"] = "runtime";
      list.push_back(extra);
    }
    install(plugins_, manifest, library(variant));
    const auto provider = load();
    ASSERT_TRUE(provider) << variant << ": " << provider.error().id << ": " << provider.error().message;
    EXPECT_EQ((*provider)->ref().plugin, "sample");
    const auto spec = (*provider)->plan_launch(launch_request());
    ASSERT_TRUE(spec) << spec.error().message;
    EXPECT_EQ(spec->str("/image"), "ref:sample:1");
  }
}

TEST_F(BadPlugins, AnUnknownInterfaceIsUnsupportedAndTheRestWorks) {
  const std::string bytes = library("unknown_interface");
  json::Value manifest = sample_manifest("sample", os::sha256_hex(bytes));
  json::Array& list = manifest["components"].array();
  json::Value extra = list.front();
  extra["interface"] = "com.acme.telepathy/1";
  list.push_back(extra);
  extra["kind"] = "runtime";
  extra["interface"] = "scc.runtime/2";
  list.push_back(extra);
  install(plugins_, manifest, bytes);
  ASSERT_TRUE(load());
  plugin::Registry registry = scan();
  EXPECT_TRUE(registry.components("runtime").empty());
  EXPECT_THAT(registry.components("provider"), testing::ElementsAre("sample"));
  const auto runtime = registry.runtime("sample", json::Value());
  ASSERT_FALSE(runtime);
  EXPECT_EQ(runtime.error().id, "plugin.interface");
  EXPECT_TRUE(registry.provider("sample", json::Value()));
}

struct Case {
  const char* variant;
  const char* id;
  const char* words;
};

class BadLibrary : public BadPlugins, public testing::WithParamInterface<Case> {};

TEST_P(BadLibrary, IsRefusedByName) {
  expect_refused(GetParam().variant, GetParam().id, GetParam().words);
}

INSTANTIATE_TEST_SUITE_P(
    Matrix, BadLibrary,
    testing::Values(
        Case{"no_entry", "plugin.no-entry", "no scc plugin"},
        Case{"other_major", "plugin.no-entry", "another major version"},
        Case{"wrong_major", "plugin.sdk-version", "version 2"},
        Case{"null_table", "plugin.table", "has no table"},
        Case{"short_table", "plugin.table", "table of 4 bytes"},
        Case{"truncated_table", "plugin.table", "plan_launch"},
        Case{"missing_member", "plugin.table", "plan_launch"},
        Case{"no_components", "plugin.table", "0 components"}, Case{"stride", "plugin.table", "stride of 3"},
        Case{"null_id", "plugin.table", "no id"},
        Case{"crash_constructor", "plugin.probe-crash", "loading the library"},
        Case{"crash_init", "plugin.probe-crash", "init"},
        Case{"crash_create", "plugin.probe-crash", "creating scc.provider/1 sample"},
        Case{"exit_init", "plugin.probe-crash", "ended its process with code 0"},
        Case{"hang_init", "plugin.probe-timeout", "init"},
        Case{"hang_create", "plugin.probe-timeout", "creating"},
        Case{"null_instance", "plugin.probe-refused", "without an instance"},
        Case{"throw_create", "plugin.probe-refused", "exception"},
        Case{"throw_create_own_runtime", "plugin.probe-crash", "creating"},
        Case{"stdout", "plugin.probe-refused", "hello from a plugin"},
        Case{"thread_leak", "plugin.probe-refused", "threads"},
        Case{"fd_leak", "plugin.probe-refused", "descriptors"}, Case{"fork", "plugin.probe-refused", "clone"},
        Case{"exec", "plugin.probe-refused", "execve"}, Case{"socket", "plugin.probe-refused", "socket"},
        Case{"unlink", "plugin.probe-refused", "unlink"},
        Case{"init_fails", "plugin.probe-refused", "init failed"},
        Case{"other_id", "plugin.manifest-mismatch", "somebody-else"},
        Case{"other_version", "plugin.manifest-mismatch", "9.9.9"},
        Case{"other_component", "plugin.manifest-mismatch", "does not have it"},
        Case{"extra_symbol", "plugin.image", "extra_symbol"}, Case{"rpath", "plugin.image", "RPATH"},
        Case{"exec_stack", "plugin.image", "executable stack"}, Case{"needed", "plugin.image", "libresolv"}),
    [](const auto& param) { return std::string(param.param.variant); });

class BadAnswer : public BadPlugins, public testing::WithParamInterface<Case> {};

TEST_P(BadAnswer, EndsTheUseOfTheInstance) {
  set_up(GetParam().variant);
  const auto provider = load();
  ASSERT_TRUE(provider) << provider.error().message;
  const auto spec = (*provider)->plan_launch(launch_request());
  ASSERT_FALSE(spec);
  EXPECT_EQ(spec.error().id, GetParam().id) << spec.error().message;
  EXPECT_THAT(spec.error().message, HasSubstr(GetParam().words));
  ASSERT_FALSE(spec.error().context.empty());
  EXPECT_THAT(spec.error().context.front(), HasSubstr("in plugin sample (plan_launch)"));
  const auto again = (*provider)->plan_launch(launch_request());
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error().id, "plugin.faulty");
  expect_others_work();
}

INSTANTIATE_TEST_SUITE_P(Matrix, BadAnswer,
                         testing::Values(Case{"huge_output", "plugin.output-limit", "16 MiB"},
                                         Case{"garbage_json", "plugin.output-json", "launch-spec"},
                                         Case{"schema", "plugin.output-schema", "launch-spec"},
                                         Case{"status", "plugin.bad-status", "4711"},
                                         Case{"throw_plan", "plugin.exception", "exception"}),
                         [](const auto& param) { return std::string(param.param.variant); });

TEST_F(BadPlugins, AnHonestFailureKeepsItsWordsAndTheInstance) {
  set_up("own_error");
  const auto provider = load();
  ASSERT_TRUE(provider) << provider.error().message;
  for (int i = 0; i < 2; ++i) {
    const auto spec = (*provider)->plan_launch(launch_request());
    ASSERT_FALSE(spec);
    EXPECT_EQ(spec.error().kind, Kind::prereq);
    EXPECT_EQ(spec.error().id, "acme.no-key");
    EXPECT_EQ(spec.error().message, "ACME_API_KEY is \\x1b[31mnot set");
    EXPECT_EQ(spec.error().hint, "export it, then retry");
  }
}

TEST_F(BadPlugins, ACrashInALiveCallNamesThePluginAndMarksItsBytes) {
  set_up("crash_plan");
  ASSERT_TRUE(load());
  int ends[2];
  ASSERT_EQ(pipe(ends), 0);
  const pid_t child = fork();
  if (child == 0) {
    dup2(ends[1], STDERR_FILENO);
    plugin::Registry registry = scan();
    auto provider = registry.provider("sample", json::Value());
    if (!provider) _exit(3);
    static_cast<void>((*provider)->plan_launch(launch_request()));
    _exit(0);
  }
  close(ends[1]);
  std::string err;
  char buffer[4096];
  for (ssize_t n = 0; (n = read(ends[0], buffer, sizeof(buffer))) > 0;)
    err.append(buffer, static_cast<std::size_t>(n));
  close(ends[0]);
  int status = 0;
  waitpid(child, &status, 0);
  EXPECT_FALSE(WIFEXITED(status) && (WEXITSTATUS(status) == 0 || WEXITSTATUS(status) == 3));
  EXPECT_THAT(err, HasSubstr("plugin sample crashed scc in plan_launch (SIGSEGV)"));

  plugin::Registry registry = scan();
  EXPECT_EQ(find(registry, "sample")->state, plugin::State::suspect);
  const auto refused = registry.provider("sample", json::Value());
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().id, "plugin.suspect");
  expect_others_work();
  ASSERT_TRUE(registry.trust("sample"));
  EXPECT_EQ(find(registry, "sample")->state, plugin::State::ready);
  EXPECT_TRUE(registry.provider("sample", json::Value()));
}

TEST_F(BadPlugins, ATruncatedLibrary) {
  std::string bytes = library("good");
  bytes.resize(bytes.size() / 2);
  install(plugins_, sample_manifest("sample", os::sha256_hex(bytes)), bytes);
  const auto provider = load();
  ASSERT_FALSE(provider);
  EXPECT_EQ(provider.error().id, "plugin.image") << provider.error().message;
  expect_others_work();
}

TEST_F(BadPlugins, AHashThatDiffersFromTheManifest) {
  std::string bytes = library("good");
  const json::Value manifest = sample_manifest("sample", os::sha256_hex(bytes));
  bytes.back() = static_cast<char>(bytes.back() ^ 1);
  install(plugins_, manifest, bytes);
  const auto provider = load();
  ASSERT_FALSE(provider);
  EXPECT_EQ(provider.error().id, "plugin.hash") << provider.error().message;
  expect_others_work();
}

TEST_F(BadPlugins, ADirectoryThatOthersMayWrite) {
  set_up("good");
  ASSERT_EQ(chmod((plugins_ / "sample").c_str(), 0777), 0);
  const auto provider = load();
  ASSERT_FALSE(provider);
  EXPECT_EQ(provider.error().id, "plugin.unsafe-path");
  EXPECT_THAT(provider.error().hint, HasSubstr("chmod go-w"));
  expect_others_work();
}

TEST_F(BadPlugins, ASearchDirectoryThatOthersMayWrite) {
  set_up("good");
  ASSERT_TRUE(load());
  ASSERT_EQ(chmod(plugins_.c_str(), 0777), 0);
  const auto provider = load();
  ASSERT_FALSE(provider);
  EXPECT_EQ(provider.error().id, "plugin.unsafe-path");
  expect_others_work();
}

TEST_F(BadPlugins, ALibraryDirectoryThatOthersMayWrite) {
  set_up("good");
  ASSERT_EQ(chmod((plugins_ / "sample/lib").c_str(), 0777), 0);
  const auto provider = load();
  ASSERT_FALSE(provider);
  EXPECT_EQ(provider.error().id, "plugin.unsafe-path");
}

TEST_F(BadPlugins, ALibraryThatOthersMayWrite) {
  set_up("good");
  ASSERT_EQ(chmod((plugins_ / "sample/lib/plugin.so").c_str(), 0666), 0);
  const auto provider = load();
  ASSERT_FALSE(provider);
  EXPECT_EQ(provider.error().id, "plugin.unsafe-file");
}

TEST_F(BadPlugins, ALibraryThatIsALink) {
  set_up("good");
  const auto file = plugins_ / "sample/lib/plugin.so";
  std::filesystem::rename(file, root_ / "elsewhere.so");
  std::filesystem::create_symlink(root_ / "elsewhere.so", file);
  const auto provider = load();
  ASSERT_FALSE(provider);
  EXPECT_EQ(provider.error().id, "plugin.unsafe-file");
  EXPECT_THAT(provider.error().message, HasSubstr("link"));
  expect_others_work();
}

TEST_F(BadPlugins, APluginDirectoryThatIsALink) {
  set_up("good");
  std::filesystem::rename(plugins_ / "sample", root_ / "sample");
  std::filesystem::create_directory_symlink(root_ / "sample", plugins_ / "sample");
  plugin::Registry registry = scan();
  ASSERT_NE(find(registry, "sample"), nullptr);
  EXPECT_EQ(find(registry, "sample")->error_id, "plugin.unsafe-path");
}

TEST_F(BadPlugins, AManifestThatNeedsANewerHost) {
  const std::string bytes = library("good");
  json::Value manifest = sample_manifest("sample", os::sha256_hex(bytes));
  manifest["sdk"]["min_minor"] = 99;
  install(plugins_, manifest, bytes);
  const auto provider = load();
  ASSERT_FALSE(provider);
  EXPECT_EQ(provider.error().id, "plugin.sdk-version");
  EXPECT_THAT(provider.error().message, HasSubstr("1.99"));
  expect_others_work();
}

TEST_F(BadPlugins, AManifestWithoutThisPlatform) {
  const std::string bytes = library("good");
  json::Value manifest = sample_manifest("sample", os::sha256_hex(bytes));
  json::Value libraries;
  libraries["macos-arm64"]["path"] = "lib/plugin.dylib";
  libraries["macos-arm64"]["sha256"] = std::string(64, 'a');
  manifest["libraries"] = libraries;
  install(plugins_, manifest, bytes);
  const auto provider = load();
  ASSERT_FALSE(provider);
  EXPECT_EQ(provider.error().id, "plugin.platform");
}

TEST_F(BadPlugins, AManifestThatIsNoJson) {
  set_up("good");
  write(plugins_ / "sample/plugin.json", "{ not json");
  const auto provider = load();
  ASSERT_FALSE(provider);
  EXPECT_EQ(provider.error().id, "plugin.manifest");
  expect_others_work();
}

TEST_F(BadPlugins, WhatThePolicyDeniesIsNotEvenProbed) {
  set_up("crash_constructor");
  force_trust(paths_, *find(scan(), "sample"));
  plugin::Policy policy;
  policy.deny = {"sample"};
  plugin::Registry registry = scan();
  ASSERT_TRUE(registry.set_policy(policy));
  const auto provider = registry.provider("sample", json::Value());
  ASSERT_FALSE(provider);
  EXPECT_EQ(provider.error().id, "plugin.denied") << "trusted, but the organisation's word counts";
  EXPECT_EQ(exit_code(provider.error().kind), 6);
  EXPECT_FALSE(std::filesystem::exists(paths_.cache / "plugin-probe")) << "nothing of it may run";
  registry = scan();
  ASSERT_TRUE(registry.set_policy({}));
  EXPECT_EQ(registry.provider("sample", json::Value()).error().id, "plugin.probe-crash")
      << "the same plugin reaches the probe when it is not denied";
  expect_others_work();
}

TEST_F(BadPlugins, APinOfOtherBytesIsNoTrust) {
  set_up("good");
  plugin::Policy policy;
  policy.mode = "pinned";
  policy.allow = {{"sample", "", {os::sha256_hex(library("good_effects"))}, {}}};
  plugin::Registry registry = scan();
  ASSERT_TRUE(registry.set_policy(policy));
  EXPECT_EQ(registry.provider("sample", json::Value()).error().id, "plugin.denied");
  policy.allow.front().sha256 = {os::sha256_hex(library("good"))};
  registry = scan();
  ASSERT_TRUE(registry.set_policy(policy));
  EXPECT_TRUE(registry.provider("sample", json::Value()));
  // The manifest goes on claiming the pinned hash; the bytes on disk are others.
  write(plugins_ / "sample/lib/plugin.so", library("good_effects"));
  registry = scan();
  ASSERT_TRUE(registry.set_policy(policy));
  EXPECT_EQ(registry.provider("sample", json::Value()).error().id, "plugin.hash");
}

}  // namespace
}  // namespace scc::test
