// SPDX-License-Identifier: Apache-2.0
// Finding the program, and the clean state it starts in.
#include "sandbox/launch.h"

#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <fcntl.h>
#include <filesystem>
#include <fstream>
#include <string>
#include <unistd.h>

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/wait.h>

namespace {

class ResolveProgram : public testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = (std::filesystem::temp_directory_path() / "scc-launch-XXXXXX").string();
    ASSERT_NE(mkdtemp(pattern.data()), nullptr);
    root_ = pattern;
    std::filesystem::create_directories(root_ / "a" / "tool");
    std::filesystem::create_directories(root_ / "b");
    std::ofstream(root_ / "b" / "tool") << "x";
    std::ofstream(root_ / "a" / "plain") << "x";
    std::filesystem::permissions(root_ / "b" / "tool", std::filesystem::perms(0755));
    std::filesystem::permissions(root_ / "a" / "plain", std::filesystem::perms(0644));
  }
  void TearDown() override { std::filesystem::remove_all(root_); }

  std::string resolve(const std::string& name, const std::string& path) {
    errno = 0;
    char* found = resolve_program(name.c_str(), path.c_str());
    if (found == nullptr) return errno == EACCES ? "EACCES" : errno == ENOENT ? "ENOENT" : "other";
    std::string result = found;
    free(found);
    return result;
  }

  std::filesystem::path root_;
};

TEST_F(ResolveProgram, SearchesInOrderAndSkipsDirectories) {
  const std::string path = (root_ / "a").string() + ":" + (root_ / "b").string();
  EXPECT_EQ(resolve("tool", path), (root_ / "b" / "tool").string());
  EXPECT_EQ(resolve("absent", path), "ENOENT");
  EXPECT_EQ(resolve("plain", path), "EACCES");
}

TEST_F(ResolveProgram, NeverSearchesTheWorkingDirectory) {
  const std::filesystem::path before = std::filesystem::current_path();
  std::filesystem::current_path(root_ / "b");
  EXPECT_EQ(resolve("tool", ""), "ENOENT");
  EXPECT_EQ(resolve("tool", ":/nonexistent:"), "ENOENT");
  EXPECT_EQ(resolve("./tool", ""), "./tool");
  std::filesystem::current_path(before);
}

TEST_F(ResolveProgram, TakesPathsAsTheyAre) {
  EXPECT_EQ(resolve((root_ / "b" / "tool").string(), ""), (root_ / "b" / "tool").string());
  EXPECT_EQ(resolve((root_ / "b" / "tool" / "x").string(), ""), "ENOENT");
  EXPECT_EQ(resolve((root_ / "a").string(), ""), "EACCES");
}

TEST(ProcessState, IsReset) {
  const pid_t child = fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    sigset_t set;
    sigfillset(&set);
    sigprocmask(SIG_SETMASK, &set, nullptr);
    std::signal(SIGPIPE, SIG_IGN);
    umask(0);
    dup2(STDERR_FILENO, 77);
    reset_process_state();
    close_inherited_files();
    sigprocmask(SIG_SETMASK, nullptr, &set);
    const bool good = std::signal(SIGPIPE, SIG_DFL) == SIG_DFL && sigismember(&set, SIGTERM) == 0 &&
                      umask(0) == 022 && fcntl(77, F_GETFD) < 0 && fcntl(STDERR_FILENO, F_GETFD) >= 0;
    _exit(good ? 0 : 1);
  }
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
}

}  // namespace
