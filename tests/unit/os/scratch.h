// SPDX-License-Identifier: Apache-2.0
// A directory of its own for each test, and a few helpers to fill it. Removal detaches what a test mounted.
#pragma once

#include <chrono>
#include <fstream>
#include <string>
#include <thread>
#include <unistd.h>

#include <gtest/gtest.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "os/fs.h"

namespace scc::test {

namespace stdfs = std::filesystem;

class Scratch : public ::testing::Test {
 protected:
  void SetUp() override {
    auto made = os::make_temp_dir(stdfs::temp_directory_path(), "scc-test-");
    ASSERT_TRUE(made) << made.error().message;
    dir = stdfs::canonical(*made);
  }
  void TearDown() override {
    for (const stdfs::path& mount : mounts) ::umount2(mount.c_str(), MNT_DETACH);
    std::error_code ec;
    if (!dir.empty()) stdfs::remove_all(dir, ec);
  }

  stdfs::path write(const stdfs::path& relative, const std::string& text) {
    const stdfs::path path = dir / relative;
    stdfs::create_directories(path.parent_path());
    std::ofstream(path) << text;
    return path;
  }
  stdfs::path mkdir(const stdfs::path& relative) {
    stdfs::create_directories(dir / relative);
    return dir / relative;
  }
  void bind(const stdfs::path& source, const stdfs::path& target) {
    ASSERT_EQ(::mount(source.c_str(), target.c_str(), nullptr, MS_BIND, nullptr), 0);
    mounts.push_back(target);
  }

  stdfs::path dir;
  std::vector<stdfs::path> mounts;
};

inline std::string slurp(const stdfs::path& path) {
  std::ifstream in(path);
  return {std::istreambuf_iterator<char>(in), {}};
}

/// Polls until it holds or 10 s are over.
template <class Condition>
bool eventually(Condition condition) {
  for (int i = 0; i < 2000; ++i) {
    if (condition()) return true;
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  return false;
}

/// Runs `body` in a forked child; its return value is the exit status.
template <class Body>
pid_t spawn(Body body) {
  const pid_t pid = ::fork();
  if (pid == 0) ::_exit(body());
  return pid;
}

inline int join(pid_t pid) {
  int status = 0;
  if (::waitpid(pid, &status, 0) != pid) return -1;
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

inline bool root() {
  return ::geteuid() == 0;
}

}  // namespace scc::test
