// SPDX-License-Identifier: Apache-2.0
// The organisation's policy for plugins: each rule is broken on purpose, and each is seen to let through what
// it allows.
#include "plugin/policy.h"

#include <gmock/gmock.h>

#include "builtin/builtin.h"
#include "plugin/netpolicy.h"
#include "plugin/provider.h"
#include "unit/plugin/plugin_fixture.h"

namespace scc::plugin {
namespace {

using test::sample_manifest;
using testing::ElementsAre;
using testing::HasSubstr;

class PolicyTest : public test::PluginFixture {
 protected:
  PolicyTest() { options_.builtins = builtin::plugins(); }

  std::filesystem::path user() { return paths_.data / "plugins"; }
  std::filesystem::path system_dir() { return options_.system_dirs.front(); }
  static std::string hash(const std::string& bytes = "library") { return os::sha256_hex(bytes); }

  json::Value manifest(const std::string& id, const std::string& bytes = "library") {
    json::Value m = sample_manifest(id, os::sha256_hex(bytes));
    m["components"].array().front()["id"] = id;
    return m;
  }
  void put(const std::filesystem::path& parent, const std::string& id, const std::string& bytes = "library") {
    install(parent, manifest(id, bytes), bytes);
  }
  void put_network(const std::filesystem::path& parent, const std::string& id,
                   const std::string& bytes = "library") {
    json::Value m = manifest(id, bytes);
    json::Value& c = m["components"].array().front();
    c["kind"] = "netpolicy";
    c["interface"] = "scc.netpolicy/1";
    c["id"] = "web-egress-enforced";
    install(parent, m, bytes);
  }
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

  static Policy policy(std::string mode, std::vector<PolicyRule> allow = {}) {
    Policy out;
    out.source = "Acme";
    out.mode = std::move(mode);
    out.allow = std::move(allow);
    return out;
  }

  /// The one entry of that id after the policy was set.
  Entry judged(const Policy& rules, const std::string& id = "acme", std::vector<Policy> lower = {}) {
    Registry registry = scan();
    const Status set = registry.set_policy(rules, std::move(lower));
    EXPECT_TRUE(set) << set.error().message;
    const Entry* entry = find(registry, id);
    if (entry == nullptr) throw std::runtime_error("no plugin " + id);
    return *entry;
  }

