// SPDX-License-Identifier: Apache-2.0
// The whole plugin through its C table, as the host calls it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <scc/sdk/testing.hpp>

namespace scc::codex {
namespace {

using sdk::testing::FakeHost;
using sdk::testing::Outcome;
using sdk::testing::ProviderDriver;
using testing::ElementsAre;
using testing::HasSubstr;

constexpr const char* kConfig =
    R"({"schema":"scc.component-config/1","config":{},"env":{},"plugin_dir":"/p"})";

std::string request(const std::string& config = "{}", const std::string& session = "",
                    const std::string& more = "") {
  return R"({"schema":"scc.launch-request/1","workspace":{"source":"/w","target":"/w","entry_dir":"/w/sub"},)"
         R"("session":{"id":"${session.id}","fresh":false,)" +
         (session.empty() ? std::string(R"("resume":false)") : session) +
         R"(},"policy":{"network":"open","permission_bypass":true},"config":)" + config +
         R"(,"tty":true,"agent_args":[],"user":{"uid":1000,"gid":1000,"name":"agent"},"home":"/home/agent")" +
         more + "}";
}

Outcome plan(const std::string& text) {
  FakeHost host;
  ProviderDriver provider(host, "codex", kConfig);
  EXPECT_TRUE(provider.created.ok()) << provider.created.message;
  Outcome out = provider.plan_launch(text);
  EXPECT_EQ(host.open_documents, 0);
  return out;
}

TEST(Launch, TheHookOfTheRequestIsInTheManagedSettings) {
  const Outcome out = plan(request("{}", "", R"(,"command_hook":["/opt/scc/bin/scc-guard","hook"])"));
  ASSERT_TRUE(out.ok()) << out.message;
  EXPECT_THAT(out.document.str("/files/1/text"), HasSubstr("/opt/scc/bin/scc-guard"));
}

TEST(Launch, PlansASession) {
  const Outcome out = plan(request());
  ASSERT_TRUE(out.ok()) << out.message;
  EXPECT_EQ(out.document.str("/schema"), "scc.launch-spec/1");
  EXPECT_EQ(out.document.str("/image"), "context:agent-codex");
  EXPECT_THAT(out.document.strings("/argv"),
              ElementsAre("codex", "--dangerously-bypass-approvals-and-sandbox"));
  EXPECT_TRUE(out.document.flag("/requires_verified"));
  EXPECT_EQ(out.document.str("/data_volume/target"), "/home/agent/.codex");
  EXPECT_EQ(out.document.str("/env/CODEX_HOME"), "/home/agent/.codex");
  EXPECT_EQ(out.document.str("/env/CODEX_CA_CERTIFICATE"), "/etc/ssl/certs/ca-certificates.crt");
  EXPECT_EQ(out.document.str("/files/0/path"), "/etc/codex/managed_config.toml");
  EXPECT_EQ(out.document.str("/files/0/mode"), "0444");
  EXPECT_EQ(out.document.str("/files/1/path"), "/etc/codex/requirements.toml");
  EXPECT_THAT(out.document.str("/files/0/text"), HasSubstr("/w/sub"));
  EXPECT_EQ(out.document.at("/secrets"), nullptr);
  EXPECT_EQ(out.document.at("/conversation"), nullptr) << "the agent makes its own ids";
  EXPECT_THAT(out.document.strings("/destination_sets"), ElementsAre("openai-core"));
}

TEST(Launch, ContinuesAConversation) {
  EXPECT_THAT(plan(request("{}", R"("resume":true,"conversation":"0190-c")")).document.strings("/argv"),
              ElementsAre("codex", "--dangerously-bypass-approvals-and-sandbox", "resume", "0190-c"));
  EXPECT_EQ(plan(request("{}", R"("resume":true,"conversation":"0190-c")")).document.str("/conversation"),
            "0190-c");
}

TEST(Launch, AKeyIsAReferenceAndNeverInTheEnvironment) {
  const Outcome out = plan(request(R"({"auth":"api_key","api_key_from":"env:SCC_CODEX_API_KEY"})"));
  ASSERT_TRUE(out.ok()) << out.message;
  EXPECT_EQ(out.document.str("/secrets/0/name"), "api-key");
  EXPECT_EQ(out.document.str("/secrets/0/from"), "env:SCC_CODEX_API_KEY");
  EXPECT_TRUE(out.document.flag("/secrets/0/required"));
  EXPECT_EQ(out.document.at("/env/OPENAI_API_KEY"), nullptr);
  EXPECT_THAT(out.document.str("/files/0/text"), HasSubstr("/run/scc/secrets/api-key"));
}

TEST(Launch, AnotherAddressIsSaid) {
  const Outcome out = plan(request(R"({"base_url":"https://gw.example.com/v1"})"));
  EXPECT_THAT(out.document.strings("/notes"), ElementsAre(HasSubstr("https://gw.example.com/v1")));
}

TEST(Launch, ABadConfigurationIsRefused) {
  const Outcome out = plan(request(R"({"base_url":"http://evil.example.com"})"));
  EXPECT_EQ(out.status, SCC_E_CONFIG);
  EXPECT_EQ(out.code, "codex.config");
}

Outcome login(const std::string& method, const std::string& config = "{}") {
  FakeHost host;
  ProviderDriver provider(host, "codex", kConfig);
  return provider.plan_login(
      R"({"schema":"scc.login-request/1","config":)" + config +
      R"(,"user":{"uid":1000,"gid":1000},"home":"/home/agent","ca_file":"/etc/scc/ca.pem")" +
      (method.empty() ? "" : R"(,"method":")" + method + "\"") + "}");
}

TEST(Login, TheDeviceFlowWhateverIsAskedFor) {
  for (const char* method : {"", "browser", "device"}) {
    const Outcome out = login(method);
    ASSERT_TRUE(out.ok()) << out.message;
    EXPECT_EQ(out.document.str("/schema"), "scc.login-plan/1");
    EXPECT_EQ(out.document.str("/image"), "context:agent-codex");
    EXPECT_EQ(out.document.str("/data_volume/target"), "/home/agent/.codex");
    EXPECT_EQ(out.document.str("/env/CODEX_CA_CERTIFICATE"), "/etc/scc/ca.pem");
    EXPECT_THAT(out.document.strings("/argv"),
                ElementsAre("codex", "login", "-c", "cli_auth_credentials_store=\"file\"", "--device-auth"));
  }
}

TEST(Login, AKeyFromStandardInput) {
  EXPECT_EQ(login("api_key").document.strings("/argv").back(), "--with-api-key");
  EXPECT_THAT(login("api_key", R"({"auth":"api_key"})").document.strings("/notes"),
              ElementsAre(HasSubstr("login")));
}

TEST(Auth, ThroughTheTable) {
  FakeHost host;
  ProviderDriver provider(host, "codex", kConfig);
  const Outcome out = provider.auth_status(
      R"({"schema":"scc.auth-request/1","files":{"auth.json":{"present":false,"size":0}},"env":{},"mode":"login"})");
  ASSERT_TRUE(out.ok()) << out.message;
  EXPECT_EQ(out.document.str("/status"), "missing");
}

}  // namespace
}  // namespace scc::codex
