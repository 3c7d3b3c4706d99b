// SPDX-License-Identifier: Apache-2.0
// Team files, project files and personal profiles.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "model/parse.h"

namespace scc::model {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Pair;

json::Value parsed(std::string_view text) {
  auto value = json::parse(text);
  EXPECT_TRUE(value) << text;
  return value ? *value : json::Value();
}

TEST(TeamFileParser, ReadsEveryKey) {
  Strings warnings;
  const auto team = parse_team_file(R"({"$schema":"x","schema_version":"1.1.0","enabled_plugins":["a@m"],
    "disabled_plugins":["b*"],"marketplaces":{"m":{"source":"github","owner":"o","repo":"r"}},
    "additional_mcp_servers":[{"name":"s","type":"http","url":"https://s.example/"}],
    "session":{"timeout_hours":3},"network_policy":"locked-down-web","enabled_bundles":["b"],
    "egress":{"allow":["a.example"],"deny":["b.example"],"destination_sets":["d"]}})",
                                    &warnings);
  ASSERT_TRUE(team) << team.error().message;
  EXPECT_THAT(warnings, IsEmpty());
  EXPECT_EQ(team->schema_version, "1.1.0");
  EXPECT_THAT(team->enabled_plugins, ElementsAre("a@m"));
  EXPECT_THAT(team->disabled_plugins, ElementsAre("b*"));
  EXPECT_EQ(team->marketplaces.at("m").owner, "o");
  EXPECT_EQ(team->additional_mcp_servers.front().name, "s");
  EXPECT_EQ(team->session.timeout_hours, 3);
  EXPECT_EQ(team->network_policy, NetworkPolicy::locked_down_web);
  EXPECT_THAT(team->enabled_bundles, ElementsAre("b"));
  EXPECT_THAT(team->egress.allow, ElementsAre("a.example"));
  EXPECT_THAT(team->egress.deny, ElementsAre("b.example"));
  EXPECT_THAT(team->egress.destination_sets, ElementsAre("d"));
}

TEST(TeamFileParser, Refuses) {
  const auto refusal = [](std::string_view text) {
    const auto team = parse_team_file(text);
    return team ? std::string("valid") : team.error().id + " " + team.error().message;
  };
  EXPECT_THAT(refusal("{"), HasSubstr("team.invalid"));
  EXPECT_THAT(refusal("null"), HasSubstr("must be an object"));
  EXPECT_THAT(refusal(R"({"enabled_plugins":[]})"), HasSubstr("team.version"));
  EXPECT_THAT(refusal(R"({"schema_version":"3.0.0","novel":1})"), HasSubstr("please upgrade"));
  EXPECT_THAT(refusal(R"({"schema_version":"1.1.0","security":{}})"), HasSubstr("/security: unknown key"));
  EXPECT_THAT(refusal(R"({"schema_version":"1.1.0","network_policy":"corp"})"), HasSubstr("/network_policy"));
  EXPECT_THAT(
      refusal(R"({"schema_version":"1.1.0","marketplaces":{"m":{"source":"directory","path":"/etc"}}})"),
      HasSubstr("may not name a directory"));
  Strings warnings;
  EXPECT_TRUE(parse_team_file(R"({"schema_version":"1.0.0","session":{}})", &warnings));
  EXPECT_THAT(warnings, ElementsAre(HasSubstr("/session: came with")));
}

TEST(ProjectParser, EmptyDocumentIsNoLayer) {
  const auto none = parse_project(json::Value(), ".scc.yaml");
  ASSERT_TRUE(none);
  EXPECT_FALSE(none->has_value());
  EXPECT_TRUE(parse_project(json::Value(json::Object{}), ".scc.yaml")->has_value());
}

