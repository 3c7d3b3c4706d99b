// SPDX-License-Identifier: Apache-2.0
#include <csignal>

#include "unit/os/scratch.h"

namespace scc::os {
namespace {

using test::eventually;
using test::join;
using test::slurp;
using test::spawn;

class Lock : public test::Scratch {};

TEST_F(Lock, OneHolderAndTheFileGoesAway) {
  const stdfs::path path = dir / "locks/a.lock";
  EXPECT_FALSE(FileLock::held(path));
  {
    auto lock = FileLock::acquire(path, 0).value();
    EXPECT_TRUE(FileLock::held(path));
    const auto second = FileLock::acquire(path, 0);
    ASSERT_FALSE(second);
    EXPECT_EQ(second.error().id, "lock.busy");
    EXPECT_NE(second.error().message.find("process " + std::to_string(::getpid())), std::string::npos);
    const FileLock moved = std::move(lock);
    EXPECT_TRUE(FileLock::held(path));
  }
  EXPECT_FALSE(FileLock::held(path));
  EXPECT_FALSE(stdfs::exists(path));
  EXPECT_TRUE(FileLock::acquire(path, 0));
}

TEST_F(Lock, HostileContentAndLinks) {
  write("a.lock", "\x1b]0;x\x07 not a pid");
  EXPECT_FALSE(FileLock::held(dir / "a.lock"));  // a file alone is no lock
  write("victim", "keep");
  stdfs::create_symlink(dir / "victim", dir / "b.lock");
  EXPECT_FALSE(FileLock::acquire(dir / "b.lock", 0));
  EXPECT_EQ(slurp(dir / "victim"), "keep");
  EXPECT_FALSE(FileLock::acquire(dir, 0));
}

TEST_F(Lock, AKilledHolderFreesIt) {
  const stdfs::path path = dir / "a.lock";
  for (int round = 0; round < 10; ++round) {
    const pid_t pid = spawn([&] {
      const auto lock = FileLock::acquire(path, 1000);
      if (!lock) return 1;
      for (;;) ::pause();
      return 0;
    });
    ASSERT_TRUE(eventually([&] { return FileLock::held(path); }));
    EXPECT_FALSE(FileLock::acquire(path, 0));
    ::kill(pid, SIGKILL);
    EXPECT_EQ(join(pid), 128 + SIGKILL);
    EXPECT_FALSE(FileLock::held(path));
    EXPECT_TRUE(FileLock::acquire(path, 0));
  }
}

// Several processes increase a counter by read, think, write: every lost update would show.
TEST_F(Lock, ContentionLosesNothing) {
  write("counter", "0");
  constexpr int kWorkers = 4;
  constexpr int kRounds = 40;
  std::vector<pid_t> workers;
  for (int w = 0; w < kWorkers; ++w) {
    workers.push_back(spawn([&] {
      for (int i = 0; i < kRounds; ++i) {
        const auto lock = FileLock::acquire(dir / "c.lock", 30'000);
        if (!lock) return 1;
        const int value = std::stoi(slurp(dir / "counter"));
        ::usleep(50);
        std::ofstream(dir / "counter") << value + 1;
      }
      return 0;
    }));
  }
  for (const pid_t pid : workers) EXPECT_EQ(join(pid), 0);
  EXPECT_EQ(slurp(dir / "counter"), std::to_string(kWorkers * kRounds));
  EXPECT_FALSE(stdfs::exists(dir / "c.lock"));
}

TEST_F(Lock, WaitsForRelease) {
  const stdfs::path path = dir / "a.lock";
  auto lock = FileLock::acquire(path, 0).value();
  const pid_t pid = spawn([&] { return FileLock::acquire(path, 20'000) ? 0 : 1; });
  ::usleep(30'000);
  lock.release();
  EXPECT_EQ(join(pid), 0);
}

}  // namespace
}  // namespace scc::os
