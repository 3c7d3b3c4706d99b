// SPDX-License-Identifier: Apache-2.0
// The files below /run/scc: what an earlier process may have planted there is refused or replaced, never
// followed.
#include "sandbox/state_files.h"

#include <cerrno>
#include <cstdlib>
#include <fcntl.h>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <unistd.h>

#include <gtest/gtest.h>
#include <sys/stat.h>

namespace {

namespace fs = std::filesystem;

class StateFiles : public testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = (fs::temp_directory_path() / "scc-state-XXXXXX").string();
    ASSERT_NE(mkdtemp(pattern.data()), nullptr);
    root_ = pattern;
    state_ = (root_ / "scc").string();
  }
  void TearDown() override { fs::remove_all(root_); }

  int open_dir() {
    error_ = {nullptr, 0};
    return open_state_dir(state_.c_str(), "exec", &error_);
  }
  static std::string content(const fs::path& path) {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
  }

  fs::path root_;
  std::string state_;
  StateError error_ = {};
};

TEST_F(StateFiles, MakesPrivateDirectories) {
  const int dir = open_dir();
  ASSERT_GE(dir, 0) << error_.what;
  struct stat info = {};
  ASSERT_EQ(fstat(dir, &info), 0);
  EXPECT_EQ(info.st_mode & 07777, 0700U);
  close(dir);
}

TEST_F(StateFiles, RefusesLinksAndOpenDirectories) {
  fs::create_directories(root_ / "elsewhere");
  fs::create_directory_symlink(root_ / "elsewhere", state_);
  EXPECT_LT(open_dir(), 0);
  fs::remove(state_);

  fs::create_directories(fs::path(state_));
  fs::permissions(state_, fs::perms(0777));
  EXPECT_LT(open_dir(), 0);
  fs::permissions(state_, fs::perms(0700));

  fs::create_directory_symlink(root_ / "elsewhere", fs::path(state_) / "exec");
  EXPECT_LT(open_dir(), 0);
  fs::remove(fs::path(state_) / "exec");

  fs::create_directories(fs::path(state_) / "exec");
  fs::permissions(fs::path(state_) / "exec", fs::perms(0755));
  EXPECT_LT(open_dir(), 0);
  EXPECT_TRUE(fs::is_empty(root_ / "elsewhere"));
}

TEST_F(StateFiles, OthersMayWriteBesideItOnlyAsInTmp) {
  if (geteuid() == 0) {
    fs::create_directories(fs::path(state_));
    fs::permissions(state_, fs::perms(01777));
    const int dir = open_dir();
    EXPECT_GE(dir, 0) << error_.what;
    close(dir);
    ASSERT_EQ(chown(state_.c_str(), 1, 1), 0);
    EXPECT_LT(open_dir(), 0) << "somebody else's, who could replace what lies in it";
  }
}

TEST_F(StateFiles, SecretsReplaceWhatIsThereAndFollowNothing) {
  const int dir = open_dir();
  ASSERT_GE(dir, 0);
  std::ofstream(root_ / "victim") << "untouched";
  fs::create_symlink(root_ / "victim", fs::path(state_) / "exec" / "key");
  ASSERT_EQ(write_secret(dir, "key", "one", 3), 0);
  EXPECT_EQ(content(root_ / "victim"), "untouched");
  ASSERT_EQ(write_secret(dir, "key", "second", 6), 0);
  const fs::path key = fs::path(state_) / "exec" / "key";
  EXPECT_EQ(content(key), "second");
  EXPECT_EQ(fs::symlink_status(key).permissions(), fs::perms(0400));
  fs::create_directories(fs::path(state_) / "exec" / "dir");
  EXPECT_NE(write_secret(dir, "dir", "x", 1), 0);
  close(dir);
}

TEST_F(StateFiles, RecordsRoundTripAndBadOnesAreTold) {
  const int dir = open_dir();
  ASSERT_GE(dir, 0);
  pid_t pid = 0;
  uint64_t start = 0;
  EXPECT_EQ(read_exec_record(state_.c_str(), "t", &pid, &start), ENOENT);
  ASSERT_EQ(write_exec_record(dir, "t", 4711, 99), 0);
  EXPECT_EQ(content(fs::path(state_) / "exec" / "t.pid"), "4711 99\n");
  ASSERT_EQ(read_exec_record(state_.c_str(), "t", &pid, &start), 0);
  EXPECT_EQ(pid, 4711);
  EXPECT_EQ(start, 99U);
  EXPECT_EQ(read_exec_record(state_.c_str(), "../t", &pid, &start), EINVAL);
  EXPECT_EQ(write_exec_record(dir, "a/b", 4711, 99), EINVAL);

  std::ofstream(fs::path(state_) / "exec" / "bad.pid") << "-1 0\n";
  EXPECT_EQ(read_exec_record(state_.c_str(), "bad", &pid, &start), EBADMSG);
  fs::create_symlink(fs::path(state_) / "exec" / "t.pid", fs::path(state_) / "exec" / "link.pid");
  EXPECT_EQ(read_exec_record(state_.c_str(), "link", &pid, &start), ELOOP);
  remove_exec_record(dir, "t");
  EXPECT_EQ(read_exec_record(state_.c_str(), "t", &pid, &start), ENOENT);
  close(dir);
}

TEST_F(StateFiles, TellsMemoryFromDisk) {
  const int memory = open("/dev/shm", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  const int proc = open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (memory >= 0) {
    EXPECT_TRUE(is_tmpfs(memory));
  }
  EXPECT_FALSE(is_tmpfs(proc));
  close(memory);
  close(proc);
}

TEST_F(StateFiles, KnowsWhenAProcessStarted) {
  uint64_t own = 0;
  uint64_t again = 0;
  ASSERT_EQ(process_start_time(getpid(), &own), 0);
  ASSERT_EQ(process_start_time(getpid(), &again), 0);
  EXPECT_GT(own, 0U);
  EXPECT_EQ(own, again);
  // Beyond PID_MAX_LIMIT (2^22): no process has it.
  EXPECT_NE(process_start_time(4194305, &own), 0);
}

}  // namespace