  void expect_denied(const Policy& rules, const std::string& pointer, const std::string& id = "acme") {
    Registry registry = scan();
    ASSERT_TRUE(registry.set_policy(rules));
    const Entry* entry = find(registry, id);
    ASSERT_NE(entry, nullptr);
    EXPECT_EQ(to_string(entry->state), "denied") << pointer;
    EXPECT_EQ(entry->error_id, "plugin.denied");
    EXPECT_EQ(entry->policy.rule, pointer);
    EXPECT_THAT(entry->reason, HasSubstr("Acme"));
    EXPECT_THAT(entry->reason, HasSubstr(pointer));
    EXPECT_THAT(entry->hint, HasSubstr(pointer));
    const ManifestComponent& c = entry->manifest.components.front();
    Error error;
    if (c.kind == "netpolicy") {
      const auto made = registry.netpolicy(c.id, json::Value());
      ASSERT_FALSE(made);
      error = made.error();
    } else {
      const auto made = registry.provider(c.id, json::Value());
      ASSERT_FALSE(made);
      error = made.error();
    }
    EXPECT_EQ(error.id, "plugin.denied") << error.message;
    EXPECT_EQ(exit_code(error.kind), 6);
    if (entry->trust == TrustClass::builtin) return;
    EXPECT_EQ(registry.trust(id).error().id, "plugin.denied") << "trust must not get around the policy";
  }
};

TEST_F(PolicyTest, WithoutAPolicyNothingIsDenied) {
  put(user(), "acme");
  EXPECT_EQ(scan().entries().front().state, State::untrusted);
  EXPECT_EQ(judged(Policy{}).state, State::untrusted) << "open is local trust";
  EXPECT_TRUE(scan().check_required());
}

TEST_F(PolicyTest, PinnedNeedsIdAndHash) {
  put(user(), "acme");
  expect_denied(policy("pinned"), "/plugins/allow");
  expect_denied(policy("pinned", {{"other", "", {hash()}, {}}}), "/plugins/allow");
  expect_denied(policy("pinned", {{"acme", "", {}, {}}}), "/plugins/allow/0/sha256");
  expect_denied(policy("pinned", {{"acme", "", {hash("x"), hash("y")}, {}}}), "/plugins/allow/0/sha256");
  const Entry entry = judged(policy("pinned", {{"acme", "", {hash("x"), hash()}, {}}}));
  EXPECT_EQ(entry.state, State::ready) << "a pin vouches, no local trust is needed: " << entry.reason;
  EXPECT_EQ(entry.policy.rule, "/plugins/allow/0");
  EXPECT_TRUE(entry.policy.vouched);
}

TEST_F(PolicyTest, APinIsOfTheBytesOnDisk) {
  put(user(), "acme");
  test::write(user() / "acme/lib/plugin.so", "librarz");
  const Policy rules = policy("pinned", {{"acme", "", {hash()}, {}}});
  const Entry entry = judged(rules);
  EXPECT_EQ(entry.state, State::changed);
  EXPECT_EQ(entry.error_id, "plugin.hash");
}

TEST_F(PolicyTest, APinnedLibraryLoadsWithoutLocalTrust) {
  const std::string bytes = test::slurp(std::filesystem::path(BAD_PLUGIN_DIR) / "good.so");
  install(user(), sample_manifest("sample", os::sha256_hex(bytes)), bytes);
  EXPECT_FALSE(scan().provider("sample", json::Value()));
  Registry registry = scan();
  ASSERT_TRUE(registry.set_policy(policy("pinned", {{"sample", ">=1 <2", {os::sha256_hex(bytes)}, {}}})));
  const auto provider = registry.provider("sample", json::Value());
  ASSERT_TRUE(provider) << provider.error().message;
  EXPECT_EQ(registry.provenance(*find(registry, "sample")).vouched_by, "Acme");
  EXPECT_EQ(registry.provenance(*find(registry, "sample")).rule, "/plugins/allow/0 of Acme");
}

TEST_F(PolicyTest, ListedNeedsIdAndVersion) {
  put(user(), "acme");
  expect_denied(policy("listed"), "/plugins/allow");
  expect_denied(policy("listed", {{"acme", ">=1.2 <2", {}, {}}}), "/plugins/allow/0/version");
  expect_denied(policy("listed", {{"acme", "", {hash("x")}, {}}}), "/plugins/allow/0/sha256");
  const Entry entry = judged(policy("listed", {{"acme", ">=1 <2", {}, {}}}));
  EXPECT_EQ(entry.state, State::untrusted) << "listed is not vouched for: the bytes are unknown";
  EXPECT_EQ(judged(policy("listed", {{"acme", ">=2", {}, {}}, {"acme", "<2", {hash()}, {}}})).state,
            State::ready);
}

TEST_F(PolicyTest, OpenIsLocalTrustWithinTheRules) {
  put(user(), "acme");
  EXPECT_EQ(judged(policy("open")).state, State::untrusted);
  EXPECT_EQ(judged(policy("open", {{"other", "9", {}, {}}})).state, State::untrusted);
  expect_denied(policy("open", {{"acme", "9", {}, {}}}), "/plugins/allow/0/version");
}

TEST_F(PolicyTest, TheDenyListWins) {
  put(user(), "acme");
  for (const char* pattern : {"acme", "ac*", "*"}) {
    Policy rules = policy("pinned", {{"acme", "", {hash()}, {}}});
    rules.deny = {"somebody", pattern};
    expect_denied(rules, "/plugins/deny/1");
  }
  Policy rules = policy("pinned", {{"acme", "", {hash()}, {}}});
  rules.deny = {"acm", "cme", "acme2", "b*"};
  EXPECT_EQ(judged(rules).state, State::ready);
}

TEST_F(PolicyTest, GrantsMustBeASubset) {
  json::Value m = manifest("acme");
  m["grants"]["process"] = json::Value::strings({"engine"});
  m["grants"]["env"] = json::Value::strings({"TOKEN"});
  m["grants"]["endpoints"] = json::Value::strings({"unix:/run/engine.sock"});
  m["grants"]["files"] = json::Value::strings({"${HOME}/.engine"});
  install(user(), m, "library");
  const std::vector<std::string> all = {"process:engine", "env:TOKEN", "endpoints:unix:/run/engine.sock",
                                        "files:${HOME}/.engine"};
  EXPECT_EQ(judged(policy("pinned", {{"acme", "", {hash()}, all}})).state, State::ready);
  EXPECT_EQ(judged(policy("pinned", {{"acme", "", {hash()}, std::nullopt}})).state, State::ready);
  expect_denied(policy("pinned", {{"acme", "", {hash()}, std::vector<std::string>{}}}),
                "/plugins/allow/0/grants");
  for (std::size_t missing = 0; missing < all.size(); ++missing) {
    std::vector<std::string> some = all;
    some.erase(some.begin() + static_cast<std::ptrdiff_t>(missing));
    expect_denied(policy("pinned", {{"acme", "", {hash()}, some}}), "/plugins/allow/0/grants");
    expect_denied(policy("open", {{"acme", "", {}, some}}), "/plugins/allow/0/grants");
  }
}

TEST_F(PolicyTest, UsersOwnPluginsCanBeSwitchedOff) {
  put(user(), "acme");
  put(plugins_, "deva");
  put(system_dir(), "sys");
  Policy rules =
      policy("pinned", {{"acme", "", {hash()}, {}}, {"deva", "", {hash()}, {}}, {"sys", "", {hash()}, {}}});
  rules.allow_user = false;
  expect_denied(rules, "/plugins/allow_user");
  expect_denied(rules, "/plugins/allow_user", "deva");
  EXPECT_EQ(judged(rules, "sys").state, State::ready);
  Registry registry = scan();
  ASSERT_TRUE(registry.set_policy(rules));
  for (const SearchDir& dir : registry.search_dirs()) {
    if (dir.trust == TrustClass::user || dir.trust == TrustClass::dev) {
      EXPECT_FALSE(dir.used) << dir.path;
      EXPECT_THAT(dir.reason, HasSubstr("organisation"));
    }
  }
}

TEST_F(PolicyTest, LockedTakesAwayDevPluginsAndOverrides) {
  put(paths_.plugins, "acme");
  lock_bundled();
  put(user(), "acme", "mine");
  put(plugins_, "deva");
  options_.allow_override = {"acme"};
  EXPECT_EQ(scan().owner("provider", "acme")->trust, TrustClass::user);
  Policy rules = policy("open");
  rules.locked = true;
  expect_denied(rules, "/plugins/locked", "deva");
  Registry registry = scan();
  ASSERT_TRUE(registry.set_policy(rules));
  EXPECT_EQ(registry.owner("provider", "acme")->trust, TrustClass::bundled);
  EXPECT_EQ(registry.owner("provider", "acme")->state, State::ready);
  ASSERT_EQ(registry.warnings().size(), 1U);
  EXPECT_THAT(registry.warnings()[0], HasSubstr("--allow-override"));
}

TEST_F(PolicyTest, WhatCameWithSccNeedsNoRuleButObeysThem) {
  put(paths_.plugins, "acme");
  lock_bundled();
  EXPECT_EQ(judged(policy("pinned")).state, State::ready);
  EXPECT_EQ(judged(policy("listed")).state, State::ready);
  EXPECT_EQ(judged(policy("pinned"), "builtin-network").state, State::ready);
  EXPECT_EQ(judged(policy("pinned", {{"acme", ">=1", {}, {}}})).state, State::ready);
  expect_denied(policy("pinned", {{"acme", ">=2", {}, {}}}), "/plugins/allow/0/version");
  expect_denied(policy("pinned", {{"acme", "", {hash("x")}, {}}}), "/plugins/allow/0/sha256");
  Policy rules = policy("open");
  rules.deny = {"acme"};
  expect_denied(rules, "/plugins/deny/0");
  rules.deny = {"builtin-*"};
  expect_denied(rules, "/plugins/deny/0", "builtin-network");
}

TEST_F(PolicyTest, ADeniedBundledPluginKeepsItsIdFromUsers) {
  put(paths_.plugins, "acme");
  lock_bundled();
  put(user(), "acme", "mine");
  Policy rules = policy("open");
  rules.deny = {"acme"};
  Registry registry = scan();
  ASSERT_TRUE(registry.set_policy(rules));
  for (const Entry& entry : registry.entries()) {
    if (entry.manifest.id != "acme") continue;
    EXPECT_EQ(entry.state, State::denied);
  }
  // Another id with the same component does not get it either ...
  std::filesystem::remove_all(user() / "acme");
  json::Value m = manifest("impostor", "mine");
  m["components"].array().front()["id"] = "acme";
  install(user(), m, "mine");
  registry = scan();
  ASSERT_TRUE(registry.set_policy(rules));
  EXPECT_EQ(find(registry, "impostor")->state, State::shadowed);
  EXPECT_EQ(registry.provider("acme", json::Value()).error().id, "plugin.denied");
  // ... unless the organisation pins exactly these bytes.
  rules.allow = {{"impostor", "", {hash("mine")}, {}}};
  registry = scan();
  ASSERT_TRUE(registry.set_policy(rules));
  EXPECT_EQ(find(registry, "impostor")->state, State::ready);
  EXPECT_EQ(registry.owner("provider", "acme")->manifest.id, "impostor");
}

TEST_F(PolicyTest, RequiredPluginsMustBeUsable) {
  put(user(), "acme");
  Policy rules = policy("pinned", {{"acme", "", {hash()}, {}}});
  rules.required = {"acme"};
  Registry registry = scan();
  ASSERT_TRUE(registry.set_policy(rules));
  EXPECT_TRUE(registry.check_required());
  rules.required = {"acme", "gone"};
  registry = scan();
  ASSERT_TRUE(registry.set_policy(rules));
  Status status = registry.check_required();
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().id, "plugin.required");
  EXPECT_EQ(exit_code(status.error().kind), 5);
  EXPECT_THAT(status.error().message, HasSubstr("gone"));
  EXPECT_THAT(status.error().message, HasSubstr("not installed"));
  // Present, but nobody vouches for it.
  rules = policy("open");
  rules.required = {"acme"};
  registry = scan();
  ASSERT_TRUE(registry.set_policy(rules));
  status = registry.check_required();
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().id, "plugin.required");
  EXPECT_THAT(status.error().message, HasSubstr("not trusted"));
  EXPECT_THAT(status.error().hint, HasSubstr("scc plugin trust acme"));
}