TEST(ProjectParser, ReadsEveryKey) {
  const auto project = parse_project(parsed(R"({"additional_plugins":["fmt@core","lint"],
    "additional_mcp_servers":[{"name":"s","type":"stdio","command":"/x"}],"network_policy":"open",
    "session":{"timeout_hours":2,"auto_resume":false},
    "dev_environment":{"logs":{"l":{"argv":["a"]}}},"allowed_providers":[],
    "egress":{"deny":["a.example"],"only":["b.example"],"allow":["c.example"],"destination_sets":["d"]},
    "disabled_plugins":["x*"],"disabled_mcp_servers":["y*"],"images":{"acme":"i:1"}})"),
                                     ".scc.yaml");
  ASSERT_TRUE(project) << project.error().message;
  const Project& p = **project;
  EXPECT_THAT(p.additional_plugins, ElementsAre("fmt@core", "lint"));
  EXPECT_EQ(p.additional_mcp_servers.front().command, "/x");
  EXPECT_EQ(p.network_policy, NetworkPolicy::open);
  EXPECT_EQ(p.session.timeout_hours, 2);
  EXPECT_EQ(p.session.auto_resume, false);
  EXPECT_EQ(p.dev_environment.logs.front().name, "l");
  EXPECT_TRUE(p.allowed_providers && p.allowed_providers->empty());
  EXPECT_THAT(p.egress.deny, ElementsAre("a.example"));
  EXPECT_THAT(*p.egress.only, ElementsAre("b.example"));
  EXPECT_THAT(p.egress.allow, ElementsAre("c.example"));
  EXPECT_THAT(p.egress.destination_sets, ElementsAre("d"));
  EXPECT_THAT(p.disabled_plugins, ElementsAre("x*"));
  EXPECT_THAT(p.disabled_mcp_servers, ElementsAre("y*"));
  EXPECT_EQ(p.images.at("acme"), "i:1");
}

TEST(ProjectParser, UnknownKeysAreReportedWrongValuesRefused) {
  Strings unknown;
  const auto project =
      parse_project(parsed(R"({"foo":1,"additional_plugin":[],"session":{"x":1}})"), ".scc.yaml", &unknown);
  ASSERT_TRUE(project) << project.error().message;
  EXPECT_THAT(unknown, ElementsAre("/session/x: unknown key",
                                   "/additional_plugin: unknown key, did you mean \"additional_plugins\"?",
                                   "/foo: unknown key"));
  for (const char* text :
       {"[]",
        "\"x\"",
        "1",
        R"({"network_policy":"lockdown"})",
        R"({"session":{"timeout_hours":true}})",
        R"({"session":{"timeout_hours":25}})",
        R"({"session":{"timeout_hours":"8"}})",
        R"({"session":{"auto_resume":1}})",
        R"({"additional_plugins":"fmt"})",
        R"({"additional_plugins":["a@@b"]})",
        R"({"additional_plugins":[1]})",
        R"({"additional_mcp_servers":[{"name":"s","type":"http"}]})",
        R"({"additional_mcp_servers":[{"name":"s","type":"http","url":"http://e.example/"}]})",
        R"({"additional_mcp_servers":[{"name":"s","type":"stdio","command":"/x","extra":1}]})",
        R"({"dev_environment":{"commands":{"x":{"argv":[]}}}})",
        R"({"dev_environment":{"commands":{"x":{"argv":["a"],"timeout_seconds":3601}}}})",
        R"({"dev_environment":{"commands":{"x":{"argv":["a"],"working_directory":"../.."}}}})",
        R"({"egress":{"deny":["*"]}})",
        R"({"allowed_providers":null})",
        R"({"session":null})"}) {
    const auto refused = parse_project(parsed(text), ".scc.yaml");
    ASSERT_FALSE(refused) << text;
    EXPECT_EQ(refused.error().id, "project.invalid");
    EXPECT_EQ(refused.error().kind, Kind::config);
    EXPECT_THAT(refused.error().message, HasSubstr(".scc.yaml")) << text;
    EXPECT_EQ(refused.error().context.size(), 1U) << text;
  }
}

