// SPDX-License-Identifier: Apache-2.0
// The plan is the whole truth about a session's proxy, and the same for the same request.
#include "../src/plan.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <scc/sdk/testing.hpp>

namespace scc_squid {
namespace {

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
  ASSERT_EQ(made.home_files.size(), 1U);
  EXPECT_EQ(made.home_files.front().name, ".curlrc");
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

TEST_F(Plan, AnInternalNetworkHasNobodyButTheProxy) {
  const auto made = plan(R"("config":{})", R"("config":{"transport":"internal"},"subnet":"10.213.7.8/29")");
  EXPECT_EQ(made.transport, "internal");
  EXPECT_TRUE(made.enforced);
  EXPECT_EQ(made.network.mode, "named");
  EXPECT_EQ(made.network.name, "${session.sandbox}-egress");
  EXPECT_EQ(made.network.address, "10.213.7.11");
  EXPECT_TRUE(made.network.no_ipv6);
  EXPECT_EQ(made.dns, std::vector<std::string>{"127.0.0.1"});
  EXPECT_EQ(made.relay.port, 0);
  EXPECT_EQ(made.inside.address, "10.213.7.11/29");
  EXPECT_EQ(made.inside.proxy, "10.213.7.10:3128");
  EXPECT_EQ(made.env.at("https_proxy"), "http://10.213.7.10:3128");
  const std::string& conf = made.files.front().text;
  EXPECT_THAT(conf, HasSubstr("http_port 10.213.7.10:3128\n"));
  EXPECT_THAT(conf, HasSubstr("acl agent src 10.213.7.11 10.213.7.10\n"));
  const auto json = details(made);
  EXPECT_EQ(json.str("/egress/subnet"), "10.213.7.8/29");
  EXPECT_TRUE(json.flag("/egress/internal"));
  for (const char* flag : {"/egress/host_address", "/egress/dns", "/egress/ipv6"}) {
    EXPECT_FALSE(json.flag(flag, true)) << flag;
  }
  EXPECT_EQ(json.str("/sandbox/networks/0/name"), "${session.sandbox}-egress");
  EXPECT_EQ(json.str("/sandbox/networks/0/address"), "10.213.7.10");
  EXPECT_EQ(json.str("/sandbox/network/name"), "${session.sandbox}-uplink");
  EXPECT_EQ(json.str("/sandbox/argv/3"), "10.213.7.10:3128");
  for (const auto& mount : json.items("/sandbox/mounts")) EXPECT_NE(mount.str("/target"), "/run/scc-net");
}

TEST_F(Plan, AnInternalNetworkNeedsABlockAndAnEngineThatIsRoot) {
  const auto with = [&](const std::string& subnet) {
    return refusal(R"("config":{})", R"("config":{"transport":"internal"},"subnet":")" + subnet + R"(")");
  };
  for (const char* subnet : {"", "10.0.0.0/24", "2001:db8::/29", "x"})
    EXPECT_EQ(with(subnet), "network.subnet");
  EXPECT_EQ(refusal(R"("config":{},"runtime":{"local":true,"rootless":false})",
                    R"("config":{"transport":"internal"},"runtime":{"local":true,"rootless":true})"),
            "network.rootless");
}

TEST_F(Plan, AnUpstreamProxyIsTheOnlyWayOutOfTheProxy) {
  const auto with = [](const std::string& url) { return R"("config":{"upstream_proxy":")" + url + R"("})"; };
  const std::string conf = plan(R"("config":{})", with("http://10.0.0.8:8080")).files.front().text;
  EXPECT_THAT(conf, HasSubstr("cache_peer 10.0.0.8 parent 8080 0 "));
  EXPECT_THAT(conf, HasSubstr("never_direct allow all\n"));
  EXPECT_THAT(conf, HasSubstr("acl denied_address dst 10.0.0.0/8\n")) << "for the sandbox it stays closed";
  EXPECT_THAT(plan().files.front().text, Not(HasSubstr("cache_peer")));
  EXPECT_THAT(plan(R"("config":{})", with("http://proxy.corp.example:3128/")).files.front().text,
              HasSubstr("cache_peer proxy.corp.example parent 3128 0 "));
  for (const char* url : {"proxy:3128", "https://proxy:3128", "http://proxy", "http://proxy:x",
                          "http://:3128", "http://u:p@proxy:3128", "http://proxy:3128/path"}) {
    EXPECT_THAT(refusal(R"("config":{})", with(url)), ::testing::AnyOf("network.enforced", "egress.settings"))
        << url;
  }
  for (const char* url : {"http://proxy:0", "http://proxy:70000", "http://pro xy:1", "http://p\\nx:1"}) {
    EXPECT_EQ(refusal(R"("config":{})", with(url)), "egress.settings") << url;
  }
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
  EXPECT_EQ(refusal(R"("config":{})", R"("config":{"transport":"bridge"})"), "network.enforced");
  for (const char* name : {"host", "none", "bridge", "-x", "a b", "a/b"}) {
    EXPECT_EQ(refusal(R"("config":{})", R"("config":{"network":")" + std::string(name) + R"("})"),
              "network.enforced");
  }
  EXPECT_EQ(refusal(R"("config":{})", R"("config":{"seed_leak":"no-such-wall"})"), "network.leak");
  EXPECT_EQ(refusal(R"("verdict":"allow")", R"("verdict":"maybe")"), "egress.rule");
}

}  // namespace
}  // namespace scc_squid
