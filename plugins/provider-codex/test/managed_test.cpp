// SPDX-License-Identifier: Apache-2.0
// What the managed files say is read back with a TOML parser: foreign text must never become structure.
#include "../src/managed.h"

#include <string_view>

#include <gtest/gtest.h>

#define TOML_EXCEPTIONS 1
#include <toml++/toml.h>

#include <scc/sdk/testing.hpp>

namespace scc::codex {
namespace {

toml::table config_of(const ManagedInput& input) {
  return toml::parse(std::string_view(managed_config(input)));
}
toml::table requirements_of(const ManagedInput& input) {
  return toml::parse(std::string_view(requirements(input)));
}

std::string at(const toml::table& table, std::string_view path) {
  return table.at_path(path).value<std::string>().value_or("(nothing)");
}

ManagedInput input(Auth auth = Auth::login) {
  ManagedInput out;
  out.config.auth = auth;
  out.may_bypass = true;
  out.projects = {"/home/u/repo", "/home/u/repo"};
  return out;
}

TEST(Managed, ASignInGoesToTheVendorAlone) {
  const toml::table table = config_of(input());
  EXPECT_EQ(at(table, "model_provider"), "openai");
  EXPECT_EQ(at(table, "openai_base_url"), "");
  EXPECT_EQ(at(table, "chatgpt_base_url"), "https://chatgpt.com/backend-api/");
  EXPECT_FALSE(table.contains("model_providers"));
  EXPECT_EQ(at(table, "cli_auth_credentials_store"), "file");
}

TEST(Managed, AKeyComesFromAFileAndGoesToOneAddress) {
  ManagedInput in = input(Auth::api_key);
  in.config.base_url = "https://gw.example.com/v1";
  const toml::table table = config_of(in);
  EXPECT_EQ(at(table, "model_provider"), "scc");
  EXPECT_EQ(at(table, "model_providers.scc.base_url"), "https://gw.example.com/v1");
  EXPECT_EQ(at(table, "model_providers.scc.auth.command"), "/bin/cat");
  EXPECT_EQ(at(table, "model_providers.scc.auth.args[0]"), "/run/scc/secrets/api-key");
  EXPECT_EQ(at(table, "openai_base_url"), "https://gw.example.com/v1");
}

TEST(Managed, NothingIsReportedAndNothingUpdatesItself) {
  const toml::table table = config_of(input());
  for (const char* path : {"check_for_update_on_startup", "analytics.enabled", "feedback.enabled",
                           "features.plugins", "features.apps", "features.daemon_auto_start"}) {
    EXPECT_EQ(table.at_path(path).value<bool>(), false) << path;
  }
  EXPECT_EQ(at(table, "otel.metrics_exporter"), "none");
  EXPECT_TRUE(table["notify"].as_array()->empty());
}

TEST(Managed, TheRepositoryIsUntrusted) {
  const toml::table table = config_of(input());
  const toml::table* project = (*table["projects"].as_table())["/home/u/repo"].as_table();
  ASSERT_NE(project, nullptr);
  EXPECT_EQ(at(*project, "trust_level"), "untrusted");
  EXPECT_NE(at(requirements_of(input()), "additional_developer_instructions").find("AGENTS.md"),
            std::string::npos);
}

TEST(Managed, PermissionsArePinnedOnlyWhereTheBypassIsDenied) {
  EXPECT_FALSE(config_of(input()).contains("approval_policy"));
  EXPECT_FALSE(requirements_of(input()).contains("allowed_approval_policies"));
  ManagedInput in = input();
  in.may_bypass = false;
  EXPECT_EQ(at(config_of(in), "approval_policy"), "on-request");
  EXPECT_EQ(at(config_of(in), "sandbox_mode"), "read-only");
  EXPECT_EQ(at(requirements_of(in), "allowed_approval_policies[0]"), "on-request");
  EXPECT_EQ(at(requirements_of(in), "allowed_sandbox_modes[0]"), "read-only");
  EXPECT_EQ(requirements_of(in)["allowed_sandbox_modes"].as_array()->size(), 1U);
}

TEST(Managed, NoServerMeansNoneMayRun) {
  const toml::table table = requirements_of(input());
  ASSERT_TRUE(table["mcp_servers"].is_table()) << requirements(input());
  EXPECT_TRUE(table["mcp_servers"].as_table()->empty());
  EXPECT_EQ(table["allow_managed_hooks_only"].value<bool>(), true);
}

TEST(Managed, EachCommandLineIsJudgedByAManagedHook) {
  ManagedInput in = input();
  EXPECT_FALSE(requirements_of(in).contains("hooks"));
  in.command_hook = {"/opt/scc/bin/it's", "hook"};
  const toml::table table = requirements_of(in);
  EXPECT_EQ(at(table, "hooks.managed_dir"), "/opt/scc/bin");
  EXPECT_EQ(at(table, "hooks.PreToolUse[0].matcher"), "^Bash$");
  EXPECT_EQ(at(table, "hooks.PreToolUse[0].hooks[0].type"), "command");
  EXPECT_EQ(at(table, "hooks.PreToolUse[0].hooks[0].command"),
            "'/opt/scc/bin/it'\\''s' 'hook' '--format' 'codex'");
  EXPECT_EQ(table.at_path("features.hooks").value<bool>(), true);
  EXPECT_EQ(table["allow_managed_hooks_only"].value<bool>(), true);
}

TEST(Managed, GovernedServers) {
  const sdk::testing::FakeHost fake;
  const sdk::Host host = fake.host();
  const sdk::Json mcp = host.parse(
      R"([{"name":"db","type":"stdio","command":["/usr/bin/db-mcp","--ro"],"env":{"A":"b"}},)"
      R"({"name":"docs","type":"http","url":"https://d.example.com/mcp","headers":{"X-Team":"a"}},)"
      R"({"name":"old","type":"sse","url":"https://o.example.com/sse"},)"
      R"({"name":"a b","type":"http","url":"https://x.example.com/"},)"
      R"({"name":"none","type":"stdio"}])");
  ManagedInput in = input();
  std::vector<std::string> notes;
  in.servers = read_servers(mcp, notes);
  ASSERT_EQ(in.servers.size(), 2U);
  EXPECT_EQ(notes.size(), 3U);
  const toml::table config = config_of(in);
  EXPECT_EQ(at(config, "mcp_servers.db.command"), "/usr/bin/db-mcp");
  EXPECT_EQ(at(config, "mcp_servers.db.args[0]"), "--ro");
  EXPECT_EQ(at(config, "mcp_servers.db.env.A"), "b");
  EXPECT_EQ(at(config, "mcp_servers.docs.url"), "https://d.example.com/mcp");
  EXPECT_EQ(at(config, "mcp_servers.docs.http_headers.X-Team"), "a");
  const toml::table rules = requirements_of(in);
  EXPECT_EQ(at(rules, "mcp_servers.db.identity.command"), "/usr/bin/db-mcp");
  EXPECT_EQ(at(rules, "mcp_servers.docs.identity.url"), "https://d.example.com/mcp");
}

TEST(Managed, ForeignTextStaysText) {
  const std::string evil = "x\"]\nmodel_provider = \"evil\"\n[projects.\"\\u0001'''\"\"\"\t\x7f";
  ManagedInput in = input();
  in.projects = {evil};
  in.servers = {{"a", {evil, evil}, {{evil, evil}}, "", {}}};
  const toml::table table = config_of(in);
  EXPECT_EQ(at(table, "model_provider"), "openai");
  EXPECT_EQ(table["projects"].as_table()->size(), 1U);
  EXPECT_TRUE(table["projects"].as_table()->contains(evil));
  EXPECT_EQ(at(table, "mcp_servers.a.command"), evil);
  EXPECT_TRUE(table.at_path("mcp_servers.a.env").as_table()->contains(evil));
}

TEST(Managed, TheSameInputGivesTheSameBytes) {
  EXPECT_EQ(managed_config(input()), managed_config(input()));
  EXPECT_EQ(managed_config(input()).back(), '\n');
}

}  // namespace
}  // namespace scc::codex
