// SPDX-License-Identifier: Apache-2.0
// The plan is the whole truth about a session's proxy, and the same for the same request.
#include "../src/plan.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <scc/sdk/testing.hpp>

namespace scc_squid {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::Not;
using sdk_value = scc::sdk::testing::Value;

constexpr const char* kRequest =
    R"({"schema":"scc.netpolicy-request/1","mode":"web-egress-enforced","config":{},)"
    R"("runtime":{"local":true,"rootless":false},"image":{"ref":"scc-egress-proxy:1"},)"
    R"("user":{"uid":1000,"gid":1000},"tools":{"source":"/usr/libexec/scc","target":"/opt/scc/bin"},)"
    R"("resolvers":["192.0.2.53"],"rules":[{"id":"org/allow/api.example.com","verdict":"allow",)"
    R"("host":"api.example.com","ports":[443],"layer":"org","owner":"org.defaults"}]})";

class Plan : public ::testing::Test {
 protected:
  scc::sdk::NetPlan plan(const std::string& from = "", const std::string& to = "") {
    std::string text = kRequest;
    if (!from.empty()) text.replace(text.find(from), from.size(), to);
    return make_plan(host_.host().parse(text));
  }
  std::string refusal(const std::string& from, const std::string& to) {
    try {
      plan(from, to);
    } catch (const scc::sdk::Failure& failure) {
      return failure.code;
    }
    return "none";
  }
  scc::sdk::Json details(const scc::sdk::NetPlan& plan) { return host_.host().parse(plan.details_json); }
  scc::sdk::testing::FakeHost host_;
};

TEST_F(Plan, TheSandboxHasNoNetworkAndOneWayOut) {
  const auto made = plan();
  EXPECT_EQ(made.network.mode, "none");
  EXPECT_TRUE(made.enforced);
  EXPECT_EQ(made.transport, "socket");
  EXPECT_EQ(made.relay.port, 3128);
  for (const char* name : {"HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy"}) {
    EXPECT_EQ(made.env.at(name), "http://127.0.0.1:3128") << name;
  }
  EXPECT_EQ(made.env.at("no_proxy"), "localhost,127.0.0.1,::1");
}

TEST_F(Plan, TheConfigurationIsAPartOfIt) {
  const auto made = plan();
  ASSERT_EQ(made.files.front().name, "squid.conf");
  const std::string& conf = made.files.front().text;
  EXPECT_THAT(conf, HasSubstr("http_port 127.0.0.1:3128\n"));
  EXPECT_THAT(conf, HasSubstr("dns_nameservers 192.0.2.53\n"));
  EXPECT_THAT(conf, HasSubstr("access_log stdio:/run/scc-log/decisions "));
  EXPECT_THAT(conf, HasSubstr("api.example.com"));
  EXPECT_EQ(plan().json(), made.json());
  EXPECT_NE(plan("api.example.com\",\"ports", "b.example.com\",\"ports").json(), made.json());
}

TEST_F(Plan, TheProxyIsHardenedAndWritesOnlyWhereItMust) {
  const auto json = details(plan());
  EXPECT_EQ(json.strings("/sandbox/security/cap_drop"), std::vector<std::string>{"ALL"});
  EXPECT_TRUE(json.flag("/sandbox/security/read_only_root"));
  EXPECT_TRUE(json.flag("/sandbox/security/no_new_privileges"));
  EXPECT_EQ(json.integer("/sandbox/user/uid"), 1000);
  EXPECT_GT(json.integer("/sandbox/resources/memory_bytes"), 0);
  EXPECT_GT(json.integer("/sandbox/resources/pids"), 0);
  std::vector<std::string> writable;
  for (const auto& mount : json.items("/sandbox/mounts")) {
    if (!mount.flag("/read_only")) writable.push_back(mount.str("/target"));
  }
  EXPECT_THAT(writable, ::testing::ElementsAre("/run/scc-proxy", "/run/scc-net", "/run/scc-log"));
}

TEST_F(Plan, AnUplinkOfItsOwnUnlessOneIsNamedOrTheEngineIsRootless) {
  const auto own = details(plan());
  EXPECT_EQ(own.str("/sandbox/network/name"), "${session.sandbox}-uplink");
  EXPECT_EQ(own.str("/uplink/name"), "${session.sandbox}-uplink");
  const auto named = details(plan(R"("config":{})", R"("config":{"network":"lab","dns":["198.51.100.1"]})"));
  EXPECT_EQ(named.str("/sandbox/network/name"), "lab");
  EXPECT_FALSE(named.has("/uplink"));
  EXPECT_EQ(named.strings("/sandbox/dns"), std::vector<std::string>{"198.51.100.1"});
  const auto rootless = details(plan(R"("rootless":false)", R"("rootless":true)"));
  EXPECT_EQ(rootless.str("/sandbox/network/mode"), "bridge");
  EXPECT_FALSE(rootless.has("/uplink"));
}

TEST_F(Plan, WithoutRulesNothingIsAllowed) {
  std::string text = kRequest;
  text.erase(text.find(R"(,"rules")"));
  const auto made = make_plan(host_.host().parse(text + "}"));
  EXPECT_THAT(made.files.front().text, Not(HasSubstr("http_access allow")));
}

TEST_F(Plan, WhatCannotBeEnforcedIsRefused) {
  EXPECT_EQ(refusal(R"("uid":1000)", R"("uid":0)"), "network.root");
  EXPECT_EQ(refusal(R"("local":true)", R"("local":false)"), "network.remote");
  EXPECT_EQ(refusal(R"(["192.0.2.53"])", "[]"), "network.resolvers");
  EXPECT_EQ(refusal(R"("config":{})", R"("config":{"transport":"internal"})"), "network.enforced");
  for (const char* name : {"host", "none", "bridge", "-x", "a b", "a/b"}) {
    EXPECT_EQ(refusal(R"("config":{})", R"("config":{"network":")" + std::string(name) + R"("})"),
              "network.enforced");
  }
  EXPECT_EQ(refusal(R"("config":{})", R"("config":{"seed_leak":"no-such-wall"})"), "network.leak");
  EXPECT_EQ(refusal(R"("verdict":"allow")", R"("verdict":"maybe")"), "egress.rule");
}

}  // namespace
}  // namespace scc_squid
