// SPDX-License-Identifier: Apache-2.0
// What rules let out before and do not now.
#include "app/stale.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace scc::app {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

json::Value rule(const char* verdict, const char* host, json::Array ports) {
  return json::Object{{"id", "x"}, {"verdict", verdict}, {"host", host}, {"ports", std::move(ports)}};
}

TEST(Stale, OnlyWhatWasTakenAwayCounts) {
  const json::Value was =
      json::Array{rule("deny", "d.example.com", {}), rule("allow", "a.example.com", {443, 80})};
  EXPECT_THAT(no_longer_allowed(was, was), IsEmpty());
  json::Value now = was;
  now.array().push_back(rule("allow", "b.example.com", {443}));
  EXPECT_THAT(no_longer_allowed(was, now), IsEmpty()) << "wider is not behind";
  EXPECT_THAT(no_longer_allowed(now, was), ElementsAre("b.example.com:443"));
  EXPECT_THAT(no_longer_allowed(was, json::Array{rule("allow", "a.example.com", {443})}),
              ElementsAre("a.example.com:80"));
  now = was;
  now.array().push_back(rule("deny", "a.example.com", {}));
  EXPECT_THAT(no_longer_allowed(was, now), ElementsAre("a.example.com"));
  EXPECT_THAT(no_longer_allowed(was, json::Array{}), ElementsAre("a.example.com:443", "a.example.com:80"));
}

TEST(Stale, ALongListIsCut) {
  json::Array many;
  for (int port = 1; port <= 9; ++port) many.push_back(rule("allow", "a.example.com", {port}));
  EXPECT_EQ(no_longer_allowed(many, json::Array{}).back(), "and 4 more");
}

}  // namespace
}  // namespace scc::app