TEST_F(PolicyTest, LowerLayersOnlyTighten) {
  put(user(), "acme");
  const Policy pins = policy("pinned", {{"acme", "", {hash()}, {}}});
  Policy lower;
  lower.source = "the user";
  lower.deny = {"acme"};
  Entry entry = judged(pins, "acme", {lower});
  EXPECT_EQ(entry.state, State::denied);
  EXPECT_THAT(entry.reason, HasSubstr("the user"));
  // A lower layer opens nothing and vouches for nothing.
  lower = pins;
  lower.source = "the user";
  EXPECT_EQ(judged(policy("pinned"), "acme", {lower}).state, State::denied);
  EXPECT_EQ(judged(policy("open"), "acme", {lower}).state, State::untrusted);
  // Its requirements and its locks count.
  lower = Policy{};
  lower.required = {"gone"};
  Registry registry = scan();
  ASSERT_TRUE(registry.set_policy(pins, {lower}));
  EXPECT_EQ(registry.check_required().error().id, "plugin.required");
  lower = Policy{};
  lower.allow_user = false;
  EXPECT_EQ(judged(pins, "acme", {lower}).state, State::denied);
  // It does not choose the enforcer.
  put_network(system_dir(), "wall");
  lower = Policy{};
  lower.enforcer_id = "wall";
  lower.enforcer_sha256 = hash();
  EXPECT_EQ(judged(policy("open"), "wall", {lower}).state, State::denied);
}

