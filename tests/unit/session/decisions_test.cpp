// SPDX-License-Identifier: Apache-2.0
// The pipe that a proxy writes its decisions to, over the life of several proxies.
#include "session/decisions.h"

#include <atomic>
#include <chrono>
#include <fcntl.h>
#include <mutex>
#include <thread>
#include <unistd.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/temp_dir.h"

namespace scc::session::detail {
namespace {

using ::testing::ElementsAre;

struct DecisionsTest : ::testing::Test {
  void SetUp() override {
    auto opened = Decisions::open(
        pipe,
        [this](std::string_view line) -> Status {
          const std::lock_guard<std::mutex> guard(mutex);
          if (line == "bad") return fail(Kind::tool, "x", "full");
          lines.emplace_back(line);
          return {};
        },
        [this](const std::string&) { ++told; });
    ASSERT_TRUE(opened);
    decisions = std::move(*opened);
  }
  os::Fd proxy() const { return os::Fd(::open(pipe.c_str(), O_WRONLY | O_CLOEXEC)); }
  static void say(const os::Fd& fd, std::string_view text) {
    ASSERT_EQ(::write(fd.get(), text.data(), text.size()), static_cast<ssize_t>(text.size()));
  }
  template <class F>
  static bool comes_true(F&& condition) {
    for (int i = 0; i < 2'000; ++i) {
      if (condition()) return true;
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
    return false;
  }
  std::size_t count() {
    const std::lock_guard<std::mutex> guard(mutex);
    return lines.size();
  }

  test::TempDir dir;
  std::filesystem::path pipe = dir.path() / "decisions";
  std::mutex mutex;
  std::vector<std::string> lines;
  std::atomic<int> told{0};
  std::unique_ptr<Decisions> decisions;
};

TEST_F(DecisionsTest, ANewProxyIsReadLikeTheFirst) {
  os::Fd first = proxy();
  say(first, "one\ntwo\nhalf");
  ASSERT_TRUE(comes_true([&] { return count() == 2; }));
  EXPECT_FALSE(decisions->take_end());
  first.reset();
  ASSERT_TRUE(comes_true([&] { return told == 1; }));
  ASSERT_TRUE(comes_true([&] { return decisions->take_end(); }));
  EXPECT_FALSE(decisions->take_end()) << "once for each end";
  decisions->resume();
  std::this_thread::sleep_for(std::chrono::milliseconds(50));
  EXPECT_EQ(told, 1) << "nobody has opened the pipe yet";
  os::Fd second = proxy();
  say(second, "three\n");
  ASSERT_TRUE(comes_true([&] { return count() == 3; }));
  second.reset();
  EXPECT_TRUE(comes_true([&] { return told == 2 && decisions->take_end(); }));
  decisions->finish();
  EXPECT_THAT(lines, ElementsAre("one", "two", "three"));
}

TEST_F(DecisionsTest, AnEndThatIsExpectedIsNoNews) {
  os::Fd first = proxy();
  say(first, "one\n");
  decisions->expect_end();
  first.reset();
  decisions->finish();
  EXPECT_EQ(told, 0);
  EXPECT_FALSE(decisions->take_end());
  EXPECT_THAT(lines, ElementsAre("one"));
}

TEST_F(DecisionsTest, WithoutARecordTheReaderGoesForGood) {
  os::Fd first = proxy();
  say(first, "bad\n");
  ASSERT_TRUE(comes_true([&] { return told == 1; }));
  EXPECT_TRUE(comes_true([&] {
    const os::Fd late(::open(pipe.c_str(), O_WRONLY | O_NONBLOCK | O_CLOEXEC));
    return !late;
  })) << "somebody still reads";
  decisions->finish();
  EXPECT_EQ(count(), 0U);
  EXPECT_FALSE(decisions->take_end());
}

TEST_F(DecisionsTest, ALineThatIsTooLongIsNoDecision) {
  os::Fd first = proxy();
  say(first, "one\n" + std::string(9'000, 'x') + "\n");
  ASSERT_TRUE(comes_true([&] { return told == 1; }));
  decisions->finish();
  EXPECT_THAT(lines, ElementsAre("one"));
}

TEST_F(DecisionsTest, WhatIsThereAlreadyIsNotTaken) {
  EXPECT_FALSE(Decisions::open(
      pipe, [](std::string_view) { return Status(); }, [](const std::string&) {}));
}

}  // namespace
}  // namespace scc::session::detail
