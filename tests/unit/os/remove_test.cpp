// SPDX-License-Identifier: Apache-2.0
#include "os/idmap.h"
#include "unit/os/scratch.h"

namespace scc::os {
namespace {

using test::slurp;

class RemoveTree : public test::Scratch {};

TEST_F(RemoveTree, RemovesFilesLinksAndReadOnlyDirectories) {
  write("t/a/b/c", "x");
  write("keep/file", "x");
  stdfs::create_directory_symlink(dir / "keep", dir / "t/a/link");
  ASSERT_EQ(::mkfifo((dir / "t/fifo").c_str(), 0600), 0);
  ASSERT_EQ(::chmod((dir / "t/a/b").c_str(), 0500), 0);
  ASSERT_TRUE(remove_tree(dir / "t/"));
  EXPECT_FALSE(stdfs::exists(dir / "t"));
  EXPECT_EQ(slurp(dir / "keep/file"), "x");
}

TEST_F(RemoveTree, AbsentIsSuccessAndALinkIsRemovedItself) {
  EXPECT_TRUE(remove_tree(dir / "none"));
  EXPECT_TRUE(remove_tree(dir / "none/below"));
  write("keep/file", "x");
  stdfs::create_directory_symlink(dir / "keep", dir / "link");
  ASSERT_TRUE(remove_tree(dir / "link"));
  EXPECT_FALSE(stdfs::is_symlink(dir / "link"));
  EXPECT_EQ(slurp(dir / "keep/file"), "x");
  EXPECT_FALSE(remove_tree("/"));
  EXPECT_FALSE(remove_tree(dir / ".."));
  EXPECT_TRUE(stdfs::exists(dir / "keep"));
}

// The case that matters: the instance directory with the user's workspace bound below, same file system.
TEST_F(RemoveTree, NeverCrossesABindMountOfTheSameFileSystem) {
  if (!test::root()) GTEST_SKIP() << "needs root to mount";
  write("workspace/precious", "code");
  write("instance/a", "x");
  write("instance/zzz/z", "x");
  mkdir("instance/ws");
  bind(dir / "workspace", dir / "instance/ws");
  const auto status = remove_tree(dir / "instance");
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().id, "os.mount-below");
  EXPECT_NE(status.error().hint.find("umount"), std::string::npos);
  EXPECT_EQ(slurp(dir / "workspace/precious"), "code");
  EXPECT_EQ(slurp(dir / "instance/a"), "x");  // nothing at all was removed
  EXPECT_EQ(slurp(dir / "instance/zzz/z"), "x");
  EXPECT_EQ(remove_tree(dir / "instance/ws").error().id, "os.mount-below");  // the mount point itself
  ASSERT_TRUE(unmount(dir / "instance/ws"));
  ASSERT_TRUE(remove_tree(dir / "instance"));
  EXPECT_EQ(slurp(dir / "workspace/precious"), "code");
}

TEST_F(RemoveTree, NeverCrossesABoundFileOrAnotherFileSystem) {
  if (!test::root()) GTEST_SKIP() << "needs root to mount";
  write("workspace/precious", "code");
  write("instance/f", "");
  bind(dir / "workspace/precious", dir / "instance/f");
  EXPECT_EQ(remove_tree(dir / "instance").error().id, "os.mount-below");
  ASSERT_TRUE(unmount(dir / "instance/f"));
  mkdir("instance/tmp");
  ASSERT_EQ(::mount("none", (dir / "instance/tmp").c_str(), "tmpfs", 0, nullptr), 0);
  mounts.push_back(dir / "instance/tmp");
  EXPECT_EQ(remove_tree(dir / "instance").error().id, "os.mount-below");
}

TEST_F(RemoveTree, TellsMountPoints) {
  EXPECT_TRUE(is_mount_point("/proc"));
  EXPECT_TRUE(is_mount_point("/"));
  EXPECT_FALSE(is_mount_point(dir));
  EXPECT_FALSE(is_mount_point(dir / "none"));
  EXPECT_TRUE(unmount(dir));
  EXPECT_TRUE(unmount(dir / "none"));
  if (!test::root()) GTEST_SKIP() << "needs root to mount";
  mkdir("a");
  mkdir("b");
  bind(dir / "a", dir / "b");
  bind(dir / "a", dir / "b");  // stacked
  EXPECT_TRUE(is_mount_point(dir / "b"));
  stdfs::create_directory_symlink(dir / "b", dir / "link");
  EXPECT_FALSE(is_mount_point(dir / "link"));
  ASSERT_TRUE(unmount(dir / "b"));
  EXPECT_FALSE(is_mount_point(dir / "b"));
}

}  // namespace
}  // namespace scc::os