TEST_F(PolicyTest, TheEnforcerIsTheBundledOneByDefault) {
  put_network(system_dir(), "wall");
  expect_denied(policy("open"), "/network/enforcer", "wall");
  expect_denied(policy("pinned", {{"wall", "", {hash()}, {}}}), "/network/enforcer", "wall");
  put_network(paths_.plugins, "wall-bundled");
  lock_bundled();
  Registry registry = scan();
  ASSERT_TRUE(registry.set_policy(policy("pinned")));
  ASSERT_NE(registry.owner("netpolicy", "web-egress-enforced"), nullptr);
  EXPECT_EQ(registry.owner("netpolicy", "web-egress-enforced")->manifest.id, "wall-bundled");
  EXPECT_EQ(find(registry, "wall-bundled")->state, State::ready);
  EXPECT_THAT(registry.components("netpolicy"),
              ElementsAre("locked-down-web", "open", "web-egress-enforced"));
}

TEST_F(PolicyTest, TheEnforcerIsWhatThePolicyNames) {
  put_network(paths_.plugins, "wall-bundled");
  lock_bundled();
  for (const auto& parent : {system_dir(), user()}) {
    put_network(parent, "wall");
    Policy rules = policy("pinned");
    rules.enforcer_id = "wall";
    rules.enforcer_sha256 = hash();
    Registry registry = scan();
    ASSERT_TRUE(registry.set_policy(rules));
    const Entry* owner = registry.owner("netpolicy", "web-egress-enforced");
    ASSERT_NE(owner, nullptr);
    EXPECT_EQ(owner->manifest.id, "wall");
    EXPECT_EQ(owner->state, State::ready) << owner->reason;
    EXPECT_EQ(owner->policy.rule, "/network/enforcer");
    EXPECT_EQ(find(registry, "wall-bundled")->state, State::denied);
    // Other bytes under its name.
    rules.enforcer_sha256 = hash("other");
    expect_denied(rules, "/network/enforcer", "wall-bundled");
    rules.mode = "open";
    expect_denied(rules, "/network/enforcer", "wall");
    rules.enforcer_sha256.clear();
    expect_denied(rules, "/network/enforcer", "wall");
    // Its deny list and its classes bind it, too.
    rules.enforcer_sha256 = hash();
    rules.deny = {"wall"};
    expect_denied(rules, "/plugins/deny/0", "wall");
    std::filesystem::remove_all(parent / "wall");
  }
  Policy rules = policy("open");
  rules.enforcer_id = "wall-bundled";
  EXPECT_EQ(judged(rules, "wall-bundled").state, State::ready);
}

