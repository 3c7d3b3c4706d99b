// SPDX-License-Identifier: Apache-2.0
#include "../src/settings.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <scc/sdk/testing.hpp>

namespace scc::claude {
namespace {

using sdk::testing::FakeHost;
using sdk::testing::parsed;
using sdk::testing::Value;
using testing::HasSubstr;

sdk::Failure config_failure(const std::string& text) {
  const FakeHost host;
  try {
    static_cast<void>(read_config(host.host().parse(text)));
  } catch (const sdk::Failure& f) {
    return f;
  }
  return {SCC_E_INTERNAL, "", "accepted"};
}

TEST(Config, Defaults) {
  const FakeHost host;
  const Config config = read_config(host.host().parse("{}"));
  EXPECT_EQ(config.auth, Auth::login);
  EXPECT_EQ(config.api_key_from, "env:ANTHROPIC_API_KEY");
  EXPECT_EQ(config.base_url, "https://api.anthropic.com");
}

TEST(Config, ReadsAll) {
  const FakeHost host;
  const Config config = read_config(host.host().parse(
      R"({"auth":"api_key","api_key_from":"env:SCC_CLAUDE_API_KEY","base_url":"https://gw.example:8443/v1"})"));
  EXPECT_EQ(config.auth, Auth::api_key);
  EXPECT_EQ(config.api_key_from, "env:SCC_CLAUDE_API_KEY");
  EXPECT_EQ(config.base_url, "https://gw.example:8443/v1");
}

TEST(Config, RefusesWithTheKeyAndWhatToDo) {
  for (const auto& [text, message] : std::vector<std::pair<std::string, std::string>>{
           {R"({"auth":"none"})", "providers.claude.auth is \"none\""},
           {R"({"auth":true})", "providers.claude.auth must be a string"},
           {R"({"api_key_from":"env:AWS_SECRET_ACCESS_KEY"})", "providers.claude.api_key_from"},
           {R"({"api_key_from":"sk-ant-1"})", "providers.claude.api_key_from"},
           {R"({"base_url":"http://gw.example"})", "providers.claude.base_url"},
           {R"({"base_uri":"https://x"})", "providers.claude.base_uri is not a setting"}}) {
    const sdk::Failure f = config_failure(text);
    EXPECT_EQ(f.code, "claude.config") << text;
    EXPECT_EQ(f.status, SCC_E_CONFIG) << text;
    EXPECT_THAT(f.message, HasSubstr(message));
    EXPECT_FALSE(f.hint.empty()) << text;
  }
}

TEST(BaseUrl, HttpsAnywhereHttpOnLoopbackOnly) {
  for (const char* good : {"https://api.anthropic.com", "https://gw.example:8443/a/b",
                           "http://127.0.0.1:8080", "http://localhost", "http://[::1]:80/x"}) {
    EXPECT_TRUE(valid_base_url(good)) << good;
  }
  for (const char* bad :
       {"", "https://", "https:///x", "api.anthropic.com", "ftp://x", "http://api.anthropic.com",
        "http://127.evil.example", "http://localhost.evil.example", "https://user@host", "https://u:p@host",
        "https://host?x=1", "https://host/#f", "https://host/a b", "https://host\n", "https://host:port",
        "https://host:99999", "https://ho st", "https://h/\\x"}) {
    EXPECT_FALSE(valid_base_url(bad)) << bad;
  }
}

TEST(ManagedSettings, PinWhatARepositoryCouldUseToTakeTheKey) {
  const Value v = parsed(
      managed_settings({Config{Auth::api_key, "env:X", "https://gw.example"}, "/etc/ca.pem", true, {}}));
  EXPECT_EQ(v.str("/env/ANTHROPIC_BASE_URL"), "https://gw.example");
  EXPECT_EQ(v.str("/apiKeyHelper"), "cat /run/scc/secrets/api-key");
  EXPECT_EQ(v.str("/env/NODE_EXTRA_CA_CERTS"), "/etc/ca.pem");
  EXPECT_EQ(v.str("/env/NODE_TLS_REJECT_UNAUTHORIZED"), "1");
  for (const char* name :
       {"HTTPS_PROXY", "https_proxy", "ALL_PROXY", "CLAUDE_CODE_USE_BEDROCK", "CLAUDE_CODE_USE_VERTEX",
        "CLAUDE_CODE_USE_FOUNDRY", "ANTHROPIC_CUSTOM_HEADERS", "CLAUDE_CODE_USE_ANTHROPIC_AWS",
        "CLAUDE_CODE_USE_GATEWAY", "CLAUDE_CODE_USE_MANTLE", "ANTHROPIC_UNIX_SOCKET"}) {
    const Value* pinned = v.at(std::string("/env/") + name);
    ASSERT_NE(pinned, nullptr) << name;
    EXPECT_EQ(pinned->string, "") << name;
  }
  EXPECT_TRUE(v.flag("/allowManagedHooksOnly"));
  EXPECT_TRUE(v.flag("/disableAllHooksInCheckout"));
  EXPECT_TRUE(v.flag("/allowManagedMcpServersOnly"));
  ASSERT_NE(v.at("/allowedMcpServers"), nullptr);
  EXPECT_TRUE(v.at("/allowedMcpServers")->children.empty());
  EXPECT_EQ(v.at("/permissions"), nullptr);
  EXPECT_TRUE(v.flag("/skipDangerousModePermissionPrompt"));
}

TEST(ManagedSettings, LoginHasNoHelperAndADeniedBypassIsDisabled) {
  const Value v = parsed(managed_settings({Config{}, kSystemCaBundle, false, {}}));
  EXPECT_EQ(v.at("/apiKeyHelper"), nullptr);
  EXPECT_EQ(v.str("/permissions/disableBypassPermissionsMode"), "disable");
  EXPECT_EQ(v.at("/skipDangerousModePermissionPrompt"), nullptr);
  EXPECT_EQ(v.str("/env/ANTHROPIC_BASE_URL"), "https://api.anthropic.com");
}

TEST(ManagedSettings, TheProxyOfTheNetworkPolicyIsPinnedAndNoOther) {
  const Value v = parsed(managed_settings(
      {Config{}, kSystemCaBundle, true, {{"https_proxy", "http://127.0.0.1:3128"}, {"OTHER", "x"}}}));
  EXPECT_EQ(v.str("/env/https_proxy"), "http://127.0.0.1:3128");
  ASSERT_NE(v.at("/env/HTTPS_PROXY"), nullptr);
  EXPECT_EQ(v.str("/env/HTTPS_PROXY"), "");
  EXPECT_EQ(v.at("/env/OTHER"), nullptr);
}

TEST(ManagedSettings, EachCommandLineIsJudgedAndAFailureBlocks) {
  ManagedInput in{Config{}, kSystemCaBundle, true, {}, {"/opt/scc/bin/scc-guard", "hook"}};
  const Value v = parsed(managed_settings(in));
  EXPECT_EQ(v.str("/hooks/PreToolUse/0/matcher"), "Bash|Monitor|PowerShell");
  const std::string hook = "/hooks/PreToolUse/0/hooks/0";
  EXPECT_EQ(v.str(hook + "/type"), "command");
  EXPECT_EQ(v.str(hook + "/command"), "/opt/scc/bin/scc-guard");
  EXPECT_EQ(v.strings(hook + "/args"), (std::vector<std::string>{"hook", "--format", "claude"}));
  EXPECT_EQ(v.str(hook + "/onFailure"), "block");
  EXPECT_TRUE(v.flag("/allowManagedHooksOnly"));
  in.command_hook.clear();
  EXPECT_EQ(parsed(managed_settings(in)).at("/hooks"), nullptr);
}

}  // namespace
}  // namespace scc::claude