TEST(PersonalParser, FormatTwo) {
  Strings warnings;
  const auto personal =
      parse_personal(parsed(R"({"version":"2","repo_id":"remote:h/p","saved_at":"2026-01-01T00:00:00Z",
    "plugins":{"b@m":false,"a@m":true},"mcp_servers":[{"name":"s","type":"http","url":"https://s.example/"}],
    "native":{"acme":{"settings":{"model":"x"}}}})"),
                     "p.json", &warnings);
  ASSERT_TRUE(personal) << personal.error().message;
  EXPECT_EQ(personal->repo_id, "remote:h/p");
  EXPECT_EQ(personal->saved_at, "2026-01-01T00:00:00Z");
  EXPECT_THAT(personal->plugins, ElementsAre(Pair("a@m", true), Pair("b@m", false)));
  EXPECT_EQ(personal->mcp_servers.front().url, "https://s.example/");
  EXPECT_THAT(warnings, ElementsAre(HasSubstr("/native/acme")));
  const auto again = parse_personal(to_json(*personal), "p.json");
  ASSERT_TRUE(again) << again.error().message;
  EXPECT_EQ(to_json(*again), to_json(*personal));
}

TEST(PersonalParser, FormatOneIsLifted) {
  Strings warnings;
  const auto personal = parse_personal(parsed(R"({"version":"1","repo_id":"r","saved_at":"x",
    "settings":{"enabledPlugins":{"a@m":true,"b@m":false,"c@m":"yes"},"hooks":{"x":"rm"},"env":{"K":"s3cr3t"}},
    "mcp":{"mcpServers":{"cmd":{"command":"/usr/bin/x","args":["-v"],"env":{"A":"b"}},
                         "web":{"url":"https://w.example/"},"plain":{"url":"http://w.example/?s3cr3t"},"odd":7}}})"),
                                       "p.json", &warnings);
  ASSERT_TRUE(personal) << personal.error().message;
  EXPECT_THAT(personal->plugins, ElementsAre(Pair("a@m", true), Pair("b@m", false)));
  ASSERT_EQ(personal->mcp_servers.size(), 2U);
  EXPECT_EQ(personal->mcp_servers[0].name + personal->mcp_servers[0].type, "cmdstdio");
  EXPECT_THAT(personal->mcp_servers[0].args, ElementsAre("-v"));
  EXPECT_EQ(personal->mcp_servers[1].name + personal->mcp_servers[1].type, "webhttp");
  EXPECT_THAT(warnings, testing::UnorderedElementsAre(
                            HasSubstr("/settings/enabledPlugins/c@m"), HasSubstr("/mcp/mcpServers/plain/url"),
                            HasSubstr("/mcp/mcpServers/odd"), HasSubstr("/settings/hooks"),
                            HasSubstr("/settings/env")));
  EXPECT_THAT(testing::PrintToString(warnings), testing::Not(HasSubstr("s3cr3t")));
}

TEST(PersonalParser, Refuses) {
  for (const char* text :
       {"[]", "{}", R"({"version":"3"})", R"({"version":2})", R"({"version":"2","plugins":[]})",
        R"({"version":"2","plugins":{"a":"true"}})", R"({"version":"2","hooks":{}})",
        R"({"version":"2","mcp_servers":[{"command":"/x","name":"s"}]})", R"({"version":"1","settings":[]})",
        R"({"version":"1","settings":{"enabledPlugins":"x"}})",
        R"({"version":"1","mcp":{"mcpServers":[]}})"}) {
    const auto refused = parse_personal(parsed(text), "p.json");
    ASSERT_FALSE(refused) << text;
    EXPECT_EQ(refused.error().id, "profile.invalid") << text;
    EXPECT_THAT(refused.error().message, HasSubstr("p.json"));
  }
}

TEST(PersonalParser, ARepeatedReferenceCountsOnce) {
  const auto personal =
      parse_personal(parsed(R"({"version":"1","settings":{"enabledPlugins":["a@m","a@m"]}})"), "p");
  ASSERT_TRUE(personal);
  EXPECT_THAT(personal->plugins, ElementsAre(Pair("a@m", true)));
}

TEST(ToJson, Pieces) {
  EXPECT_EQ(json::dump(to_json(McpServer{"s", "stdio", "", "/x", {"a"}, {{"K", "v"}}, {}})),
            R"({"args":["a"],"command":"/x","env":{"K":"v"},"name":"s","type":"stdio"})");
  EXPECT_EQ(json::dump(to_json(DevAction{"d", {"a"}, ".", 5, "t"})),
            R"({"argv":["a"],"description":"t","name":"d","timeout_seconds":5,"working_directory":"."})");
}

}  // namespace
}  // namespace scc::model