TEST_F(PolicyTest, AMissingEnforcerIsNotReplaced) {
  put_network(paths_.plugins, "wall-bundled");
  lock_bundled();
  Policy rules = policy("open");
  rules.enforcer_id = "wall";
  rules.enforcer_sha256 = hash();
  Registry registry = scan();
  ASSERT_TRUE(registry.set_policy(rules));
  const auto made = registry.netpolicy("web-egress-enforced", json::Value());
  ASSERT_FALSE(made);
  EXPECT_EQ(made.error().id, "plugin.denied");
  EXPECT_THAT(made.error().message, HasSubstr("wall"));
  EXPECT_TRUE(registry.netpolicy("open", json::Value())) << "built-in modes are not its business";
}

TEST_F(PolicyTest, RulesThatCannotBeReadLoadNothing) {
  std::vector<Policy> bad(7, policy("open"));
  bad[0].mode = "relaxed";
  bad[1].allow = {{"acme", "~1.2", {}, {}}};
  bad[2].allow = {{"acme", "", {"ABC"}, {}}};
  bad[3].allow = {{"", "", {}, {}}};
  bad[4].enforcer_sha256 = hash();
  bad[5].deny = {""};
  bad[6].enforcer_id = "wall";
  bad[6].enforcer_sha256 = "00";
  for (const Policy& rules : bad) {
    Registry registry = scan();
    const Status set = registry.set_policy(rules);
    ASSERT_FALSE(set);
    EXPECT_EQ(set.error().id, "plugin.policy");
    EXPECT_EQ(set.error().kind, Kind::config);
    EXPECT_EQ(registry.netpolicy("open", json::Value()).error().id, "plugin.policy");
    EXPECT_EQ(registry.check_required().error().id, "plugin.policy");
  }
}

