// SPDX-License-Identifier: Apache-2.0
// The whole plugin through its C table, as the host calls it.
#include <cstdlib>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <scc/sdk/testing.hpp>

namespace scc::claude {
namespace {

using sdk::testing::FakeHost;
using sdk::testing::Outcome;
using sdk::testing::parsed;
using sdk::testing::ProviderDriver;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

constexpr const char* kConfig =
    R"({"schema":"scc.component-config/1","config":{},"env":{},"plugin_dir":"/p"})";

std::string request(const std::string& config = "{}", const std::string& more = "", bool bypass = true) {
  return R"({"schema":"scc.launch-request/1","workspace":{"source":"/w","target":"/w","entry_dir":"/w"},)"
         R"("session":{"id":"${session.id}","resume":false,"fresh":false},)"
         R"("policy":{"network":"open","permission_bypass":)" +
         std::string(bypass ? "true" : "false") + R"(},"config":)" + config +
         R"(,"tty":true,"agent_args":[],"user":{"uid":1000,"gid":1000,"name":"agent"},"home":"/home/agent")" +
         more + "}";
}

Outcome plan(const std::string& text) {
  FakeHost host;
  ProviderDriver provider(host, "claude", kConfig);
  EXPECT_TRUE(provider.created.ok()) << provider.created.message;
  return provider.plan_launch(text);
}

TEST(Launch, TheHookOfTheRequestIsInTheManagedSettings) {
  const Outcome out = plan(request("{}", R"(,"command_hook":["/opt/scc/bin/scc-guard","hook"])"));
  ASSERT_TRUE(out.ok()) << out.message;
  EXPECT_THAT(out.document.str("/files/0/text"), HasSubstr("/opt/scc/bin/scc-guard"));
}

TEST(Launch, PlansASession) {
  const Outcome out = plan(request());
  ASSERT_TRUE(out.ok()) << out.message;
  EXPECT_EQ(out.document.str("/schema"), "scc.launch-spec/1");
  EXPECT_EQ(out.document.str("/image"), "context:agent-claude");
  EXPECT_THAT(out.document.strings("/argv"),
              ElementsAre("claude", "--add-dir=/w", "--setting-sources", "user",
                          "--dangerously-skip-permissions", "--session-id=${session.id}"));
  EXPECT_EQ(out.document.str("/conversation"), "${session.id}");
  EXPECT_TRUE(out.document.flag("/requires_verified"));
  EXPECT_EQ(out.document.str("/data_volume/target"), "/home/agent/.claude");
  EXPECT_EQ(out.document.str("/env/CLAUDE_CONFIG_DIR"), "/home/agent/.claude");
  EXPECT_EQ(out.document.str("/env/DISABLE_AUTOUPDATER"), "1");
  EXPECT_EQ(out.document.str("/env/CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC"), "1");
  EXPECT_EQ(out.document.at("/env/IS_SANDBOX"), nullptr);
  EXPECT_EQ(out.document.str("/env/CLAUDE_CODE_SANDBOXED"), "1");
  EXPECT_EQ(out.document.str("/env/CLAUDE_CODE_DISABLE_OFFICIAL_MARKETPLACE_AUTOINSTALL"), "1");
  EXPECT_EQ(out.document.str("/files/0/path"), "/etc/claude-code/managed-settings.json");
  EXPECT_EQ(out.document.str("/files/0/mode"), "0444");
  EXPECT_EQ(out.document.at("/secrets"), nullptr);
  EXPECT_THAT(out.document.strings("/destination_sets"), ElementsAre("anthropic-core"));
}

TEST(Launch, SameInputSameBytes) {
  EXPECT_EQ(plan(request(R"({"auth":"api_key"})")).text, plan(request(R"({"auth":"api_key"})")).text);
}

TEST(Launch, TheApiKeyIsAReferenceAndNeverAValue) {
  ASSERT_EQ(setenv("ANTHROPIC_API_KEY", "sk-ant-canary", 1), 0);
  const Outcome out = plan(request(R"({"auth":"api_key","base_url":"https://gw.example"})"));
  ASSERT_EQ(unsetenv("ANTHROPIC_API_KEY"), 0);
  ASSERT_TRUE(out.ok()) << out.message;
  EXPECT_EQ(out.document.str("/secrets/0/name"), "api-key");
  EXPECT_EQ(out.document.str("/secrets/0/from"), "env:ANTHROPIC_API_KEY");
  EXPECT_THAT(out.text, Not(HasSubstr("sk-ant-canary")));
  const auto settings = parsed(out.document.str("/files/0/text"));
  EXPECT_EQ(settings.str("/apiKeyHelper"), "cat /run/scc/secrets/api-key");
  EXPECT_EQ(settings.str("/env/ANTHROPIC_BASE_URL"), "https://gw.example");
  EXPECT_THAT(out.document.str("/notes/0"), HasSubstr("gw.example"));
}

TEST(Launch, TheConfiguredCertificatesReachAgentAndSettings) {
  const Outcome out = plan(request("{}", R"(,"ca_file":"/etc/scc/ca.pem")"));
  EXPECT_EQ(out.document.str("/env/NODE_EXTRA_CA_CERTS"), "/etc/scc/ca.pem");
  EXPECT_EQ(parsed(out.document.str("/files/0/text")).str("/env/NODE_EXTRA_CA_CERTS"), "/etc/scc/ca.pem");
}

TEST(Launch, WithoutTheBypassNothingNeedsEvidence) {
  const Outcome out = plan(request("{}", "", false));
  EXPECT_FALSE(out.document.flag("/requires_verified"));
  EXPECT_THAT(out.text, Not(HasSubstr("dangerously")));
  EXPECT_EQ(parsed(out.document.str("/files/0/text")).str("/permissions/disableBypassPermissionsMode"),
            "disable");
}

TEST(Launch, Uid0IsToldOfItsSandbox) {
  std::string text = request();
  text.replace(text.find("\"uid\":1000"), 10, "\"uid\":0");
  EXPECT_EQ(plan(text).document.str("/env/IS_SANDBOX"), "1");
}

TEST(Launch, BadConfigurationIsToldAsSuch) {
  const Outcome out = plan(request(R"({"auth":"telepathy"})"));
  EXPECT_EQ(out.status, SCC_E_CONFIG);
  EXPECT_EQ(out.code, "claude.config");
  EXPECT_TRUE(out.text.empty());
}

TEST(Launch, AGarbledRequestIsAFailureWithItsPointer) {
  const Outcome out = plan(R"({"schema":"scc.launch-request/1"})");
  EXPECT_EQ(out.status, SCC_E_CONFIG);
  EXPECT_THAT(out.message, HasSubstr("/workspace/target"));
}

TEST(Launch, NeedsNoServiceButJson) {
  FakeHost host;
  host.absent = {SCC_HOST_PROCESS, SCC_HOST_ENDPOINT, SCC_HOST_FILES, SCC_HOST_STATE, SCC_HOST_UI};
  ProviderDriver provider(host, "claude", kConfig);
  EXPECT_TRUE(provider.plan_launch(request()).ok());
  EXPECT_EQ(host.open_documents, 0);
}

TEST(Login, TheAgentsOwnSignIn) {
  FakeHost host;
  ProviderDriver provider(host, "claude", kConfig);
  const std::string head =
      R"({"schema":"scc.login-request/1","config":{},"user":{"uid":1000,"gid":1000},"home":"/home/agent",)";
  const Outcome out = provider.plan_login(head + R"("ca_file":"/etc/scc/ca.pem"})");
  ASSERT_TRUE(out.ok()) << out.message;
  EXPECT_THAT(out.document.strings("/argv"), ElementsAre("claude", "auth", "login"));
  EXPECT_EQ(out.document.str("/data_volume/target"), "/home/agent/.claude");
  EXPECT_EQ(out.document.str("/env/CLAUDE_CONFIG_DIR"), "/home/agent/.claude");
  EXPECT_EQ(out.document.str("/env/NODE_EXTRA_CA_CERTS"), "/etc/scc/ca.pem");
  const Outcome refused = provider.plan_login(head + R"("method":"api_key"})");
  EXPECT_EQ(refused.status, SCC_E_PREREQ);
  EXPECT_EQ(refused.code, "claude.no-key-store");
  EXPECT_THAT(refused.hint, HasSubstr("ANTHROPIC_API_KEY"));
}

TEST(Auth, ThroughTheTable) {
  FakeHost host;
  ProviderDriver provider(host, "claude", kConfig);
  const Outcome out = provider.auth_status(
      R"({"schema":"scc.auth-request/1","mode":"login","env":{},"files":{".credentials.json":{"present":true,"size":5,)"
      R"("json":{"claudeAiOauth":{"accessToken":"secret-token","refreshToken":"r"}}}}})");
  ASSERT_TRUE(out.ok()) << out.message;
  EXPECT_EQ(out.document.str("/schema"), "scc.auth-status/1");
  EXPECT_EQ(out.document.str("/status"), "present");
  EXPECT_THAT(out.text, Not(HasSubstr("secret-token")));
}

}  // namespace
}  // namespace scc::claude
