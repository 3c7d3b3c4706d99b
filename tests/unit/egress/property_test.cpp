// SPDX-License-Identifier: Apache-2.0
// What holds for any layers: made at random from a small universe, where names, domains and ports often meet.
#include <random>

#include <gtest/gtest.h>

#include "egress/decide.h"
#include "policy/targets.h"
#include "unit/policy/fixture.h"

namespace scc::egress {
namespace {

using policy::testing::base_org;
using policy::testing::computed;
using policy::testing::layers_of;

constexpr unsigned kSeed = 20261127;
constexpr int kCases = 2000;

class World {
 public:
  explicit World(unsigned seed) : random_(seed) {}
  std::size_t pick(std::size_t n) { return std::uniform_int_distribution<std::size_t>(0, n - 1)(random_); }
  std::string name() {
    static const std::vector<std::string> kNames = {"a.example.com", "b.a.example.com", "example.com",
                                                    "c.example.com", "a.test.example",  "test.example"};
    return kNames[pick(kNames.size())];
  }
  std::string target() {
    static const std::vector<std::string> kPorts = {"", "", ":443", ":80", ":8443"};
    return (pick(3) == 0 ? "." : "") + name() + kPorts[pick(kPorts.size())];
  }
  model::Strings targets(std::size_t most) {
    model::Strings out;
    for (std::size_t n = pick(most + 1); n > 0; --n) out.push_back(target());
    return out;
  }
  model::Org org() {
    model::Org out = base_org();
    out.security.egress_deny = targets(2);
    out.defaults.egress.allow = targets(4);
    out.profiles["web"].egress.allow = targets(3);
    out.profiles["web"].egress.deny = targets(1);
    if (pick(2) == 0) out.delegation.team_egress = {"web"};
    return out;
  }
  model::Project project() {
    model::Project out;
    out.egress.deny = targets(1);
    out.egress.allow = targets(2);
    if (pick(2) == 0) out.egress.only = targets(3);
    return out;
  }

 private:
  std::mt19937 random_;
};

std::vector<Request> universe() {
  std::vector<Request> out;
  for (const char* host :
       {"a.example.com", "b.a.example.com", "x.a.example.com", "example.com", "c.example.com",
        "d.c.example.com", "a.test.example", "test.example", "evil.test"}) {
    for (const int port : {443, 8443, 22}) out.push_back({"CONNECT", "", host, port});
    out.push_back({"GET", "http", host, 80});
  }
  return out;
}

Rules rules_of(const policy::Layers& layers) {
  auto out = make_rules(computed(layers), {});
  EXPECT_TRUE(out) << (out ? "" : out.error().message);
  return out.value_or(Rules{});
}

TEST(EgressProperty, AProjectOnlyNarrows) {
  World world(kSeed);
  for (int i = 0; i < kCases; ++i) {
    const model::Org org = world.org();
    policy::Layers layers = layers_of(org);
    const Rules before = rules_of(layers);
    layers.project = world.project();
    const Rules after = rules_of(layers);
    for (const Request& request : universe()) {
      if (decide(before, request).allow) continue;
      EXPECT_FALSE(decide(after, request).allow)
          << "case " << i << ": " << request.host << ":" << request.port;
    }
  }
}

TEST(EgressProperty, WhatIsAllowedIsInTheEffectiveListAndNotDenied) {
  World world(kSeed + 1);
  for (int i = 0; i < kCases; ++i) {
    const model::Org org = world.org();
    policy::Layers layers = layers_of(org);
    if (world.pick(2) == 0) layers.project = world.project();
    const model::Effective effective = computed(layers);
    const Rules rules = rules_of(layers);
    for (const Request& request : universe()) {
      if (!decide(rules, request).allow) continue;
      const auto target = policy::parse_target(request.host + ":" + std::to_string(request.port));
      ASSERT_TRUE(target);
      EXPECT_LT(policy::find_cover(effective.egress.allow, *target), effective.egress.allow.size())
          << "case " << i;
      EXPECT_EQ(policy::find_cover(effective.egress.deny, *target), effective.egress.deny.size())
          << "case " << i;
    }
  }
}

TEST(EgressProperty, EqualInputsGiveEqualBytesAndOrderDoesNotMatter) {
  World world(kSeed + 2);
  for (int i = 0; i < kCases / 4; ++i) {
    const model::Org org = world.org();
    const Rules rules = rules_of(layers_of(org));
    EXPECT_EQ(json::dump(to_json(rules)), json::dump(to_json(rules_of(layers_of(org)))));
    EXPECT_EQ(*read_rules(to_json(rules)), rules);
    Rules turned(rules.rbegin(), rules.rend());
    for (const Request& request : universe()) {
      EXPECT_EQ(decide(rules, request).allow, decide(turned, request).allow);
    }
  }
}

TEST(EgressProperty, ADenialTakesAwayAndNothingElse) {
  World world(kSeed + 3);
  for (int i = 0; i < kCases / 2; ++i) {
    model::Org org = world.org();
    const Rules before = rules_of(layers_of(org));
    const std::string text = world.target();
    org.security.egress_deny.push_back(text);
    const auto denied = policy::parse_target(text);
    const Rules after = rules_of(layers_of(org));
    for (const Request& request : universe()) {
      const auto target = policy::parse_target(request.host + ":" + std::to_string(request.port));
      const bool was = decide(before, request).allow;
      EXPECT_EQ(decide(after, request).allow, was && !policy::covers(*denied, *target))
          << "case " << i << " " << text;
    }
  }
}

}  // namespace
}  // namespace scc::egress
