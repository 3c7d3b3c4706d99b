// SPDX-License-Identifier: Apache-2.0
#include "../src/spec.hpp"

#include <gtest/gtest.h>

#include <scc/sdk/testing.hpp>

namespace scc::podman {
namespace {

using sdk::testing::Value;

constexpr const char* kSpec =
    R"({"name":"a","image":"x:1","labels":{"l":"v"},"argv":["/i","z"],"env":{"A":"b"},"workdir":"/w","hostname":"h",)"
    R"("user":{"uid":1001,"gid":1002},"mounts":[{"type":"bind","source":"/s,o=x","target":"/t","read_only":true},)"
    R"({"type":"tmpfs","target":"/tmp","read_only":false,"options":{"size":4096,"mode":"1777"}},)"
    R"({"type":"volume","source":"v","target":"/v","read_only":false}],"network":{"mode":"bridge"},"dns":["127.0.0.1"],)"
    R"("extra_hosts":["p:10.0.0.1"],"resources":{"memory_bytes":100,"pids":7,"nofile":65536,"cpus":1.5,"shm_bytes":5},)"
    R"("security":{"cap_drop":["ALL"],"no_new_privileges":true,"read_only_root":true},"stop_grace_ms":1500})";

struct SpecTest : testing::Test {
  Value body(const std::string& text = kSpec) {
    warnings.clear();
    return sdk::testing::parsed(
        create_body(host.host().parse(text), "localhost/x:1", able, facts, limits, warnings));
  }
  static std::string with(const std::string& from, const std::string& to) {
    std::string text = kSpec;
    text.replace(text.find(from), from.size(), to);
    return text;
  }
  sdk::testing::FakeHost host;
  oci::Abilities able;
  Facts facts;
  Limits limits;
  std::vector<std::string> warnings;
};

TEST_F(SpecTest, WritesEveryHardeningLine) {
  const Value made = body();
  EXPECT_EQ(made.str("/user"), "1001:1002");
  EXPECT_EQ(made.strings("/cap_drop"), std::vector<std::string>{"ALL"});
  EXPECT_TRUE(made.flag("/no_new_privileges"));
  EXPECT_TRUE(made.flag("/read_only_filesystem"));
  for (const char* off :
       {"/privileged", "/httpproxy", "/env_host", "/init", "/read_write_tmpfs", "/terminal"}) {
    ASSERT_NE(made.at(off), nullptr) << off;
    EXPECT_FALSE(made.flag(off)) << off;
  }
  for (const char* space : {"/pidns", "/ipcns", "/utsns", "/cgroupns"}) {
    EXPECT_EQ(made.str(std::string(space) + "/nsmode"), "private") << space;
  }
  EXPECT_EQ(made.strings("/healthconfig/Test"), std::vector<std::string>{"NONE"});
  EXPECT_EQ(made.str("/log_configuration/driver"), "none");
  EXPECT_EQ(made.str("/restart_policy"), "no");
  EXPECT_EQ(made.at("/stop_timeout")->integer, 2);
  EXPECT_EQ(made.at("/userns"), nullptr) << "root's sandboxes map nothing";
  EXPECT_TRUE(warnings.empty());
}

TEST_F(SpecTest, APathIsNeverAnOption) {
  const Value made = body();
  EXPECT_EQ(made.str("/mounts/0/source"), "/s,o=x");
  EXPECT_EQ(made.strings("/mounts/0/options"),
            (std::vector<std::string>{"bind", "ro", "rprivate", "nosuid", "nodev"}));
  EXPECT_EQ(
      made.strings("/mounts/1/options"),
      (std::vector<std::string>{"rw", "nosuid", "nodev", "noexec", "size=4096", "mode=1777", "notmpcopyup"}));
  EXPECT_EQ(made.str("/volumes/0/Name"), "v");
}

TEST_F(SpecTest, ATmpfsWithAnOwnerIsWritableInstead) {
  const Value made = body(with(R"("options":{"size":4096,"mode":"1777"})",
                               R"("options":{"size":4096,"mode":"0700","uid":1001,"gid":1002,"exec":true})"));
  EXPECT_EQ(
      made.strings("/mounts/1/options"),
      (std::vector<std::string>{"rw", "nosuid", "nodev", "exec", "size=4096", "mode=1777", "notmpcopyup"}));
}

TEST_F(SpecTest, ARootlessUserKeepsTheirId) {
  facts.rootless = true;
  facts.slirp4netns = true;
  const Value made = body();
  EXPECT_EQ(made.str("/userns/nsmode"), "keep-id");
  EXPECT_EQ(made.str("/userns/value"), "uid=1001,gid=1002");
  EXPECT_EQ(made.str("/netns/nsmode"), "slirp4netns");
  facts.slirp4netns = false;
  facts.pasta = true;
  EXPECT_EQ(body().str("/netns/nsmode"), "pasta");
}

TEST_F(SpecTest, NetworksAreWhatTheSpecSays) {
  EXPECT_EQ(body().str("/netns/nsmode"), "bridge");
  const Value none = body(with(R"({"mode":"bridge"})", R"({"mode":"none"})"));
  EXPECT_EQ(none.str("/netns/nsmode"), "none");
  EXPECT_EQ(none.at("/dns_server"), nullptr);
  const Value named = body(with(R"({"mode":"bridge"})", R"({"mode":"named","name":"n"})"));
  EXPECT_EQ(named.str("/netns/nsmode"), "bridge");
  ASSERT_NE(named.at("/Networks/n"), nullptr);
  EXPECT_EQ(named.str("/sysctl/net.ipv4.ip_unprivileged_port_start"), "0") << "low ports, as elsewhere";
  EXPECT_EQ(named.strings("/dns_server"), std::vector<std::string>{"127.0.0.1"});
  EXPECT_THROW(body(with(R"({"mode":"bridge"})", R"({"mode":"host"})")), sdk::Failure);
}

TEST_F(SpecTest, SeveralNetworksWithTheirAddresses) {
  const Value doc = body(with(
      R"("network":{"mode":"bridge"})",
      R"("network":{"mode":"named","name":"a","address":"10.0.0.3","ipv6":false},"networks":[{"name":"b"}])"));
  EXPECT_EQ(doc.strings("/Networks/a/static_ips"), std::vector<std::string>{"10.0.0.3"});
  EXPECT_NE(doc.at("/Networks/b"), nullptr);
  EXPECT_EQ(doc.at("/Networks/b/static_ips"), nullptr);
  EXPECT_EQ(doc.str("/sysctl/net.ipv4.ip_forward"), "0");
  EXPECT_EQ(doc.str("/sysctl/net.ipv6.conf.all.disable_ipv6"), "1");
  EXPECT_EQ(doc.str("/sysctl/net.ipv6.conf.default.disable_ipv6"), "1");
  EXPECT_EQ(body().at("/sysctl"), nullptr);
}

TEST_F(SpecTest, LimitsAreThoseThatTheMachineCanGive) {
  Value made = body();
  EXPECT_EQ(made.at("/r_limits/0/hard")->integer, 65'536);
  EXPECT_EQ(made.at("/resource_limits/memory/limit")->integer, 100);
  EXPECT_EQ(made.at("/resource_limits/memory/swap")->integer, 100);
  EXPECT_EQ(made.at("/resource_limits/pids/limit")->integer, 7);
  EXPECT_EQ(made.at("/resource_limits/cpu/quota")->integer, 150'000);
  limits.open_files = 20'000;
  limits.processes = 500;
  made = body();
  EXPECT_EQ(made.at("/r_limits/0/hard")->integer, 20'000);
  EXPECT_EQ(made.at("/r_limits/1/soft")->integer, 500);
  ASSERT_EQ(warnings.size(), 1U);
  EXPECT_NE(warnings[0].find("20000"), std::string::npos);
  able = {false, false, false, false, true};
  made = body();
  EXPECT_EQ(made.at("/resource_limits"), nullptr);
  EXPECT_EQ(warnings.size(), 4U);
}

TEST_F(SpecTest, RefusesWhatWouldOpenTheSandbox) {
  EXPECT_THROW(body(with(R"(["ALL"])", R"(["NET_RAW"])")), sdk::Failure);
  EXPECT_THROW(body(with(R"("no_new_privileges":true)", R"("no_new_privileges":false)")), sdk::Failure);
  EXPECT_THROW(body(with(R"("target":"/t")", R"("target":"/t/../etc")")), sdk::Failure);
  EXPECT_THROW(body(with(R"("type":"volume")", R"("type":"devpts")")), sdk::Failure);
  EXPECT_THROW(body(with(R"("A":"b")", R"("A=":"b")")), sdk::Failure);
}

TEST_F(SpecTest, TellsThatSelinuxDoesNotConfine) {
  facts.selinux = true;
  EXPECT_EQ(body().strings("/selinux_opts"), std::vector<std::string>{"disable"});
  EXPECT_EQ(warnings.size(), 1U);
}

}  // namespace
}  // namespace scc::podman
