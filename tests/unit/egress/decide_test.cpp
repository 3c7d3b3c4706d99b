// SPDX-License-Identifier: Apache-2.0
#include "egress/decide.h"

#include <gtest/gtest.h>

namespace scc::egress {
namespace {

Rule allow(const std::string& host, std::vector<int> ports = {443}) {
  return {"org/allow/" + host, true, host, std::move(ports), "org", "org.defaults"};
}
Rule deny(const std::string& host, std::vector<int> ports = {}) {
  return {"org/deny/" + host, false, host, std::move(ports), "org", "org.security"};
}

const Rules kRules = {deny("8.8.8.0/24"), deny("bad.example.com"), allow("*.example.com", {80, 443}),
                      allow("api.test.example", {8443})};

std::string reason(const Request& request, const model::Strings* addresses = nullptr,
                   const Addressing& addressing = {}) {
  const Decision out = decide(kRules, request, addresses, addressing);
  EXPECT_EQ(out.allow, out.reason == "allowed");
  EXPECT_FALSE(out.text.empty());
  return out.reason;
}

Request tunnel(std::string host, int port = 443) {
  return {"CONNECT", "", std::move(host), port};
}
Request plain(std::string host, int port = 80) {
  return {"GET", "http", std::move(host), port};
}

TEST(Decide, EmptyRulesAllowNothing) {
  for (const Request& request : {tunnel("a.example.com"), plain("a.example.com", 80), tunnel("x", 22)}) {
    EXPECT_FALSE(decide({}, request).allow);
  }
  EXPECT_EQ(decide({}, tunnel("a.example.com")).rule, "builtin/not-listed");
}

TEST(Decide, FollowsTheOrder) {
  EXPECT_EQ(reason({"TRACE", "ftp", "127.0.0.1", 22}), "method");
  EXPECT_EQ(reason({"get", "http", "a.example.com", 80}), "method");
  EXPECT_EQ(reason({"GET", "https", "127.0.0.1", 22}), "scheme");
  EXPECT_EQ(reason(tunnel("127.0.0.1", 22)), "port");
  EXPECT_EQ(reason(tunnel("a.example.com", 80)), "port");
  EXPECT_EQ(reason(plain("a.example.com", 443)), "port");
  EXPECT_EQ(reason(tunnel("127.0.0.1")), "literal");
  EXPECT_EQ(reason(tunnel("a_b.example.com")), "malformed");
  EXPECT_EQ(reason(tunnel("bad.example.com")), "denied");
  EXPECT_EQ(reason(tunnel("evil.test")), "not-listed");
  EXPECT_EQ(reason(tunnel("api.test.example")), "host-port");
  EXPECT_EQ(reason(tunnel("a.example.com")), "allowed");
  EXPECT_EQ(reason(tunnel("api.test.example", 8443)), "allowed");
  EXPECT_EQ(reason(plain("A.EXAMPLE.com.")), "allowed");
}

TEST(Decide, AWildcardLeavesTheDomainItselfOut) {
  EXPECT_EQ(reason(tunnel("example.com")), "not-listed");
  EXPECT_EQ(reason(tunnel("xexample.com")), "not-listed");
  EXPECT_EQ(reason(tunnel("a.b.example.com")), "allowed");
}

TEST(Decide, OneBadAddressIsEnough) {
  const auto leads = [](model::Strings addresses, const Addressing& addressing = {}) {
    return reason(tunnel("a.example.com"), &addresses, addressing);
  };
  EXPECT_EQ(leads({}), "allowed");
  EXPECT_EQ(leads({"93.184.216.34", "2a00::1"}), "allowed");
  for (const char* address : {"127.0.0.1",
                              "10.1.2.3",
                              "172.16.0.1",
                              "172.31.255.255",
                              "192.168.1.1",
                              "169.254.169.254",
                              "169.254.170.2",
                              "100.64.0.1",
                              "100.100.100.200",
                              "0.0.0.0",
                              "224.0.0.1",
                              "255.255.255.255",
                              "192.0.2.1",
                              "198.18.0.1",
                              "198.51.100.1",
                              "203.0.113.7",
                              "::",
                              "::1",
                              "::ffff:10.0.0.1",
                              "::ffff:7f00:1",
                              "64:ff9b::a00:1",
                              "fd00:ec2::254",
                              "fe80::1",
                              "fc00::1",
                              "ff02::1",
                              "2001:db8::7",
                              "2002:a00:1::",
                              "2001::1",
                              "nonsense",
                              ""}) {
    EXPECT_EQ(leads({address}), "address") << address;
    EXPECT_EQ(leads({"93.184.216.34", address}), "address") << address;
  }
  EXPECT_EQ(leads({"::ffff:93.184.216.34"}), "allowed");
  EXPECT_EQ(leads({"172.32.0.1"}), "allowed");
  EXPECT_EQ(leads({"8.8.8.8"}), "denied");
  EXPECT_EQ(leads({"::ffff:8.8.8.8"}), "denied");
  EXPECT_EQ(leads({"93.184.216.34"}, {{"93.184.0.0/16"}, {}}), "address");
}

TEST(Decide, InternalBlocksOpenPrivateRangesAndNothingElse) {
  const Addressing inside{{"10.9.9.9"}, {"10.0.0.0/8", "0.0.0.0/0", "::/0"}};
  const auto leads = [&](model::Strings addresses) {
    return reason(tunnel("a.example.com"), &addresses, inside);
  };
  EXPECT_EQ(leads({"10.1.2.3"}), "allowed");
  EXPECT_EQ(leads({"10.9.9.9"}), "address");
  EXPECT_EQ(leads({"127.0.0.1"}), "address");
  EXPECT_EQ(leads({"169.254.169.254"}), "address");
  EXPECT_EQ(leads({"fd00:ec2::254"}), "address");
}

TEST(Decide, SaysWhoseRuleItWas) {
  const Decision out = decide(kRules, tunnel("bad.example.com"));
  EXPECT_EQ(out.rule, "org/deny/bad.example.com");
  EXPECT_EQ(out.layer, "org");
  EXPECT_EQ(out.owner, "org.security");
  EXPECT_EQ(out.text, "org.security denies bad.example.com");
  EXPECT_EQ(to_json(out).str("/verdict"), "deny");
}

TEST(Decide, ForeignTextIsPrintable) {
  const Decision out = decide(kRules, tunnel("\x1b[31mevil\x07"));
  EXPECT_EQ(out.text.find('\x1b'), std::string::npos);
}

}  // namespace
}  // namespace scc::egress
