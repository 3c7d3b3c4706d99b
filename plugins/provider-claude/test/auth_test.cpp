// SPDX-License-Identifier: Apache-2.0
#include "../src/auth.h"

#include <gtest/gtest.h>

#include <scc/sdk/testing.hpp>

namespace scc::claude {
namespace {

constexpr std::int64_t kNow = 1'700'000'000'000;

sdk::AuthStatus judge(const std::string& files, const std::string& mode = "login",
                      const std::string& env = "{}") {
  const sdk::testing::FakeHost host;
  return judge_auth(host.host().parse(R"({"schema":"scc.auth-request/1","files":)" + files + R"(,"env":)" +
                                      env + R"(,"mode":")" + mode + "\"}"),
                    kNow);
}

std::string credentials(const std::string& json) {
  return R"({".credentials.json":{"present":true,"size":100,"json":)" + json + "}}";
}

TEST(Auth, NothingThere) {
  EXPECT_EQ(judge("{}").status, "missing");
  EXPECT_EQ(judge(R"({".credentials.json":{"present":false,"size":0}})").status, "missing");
  EXPECT_EQ(judge(R"({".credentials.json":{"present":true,"size":0}})").status, "missing");
  EXPECT_FALSE(judge("{}").guidance.empty());
}

TEST(Auth, ATokenThatStillLives) {
  const auto status =
      judge(credentials(R"({"claudeAiOauth":{"accessToken":"a","expiresAt":1700000000001}})"));
  EXPECT_EQ(status.status, "present");
  EXPECT_EQ(status.mechanism, "oauth_file");
  EXPECT_EQ(judge(credentials(R"({"claudeAiOauth":{"accessToken":"a"}})")).status, "present");
}

TEST(Auth, ExpiredOnlyWithoutRefresh) {
  EXPECT_EQ(judge(credentials(R"({"claudeAiOauth":{"accessToken":"a","expiresAt":1700000000000}})")).status,
            "expired");
  EXPECT_EQ(
      judge(credentials(R"({"claudeAiOauth":{"accessToken":"a","refreshToken":"r","expiresAt":1}})")).status,
      "present");
  EXPECT_EQ(judge(credentials(R"({"claudeAiOauth":{"refreshToken":"r"}})")).status, "present");
}

TEST(Auth, MetadataIsNoCredential) {
  EXPECT_EQ(
      judge(R"({".claude.json":{"present":true,"size":9,"json":{"oauthAccount":{"emailAddress":"a@b"}}}})")
          .status,
      "missing");
  const auto key = judge(R"({".claude.json":{"present":true,"size":9,"json":{"primaryApiKey":"sk"}}})");
  EXPECT_EQ(key.status, "present");
  EXPECT_EQ(key.mechanism, "console_key");
}

TEST(Auth, ForeignShapesAreMissingAndNeverAFailure) {
  for (const char* json :
       {"{}", "[]", "\"x\"", "7", "null", R"({"claudeAiOauth":[]})", R"({"claudeAiOauth":null})",
        R"({"claudeAiOauth":{"accessToken":7,"refreshToken":{}}})",
        R"({"claudeAiOauth":{"accessToken":""}})"}) {
    EXPECT_EQ(judge(credentials(json)).status, "missing") << json;
  }
  EXPECT_EQ(judge(credentials(R"({"claudeAiOauth":{"accessToken":"a","expiresAt":"soon"}})")).status,
            "present");
  EXPECT_EQ(judge(R"({".credentials.json":{"present":true,"size":12}})").status, "missing");
  EXPECT_EQ(judge(R"({".claude.json":{"present":true,"size":12,"json":[]}})").status, "missing");
}

TEST(Auth, ApiKeyMode) {
  EXPECT_EQ(judge("{}", "api_key", R"({"ANTHROPIC_API_KEY":true})").status, "present");
  EXPECT_EQ(judge("{}", "api_key", R"({"SCC_CLAUDE_API_KEY":true})").status, "present");
  EXPECT_EQ(judge("{}", "api_key").status, "missing");
  // A sign-in in the volume does not help a session that uses a key.
  EXPECT_EQ(judge(credentials(R"({"claudeAiOauth":{"accessToken":"a"}})"), "api_key").status, "missing");
}

}  // namespace
}  // namespace scc::claude
