// SPDX-License-Identifier: Apache-2.0
#include "../src/auth.h"

#include <gtest/gtest.h>

#include <scc/sdk/testing.hpp>

namespace scc::codex {
namespace {

sdk::AuthStatus judge(const std::string& file, const std::string& mode = "login",
                      const std::string& env = "{}") {
  const sdk::testing::FakeHost fake;
  const sdk::Host host = fake.host();
  return judge_auth(host.parse(R"({"schema":"scc.auth-request/1","files":{"auth.json":)" + file +
                               R"(},"env":)" + env + R"(,"mode":")" + mode + "\"}"));
}

std::string status(const std::string& json) {
  const sdk::AuthStatus out = judge(R"({"present":true,"size":9,"json":)" + json + "}");
  EXPECT_EQ(out.guidance.empty(), out.status == "present") << json;
  return out.status;
}

TEST(Auth, WhatTheFileProves) {
  EXPECT_EQ(status(R"({"OPENAI_API_KEY":"sk-x"})"), "present");
  EXPECT_EQ(status(R"({"OPENAI_API_KEY":null,"tokens":{"access_token":"a","refresh_token":"r"}})"),
            "present");
  EXPECT_EQ(status(R"({"tokens":{"access_token":"a","refresh_token":""}})"), "expired");
  EXPECT_EQ(status(R"({"tokens":{}})"), "missing");
  EXPECT_EQ(status(R"({"tokens":null,"last_refresh":"2026-01-01T00:00:00Z"})"), "missing");
}

TEST(Auth, AnyShapeOfTheFile) {
  for (const char* json :
       {"{}", "[]", "null", "7", R"("x")", R"({"OPENAI_API_KEY":7})", R"({"OPENAI_API_KEY":""})",
        R"({"tokens":[]})", R"({"tokens":{"refresh_token":{}}})"}) {
    EXPECT_EQ(status(json), "missing") << json;
  }
  EXPECT_EQ(judge(R"({"present":true,"size":4})").status, "missing") << "no JSON";
  EXPECT_EQ(judge(R"({"present":false,"size":0})").status, "missing");
  EXPECT_EQ(judge(R"({"present":true,"size":0})").status, "missing");
}

TEST(Auth, TheWayOutIsACommand) {
  EXPECT_NE(judge(R"({"present":false,"size":0})").guidance.find("scc provider login codex"),
            std::string::npos);
}

TEST(Auth, AKeyOfTheEnvironment) {
  const char* none = R"({"present":false,"size":0})";
  EXPECT_EQ(judge(none, "api_key", R"({"OPENAI_API_KEY":true})").status, "present");
  EXPECT_EQ(judge(none, "api_key", R"({"SCC_CODEX_API_KEY":true})").status, "present");
  EXPECT_EQ(judge(none, "api_key", R"({"OPENAI_API_KEY":false})").status, "missing");
  EXPECT_EQ(judge(R"({"present":true,"size":9,"json":{"OPENAI_API_KEY":"k"}})", "api_key").status, "missing")
      << "the volume's key is not what api_key means";
}

}  // namespace
}  // namespace scc::codex
