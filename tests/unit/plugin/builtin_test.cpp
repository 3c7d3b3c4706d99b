// SPDX-License-Identifier: Apache-2.0
// The built-in network policies through the registry and the same adapters as any plugin.
#include "builtin/builtin.h"

#include <cstring>

#include <gmock/gmock.h>

#include "plugin/host.h"
#include "plugin/netpolicy.h"
#include "unit/plugin/plugin_fixture.h"

namespace scc::plugin {
namespace {

using testing::ElementsAre;

class BuiltinTest : public test::PluginFixture {
 protected:
  BuiltinTest() { options_.builtins = builtin::plugins(); }
  static json::Value request(std::string_view mode, json::Value config = json::Value(json::Object{})) {
    json::Value r;
    r["schema"] = "scc.netpolicy-request/1";
    r["mode"] = mode;
    r["config"] = std::move(config);
    r["runtime"] = json::Value(json::Object{});
    return r;
  }
};

TEST_F(BuiltinTest, AreReadyWithoutTrust) {
  Registry registry = scan();
  EXPECT_THAT(registry.components("netpolicy"), ElementsAre("locked-down-web", "open"));
  const auto policy = registry.netpolicy("open", json::Value());
  ASSERT_TRUE(policy) << policy.error().message;
  EXPECT_EQ((*policy)->ref().plugin, "builtin-network");
  EXPECT_TRUE((*policy)->ref().sha256.empty());
}

TEST_F(BuiltinTest, TheRulesOfTheEngineAreComponents) {
  Registry registry = scan();
  EXPECT_THAT(registry.components("safety-check"), ElementsAre("git", "network"));
  const auto asked = [](const char* id, std::vector<const char*> argv) -> scc_decision {
    const scc_plugin_v1& plugin = builtin::safety_plugin();
    for (std::size_t i = 0; i < plugin.component_count; ++i) {
      if (std::string_view(plugin.components[i].id) != id) continue;
      const auto* table = static_cast<const scc_safety_v1*>(plugin.components[i].table);
      scc_safety* self = nullptr;
      EXPECT_EQ(table->create(probe_host(), scc_str{"{}", 2}, &self, nullptr), SCC_OK);
      std::vector<scc_str> words;
      for (const char* word : argv) words.push_back({word, std::strlen(word)});
      const scc_command command{sizeof(scc_command), 0, words.data(), words.size(), {}, {}};
      scc_verdict verdict{sizeof(scc_verdict), SCC_NO_OPINION, nullptr, nullptr};
      EXPECT_EQ(table->evaluate(self, &command, &verdict), SCC_OK);
      table->destroy(self);
      return verdict.decision;
    }
    return SCC_NO_OPINION;
  };
  EXPECT_EQ(asked("git", {"git", "push", "--force"}), SCC_BLOCK);
  EXPECT_EQ(asked("git", {"git", "status"}), SCC_NO_OPINION);
  EXPECT_EQ(asked("git", {"ssh", "host"}), SCC_NO_OPINION);
  EXPECT_EQ(asked("network", {"ssh", "host"}), SCC_BLOCK);
  EXPECT_EQ(asked("network", {"git", "push", "--force"}), SCC_NO_OPINION);
}

TEST_F(BuiltinTest, OpenIsTheBridgeAndClaimsNothing) {
  Registry registry = scan();
  const auto policy = registry.netpolicy("open", json::Value());
  const auto plan = (*policy)->plan(request("open"));
  ASSERT_TRUE(plan) << plan.error().message;
  EXPECT_EQ(plan->str("/network/mode"), "bridge");
  EXPECT_FALSE(plan->flag("/enforced", true));
  const auto attachment = (*policy)->apply(*plan);
  ASSERT_TRUE(attachment) << attachment.error().message;
  EXPECT_EQ(attachment->str("/network/mode"), "bridge");
  const auto evidence = (*policy)->verify(*attachment);
  ASSERT_TRUE(evidence) << evidence.error().message;
  EXPECT_TRUE(evidence->at("/checks")->items().empty());
  EXPECT_TRUE((*policy)->release(*attachment));
  EXPECT_TRUE((*policy)->release(*attachment));
  EXPECT_EQ(json::dump(*(*policy)->plan(request("open"))), json::dump(*plan));
}

TEST_F(BuiltinTest, OpenTakesANamedNetworkAndResolvers) {
  Registry registry = scan();
  const auto policy = registry.netpolicy("open", json::Value());
  json::Value config;
  config["network"] = "corp-net_1";
  config["dns"] = json::Value::strings({"10.0.0.2", "fd00::2"});
  const auto plan = (*policy)->plan(request("open", config));
  ASSERT_TRUE(plan) << plan.error().message;
  EXPECT_EQ(plan->str("/network/mode"), "named");
  EXPECT_EQ(plan->str("/network/name"), "corp-net_1");
  EXPECT_THAT(plan->strings_at("/dns"), ElementsAre("10.0.0.2", "fd00::2"));
}

TEST_F(BuiltinTest, OpenRefusesModesAndNamesOfOtherThings) {
  Registry registry = scan();
  const auto policy = registry.netpolicy("open", json::Value());
  for (const char* name : {"host", "none", "container:x", "../x", "-x", "a b"}) {
    json::Value config;
    config["network"] = name;
    const auto plan = (*policy)->plan(request("open", config));
    ASSERT_FALSE(plan) << name;
    EXPECT_EQ(plan.error().id, "network.name");
    EXPECT_EQ(plan.error().kind, Kind::config);
  }
  json::Value config;
  config["dns"] = json::Value::strings({"evil.example"});
  EXPECT_EQ((*policy)->plan(request("open", config)).error().id, "network.dns");
}

TEST_F(BuiltinTest, LockedDownHasNoNetwork) {
  Registry registry = scan();
  const auto policy = registry.netpolicy("locked-down-web", json::Value());
  const auto plan = (*policy)->plan(request("locked-down-web"));
  ASSERT_TRUE(plan) << plan.error().message;
  EXPECT_EQ(plan->str("/network/mode"), "none");
  EXPECT_FALSE(plan->flag("/enforced", true));
}

TEST_F(BuiltinTest, AMalformedRequestOfTheHostIsTheHostsFault) {
  Registry registry = scan();
  const auto policy = registry.netpolicy("open", json::Value());
  const auto plan = (*policy)->plan(json::Value(json::Object{}));
  ASSERT_FALSE(plan);
  EXPECT_EQ(plan.error().id, "plugin.request");
  EXPECT_EQ(plan.error().kind, Kind::internal);
  EXPECT_TRUE((*policy)->plan(request("open"))) << "the plugin did nothing wrong";
}

}  // namespace
}  // namespace scc::plugin
