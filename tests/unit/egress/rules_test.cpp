// SPDX-License-Identifier: Apache-2.0
// From the layers to the rules, by example.
#include "egress/rules.h"

#include <gmock/gmock.h>

#include "unit/policy/fixture.h"

namespace scc::egress {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

using policy::testing::base_org;
using policy::testing::computed;
using policy::testing::http_server;
using policy::testing::layers_of;

const std::vector<ProviderSet> kSets = {{"acme-core", {"api.acme.example"}, "acme", true},
                                        {"other-core", {"api.other.example"}, "other", false}};

Rules rules_of(const policy::Layers& layers, const std::vector<ProviderSet>& sets = kSets) {
  auto out = make_rules(computed(layers), sets);
  if (!out) {
    ADD_FAILURE() << out.error().id << ": " << out.error().message;
    return {};
  }
  return std::move(*out);
}

std::vector<std::string> ids(const Rules& rules) {
  std::vector<std::string> out;
  for (const Rule& rule : rules) out.push_back(rule.id);
  return out;
}

TEST(EgressRules, NothingIsAllowedThatNobodyAllows) {
  const model::Org org = base_org();
  EXPECT_THAT(rules_of(layers_of(org), {}), IsEmpty());
  EXPECT_THAT(ids(rules_of(layers_of(org))), ElementsAre("provider/allow/api.acme.example"));
}

TEST(EgressRules, OtherPoliciesHaveNone) {
  model::Org org = base_org();
  org.defaults.egress.allow = {"a.example.com"};
  for (const auto policy : {model::NetworkPolicy::open, model::NetworkPolicy::locked_down_web}) {
    org.defaults.network_policy = policy;
    EXPECT_THAT(rules_of(layers_of(org)), IsEmpty());
  }
}

TEST(EgressRules, DenialsFirstThenByName) {
  model::Org org = base_org();
  org.security.egress_deny = {".bad.example", "8.8.8.0/24", "x.example:8443"};
  org.defaults.egress.allow = {"Z.example.com", ".a.example.com", "a.example.com:8443"};
  EXPECT_THAT(ids(rules_of(layers_of(org))),
              ElementsAre("org/deny/.bad.example", "org/deny/8.8.8.0/24", "org/deny/bad.example",
                          "org/deny/x.example:8443", "org/allow/.a.example.com", "org/allow/a.example.com",
                          "org/allow/a.example.com:8443", "provider/allow/api.acme.example",
                          "org/allow/z.example.com"));
}

TEST(EgressRules, AnElementSaysWhoOwnsIt) {
  model::Org org = base_org();
  org.defaults.egress.allow = {"a.example.com"};
  const json::Value list = to_json(rules_of(layers_of(org)));
  ASSERT_EQ(list.items().size(), 2U);
  EXPECT_EQ(json::dump(list.items()[0]),
            R"({"host":"a.example.com","id":"org/allow/a.example.com","layer":"org",)"
            R"("owner":"org.defaults /defaults/egress/allow/0","ports":[443],"verdict":"allow"})");
  EXPECT_EQ(read_rules(list), rules_of(layers_of(org)));
}

TEST(EgressRules, APortIsOpenWhereItIsWritten) {
  model::Org org = base_org();
  org.defaults.egress.allow = {"a.example.com", "b.example.com:80"};
  const Rules rules = rules_of(layers_of(org), {});
  ASSERT_EQ(rules.size(), 2U);
  EXPECT_THAT(rules[0].ports, ElementsAre(443));
  EXPECT_THAT(rules[1].ports, ElementsAre(80));
}

TEST(EgressRules, CatalogueAndTeamNeedTheirRight) {
  model::Org org = base_org();
  org.destination_sets["git"].destinations = {"git.example.com", ".objects.example.com"};
  org.profiles["web"].egress.destination_sets = {"git"};
  org.profiles["web"].egress.allow = {"web.example.com"};
  org.profiles["web"].egress.deny = {"objects.example.com"};
  EXPECT_THAT(ids(rules_of(layers_of(org), {})), ElementsAre("team/deny/objects.example.com"));
  org.delegation.team_egress = {"web"};
  EXPECT_THAT(ids(rules_of(layers_of(org), {})),
              ElementsAre("team/deny/objects.example.com", "team/allow/.objects.example.com",
                          "team/allow/git.example.com", "team/allow/objects.example.com",
                          "team/allow/web.example.com"));
}

TEST(EgressRules, ServersOfTheTeamAreReachable) {
  model::Org org = base_org();
  org.defaults.egress.allow = {"a.example.com"};
  org.profiles["web"].additional_mcp_servers = {
      http_server("tls", "https://mcp.example.com/sse"), http_server("port", "https://mcp.example.com:8443/"),
      http_server("plain", "http://a.example.com/mcp"), http_server("address", "https://192.0.2.1/")};
  EXPECT_THAT(ids(rules_of(layers_of(org), {})),
              ElementsAre("mcp/allow/a.example.com:80", "org/allow/a.example.com",
                          "mcp/allow/mcp.example.com", "mcp/allow/mcp.example.com:8443"));
}

TEST(EgressRules, ServersOfProjectsOpenNothing) {
  model::Org org = base_org();
  policy::Layers layers = layers_of(org);
  layers.project.emplace();
  layers.project->additional_mcp_servers = {http_server("mine", "https://mine.example.com/")};
  layers.project->egress.allow = {"mine.example.com"};
  EXPECT_THAT(rules_of(layers, {}), IsEmpty());
}

TEST(EgressRules, AProjectNarrowsNamesAndPorts) {
  model::Org org = base_org();
  org.defaults.egress.allow = {".a.example.com", "b.example.com", "c.example.com:8443"};
  org.defaults.egress.destination_sets = {"other-core"};
  policy::Layers layers = layers_of(org);
  layers.project.emplace();
  // A port that the organisation did not open stays shut: only without a port means 443 above.
  layers.project->egress.only = {"x.a.example.com", "b.example.com:8443", "c.example.com", "evil.example"};
  layers.project->egress.deny = {"y.a.example.com"};
  EXPECT_THAT(ids(rules_of(layers)),
              ElementsAre("project/deny/y.a.example.com", "provider/allow/api.acme.example",
                          "org/allow/c.example.com:8443", "org/allow/x.a.example.com"));
  layers.project->egress.only = model::Strings{};
  EXPECT_THAT(ids(rules_of(layers)),
              ElementsAre("project/deny/y.a.example.com", "provider/allow/api.acme.example"));
  layers.project->egress.only.reset();
  EXPECT_THAT(ids(rules_of(layers)), ElementsAre("project/deny/y.a.example.com", "org/allow/.a.example.com",
                                                 "org/allow/a.example.com", "provider/allow/api.acme.example",
                                                 "provider/allow/api.other.example",
                                                 "org/allow/b.example.com", "org/allow/c.example.com:8443"));
}

std::string refusal(const model::Org& org, const std::vector<ProviderSet>& sets = {}) {
  const auto out = make_rules(computed(layers_of(org)), sets);
  return out ? "" : out.error().id;
}

TEST(EgressRules, WhatCannotBeEnforcedIsRefused) {
  const auto with = [](const std::string& target) {
    model::Org org = base_org();
    org.defaults.egress.allow = {target};
    return refusal(org);
  };
  EXPECT_EQ(with("a.example.com"), "");
  EXPECT_EQ(with("8.8.8.8"), "egress.address");
  EXPECT_EQ(with("8.8.8.0/24"), "egress.address");
  EXPECT_EQ(with("[2a00::1]:443"), "egress.address");
  EXPECT_EQ(with(".com"), "egress.host");
  EXPECT_EQ(with("*.co.uk"), "egress.host");
  EXPECT_EQ(with("localhost"), "egress.host");
  EXPECT_EQ(with("a_b.example.com"), "egress.host");
  EXPECT_EQ(refusal(base_org(), {{"lost-core", {}, "acme", true}}), "egress.unknown-set");
  EXPECT_EQ(refusal(base_org(), {{"bad-core", {"10.0.0.1"}, "acme", true}}), "egress.address");
}

TEST(EgressRules, LongNamesKeepShortUniqueIds) {
  model::Org org = base_org();
  const std::string label(60, 'a');
  const std::string base = label + "." + label + "." + label + ".example.com";
  org.defaults.egress.allow = {base, "b." + base, base + ":8443", "." + base};
  const Rules rules = rules_of(layers_of(org), {});
  std::set<std::string> seen;
  for (const Rule& rule : rules) {
    EXPECT_LE(rule.id.size(), 128U);
    EXPECT_TRUE(seen.insert(rule.id).second) << rule.id;
  }
  EXPECT_EQ(rules.size(), 4U);
}

}  // namespace
}  // namespace scc::egress
