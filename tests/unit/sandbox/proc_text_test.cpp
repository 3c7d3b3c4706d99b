// SPDX-License-Identifier: Apache-2.0
// Parsers of /proc text, fed with lines that real kernels wrote and with damaged ones.
#include "sandbox/proc_text.h"

#include <cstdlib>
#include <string>
#include <utility>
#include <vector>

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

// "ro:/a rw:/a/b" as a table.
class Table {
 public:
  explicit Table(std::vector<std::pair<std::string, bool>> targets) : targets_(std::move(targets)) {
    for (auto& [target, read_only] : targets_) {
      MountEntry entry = {};
      entry.target = target.data();
      entry.read_only = read_only;
      entries_.push_back(entry);
    }
  }
  std::string of(const char* path) const {
    const MountEntry* found = mount_of(entries_.data(), entries_.size(), path);
    return found == nullptr ? "none" : found->target + std::string(found->read_only ? " ro" : " rw");
  }
  bool pins(const char* path, bool (*can_rename)(const char*, const char*)) const {
    return is_pinned(entries_.data(), entries_.size(), path, can_rename);
  }

 private:
  std::vector<std::pair<std::string, bool>> targets_;
  std::vector<MountEntry> entries_;
};

constexpr bool kRo = true;
constexpr bool kRw = false;
bool everywhere(const char*, const char*) {
  return true;
}
bool nowhere(const char*, const char*) {
  return false;
}
bool only_top(const char* directory, const char*) {
  return std::string(directory) == "/";
}
bool only_ws(const char* directory, const char*) {
  return std::string(directory) == "/ws";
}

TEST(MountOf, TakesTheLongestTargetByComponentsAndTheLastOfEqualOnes) {
  const Table table({{"/", kRo}, {"/ws", kRw}, {"/ws/.git", kRw}, {"/ws", kRo}, {"/ws/.git/config", kRo}});
  EXPECT_EQ(table.of("/wsx"), "/ ro");
  EXPECT_EQ(table.of("/ws"), "/ws ro");
  EXPECT_EQ(table.of("/ws/.gitignore"), "/ws ro");
  EXPECT_EQ(table.of("/ws/.git/config"), "/ws/.git/config ro");
  EXPECT_EQ(table.of("/ws/.git/hooks/x"), "/ws/.git rw");
  EXPECT_EQ(Table({}).of("/"), "none");
}

TEST(Pinned, AMountPointBelowAPlainWritableDirectoryCanBeMovedAway) {
  const Table loose({{"/", kRo}, {"/ws", kRw}, {"/ws/.git/config", kRo}});
  EXPECT_FALSE(loose.pins("/ws/.git/config", everywhere));
  EXPECT_FALSE(loose.pins("/ws/.git/config", only_ws));
  EXPECT_TRUE(loose.pins("/ws/.git/config", only_top)) << "the parent is another owner's";
  const Table tight({{"/", kRo}, {"/ws", kRw}, {"/ws/.git", kRw}, {"/ws/.git/config", kRo}});
  EXPECT_TRUE(tight.pins("/ws/.git/config", everywhere));
}

TEST(Pinned, LooksAtEveryLevel) {
  const Table deep({{"/", kRo}, {"/home/agent", kRw}, {"/home/agent/a/b", kRw}, {"/home/agent/a/b/c", kRo}});
  EXPECT_FALSE(deep.pins("/home/agent/a/b/c/file", everywhere)) << "/home/agent/a can be renamed";
  EXPECT_TRUE(deep.pins("/home/agent/a/b/c/file", nowhere));
  const Table root({{"/", kRw}, {"/etc/x", kRo}});
  EXPECT_FALSE(root.pins("/etc/x", only_top));
  EXPECT_TRUE(root.pins("/etc/x", only_ws));
}

TEST(Pinned, ReadOnlyMountsKeepTheirEntries) {
  const Table table({{"/", kRo}, {"/etc/passwd", kRo}});
  EXPECT_TRUE(table.pins("/etc/passwd", everywhere));
  EXPECT_TRUE(table.pins("/etc/os-release", everywhere));
  EXPECT_FALSE(Table({}).pins("/etc/passwd", nowhere)) << "no table, no proof";
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
