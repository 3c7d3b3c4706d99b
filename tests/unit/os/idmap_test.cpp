// SPDX-License-Identifier: Apache-2.0
// Real mounts: an ordinary directory of root seen as uid 1000's, and what is written lands as root's.
#include "os/idmap.h"

#include <fcntl.h>
#include <grp.h>

#include "unit/os/scratch.h"

namespace scc::os {
namespace {

using test::join;
using test::spawn;

class IdMap : public test::Scratch {
 protected:
  void SetUp() override {
    if (!test::root()) GTEST_SKIP() << "needs root to mount";
    Scratch::SetUp();
    ASSERT_EQ(::chmod(dir.c_str(), 0755), 0);
    mkdir("source");
    mkdir("view");
  }
  Status map(uid_t shown) {
    auto status = mount_idmapped(dir / "source", dir / "view", IdMapping{0, shown, 0, shown});
    if (status) mounts.push_back(dir / "view");
    return status;
  }
  /// Runs as uid and gid without capabilities.
  template <class Body>
  int as(uid_t uid, Body body) {
    return join(spawn([&] {
      if (::setgroups(0, nullptr) != 0 || ::setgid(uid) != 0 || ::setuid(uid) != 0) return 99;
      return body();
    }));
  }
  static struct stat stat_of(const stdfs::path& path) {
    struct stat info {};
    EXPECT_EQ(::lstat(path.c_str(), &info), 0) << path;
    return info;
  }
};

TEST_F(IdMap, TheShownUserWritesAndTheDiskOwnerOwns) {
  write("source/old", "x");
  ASSERT_EQ(::chmod((dir / "source/old").c_str(), 0600), 0);
  const auto status = map(1000);
  ASSERT_TRUE(status) << status.error().message;
  EXPECT_TRUE(is_mount_point(dir / "view"));
  EXPECT_EQ(stat_of(dir / "view/old").st_uid, 1000U);
  EXPECT_EQ(as(1000, [&] { return ::open((dir / "view/old").c_str(), O_RDWR) >= 0 ? 0 : 1; }), 0);
  EXPECT_EQ(
      as(1000, [&] { return ::open((dir / "view/new").c_str(), O_CREAT | O_WRONLY, 0644) >= 0 ? 0 : 1; }), 0);
  EXPECT_EQ(stat_of(dir / "source/new").st_uid, 0U);
  EXPECT_EQ(stat_of(dir / "source/new").st_gid, 0U);
  EXPECT_EQ(stat_of(dir / "view/new").st_uid, 1000U);
  // The same directory without the view stays closed to that user.
  EXPECT_EQ(as(1000, [&] { return ::open((dir / "source/old").c_str(), O_RDONLY) >= 0 ? 0 : 1; }), 1);
  EXPECT_EQ(as(1001, [&] { return ::open((dir / "view/old").c_str(), O_RDONLY) >= 0 ? 0 : 1; }), 1);
}

TEST_F(IdMap, OtherOwnersKeepTheirsAndTheRealShownUserIsNobody) {
  write("source/other", "x");
  write("source/real", "x");
  ASSERT_EQ(::chown((dir / "source/other").c_str(), 4242, 4242), 0);
  ASSERT_EQ(::chown((dir / "source/real").c_str(), 1000, 1000), 0);
  ASSERT_EQ(::chmod((dir / "source/real").c_str(), 0600), 0);
  ASSERT_TRUE(map(1000));
  EXPECT_EQ(stat_of(dir / "view/other").st_uid, 4242U);
  EXPECT_EQ(stat_of(dir / "view/real").st_uid, 65534U);
  EXPECT_EQ(as(1000, [&] { return ::open((dir / "view/real").c_str(), O_RDONLY) >= 0 ? 0 : 1; }), 1);
}

TEST_F(IdMap, NoSetIdAndNoDevices) {
  ASSERT_TRUE(map(1000));
  const std::string info = test::slurp("/proc/self/mountinfo");
  const auto at = info.find(" " + (dir / "view").native() + " ");
  ASSERT_NE(at, std::string::npos);
  const std::string line = info.substr(at, info.find('\n', at) - at);
  EXPECT_NE(line.find("nosuid"), std::string::npos) << line;
  EXPECT_NE(line.find("nodev"), std::string::npos) << line;
  EXPECT_NE(line.find("idmapped"), std::string::npos) << line;
  EXPECT_EQ(line.find("shared:"), std::string::npos) << line;
}

TEST_F(IdMap, MountsBelowTheSourceStayOut) {
  mkdir("source/below");
  ASSERT_EQ(::mount("none", (dir / "source/below").c_str(), "tmpfs", 0, nullptr), 0);
  mounts.push_back(dir / "source/below");
  write("source/below/secret", "x");
  ASSERT_TRUE(map(1000));
  EXPECT_FALSE(stdfs::exists(dir / "view/below/secret"));
}

TEST_F(IdMap, RefusesLinksMissingFullAndMountedTargets) {
  stdfs::create_directory_symlink(dir / "source", dir / "link");
  EXPECT_FALSE(mount_idmapped(dir / "link", dir / "view", {0, 1000, 0, 1000}));
  EXPECT_FALSE(mount_idmapped(dir / "none", dir / "view", {0, 1000, 0, 1000}));
  EXPECT_FALSE(mount_idmapped(dir / "source", dir / "none", {0, 1000, 0, 1000}));
  write("full/x", "");
  EXPECT_EQ(mount_idmapped(dir / "source", dir / "full", {0, 1000, 0, 1000}).error().id, "idmap.busy");
  ASSERT_TRUE(map(1000));
  EXPECT_EQ(map(1000).error().id, "idmap.busy");
  EXPECT_FALSE(is_mount_point(dir / "full"));
  const auto removed = remove_tree(dir / "view");
  EXPECT_EQ(removed.error().id, "os.mount-below");
}

TEST_F(IdMap, UnsupportedFileSystemsAreTypedAndLeaveNothing) {
  const auto status = mount_idmapped("/proc", dir / "view", {0, 1000, 0, 1000});
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().kind, Kind::prereq);
  EXPECT_EQ(status.error().id, "idmap.unsupported");
  EXPECT_FALSE(is_mount_point(dir / "view"));
}

TEST_F(IdMap, WithoutPrivilegeItIsUnsupported) {
  ASSERT_EQ(::chown((dir / "view").c_str(), 1000, 1000), 0);
  EXPECT_EQ(as(1000,
               [&] {
                 const auto status = mount_idmapped(dir / "source", dir / "view", {0, 1000, 0, 1000});
                 return !status && status.error().id == "idmap.unsupported" ? 0 : 1;
               }),
            0);
}

TEST_F(IdMap, UnmountDetachesAndIsIdempotent) {
  ASSERT_TRUE(map(1000));
  const Fd busy{::open((dir / "view").c_str(), O_RDONLY | O_CLOEXEC)};
  ASSERT_TRUE(unmount(dir / "view"));
  EXPECT_FALSE(is_mount_point(dir / "view"));
  ASSERT_TRUE(unmount(dir / "view"));
  EXPECT_EQ(::rmdir((dir / "view").c_str()), 0);
}

}  // namespace
}  // namespace scc::os
