// SPDX-License-Identifier: Apache-2.0
// Discovery, shadowing, trust states and errors of the registry, on manifests whose libraries are never
// mapped.
#include "plugin/registry.h"

#include <gmock/gmock.h>
#include <sys/stat.h>

#include "builtin/builtin.h"
#include "plugin/discovery.h"
#include "plugin/netpolicy.h"
#include "plugin/provider.h"
#include "plugin/runtime.h"
#include "unit/plugin/plugin_fixture.h"

namespace scc::plugin {
namespace {

using test::sample_manifest;
using testing::ElementsAre;
using testing::HasSubstr;

class RegistryTest : public test::PluginFixture {
 protected:
  /// A plugin `id` with a provider `component`, whose library is just text.
  void put(const std::filesystem::path& parent, const std::string& id, const std::string& component,
           const std::string& bytes = "library") {
    json::Value m = sample_manifest(id, os::sha256_hex(bytes));
    m["components"].array().front()["id"] = component;
    install(parent, m, bytes);
  }
  std::filesystem::path user() { return paths_.data / "plugins"; }
  std::filesystem::path system_dir() { return options_.system_dirs.front(); }

  void lock_bundled() {
    json::Value doc;
    doc["schema"] = "scc.plugins-lock/1";
    for (const auto& dir : std::filesystem::directory_iterator(paths_.plugins)) {
      if (!dir.is_directory()) continue;
      json::Value& hashes = doc["plugins"][dir.path().filename().string()];
      hashes["manifest"] = os::sha256_hex(test::slurp(dir.path() / "plugin.json"));
      hashes["library"] = os::sha256_hex(test::slurp(dir.path() / "lib/plugin.so"));
    }
    test::write(paths_.plugins / "plugins.lock", json::dump(doc));
  }
};

TEST_F(RegistryTest, EmptyDirectoriesGiveAnEmptyList) {
  const Registry registry = scan();
  EXPECT_TRUE(registry.entries().empty());
  EXPECT_TRUE(registry.components("provider").empty());
  ASSERT_EQ(registry.search_dirs().size(), 4U);
  EXPECT_EQ(registry.search_dirs()[0].reason, "found 0 plugins");
  EXPECT_EQ(registry.search_dirs()[1].reason, "does not exist");
}

TEST_F(RegistryTest, ScanningWritesNothing) {
  put(user(), "acme", "acme");
  static_cast<void>(scan());
  EXPECT_FALSE(std::filesystem::exists(paths_.state));
  EXPECT_FALSE(std::filesystem::exists(paths_.cache));
}

TEST_F(RegistryTest, EntriesAreSortedAndUntrustedAtFirst) {
  put(user(), "zulu", "z");
  put(user(), "alpha", "a");
  const Registry registry = scan();
  ASSERT_EQ(registry.entries().size(), 2U);
  EXPECT_EQ(registry.entries()[0].manifest.id, "alpha");
  for (const Entry& entry : registry.entries()) {
    EXPECT_EQ(entry.state, State::untrusted);
    EXPECT_EQ(entry.error_id, "plugin.untrusted");
    EXPECT_EQ(entry.error_kind, Kind::policy);
    EXPECT_THAT(entry.hint, HasSubstr("scc plugin trust " + entry.manifest.id));
  }
}

TEST_F(RegistryTest, BundledPluginsNeedTheLockFile) {
  put(paths_.plugins, "acme", "acme");
  EXPECT_EQ(scan().entries()[0].error_id, "plugin.untrusted");
  lock_bundled();
  EXPECT_EQ(scan().entries()[0].state, State::ready);
  EXPECT_EQ(scan().entries()[0].trust, TrustClass::bundled);
  put(paths_.plugins, "acme", "acme", "Library");
  EXPECT_EQ(scan().entries()[0].state, State::changed);
  test::write(paths_.plugins / "plugins.lock", "{");
  EXPECT_EQ(scan().entries()[0].state, State::untrusted);
  EXPECT_EQ(scan().warnings().size(), 1U);
}

TEST_F(RegistryTest, OneChangedByteIsSeenAtListing) {
  put(paths_.plugins, "acme", "acme");
  lock_bundled();
  ASSERT_EQ(scan().entries()[0].state, State::ready);
  test::write(paths_.plugins / "acme/lib/plugin.so", "librarz");
  EXPECT_EQ(scan().entries()[0].state, State::changed);
  EXPECT_EQ(scan().entries()[0].error_id, "plugin.hash");
}

TEST_F(RegistryTest, AChangedManifestIsAChange) {
  put(paths_.plugins, "acme", "acme");
  lock_bundled();
  json::Value m = sample_manifest("acme", os::sha256_hex("library"));
  m["grants"]["process"] = json::Value::strings({"rm"});
  install(paths_.plugins, m, "library");
  EXPECT_EQ(scan().entries()[0].state, State::changed);
}

TEST_F(RegistryTest, LowerClassesCannotShadowWhatRootInstalled) {
  put(paths_.plugins, "acme", "acme");
  lock_bundled();
  put(user(), "acme", "acme", "evil");
  put(plugins_, "impostor", "acme", "evil");
  const Registry registry = scan();
  const Entry* owner = registry.owner("provider", "acme");
  ASSERT_NE(owner, nullptr);
  EXPECT_EQ(owner->trust, TrustClass::bundled);
  EXPECT_EQ(owner->state, State::ready);
  std::size_t shadowed = 0;
  for (const Entry& entry : registry.entries()) {
    if (entry.trust == TrustClass::bundled) continue;
    ++shadowed;
    EXPECT_EQ(entry.state, State::shadowed) << entry.manifest.id;
    EXPECT_THAT(entry.reason, HasSubstr("acme (bundled)"));
    EXPECT_THAT(entry.hint, HasSubstr("--allow-override"));
  }
  EXPECT_EQ(shadowed, 2U);
}

TEST_F(RegistryTest, ADirectoryOfTwoClassesHasTheHigherOne) {
  // An installation into /usr/local makes the bundled directory a system directory too.
  put(paths_.plugins, "acme", "acme");
  lock_bundled();
  std::filesystem::create_directory_symlink(paths_.plugins, root_ / "alias");
  options_.system_dirs = {paths_.plugins};
  options_.plugin_dirs = {paths_.plugins, root_ / "alias"};
  const Registry registry = scan();
  ASSERT_EQ(registry.entries().size(), 1U);
  EXPECT_EQ(registry.entries()[0].trust, TrustClass::bundled);
  EXPECT_EQ(registry.entries()[0].state, State::ready);
  EXPECT_THAT(registry.search_dirs()[0].reason, HasSubstr("listed below"));
}

TEST_F(RegistryTest, SystemPluginsAreProtectedToo) {
  put(system_dir(), "acme", "acme");
  put(plugins_, "acme", "acme", "evil");
  EXPECT_EQ(scan().owner("provider", "acme")->trust, TrustClass::system);
}

TEST_F(RegistryTest, ABrokenBundledPluginStillOwnsItsId) {
  put(paths_.plugins, "acme", "acme");
  test::write(paths_.plugins / "acme/plugin.json", "{");
  put(user(), "acme", "acme", "evil");
  const Registry registry = scan();
  for (const Entry& entry : registry.entries()) EXPECT_NE(entry.state, State::untrusted);
  EXPECT_EQ(registry.owner("provider", "acme"), nullptr);
}

TEST_F(RegistryTest, AnOverrideIsByName) {
  put(paths_.plugins, "acme", "acme");
  lock_bundled();
  put(plugins_, "acme", "acme", "mine");
  options_.allow_override = {"acme"};
  const Registry registry = scan();
  ASSERT_NE(registry.owner("provider", "acme"), nullptr);
  EXPECT_EQ(registry.owner("provider", "acme")->trust, TrustClass::dev);
  EXPECT_EQ(registry.owner("provider", "acme")->state, State::untrusted);
  options_.allow_override = {"other"};
  EXPECT_EQ(scan().owner("provider", "acme")->trust, TrustClass::bundled);
}

TEST_F(RegistryTest, BetweenDevAndUserTheSearchOrderDecides) {
  put(user(), "acme", "acme");
  put(plugins_, "acme", "acme");
  EXPECT_EQ(scan().owner("provider", "acme")->trust, TrustClass::dev);
}

TEST_F(RegistryTest, TheBuiltInIdsCannotBeTaken) {
  options_.builtins = builtin::plugins();
  json::Value m = sample_manifest("evil", os::sha256_hex("library"));
  json::Value& c = m["components"].array().front();
  c["kind"] = "netpolicy";
  c["interface"] = "scc.netpolicy/1";
  c["id"] = "locked-down-web";
  install(user(), m, "library");
  const Registry registry = scan();
  EXPECT_EQ(registry.owner("netpolicy", "locked-down-web")->trust, TrustClass::builtin);
  EXPECT_EQ(find(registry, "evil")->state, State::shadowed);
}

TEST_F(RegistryTest, ComponentsAreOrderedByPriorityThenId) {
  for (const auto& [id, priority] :
       {std::pair{"bravo", 10}, std::pair{"charlie", 20}, std::pair{"alpha", 10}}) {
    json::Value m = sample_manifest(id, os::sha256_hex("library"));
    m["components"].array().front()["id"] = id;
    m["components"].array().front()["auto_priority"] = priority;
    install(paths_.plugins, m, "library");
  }
  lock_bundled();
  EXPECT_THAT(scan().components("provider"), ElementsAre("charlie", "alpha", "bravo"));
  EXPECT_TRUE(scan().components("runtime").empty());
}

TEST_F(RegistryTest, UnknownComponentsSuggestTheNearest) {
  put(user(), "acme", "acme");
  Registry registry = scan();
  const auto provider = registry.provider("acmee", json::Value());
  ASSERT_FALSE(provider);
  EXPECT_EQ(provider.error().kind, Kind::usage);
  EXPECT_EQ(provider.error().id, "plugin.unknown-component");
  EXPECT_THAT(provider.error().hint, HasSubstr("acme"));
  const auto untrusted = registry.provider("acme", json::Value());
  ASSERT_FALSE(untrusted);
  EXPECT_EQ(untrusted.error().id, "plugin.untrusted");
  EXPECT_EQ(untrusted.error().kind, Kind::policy);
  EXPECT_EQ(registry.trust("acmee").error().kind, Kind::not_found);
}

TEST_F(RegistryTest, TheEnvironmentPathIsIgnoredForRootOfAnotherUser) {
  const auto extra = root_ / "extra";
  put(extra, "acme", "acme");
  env_.vars["SCC_PLUGIN_PATH"] = extra.string();
  EXPECT_NE(find(scan(), "acme"), nullptr);
  options_.use_env_path = false;
  EXPECT_EQ(find(scan(), "acme"), nullptr);
  options_.use_env_path = true;
  env_.uid = 0;
  env_.vars["SUDO_UID"] = "1000";
  EXPECT_TRUE(env_path_untrusted(env_));
  const Registry registry = scan();
  EXPECT_EQ(find(registry, "acme"), nullptr);
  EXPECT_FALSE(registry.search_dirs()[1].used);
  EXPECT_THAT(registry.search_dirs()[1].reason, HasSubstr("root for another user"));
  env_.vars["SUDO_UID"] = "0";
  EXPECT_NE(find(scan(), "acme"), nullptr);
  env_.vars["SCC_PLUGIN_PATH"] = "relative/dir";
  EXPECT_FALSE(scan().search_dirs()[1].used);
}

TEST_F(RegistryTest, DeclarationsAreTheUnionOfWhatIsInstalled) {
  const auto declare = [&](const std::filesystem::path& parent, const std::string& id) {
    json::Value m = sample_manifest(id, os::sha256_hex("library"));
    m["components"].array().front()["id"] = id;
    m["protected_paths"] = json::Value::strings({"/secret/" + id, "/common"});
    m["workspace_markers"] = json::Value::strings({"." + id});
    install(parent, m, "library");
  };
  declare(paths_.plugins, "one");
  declare(user(), "two");
  lock_bundled();
  const Declarations d = scan().declarations();
  EXPECT_THAT(d.protected_paths, testing::UnorderedElementsAre("/secret/one", "/common", "/secret/two"));
  EXPECT_THAT(d.workspace_markers, ElementsAre(".one")) << "an untrusted plugin must not choose anything";
}

TEST_F(RegistryTest, UnsafeDirectoriesHaveNoSayAtAll) {
  json::Value m = sample_manifest("acme", os::sha256_hex("library"));
  m["protected_paths"] = json::Value::strings({"/everything"});
  install(user(), m, "library");
  ASSERT_EQ(chmod((user() / "acme").c_str(), 0777), 0);
  const Registry registry = scan();
  EXPECT_EQ(find(registry, "acme")->error_id, "plugin.unsafe-path");
  EXPECT_TRUE(registry.declarations().protected_paths.empty());
}

TEST_F(RegistryTest, TrustNeedsARealPlugin) {
  put(user(), "acme", "acme");
  Registry registry = scan();
  const Status trusted = registry.trust("acme");
  ASSERT_FALSE(trusted);
  EXPECT_EQ(trusted.error().id, "plugin.image");
  EXPECT_FALSE(std::filesystem::exists(paths_.state / "plugin-trust.json"));
}

TEST_F(RegistryTest, TrustLoadUntrustOfARealPlugin) {
  const std::string bytes = test::slurp(std::filesystem::path(BAD_PLUGIN_DIR) / "good.so");
  install(user(), sample_manifest("sample", os::sha256_hex(bytes)), bytes);
  Registry registry = scan();
  ASSERT_TRUE(registry.trust("sample"));
  EXPECT_EQ(find(registry, "sample")->state, State::ready);
  EXPECT_TRUE(registry.provider("sample", json::Value()));
  std::string changed = bytes;
  changed[changed.size() - 1] = static_cast<char>(changed.back() ^ 1);
  test::write(user() / "sample/lib/plugin.so", changed);
  registry = scan();
  EXPECT_EQ(find(registry, "sample")->state, State::changed);
  EXPECT_EQ(registry.provider("sample", json::Value()).error().id, "plugin.hash");
  // Also when manifest and library change together: the record is of other bytes.
  install(user(), sample_manifest("sample", os::sha256_hex(changed)), changed);
  registry = scan();
  EXPECT_EQ(find(registry, "sample")->state, State::changed);
  EXPECT_EQ(registry.provider("sample", json::Value()).error().id, "plugin.hash");
  install(user(), sample_manifest("sample", os::sha256_hex(bytes)), bytes);
  registry = scan();
  EXPECT_EQ(find(registry, "sample")->state, State::ready);
  ASSERT_TRUE(registry.untrust("sample"));
  EXPECT_EQ(find(registry, "sample")->state, State::untrusted);
  EXPECT_EQ(scan().provider("sample", json::Value()).error().id, "plugin.untrusted");
}

TEST_F(RegistryTest, TheConfigurationIsCheckedAgainstThePluginsSchema) {
  const std::string bytes = test::slurp(std::filesystem::path(BAD_PLUGIN_DIR) / "good.so");
  json::Value m = sample_manifest("sample", os::sha256_hex(bytes));
  m["config_schema"] = "share/config-1.json";
  install(user(), m, bytes);
  test::write(user() / "sample/share/config-1.json",
              R"({"type":"object","properties":{"model":{"type":"string"}}})");
  Registry registry = scan();
  ASSERT_TRUE(registry.trust("sample"));
  json::Value config;
  config["model"] = 7;
  const auto refused = registry.provider("sample", config);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().id, "plugin.config");
  EXPECT_THAT(refused.error().message, HasSubstr("/model"));
  config["model"] = "large";
  EXPECT_TRUE(registry.provider("sample", config));
}

}  // namespace
}  // namespace scc::plugin
