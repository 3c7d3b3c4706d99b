// SPDX-License-Identifier: Apache-2.0
#include "../src/problems.hpp"

#include <algorithm>

#include <gtest/gtest.h>

#include <scc/sdk/testing.hpp>

namespace scc::podman {
namespace {

std::vector<std::string> codes(const Facts& facts, const Circumstances& here) {
  sdk::RuntimeInfo info;
  add_problems(facts, here, info);
  std::vector<std::string> result;
  for (const auto& problem : info.problems) {
    EXPECT_FALSE(problem.message.empty());
    EXPECT_FALSE(problem.remedy.empty());
    result.push_back(problem.code);
  }
  return result;
}

Facts healthy() {
  Facts facts;
  facts.seccomp = true;
  facts.network_backend = "netavark";
  facts.storage_driver = "overlay";
  facts.slirp4netns = true;
  facts.mapped_ids = 65'537;
  return facts;
}

TEST(Problems, ARootfulAndARootlessPodmanMayBeHealthy) {
  EXPECT_EQ(codes(healthy(), {}), std::vector<std::string>{});
  Circumstances here;
  here.rootless = true;
  EXPECT_EQ(codes(healthy(), here), std::vector<std::string>{});
}

TEST(Problems, EachWeaknessIsTold) {
  using Codes = std::vector<std::string>;
  Circumstances rootless;
  rootless.rootless = true;
  Facts facts = healthy();
  facts.seccomp = false;
  EXPECT_EQ(codes(facts, {}), Codes{"runtime.seccomp-unconfined"});
  facts = healthy();
  facts.oci_runtime = "crun";
  Circumstances hybrid;
  hybrid.hybrid_cgroups = true;
  EXPECT_EQ(codes(facts, hybrid), Codes{"runtime.hybrid-cgroups"});
  EXPECT_EQ(codes(facts, {}), Codes{}) << "crun runs where there is one version";
  facts.oci_runtime = "runc";
  EXPECT_EQ(codes(facts, hybrid), Codes{});
  facts = healthy();
  facts.network_backend = "cni";
  EXPECT_EQ(codes(facts, {}), Codes{"runtime.no-netavark"});
  facts = healthy();
  facts.storage_driver = "vfs";
  EXPECT_EQ(codes(facts, {}), Codes{"runtime.vfs-storage"});
  facts = healthy();
  facts.mapped_ids = 1;
  EXPECT_EQ(codes(facts, rootless), Codes{"runtime.no-subids"});
  EXPECT_EQ(codes(facts, {}), Codes{}) << "root needs none";
  facts = healthy();
  facts.slirp4netns = false;
  EXPECT_EQ(codes(facts, rootless), Codes{"runtime.no-rootless-network"});
  facts.pasta = true;
  EXPECT_EQ(codes(facts, rootless), Codes{});
  rootless.tun_usable = false;
  EXPECT_EQ(codes(healthy(), rootless), Codes{"runtime.no-tun"});
  rootless.tun_usable = true;
  rootless.has_runtime_dir = false;
  EXPECT_EQ(codes(healthy(), rootless), Codes{"runtime.no-session"});
}

TEST(Problems, TextsOfTheEngineAreUnderstood) {
  const std::pair<const char*, const char*> texts[] = {
      {"crun: cgroups in hybrid mode not supported, drop all controllers from cgroupv2: OCI runtime error",
       "runtime.hybrid-cgroups"},
      {"crun: setrlimit `RLIMIT_NOFILE`: Operation not permitted: OCI permission denied", "runtime.rlimit"},
      {"runc: runc create failed: unable to start container process: error during container init: error "
       "setting rlimit "
       "type 7: operation not permitted: OCI permission denied",
       "runtime.rlimit"},
      {"cannot find UID/GID for user x: no subuid ranges found for user \"x\" in /etc/subuid",
       "runtime.no-subids"},
      {"slirp4netns failed: \"open(\\\"/dev/net/tun\\\"): Permission denied", "runtime.no-tun"},
      {"could not find \"netavark\" in one of [/usr/libexec/podman]", "runtime.no-netavark"}};
  for (const auto& [text, code] : texts) {
    const auto known = known_trouble(text);
    ASSERT_TRUE(known) << text;
    EXPECT_EQ(known->code, code) << text;
    EXPECT_EQ(known->status, SCC_E_PREREQ);
    EXPECT_FALSE(known->hint.empty());
    EXPECT_NE(known->message.find(text), std::string::npos) << "the engine's own words stay";
  }
  EXPECT_FALSE(known_trouble("no such container"));
}

TEST(Facts, SurviveTheStore) {
  sdk::testing::FakeHost host;
  const sdk::Json info = host.host().parse(
      R"({"host":{"arch":"amd64","cgroupVersion":"v2","cgroupControllers":["memory","pids"],"memTotal":5,)"
      R"("networkBackend":"netavark","ociRuntime":{"name":"crun"},"distribution":{"distribution":"debian","version":"12"},)"
      R"("security":{"rootless":true,"seccompEnabled":true},"slirp4netns":{"executable":"/usr/bin/slirp4netns"},)"
      R"("idMappings":{"uidmap":[{"size":1},{"size":65536}]}},"store":{"graphDriverName":"overlay","graphRoot":"/var/lib/x"},)"
      R"("version":{"Version":"4.9.3"}})");
  const Facts facts = facts_of(info);
  EXPECT_EQ(facts.cgroup_version, "2");
  EXPECT_EQ(facts.os, "debian 12");
  EXPECT_EQ(facts.mapped_ids, 65'537);
  EXPECT_TRUE(facts.slirp4netns);
  EXPECT_EQ(facts.storage_root, "/var/lib/x");
  EXPECT_FALSE(facts.pasta);
  const Facts again = facts_from(host.host().parse("{\"facts\":" + to_json(facts) + "}"));
  EXPECT_EQ(to_json(again), to_json(facts));
}

TEST(Facts, ARootlessPodmanOnVersionOneLimitsNothing) {
  Facts facts;
  facts.controllers = {"memory", "pids", "cpu"};
  facts.cgroup_version = "1";
  EXPECT_TRUE(abilities_of(facts).memory);
  EXPECT_FALSE(abilities_of(facts).swap);
  facts.rootless = true;
  EXPECT_FALSE(abilities_of(facts).memory);
  EXPECT_FALSE(abilities_of(facts).pids);
  EXPECT_FALSE(abilities_of(facts).cpus);
  facts.cgroup_version = "2";
  EXPECT_TRUE(abilities_of(facts).pids);
  facts.controllers = {"pids"};
  EXPECT_FALSE(abilities_of(facts).memory) << "not delegated";
}

}  // namespace
}  // namespace scc::podman
