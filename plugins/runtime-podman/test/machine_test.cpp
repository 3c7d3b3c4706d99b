// SPDX-License-Identifier: Apache-2.0
#include "../src/machine.hpp"

#include <gtest/gtest.h>

#include <scc/sdk/testing.hpp>

namespace scc::podman {
namespace {

TEST(Machine, TellsHybridCgroups) {
  EXPECT_TRUE(hybrid_cgroups("9:name=systemd:/\n4:memory:/x\n0::/\n"));
  EXPECT_FALSE(hybrid_cgroups("0::/user.slice\n")) << "version 2 alone";
  EXPECT_FALSE(hybrid_cgroups("9:name=systemd:/\n0::/\n")) << "systemd's own hierarchy controls nothing";
  EXPECT_FALSE(hybrid_cgroups("4:memory:/\n3:cpu,cpuacct:/\n")) << "version 1 alone";
  EXPECT_FALSE(hybrid_cgroups(""));
}

TEST(Machine, ReadsHardLimits) {
  const char* text =
      "Limit                     Soft Limit           Hard Limit           Units     \n"
      "Max processes             96364                96365                processes \n"
      "Max open files            1024                 20000                files     \n"
      "Max locked memory         unlimited            unlimited            bytes     \n";
  EXPECT_EQ(hard_limit(text, "Max open files"), 20'000);
  EXPECT_EQ(hard_limit(text, "Max processes"), 96'365);
  EXPECT_EQ(hard_limit(text, "Max locked memory"), std::nullopt);
  EXPECT_EQ(hard_limit(text, "Max nice priority"), std::nullopt);
  EXPECT_EQ(hard_limit("Max open files", "Max open files"), std::nullopt);
}

TEST(Machine, KnowsWhoMayRaiseLimits) {
  EXPECT_TRUE(may_raise_limits("CapPrm:\t0\nCapEff:\t000001ffffffffff\n"));
  EXPECT_FALSE(may_raise_limits("CapEff:\t000001fffeffffff\n"));
  EXPECT_FALSE(may_raise_limits("CapEff:\tnonsense\n"));
  EXPECT_FALSE(may_raise_limits("CapPrm:\t000001ffffffffff\n"));
}

TEST(Machine, CountsDeathsByMemory) {
  EXPECT_EQ(oom_kills("oom_kill_disable 0\nunder_oom 0\noom_kill 3\n"), 3);
  EXPECT_EQ(oom_kills("low 0\nhigh 0\nmax 7\noom 1\noom_kill 1\n"), 1);
  EXPECT_EQ(oom_kills("low 0\nmax 7\n"), 0);
}

TEST(Machine, HasNoLimitsForWhoMayRaiseThem) {
  sdk::testing::FakeHost host;
  host.files["/proc/self/limits"] = "Max open files   1  2  files\nMax processes  3 4 processes\n";
  host.files["/proc/self/status"] = "CapEff:\t000001ffffffffff\n";
  EXPECT_FALSE(limits_of(host.host()).open_files);
  EXPECT_EQ(limits_of(host.host()).processes, 32'768);
  host.files["/proc/sys/kernel/pid_max"] = "4194304\n";
  EXPECT_EQ(limits_of(host.host()).processes, 4'194'304);
  host.files["/proc/self/status"] = "CapEff:\t0\n";
  EXPECT_EQ(limits_of(host.host()).open_files, 2);
  EXPECT_EQ(limits_of(host.host()).processes, 4);
}

}  // namespace
}  // namespace scc::podman