TEST_F(PolicyTest, ThePolicyComesBeforeTheFirstUse) {
  Registry registry = scan();
  ASSERT_TRUE(registry.netpolicy("open", json::Value()));
  EXPECT_EQ(registry.set_policy(policy("open")).error().id, "plugin.policy-late");
  registry = scan();
  ASSERT_TRUE(registry.set_policy(policy("open")));
  EXPECT_EQ(registry.set_policy(policy("open")).error().id, "plugin.policy-late");
}

TEST(VersionRange, Table) {
  const struct {
    const char* version;
    const char* range;
    bool inside;
  } rows[] = {
      {"1.2.0", ">=1.2 <2", true},
      {"1.1.9", ">=1.2 <2", false},
      {"2.0.0", ">=1.2 <2", false},
      {"1.10.0", ">=1.9", true},
      {"1.2.3", "1.2.3", true},
      {"1.2.3", "=1.2.3", true},
      {"1.2.4", "1.2.3", false},
      {"1.2.0", "1.2", true},
      {"1.2.1", "1.2", false},
      {"1.2.3", "", true},
      {"1.2.3-rc.1", "", true},
      {"2.0.0-rc.1", ">=1.2 <2", false},
      {"2.0.0-rc.1", ">=2.0.0-rc.1", true},
      {"2.0.0-rc.1", ">=2.0.0-rc.2", false},
      {"2.0.0-rc.10", ">=2.0.0-rc.9", true},
      {"2.0.0", ">2.0.0-rc.9", true},
      {"2.1.0-rc.1", ">=2.0.0-rc.1", false},
      {"2.0.0-alpha", "<2.0.0-alpha.1", true},
      {"2.0.0-1", "<2.0.0-a", true},
      {"1.2.3+build.5", "1.2.3", true},
      {"1.2.3", "<=1.2.3 >=1.2.3", true},
      {"1.2.3", "<1.2.3", false},
      {"1.2.3", ">1.2.3", false},
      {"not-a-version", ">=0", false},
  };
  for (const auto& row : rows) {
    const Result<bool> result = version_in_range(row.version, row.range);
    ASSERT_TRUE(result) << row.range;
    EXPECT_EQ(*result, row.inside) << row.version << " in " << row.range;
  }
  for (const char* range :
       {"~1", "^1.2", ">= 1", "1.x", "1.2.3.4", "*", "<>1", ">=1 || <3", "1.2.3-", "-1", "=="}) {
    const Result<bool> result = version_in_range("1.2.3", range);
    ASSERT_FALSE(result) << range;
    EXPECT_EQ(result.error().id, "plugin.policy");
  }
}

}  // namespace
}  // namespace scc::plugin
