// SPDX-License-Identifier: Apache-2.0
// The semantic rules of the organisation's document, each broken on purpose, with its severity.
#include "model/invariants.h"

#include <functional>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "model/parse.h"

namespace scc::model {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

Org base() {
  Org org;
  org.schema_version = "1.1.0";
  org.organization = {"N", "n", "", ""};
  org.marketplaces["core"].source = "directory";
  org.security.blocked_plugins = {"*-beta", "evil*"};
  org.security.blocked_mcp_servers = {"*.bad.example", "rogue-*", "npx"};
  org.defaults.enabled_plugins = {"safety@core"};
  org.defaults.network_policy = NetworkPolicy::web_egress_enforced;
  org.delegation.team_plugins = {"web", "DATA-*"};
  org.profiles["web"].name = "web";
  org.profiles["data-eng"].name = "data-eng";
  return org;
}

std::string line(const Problem& problem) {
  return (problem.warning ? "warning " : "error ") + problem.rule + " " + problem.pointer;
}

Strings found(const std::function<void(Org&)>& edit) {
  Org org = base();
  edit(org);
  Strings out;
  for (const Problem& problem : check_invariants(org)) out.push_back(line(problem));
  return out;
}

McpServer http(std::string name, std::string url) {
  return {std::move(name), "http", std::move(url), {}, {}, {}, {}};
}
McpServer stdio(std::string name, std::string command) {
  return {std::move(name), "stdio", {}, std::move(command), {}, {}, {}};
}

TEST(Invariants, TheBaseHasNone) {
  EXPECT_THAT(found([](Org&) {}), IsEmpty());
}

TEST(Invariants, PluginReferences) {
  EXPECT_THAT(found([](Org& o) { o.defaults.enabled_plugins = {"a@@b"}; }),
              ElementsAre("error invalid_plugin_reference /defaults/enabled_plugins/0"));
  EXPECT_THAT(found([](Org& o) {
                o.profiles["web"].additional_plugins = {"ok@core", "a b"};
              }),
              ElementsAre("error invalid_plugin_reference /profiles/web/additional_plugins/1"));
  EXPECT_THAT(found([](Org& o) {
                o.marketplaces["aux"];
                o.profiles["web"].additional_plugins = {"lint"};
              }),
              ElementsAre("error invalid_plugin_reference /profiles/web/additional_plugins/0"));
  EXPECT_THAT(found([](Org& o) {
                o.profiles["web"].additional_plugins = {"lint@aux", "x@" SCC_IMPLICIT_MARKETPLACE};
              }),
              ElementsAre("warning unknown_marketplace /profiles/web/additional_plugins/0"));
}

TEST(Invariants, BlockedDefaultIsAnErrorBlockedTeamPluginAWarning) {
  EXPECT_THAT(found([](Org& o) { o.defaults.enabled_plugins = {"@core/EVIL1"}; }),
              ElementsAre("error plugin_blocked /defaults/enabled_plugins/0"));
  EXPECT_THAT(found([](Org& o) {
                o.profiles["web"].additional_plugins = {"tool-BETA@core", "x@core-beta"};
              }),
              ElementsAre("warning plugin_blocked /profiles/web/additional_plugins/0",
                          "warning unknown_marketplace /profiles/web/additional_plugins/1"));
  EXPECT_THAT(found([](Org& o) {
                o.defaults.allowed_plugins = {"lint"};
                o.profiles["web"].additional_plugins = {"lint@core", "fmt@core"};
              }),
              ElementsAre("warning additional_plugin_not_allowed /profiles/web/additional_plugins/1"));
  EXPECT_THAT(found([](Org& o) {
                o.defaults.allowed_plugins = Strings{};
                o.profiles["web"].additional_plugins = {"lint@core"};
              }),
              ElementsAre("warning additional_plugin_not_allowed /profiles/web/additional_plugins/0"));
}

TEST(Invariants, Servers) {
  EXPECT_THAT(found([](Org& o) { o.profiles["web"].additional_mcp_servers = {McpServer{}}; }),
              ElementsAre("error mcp_missing_identifier /profiles/web/additional_mcp_servers/0"));
  EXPECT_THAT(found([](Org& o) {
                o.profiles["web"].additional_mcp_servers = {
                    http("a", "https://a.bad.example:8443/m"), http("b", "https://bad.example/m"),
                    http("Rogue-1", "https://ok.example/"), stdio("s", "/usr/bin/npx"),
                    http("c", "https://A.BAD.example./m")};
              }),
              ElementsAre("warning mcp_blocked /profiles/web/additional_mcp_servers/0",
                          "warning mcp_blocked /profiles/web/additional_mcp_servers/2",
                          "warning mcp_blocked /profiles/web/additional_mcp_servers/3",
                          "warning mcp_blocked /profiles/web/additional_mcp_servers/4"));
}

TEST(Invariants, AllowListsOfServersDoNotTrustTheNameAlone) {
  const auto edit = [](Org& o) {
    o.defaults.allowed_mcp_servers = {"*.ok.example", "corp-*", "name:docs"};
    o.profiles["web"].additional_mcp_servers = {http("x", "https://mcp.ok.example/x"),
                                                http("corp-x", "https://elsewhere.example/"),
                                                http("docs", "https://docs.example/")};
  };
  EXPECT_THAT(found(edit), ElementsAre("warning mcp_not_allowed /profiles/web/additional_mcp_servers/1"));
  EXPECT_THAT(found([&](Org& o) {
                edit(o);
                o.schema_version = "1.0.0";
              }),
              IsEmpty());
}

TEST(Invariants, NamesMustExist) {
  EXPECT_THAT(found([](Org& o) { o.organization.default_profile = "wbe"; }),
              ElementsAre("error unknown_profile /organization/default_profile"));
  EXPECT_THAT(found([](Org& o) { o.marketplaces[SCC_IMPLICIT_MARKETPLACE]; }),
              ElementsAre("error reserved_marketplace /marketplaces/" SCC_IMPLICIT_MARKETPLACE));
  EXPECT_THAT(found([](Org& o) {
                o.defaults.extra_marketplaces = {"core", "aux"};
              }),
              ElementsAre("warning unknown_extra_marketplace /defaults/extra_marketplaces/1"));
  EXPECT_THAT(found([](Org& o) {
                o.delegation.team_egress = {"DATA-ENG", "w?b", "ops", "x*"};
              }),
              ElementsAre("warning delegation_pattern_unused /delegation/teams/allow_egress/2",
                          "warning delegation_pattern_unused /delegation/teams/allow_egress/3"));
  EXPECT_THAT(found([](Org& o) {
                o.defaults.egress.destination_sets = {"acme-core", "packages"};
                o.profiles["web"].egress.destination_sets = {"none"};
                o.destination_sets["packages"];
              }),
              ElementsAre("warning unknown_destination_set /profiles/web/egress/destination_sets/0"));
  EXPECT_THAT(found([](Org& o) { o.destination_sets["acme-core"]; }),
              ElementsAre("error reserved_destination_set /network/destination_sets/acme-core"));
}

TEST(Invariants, WideningAndFederation) {
  EXPECT_THAT(found([](Org& o) { o.profiles["web"].network_policy = NetworkPolicy::open; }),
              ElementsAre("warning widening_team_policy /profiles/web/network_policy"));
  EXPECT_THAT(found([](Org& o) { o.profiles["web"].network_policy = NetworkPolicy::locked_down_web; }),
              IsEmpty());
  EXPECT_THAT(found([](Org& o) {
                o.profiles["web"].config_source = Marketplace{};
                o.delegation.team_plugins.clear();
              }),
              ElementsAre("warning federated_without_delegation /profiles/web/config_source"));
}

TEST(Invariants, GovernedArtifacts) {
  EXPECT_THAT(found([](Org& o) { o.profiles["web"].enabled_bundles = {"missing"}; }),
              ElementsAre("error dangling_bundle /profiles/web/enabled_bundles/0"));
  EXPECT_THAT(found([](Org& o) { o.governed.bundles["b"].artifacts = {"missing"}; }),
              ElementsAre("error dangling_artifact /governed_artifacts/bundles/b/artifacts/0"));
  EXPECT_THAT(found([](Org& o) { o.governed.bindings["missing"].push_back({}); }),
              ElementsAre("error dangling_artifact /governed_artifacts/bindings/missing"));
  EXPECT_THAT(found([](Org& o) { o.governed.artifacts["n"].kind = "native_integration"; }),
              ElementsAre("error dangling_artifact /governed_artifacts/artifacts/n"));
}

TEST(Invariants, PluginPolicyAndExceptions) {
  EXPECT_THAT(
      found([](Org& o) {
        o.plugins.present = true;
        o.plugins.mode = "pinned";
        o.plugins.allow = {{"acme", "", {}, {}}};
        o.plugins.deny = {"ev*", "np"};
        o.plugins.required = {"evil", "other", "acme"};
        o.enforcer = {"np", std::string(64, '0')};
      }),
      ElementsAre("error plugin_pin_missing /plugins/allow/0", "error plugin_denied /plugins/required/0",
                  "error plugin_not_allowed /plugins/required/1",
                  "error plugin_denied /network/enforcer/id"));
  EXPECT_THAT(
      found([](Org& o) {
        Exception exception;
        exception.id = "E";
        o.exceptions = {exception, exception};
        o.exceptions[0].plugins = {"x"};
      }),
      ElementsAre("error duplicate_exception /exceptions/1", "warning empty_exception /exceptions/1"));
}

TEST(Invariants, WarningsAreCountedAndDoNotRefuse) {
  Org org = base();
  for (int i = 0; i < 2000; ++i)
    org.profiles["web"].additional_plugins.push_back("evil" + std::to_string(i) + "@core");
  const auto problems = check_invariants(org);
  ASSERT_EQ(problems.size(), 501U);
  EXPECT_EQ(problems.back().message, "and 1500 more warnings");
  EXPECT_TRUE(problems.back().warning);
}

TEST(Invariants, RelativeDirectoriesAreForFilesOnly) {
  Org org = base();
  org.marketplaces["core"].path = "/srv/x";
  EXPECT_THAT(check_fetched(org), IsEmpty());
  org.marketplaces["core"].path = "x";
  ASSERT_EQ(check_fetched(org).size(), 1U);
  EXPECT_EQ(check_fetched(org)[0].pointer, "/marketplaces/core/path");
}

TEST(Invariants, RefuseOrWarnThroughTheParser) {
  const auto text = [](std::string_view plugins, std::string_view team) {
    return R"({"schema_version":"1.1.0","organization":{"name":"N","id":"n"},"marketplaces":{"core":{"source":"directory","path":"/x"}},
      "security":{"blocked_plugins":["evil*"]},"defaults":{"enabled_plugins":)" +
           std::string(plugins) + R"(},"profiles":{"web":{"additional_plugins":)" + std::string(team) + "}}}";
  };
  const auto refused = parse_org(text(R"(["evil1@core"])", "[]"), "1.0.0");
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().id, "org.semantic");
  EXPECT_THAT(refused.error().message, HasSubstr("/defaults/enabled_plugins/0: \"evil1@core\""));
  Strings warnings;
  const auto kept = parse_org(text("[]", R"(["evil1@core"])"), "1.0.0", &warnings);
  ASSERT_TRUE(kept) << kept.error().message;
  EXPECT_THAT(warnings, ElementsAre(HasSubstr("is blocked by \"evil*\"")));
}

