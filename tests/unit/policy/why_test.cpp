// SPDX-License-Identifier: Apache-2.0
// `why` by example: the verdict, who may change it, and that what it suggests would do.
#include "policy/why.h"

#include <gmock/gmock.h>

#include "unit/policy/fixture.h"

namespace scc::policy {
namespace {

using namespace testing;
using ::testing::HasSubstr;

Why ask(const Layers& layers, std::string_view item, std::string_view kind = {}) {
  auto answer = why(layers, item, kind);
  if (!answer) {
    ADD_FAILURE() << answer.error().message;
    return {};
  }
  return std::move(*answer);
}

TEST(Why, AllowedThingsNeedNoChange) {
  const model::Org org = base_org();
  const Why answer = ask(layers_of(org), "@core/Safety");
  EXPECT_EQ(answer.kind, "plugin");
  EXPECT_EQ(answer.verdict, "allowed");
  EXPECT_EQ(answer.source, "org.defaults");
  EXPECT_EQ(answer.rule, "/defaults/enabled_plugins/0");
  EXPECT_TRUE(answer.changes.empty());
}

TEST(Why, ABlockedPluginIsTheOrganisationsMatter) {
  model::Org org = base_org();
  org.profiles["web"].additional_plugins = {"evil1@core"};
  const Why answer = ask(layers_of(org), "evil1@core");
  EXPECT_EQ(answer.verdict, "blocked");
  EXPECT_EQ(answer.code, "SECURITY_PLUGIN_PATTERN");
  EXPECT_EQ(answer.rule, "/security/blocked_plugins/1");
  ASSERT_EQ(answer.changes.size(), 2U);
  EXPECT_EQ(answer.changes[0].pointer, "/exceptions/-");
  EXPECT_EQ(answer.changes[1].text,
            "remove \"evil*\" from security.blocked_plugins in the organisation's document");
  EXPECT_EQ(answer.changes[1].who, "organisation owners (platform@acme.example)");
}

TEST(Why, ADeniedPluginIsYoursToUnblock) {
  model::Org org = base_org();
  org.profiles["ops"].additional_plugins = {"lint@core"};
  Why answer = ask(layers_of(org, "ops"), "lint@core");
  ASSERT_EQ(answer.changes.size(), 3U);
  EXPECT_EQ(answer.changes[0].who, "you");
  EXPECT_EQ(answer.changes[0].text, "scc unblock lint@core --reason WHY");
  EXPECT_EQ(answer.changes[2].text,
            "add \"ops\" to delegation.teams.allow_additional_plugins in the organisation's document");
  org.delegation.local_overrides = false;
  answer = ask(layers_of(org, "ops"), "lint@core");
  EXPECT_EQ(answer.changes.size(), 2U);
  EXPECT_NE(answer.changes[0].who, "you");
}

TEST(Why, TwoBarriersLeaveOnlyWhatPassesBoth) {
  model::Org org = base_org();
  org.defaults.allowed_plugins = model::Strings{};
  org.profiles["ops"].additional_plugins = {"lint@core"};
  const Why answer = ask(layers_of(org, "ops"), "lint@core");
  EXPECT_EQ(answer.code, "TEAM_NOT_DELEGATED");
  for (const Change& change : answer.changes) EXPECT_EQ(change.pointer, "/exceptions/-") << change.text;
  EXPECT_EQ(answer.changes.size(), 2U);
}

TEST(Why, WhatNobodyAskedFor) {
  model::Org org = base_org();
  Why answer = ask(layers_of(org), "fmt@core");
  EXPECT_EQ(answer.verdict, "not requested");
  ASSERT_FALSE(answer.changes.empty());
  EXPECT_EQ(answer.changes[0].layer, "personal");
  answer = ask(layers_of(org), "evil2@core");
  EXPECT_EQ(answer.verdict, "not requested");
  EXPECT_TRUE(answer.changes.empty());
  EXPECT_EQ(answer.code, "SECURITY_PLUGIN_PATTERN");
  EXPECT_THAT(answer.reason, HasSubstr("evil*"));
}

TEST(Why, Servers) {
  model::Org org = base_org();
  org.profiles["web"].additional_mcp_servers = {http_server("docs", "https://docs.example/"),
                                                stdio_server("tool", "/opt/tool")};
  Layers layers = layers_of(org);
  EXPECT_EQ(ask(layers, "docs").verdict, "allowed");
  Why answer = ask(layers, "tool");
  EXPECT_EQ(answer.kind, "mcp_server");
  EXPECT_EQ(answer.code, "STDIO_DISABLED");
  EXPECT_EQ(answer.changes.at(0).pointer, "/security/allow_stdio_mcp");
  layers.project.emplace().network_policy = model::NetworkPolicy::locked_down_web;
  answer = ask(layers, "docs");
  EXPECT_EQ(answer.code, "NETWORK_LOCKED_DOWN");
  EXPECT_EQ(answer.changes.at(0).layer, "project");
}

TEST(Why, AProjectsServerIsUnblockedByWhatItIs) {
  const model::Org org = base_org();
  Layers layers = layers_of(org, "ops");
  layers.project.emplace().additional_mcp_servers = {http_server("docs", "https://docs.example/x"),
                                                     stdio_server("tool", "/opt/tool")};
  const Why answer = ask(layers, "docs");
  EXPECT_EQ(answer.code, "PROJECT_TEAM_DISABLED");
  ASSERT_FALSE(answer.changes.empty());
  EXPECT_EQ(answer.changes.at(0).layer, "exception");
  EXPECT_NE(answer.changes.at(0).value.find("https://docs.example/x"), std::string::npos);
  EXPECT_EQ(override_target(layers, "tool", "project", "/additional_mcp_servers/1"), "/opt/tool");
  EXPECT_EQ(override_target(layers, "docs", "team", "/additional_mcp_servers/0"), "docs");
}

TEST(Why, Hosts) {
  model::Org org = base_org();
  org.security.egress_deny = {".social.example"};
  org.defaults.egress.allow = {"*.ok.example", "a.social.example"};
  Layers layers = layers_of(org);
  layers.provider_egress = {"api.vendor.example"};
  EXPECT_EQ(ask(layers, "https://x.ok.example/y").verdict, "allowed");
  EXPECT_EQ(ask(layers, "api.vendor.example").source, "provider");
  Why answer = ask(layers, "a.social.example");
  EXPECT_EQ(answer.verdict, "blocked");
  EXPECT_EQ(answer.rule, "/security/egress_deny/0");
  EXPECT_EQ(answer.changes.size(), 1U);
  answer = ask(layers, "new.example");
  EXPECT_EQ(answer.code, "EGRESS_NOT_LISTED");
  EXPECT_EQ(answer.changes.at(0).pointer, "/defaults/egress/allow/-");
  answer = ask(layers, "10.1.2.3");
  EXPECT_EQ(answer.source, "builtin");
  EXPECT_TRUE(answer.changes.empty());
  layers.project.emplace().egress.only = model::Strings{"y.ok.example"};
  answer = ask(layers, "x.ok.example");
  EXPECT_EQ(answer.verdict, "denied");
  EXPECT_EQ(answer.changes.at(0).pointer, "/egress/only/-");
}

TEST(Why, ProvidersAndImages) {
  model::Org org = base_org();
  org.defaults.allowed_providers = model::Strings{"one", "two"};
  org.profiles["web"].allowed_providers = model::Strings{"two"};
  org.security.blocked_base_images = {"*:latest"};
  const Layers layers = layers_of(org);
  EXPECT_EQ(ask(layers, "two").kind, "provider");
  const Why answer = ask(layers, "one", "provider");
  EXPECT_EQ(answer.source, "team.web");
  EXPECT_EQ(answer.changes.at(0).pointer, "/profiles/web/allowed_providers/-");
  EXPECT_TRUE(ask(layers, "none", "provider").changes.empty());  // two lists: no single change would do
  const Why image = ask(layers, "repo/app");
  EXPECT_EQ(image.kind, "image");
  EXPECT_EQ(image.code, "IMAGE_PATTERN");
  EXPECT_EQ(image.changes.size(), 1U);
  EXPECT_EQ(ask(layers, "repo/app:1").verdict, "allowed");
}

TEST(Why, AnAmbiguousNameIsToldItsMarketplaces) {
  model::Org org = base_org();
  org.marketplaces["aux"] = {};
  Layers layers = layers_of(org);
  layers.project.emplace().additional_plugins = {"lint"};
  const Why answer = ask(layers, "lint");
  EXPECT_EQ(answer.code, "INVALID_REF");
  ASSERT_EQ(answer.changes.size(), 2U);
  EXPECT_EQ(answer.changes[0].value, "lint@aux");
}

TEST(Why, WithoutATeamTheTeamsAreNamed) {
  const model::Org org = base_org();
  Layers layers = layers_of(org, "");
  layers.project.emplace().additional_plugins = {"fmt@core"};
  const Why answer = ask(layers, "fmt@core");
  bool found = false;
  for (const Change& change : answer.changes)
    found = found || change.text == "choose a team: scc team switch web";
  EXPECT_TRUE(found);
}

TEST(Why, QuestionsThatMeanNothing) {
  const model::Org org = base_org();
  EXPECT_EQ(why(layers_of(org), " ").error().kind, Kind::usage);
  EXPECT_EQ(why(layers_of(org), "x", "planet").error().id, "why.kind");
  EXPECT_EQ(why(layers_of(org, "nope"), "x").error().id, "team.unknown");
}

TEST(Why, ChangesThatNobodyCanMakeAreRefused) {
  const model::Org org = base_org();
  model::Org storage;
  for (const Change& change : {Change{"org", "/security/blocked_plugins/9", "remove", "", "", ""},
                               Change{"org", "/nope", "set", "true", "", ""},
                               Change{"org", "/defaults/allowed_plugins/-", "add", "x", "", ""},
                               Change{"moon", "/x", "set", "", "", ""},
                               Change{"team.web", "/disabled_plugins/0", "remove", "", "", ""},
                               Change{"project", "/additional_plugins/x", "remove", "", "", ""},
                               Change{"exception", "/exceptions/-", "add", "not json", "", ""}}) {
    EXPECT_FALSE(apply(layers_of(org), change, storage)) << change.layer << change.pointer;
  }
}

}  // namespace
}  // namespace scc::policy
