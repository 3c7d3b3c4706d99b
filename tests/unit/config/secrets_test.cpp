// SPDX-License-Identifier: Apache-2.0
#include "config/secrets.h"

#include <gtest/gtest.h>

namespace scc::config {
namespace {

TEST(Secrets, NamesAreReadWordByWord) {
  for (const char* name : {"API_KEY", "apiKey", "authToken", "X-Auth-Token", "db-password", "Authorization",
                           "GITHUB_TOKEN", "client.secret", "Cookie"}) {
    EXPECT_TRUE(secret_name(name)) << name;
  }
  for (const char* name : {"LOG_LEVEL", "keyboard", "monkey", "tokenizer", "author", "url", ""}) {
    EXPECT_FALSE(secret_name(name)) << name;
  }
}

TEST(Secrets, ValuesAreKnownByPrefixOrByLook) {
  for (const char* value : {"ghp_0123456789abcdefghij", "Bearer glpat-abcdefghijkl", "sk-ant-api03-xxxxxxxx",
                            "--token=AKIAABCDEFGHIJKLMNOP", "-----BEGIN OPENSSH PRIVATE KEY-----",
                            "https://user:pw@host.example/x", "https://tok@host.example",
                            "3f2504e04f8911d39a0c0305e82c3301", "a1b2c3d4e5f6a7b8c9d0e1f2"}) {
    EXPECT_TRUE(secret_value(value)) << value;
  }
  for (const char* value :
       {"debug", "https://mcp.example.com/path/to/thing",
        "/home/user/projects/a-long-directory-name-2024/src", "my-very-long-project-name-2024",
        "Bearer ${TOKEN}", "${A_VERY_LONG_VARIABLE_NAME_1_2_3_4}",
        "r@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef", "1.2.3-rc.1+build.5"}) {
    EXPECT_FALSE(secret_value(value)) << value;
  }
}

TEST(Secrets, OnlyReferencesFlagsAndSmallNumbersAreShareable) {
  for (const char* value : {"${TOKEN}", "Bearer ${TOKEN}", "Basic ${A}:${B}", "true", "false", "8080", ""}) {
    EXPECT_TRUE(shareable_setting(value)) << value;
  }
  for (const char* value :
       {"hunter2", "abc123${X}", "${unclosed", "123456", "$TOKEN", "aVeryLongWordIndeed${X}"}) {
    EXPECT_FALSE(shareable_setting(value)) << value;
  }
}

TEST(Secrets, AreFoundWithTheirPointers) {
  const auto value = json::parse(
      R"({"a":{"token":"hunter2"},"b":["x","ghp_0123456789abcdef"],"c":{"token":"${T}"},"d":{"keys":3}})");
  EXPECT_EQ(find_secrets(*value), (std::vector<std::string>{"/a/token", "/b/1"}));
  const json::Value masked = mask_secrets(*value);
  EXPECT_EQ(json::dump(masked),
            R"({"a":{"token":"***"},"b":["x","***"],"c":{"token":"${T}"},"d":{"keys":3}})");
}

}  // namespace
}  // namespace scc::config
