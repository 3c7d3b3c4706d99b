// SPDX-License-Identifier: Apache-2.0
#include "app/live.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace scc::app {
namespace {

json::Value plan(const std::string& policy, const std::string& digest,
                 const std::vector<std::string>& hosts) {
  json::Value out;
  out["workspace"]["root"] = "/w";
  out["provider"]["id"] = "some";
  out["runtime"]["id"] = "engine";
  out["governance"]["digest"] = digest;
  out["governance"]["team"] = "blue";
  out["network"]["mode"] = policy;
  out["network"]["rules"] = json::Array{};
  for (const std::string& host : hosts) {
    json::Value rule;
    rule["verdict"] = "allow";
    rule["host"] = host;
    rule["ports"] = json::Array{443};
    out["network"]["rules"].array().push_back(rule);
  }
  return out;
}

std::string envelope(const json::Value& made) {
  json::Value out;
  out["data"]["plan"] = made;
  return json::dump(out);
}

const char* const kEnforced = "web-egress-enforced";

TEST(Live, NarrowerEndsASession) {
  const json::Value was = plan(kEnforced, "1", {"a.example", "b.example"});
  EXPECT_THAT(revoked_by(was, 0, envelope(plan(kEnforced, "2", {"a.example"}))),
              ::testing::HasSubstr("b.example:443"));
  EXPECT_THAT(revoked_by(was, 0, envelope(plan("locked-down-web", "2", {}))),
              ::testing::HasSubstr("locked-down-web now"));
}

TEST(Live, WiderAndEqualDoNot) {
  const json::Value was = plan(kEnforced, "1", {"a.example"});
  EXPECT_EQ(revoked_by(was, 0, envelope(plan(kEnforced, "2", {"a.example", "b.example"}))), "");
  EXPECT_EQ(revoked_by(was, 0, envelope(plan("open", "2", {}))), "");
  EXPECT_EQ(revoked_by(was, 0, envelope(plan(kEnforced, "1", {}))), "") << "the same digest: nothing changed";
}

TEST(Live, ARefusalEndsItAndASilentServerDoesNot) {
  const json::Value was = plan(kEnforced, "1", {"a.example"});
  const std::string refusal = R"({"data":{"user_message":"the provider some is not allowed"}})";
  EXPECT_THAT(revoked_by(was, 6, refusal), ::testing::HasSubstr("the provider some is not allowed"));
  for (const int code : {1, 2, 3, 4, 5, 130, 137}) EXPECT_EQ(revoked_by(was, code, refusal), "") << code;
  EXPECT_EQ(revoked_by(was, 6, "no json"), "");
  EXPECT_EQ(revoked_by(was, 0, "{}"), "");
}

TEST(Live, TheDryRunIsOfTheSameKind) {
  json::Value was = plan("open", "1", {});
  EXPECT_THAT(dry_run_of(was),
              ::testing::ElementsAre("start", "/w", "--dry-run", "--json", "--non-interactive", "--provider",
                                     "some", "--runtime", "engine", "--team", "blue"));
  was["session"]["shell"] = true;
  was["governance"]["standalone"] = true;
  was["governance"]["team"] = "";
  EXPECT_THAT(dry_run_of(was), ::testing::IsSupersetOf({"--shell", "--standalone"}));
}

TEST(Live, WhatDoesNotAskForItIsNotWatched) {
  const Host host{os::Environment{}, plugin::Options{}};
  LiveWatch live(host, plan("open", "1", {}));
  EXPECT_FALSE(live.asker());
}

}  // namespace
}  // namespace scc::app
