// SPDX-License-Identifier: Apache-2.0
// The order in which an agent is chosen; no engine is asked here. What is chosen without being named needs
// usable plugins: tests/e2e/provider_test.py.
#include "app/provider_choice.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "app/workspace_state.h"
#include "unit/plugin/plugin_fixture.h"

namespace scc::app {
namespace {

constexpr const char* kRoot = "/home/u/repo";

class ProviderChoiceTest : public test::PluginFixture {
 protected:
  void add(const std::string& id, int priority) {
    json::Value manifest = test::sample_manifest("plugin-" + id, std::string(64, '0'));
    json::Value& component = manifest["components"].array().front();
    component["id"] = id;
    component["title"] = "The agent " + id;
    component["auto_priority"] = priority;
    install(plugins_, manifest, "");
  }
  void prefer(const std::string& id) {
    test::write(paths_.config / "config.json", R"({"selected_provider":")" + id + "\"}");
    std::filesystem::permissions(paths_.config, std::filesystem::perms(0700));
    std::filesystem::permissions(paths_.config / "config.json", std::filesystem::perms(0600));
  }
  void remember(const std::string& last_used, const std::string& chosen = "") {
    ASSERT_TRUE(save_workspace_state(paths_, kRoot, {chosen, last_used}));
  }
  Result<ProviderChoice> choose(bool may_ask = false) {
    Host host(env_, options_);
    host.warn = [&](std::string_view text) { warnings_ += text; };
    host.choose = [&](const std::string&, const std::vector<std::string>& rows,
                      std::size_t fallback) -> Result<std::size_t> {
      rows_ = rows;
      fallback_ = fallback;
      return answer_;
    };
    LaunchOptions options;
    options.provider = flag_;
    return choose_provider(host, options, governance_, {kRoot, false, may_ask});
  }
  void expect(const std::string& id, const std::string& source) {
    const auto choice = choose();
    ASSERT_TRUE(choice) << choice.error().message;
    EXPECT_EQ(choice->id, id);
    EXPECT_EQ(choice->source, source);
  }
  void expect_error(const std::string& id, Kind kind, bool may_ask = false) {
    const auto choice = choose(may_ask);
    ASSERT_FALSE(choice) << choice->id;
    EXPECT_EQ(choice.error().id, id);
    EXPECT_EQ(choice.error().kind, kind);
    EXPECT_NE(choice.error().hint, "");
  }

  Governance governance_;
  std::string flag_;
  std::string warnings_;
  std::vector<std::string> rows_;
  std::size_t fallback_ = 99;
  std::size_t answer_ = 0;
};

TEST_F(ProviderChoiceTest, EachSourceWinsOverTheNext) {
  add("a", 3);
  add("b", 2);
  add("c", 1);
  add("d", 0);
  prefer("a");
  expect("a", "preference");
  remember("b");
  expect("b", "workspace_last_used");
  remember("b", "c");
  expect("c", "workspace");
  env_.vars["SCC_PROVIDER"] = "d";
  expect("d", "environment");
  flag_ = "a";
  expect("a", "explicit");
  EXPECT_EQ(warnings_, "");
}

TEST_F(ProviderChoiceTest, WhatIsUnknownIsToldWithWhatThereIs) {
  add("alpha", 1);
  Host host(env_, options_);
  const auto registry = host.registry();
  ASSERT_TRUE(registry);
  EXPECT_TRUE(check_known_provider(**registry, "alpha"));
  const Status unknown = check_known_provider(**registry, "alpa");
  ASSERT_FALSE(unknown);
  EXPECT_EQ(unknown.error().id, "provider.unknown");
  EXPECT_EQ(unknown.error().kind, Kind::usage);
  flag_ = "nothing";
  expect("nothing", "explicit");
}

TEST_F(ProviderChoiceTest, TheTeamsListHoldsForWhatIsSaid) {
  add("a", 2);
  add("b", 1);
  governance_.effective.allowed_providers = {"b"};
  remember("b");
  prefer("a");
  expect("b", "workspace_last_used");
  remember("a", "b");
  expect("b", "workspace");
  flag_ = "a";
  expect_error("provider.not-allowed", Kind::policy);
}

TEST_F(ProviderChoiceTest, NoneAtAll) {
  expect_error("provider.none", Kind::prereq);
}

TEST_F(ProviderChoiceTest, ASessionIsRemembered) {
  Host host(env_, options_);
  remember_provider(host, kRoot, "a");
  EXPECT_EQ(load_workspace_state(paths_, kRoot).last_used_provider, "a");
}

}  // namespace
}  // namespace scc::app
