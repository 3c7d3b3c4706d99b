// SPDX-License-Identifier: Apache-2.0
// Parsers of /proc text, fed with lines that real kernels wrote and with damaged ones.
#include "sandbox/proc_text.h"

#include <cstdlib>
#include <string>

#include <gtest/gtest.h>

namespace {

TEST(MountLine, ReadsFieldsAndFlags) {
  std::string line =
      "36 35 98:0 /mnt1 /mnt2 ro,nosuid,nodev,noexec,noatime shared:7 master:1 - ext3 /dev/root "
      "rw,errors=continue";
  MountEntry mount;
  ASSERT_TRUE(parse_mount_line(line.data(), &mount));
  EXPECT_STREQ(mount.root, "/mnt1");
  EXPECT_STREQ(mount.target, "/mnt2");
  EXPECT_STREQ(mount.fstype, "ext3");
  EXPECT_STREQ(mount.source, "/dev/root");
  EXPECT_TRUE(mount.read_only && mount.nosuid && mount.nodev && mount.noexec && mount.shared && mount.slave);
  EXPECT_FALSE(mount.unbindable);
}

TEST(MountLine, ReadOnlyComesFromTheMountOrTheFilesystem) {
  std::string by_filesystem = "1 0 0:1 / /a rw,relatime - squashfs /dev/loop0 ro";
  std::string similar_names = "1 0 0:1 / /a rw,romantic - ext4 /dev/sda rw,errors=remount-ro";
  MountEntry mount;
  ASSERT_TRUE(parse_mount_line(by_filesystem.data(), &mount));
  EXPECT_TRUE(mount.read_only);
  ASSERT_TRUE(parse_mount_line(similar_names.data(), &mount));
  EXPECT_FALSE(mount.read_only);
}

TEST(MountLine, UnescapesOctal) {
  std::string line = R"(1 0 0:1 /a\040b /w\134\011x\012 rw - ext4 dev\040ice rw)";
  MountEntry mount;
  ASSERT_TRUE(parse_mount_line(line.data(), &mount));
  EXPECT_STREQ(mount.root, "/a b");
  EXPECT_STREQ(mount.target, "/w\\\tx\n");
  EXPECT_STREQ(mount.source, "dev ice");
}

TEST(MountLine, AcceptsAnEmptySource) {
  std::string line = "1 0 0:1 / /a rw - tmpfs  rw";
  MountEntry mount;
  ASSERT_TRUE(parse_mount_line(line.data(), &mount));
  EXPECT_STREQ(mount.source, "");
}

TEST(MountLine, RefusesWhatIsNone) {
  for (const char* bad :
       {"", "1 0 0:1 / /a rw", "1 0 0:1 / /a rw - ext4 /dev/sda", "1 0 0:1 / relative rw - ext4 d rw",
        "1 0 0:1 / /a rw shared:1 ext4 d rw", "1 0 0:1 / /a rw - ext4 d rw extra"}) {
    std::string line = bad;
    MountEntry mount;
    EXPECT_FALSE(parse_mount_line(line.data(), &mount)) << bad;
  }
}

TEST(Mounts, KeepsTheOrderAndRefusesTheWholeForOneBadLine) {
  std::string text = "1 0 0:1 / / ro - overlay overlay rw\n2 1 0:2 / /proc rw - proc proc rw\n";
  MountEntry* mounts = nullptr;
  size_t count = 0;
  ASSERT_TRUE(parse_mounts(text.data(), &mounts, &count));
  ASSERT_EQ(count, 2U);
  EXPECT_STREQ(mounts[0].target, "/");
  EXPECT_STREQ(mounts[1].target, "/proc");
  free(mounts);
  std::string bad = "1 0 0:1 / / ro - overlay overlay rw\nnonsense\n";
  EXPECT_FALSE(parse_mounts(bad.data(), &mounts, &count));
}

const char kStatus[] =
    "Name:\tCapEff: x\nUid:\t1000\t1000\t1000\t1000\nCapEff:\t00000000a80425fb\nCapBnd:\tzz\n"
    "NoNewPrivs:\t1\nSeccomp:\t2\nSeccomp_filters:\t1\n";

TEST(Status, FindsFieldsAtLineStartsOnly) {
  uint64_t value = 0;
  ASSERT_TRUE(status_hex(kStatus, "CapEff", &value));
  EXPECT_EQ(value, 0xa80425fbU);
  EXPECT_FALSE(status_hex(kStatus, "CapBnd", &value));
  EXPECT_FALSE(status_hex(kStatus, "CapAmb", &value));
  EXPECT_EQ(status_number(kStatus, "Seccomp"), 2);
  EXPECT_EQ(status_number(kStatus, "Seccomp_filters"), 1);
  EXPECT_EQ(status_number(kStatus, "Nothing"), -1);
}

TEST(Stat, FindsTheStartTimeBehindAHostileName) {
  const char text[] =
      "42 (a) R 1 (b) R 7) S 1 42 42 0 -1 4194560 100 0 0 0 1 2 3 4 20 0 1 0 987654 1000 10 1844674407 1\n";
  uint64_t start = 0;
  ASSERT_TRUE(stat_start_time(text, &start));
  EXPECT_EQ(start, 987654U);
  EXPECT_FALSE(stat_start_time("42 (a) S 1 2 3", &start));
  EXPECT_FALSE(stat_start_time("", &start));
}

TEST(ExecRecord, AcceptsExactlyOneForm) {
  int pid = 0;
  uint64_t start = 0;
  ASSERT_TRUE(parse_exec_record("17 123456\n", &pid, &start));
  EXPECT_EQ(pid, 17);
  EXPECT_EQ(start, 123456U);
  // 0 and negative numbers would address groups, 1 the init.
  for (const char* bad :
       {"", "17", "17 5", "0 5\n", "1 5\n", "-1 5\n", "17 5\n\n", "17  5\n", "4294967295 5\n", "x 5\n"}) {
    EXPECT_FALSE(parse_exec_record(bad, &pid, &start)) << bad;
  }
}

}  // namespace
