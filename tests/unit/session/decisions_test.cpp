// SPDX-License-Identifier: Apache-2.0
// The pipe from a proxy to the record: whole lines, in order, and an end to the proxy when one cannot be
// kept.
#include "session/decisions.h"

#include <cerrno>
#include <csignal>
#include <fcntl.h>
#include <mutex>
#include <string>
#include <unistd.h>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/temp_dir.h"

namespace scc::session::detail {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class DecisionsTest : public ::testing::Test {
 protected:
  void SetUp() override { ::signal(SIGPIPE, SIG_IGN); }  // as scc itself has it

  void open() {
    auto made = Decisions::open(
        pipe_, [this](std::string_view line) { return take(line); },
        [this](const std::string& text) {
          const std::lock_guard<std::mutex> lock(mutex_);
          told_.push_back(text);
        });
    ASSERT_TRUE(made) << made.error().message;
    decisions_ = std::move(*made);
    writer_ = os::Fd(::open(pipe_.c_str(), O_WRONLY | O_CLOEXEC));
    ASSERT_TRUE(writer_);
  }
  Status take(std::string_view line) {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (line == "bad") return fail(Kind::tool, "test.full", "no room");
    lines_.emplace_back(line);
    return {};
  }
  bool told() {
    const std::lock_guard<std::mutex> lock(mutex_);
    return !told_.empty();
  }
  bool write(const std::string& text) {
    return ::write(writer_.get(), text.data(), text.size()) == static_cast<ssize_t>(text.size());
  }
  /// Whether the reader goes away within two seconds, so that the proxy's next line fails.
  bool ends() {
    for (int i = 0; i < 200; ++i) {
      if (!write("more\n") && errno == EPIPE) return true;
      ::usleep(10'000);
      ::usleep(10'000);
    }
    return false;
  }

  test::TempDir home_;
  std::filesystem::path pipe_ = home_.path() / "pipe";
  std::mutex mutex_;
  std::vector<std::string> lines_;
  std::vector<std::string> told_;
  std::unique_ptr<Decisions> decisions_;
  os::Fd writer_;
};

TEST_F(DecisionsTest, LinesComeWholeAndInOrder) {
  open();
  ASSERT_TRUE(write("one\ntw"));
  ASSERT_TRUE(write("o\nthree\nhalf"));
  decisions_->finish();
  EXPECT_THAT(lines_, ElementsAre("one", "two", "three"));
  EXPECT_THAT(told_, IsEmpty());
}

TEST_F(DecisionsTest, WhatCannotBeKeptEndsTheProxysWayOut) {
  open();
  ASSERT_TRUE(write("good\nbad\nlater\n"));
  EXPECT_TRUE(ends()) << "a proxy that goes on would act unrecorded";
  decisions_->finish();
  EXPECT_THAT(lines_, ElementsAre("good"));
  EXPECT_THAT(told_, ElementsAre(HasSubstr("no room")));
}

TEST_F(DecisionsTest, ALineWithoutAnEndIsNoDecision) {
  open();
  ASSERT_TRUE(write(std::string(9'000, 'x')));
  EXPECT_TRUE(ends());
  decisions_->finish();
  EXPECT_THAT(lines_, IsEmpty());
  EXPECT_THAT(told_, ElementsAre(HasSubstr("no decision")));
}

TEST_F(DecisionsTest, AProxyThatEndsIsTold) {
  open();
  ASSERT_TRUE(write("last\n"));
  writer_.reset();
  for (int i = 0; i < 200 && !told(); ++i) ::usleep(10'000);
  decisions_->finish();
  EXPECT_THAT(lines_, ElementsAre("last"));
  EXPECT_THAT(told_, ElementsAre(HasSubstr("has ended")));
}

TEST_F(DecisionsTest, WhatIsThereAlreadyIsNotTaken) {
  std::filesystem::create_symlink(home_.path() / "elsewhere", pipe_);
  EXPECT_FALSE(Decisions::open(
      pipe_, [](std::string_view) { return Status(); }, [](const std::string&) {}));
}

}  // namespace
}  // namespace scc::session::detail