TEST(Governed, NestedFormIsReadWithAWarning) {
  const OrgReport report = read_org(R"json({"schema_version":"1.1.0","organization":{"name":"N","id":"n"},
    "governed_artifacts":{"artifacts":{"a":{"kind":"native_integration","source":{"type":"git",
      "url":"https://g.example/x","path":"p","ref":"v1"},"bindings":{"acme":{"native_ref":"r"}}}},
      "bundles":{"b":{"members":["a"]}}}})json",
                                    "1.0.0");
  ASSERT_TRUE(report.valid()) << testing::PrintToString(report.warnings());
  const Artifact& artifact = report.org->governed.artifacts.at("a");
  EXPECT_EQ(artifact.source_type + artifact.source_url + artifact.source_path + artifact.source_ref,
            "githttps://g.example/xpv1");
  EXPECT_EQ(report.org->governed.bindings.at("a").front().provider, "acme");
  EXPECT_THAT(report.org->governed.bundles.at("b").artifacts, ElementsAre("a"));
  EXPECT_THAT(report.warnings(), ElementsAre(HasSubstr("/artifacts/a/source: is deprecated"),
                                             HasSubstr("/artifacts/a/bindings: is deprecated"),
                                             HasSubstr("/bundles/b/members: is deprecated")));
}

TEST(Governed, BothFormsAtOnceAreRefused) {
  const auto says = [](const char* governed) {
    const auto result =
        parse_org(R"({"schema_version":"1.1.0","organization":{"name":"N","id":"n"},"governed_artifacts":)" +
                      std::string(governed) + "}",
                  "1.0.0");
    return result ? std::string("valid") : result.error().id + " " + result.error().message;
  };
  EXPECT_THAT(says(R"({"artifacts":{"a":{"kind":"skill","source":{"type":"git"},"source_ref":"x"}}})"),
              HasSubstr("org.schema"));
  EXPECT_THAT(
      says(
          R"({"artifacts":{"a":{"kind":"skill","bindings":{"acme":{}}}},"bindings":{"a":[{"provider":"acme"}]}})"),
      HasSubstr("keep one"));
  EXPECT_THAT(says(R"({"bundles":{"a":{"artifacts":[],"members":[]}}})"), HasSubstr("keep artifacts"));
}

}  // namespace
}  // namespace scc::model
