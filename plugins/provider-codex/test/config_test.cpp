// SPDX-License-Identifier: Apache-2.0
#include "../src/config.h"

#include <gtest/gtest.h>

#include <scc/sdk/testing.hpp>

namespace scc::codex {
namespace {

std::string refusal(const std::string& text) {
  const sdk::testing::FakeHost host;
  try {
    static_cast<void>(read_config(host.host().parse(text)));
  } catch (const sdk::Failure& failure) {
    EXPECT_EQ(failure.code, "codex.config");
    EXPECT_EQ(failure.status, SCC_E_CONFIG);
    EXPECT_FALSE(failure.hint.empty());
    return failure.message;
  }
  return "";
}

TEST(Config, Refusals) {
  EXPECT_EQ(refusal("{}"), "");
  EXPECT_NE(refusal(R"({"token":"x"})").find("providers.codex.token"), std::string::npos);
  EXPECT_NE(refusal(R"({"auth":true})").find("must be a string"), std::string::npos);
  EXPECT_NE(refusal(R"({"auth":"key"})").find("\"key\""), std::string::npos);
  EXPECT_NE(refusal(R"({"api_key_from":"env:HOME"})").find("not granted"), std::string::npos);
  EXPECT_NE(refusal(R"({"base_url":"https://a@evil"})").find("base_url"), std::string::npos);
}

TEST(Config, BaseUrls) {
  for (const char* good :
       {"https://api.openai.com/v1", "https://gw.example.com", "https://gw.example.com:8443/a/b",
        "http://127.0.0.1:8080/v1", "http://localhost/v1", "https://[::1]:1/", "http://[::1]/v1"}) {
    EXPECT_TRUE(valid_base_url(good)) << good;
  }
  for (const char* bad :
       {"", "api.openai.com", "ftp://a", "https://", "https:///v1", "https://a@b/", "https://a/?q=1",
        "https://a/#f", "http://example.com", "http://127.evil.com", "http://localhost.evil.com",
        "https://a:b/", "https://a:99999/", "https://a:/", "https://a b/", "https://a/\"x", "https://a/\n",
        "https://[::2]/", "https://a\\b/"}) {
    EXPECT_FALSE(valid_base_url(bad)) << bad;
  }
}

}  // namespace
}  // namespace scc::codex
