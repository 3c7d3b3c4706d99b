// SPDX-License-Identifier: Apache-2.0
// The collector as programs of a sandbox meet it, good and bad ones.
#include "audit/collector.h"

#include <chrono>
#include <csignal>
#include <cstring>
#include <mutex>

#include <gmock/gmock.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "guard/audit.h"
#include "unit/config/local.h"

namespace scc::audit {
namespace {

using ::testing::HasSubstr;
using Clock = std::chrono::steady_clock;

constexpr int kWaitMs = 10'000;

class CollectorTest : public test::Local {
 protected:
  void open(const CollectorLimits& limits = {}) {
    auto opened = Collector::open(
        dir / "instance/audit", Log(paths), "0190c0de",
        [this](const std::string& text) {
          const std::lock_guard<std::mutex> guard(mutex_);
          told_.push_back(text);
        },
        limits);
    ASSERT_TRUE(opened) << opened.error().message;
    collector_ = std::move(*opened);
  }
  std::string socket_path() const { return (dir / "instance/audit/collector").native(); }
  static std::string line(const std::string& word = "push") {
    return guard::audit_line({"git", "argv", {"git", word}, "0f"}, {});
  }
  std::string send(const std::string& text) const { return guard::send_line(socket_path(), text, kWaitMs); }
  os::Fd connect() const {
    os::Fd fd(::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0));
    struct sockaddr_un address {};
    address.sun_family = AF_UNIX;
    std::strncpy(address.sun_path, socket_path().c_str(), sizeof address.sun_path - 1);
    EXPECT_EQ(::connect(fd.get(), reinterpret_cast<struct sockaddr*>(&address), sizeof address),
              0);  // NOLINT
    return fd;
  }
  std::vector<json::Value> events() {
    std::vector<json::Value> out;
    const auto seen =
        Log(paths).verify([&](const json::Value& one, std::string_view) { out.push_back(one); });
    EXPECT_TRUE(seen && seen->intact);
    return out;
  }
  std::vector<std::string> told() {
    const std::lock_guard<std::mutex> guard(mutex_);
    return told_;
  }

  std::unique_ptr<Collector> collector_;
  std::mutex mutex_;
  std::vector<std::string> told_;
};

TEST_F(CollectorTest, AnAnswerMeansThatTheLineIsInTheLog) {
  open();
  ASSERT_EQ(send(line()), "");
  const auto all = events();
  ASSERT_EQ(all.size(), 1U);
  EXPECT_EQ(all[0].str("/source"), "sandbox");
  EXPECT_EQ(all[0].str("/session"), "0190c0de");
  EXPECT_EQ(all[0].str("/metadata/command"), "git push");
  EXPECT_EQ(all[0].str("/metadata/pid"), std::to_string(::getpid()));
  EXPECT_EQ(all[0].str("/metadata/uid"), std::to_string(::geteuid()));
  EXPECT_EQ(mode(dir / "instance/audit"), 0755U);
  EXPECT_EQ(collector_->taken(), 1);
}

TEST_F(CollectorTest, GarbageIsRefusedAndNothingOfItIsKept) {
  open();
  EXPECT_THAT(send("x"), HasSubstr("no JSON object"));
  EXPECT_THAT(send(std::string(20'000, 'x')), HasSubstr("too long"));
  EXPECT_THAT(send("{\"v\":1}\n{\"v\":1}"), HasSubstr("no JSON object"));
  EXPECT_EQ(events().size(), 0U);
  EXPECT_EQ(collector_->refused(), 3);
  EXPECT_EQ(send(line()), "");
}

TEST_F(CollectorTest, OneConnectionIsOneLine) {
  open();
  const os::Fd fd = connect();
  const std::string text = line();
  ASSERT_GT(::send(fd.get(), text.data(), text.size(), MSG_NOSIGNAL), 0);
  std::array<char, 64> buffer{};
  EXPECT_EQ(::recv(fd.get(), buffer.data(), buffer.size(), 0), 2);
  EXPECT_EQ(::recv(fd.get(), buffer.data(), buffer.size(), 0), 0) << "the end";
  EXPECT_LT(::send(fd.get(), text.data(), text.size(), MSG_NOSIGNAL), 0);
  EXPECT_EQ(events().size(), 1U);
}

TEST_F(CollectorTest, WhoSaysNothingKeepsNobodyWaiting) {
  CollectorLimits limits;
  limits.clients = 4;
  limits.idle_ms = 200;
  open(limits);
  std::vector<os::Fd> idle;
  for (int i = 0; i < 12; ++i) idle.push_back(connect());
  EXPECT_EQ(send(line()), "");
  EXPECT_EQ(events().size(), 1U);
}

TEST_F(CollectorTest, WhoSendsFastWaits) {
  CollectorLimits limits;
  limits.burst = 5;
  limits.per_second = 50;
  open(limits);
  const auto begin = Clock::now();
  for (int i = 0; i < 15; ++i) ASSERT_EQ(send(line()), "");
  // Ten beyond the burst at 50 a second; it can only take longer on a busy machine.
  EXPECT_GE(Clock::now() - begin, std::chrono::milliseconds(150));
  EXPECT_EQ(events().size(), 15U);
}

TEST_F(CollectorTest, ASessionHasSoManyLinesAndNoMore) {
  CollectorLimits limits;
  limits.lines = 3;
  open(limits);
  for (int i = 0; i < 3; ++i) ASSERT_EQ(send(line()), "");
  EXPECT_THAT(send(line()), HasSubstr("all the lines that it may"));
  EXPECT_EQ(events().size(), 3U);
  ASSERT_EQ(told().size(), 1U);
  EXPECT_THAT(told()[0], HasSubstr("blocked from now on"));
}

TEST_F(CollectorTest, ASessionHasSoManyBytesAndNoMore) {
  CollectorLimits limits;
  limits.bytes = 5'000;
  open(limits);
  const std::string word(3'000, 'x');
  ASSERT_EQ(send(line(word)), "");
  ASSERT_EQ(send(line(word)), "");
  EXPECT_THAT(send(line()), HasSubstr("all the lines that it may"));
  EXPECT_EQ(events().size(), 2U);
}

TEST_F(CollectorTest, ALogThatCannotBeWrittenIsANoUntilItCan) {
  open();
  ASSERT_EQ(send(line()), "");
  ::chmod(paths.state.c_str(), 0700);
  ::chmod((paths.state / "audit").c_str(), 0777);
  EXPECT_THAT(send(line()), HasSubstr("the audit log cannot be written"));
  EXPECT_THAT(send(line()), HasSubstr("the audit log cannot be written"));
  ::chmod((paths.state / "audit").c_str(), 0700);
  EXPECT_EQ(send(line()), "");
  EXPECT_EQ(events().size(), 2U);
  const auto said = told();
  ASSERT_EQ(said.size(), 2U) << "once for each change";
  EXPECT_THAT(said[0], HasSubstr("are blocked in the sandbox"));
  EXPECT_THAT(said[1], HasSubstr("can be written again"));
}

TEST_F(CollectorTest, ADeadOneIsSeenAtOnceAndAStuckOneAfterAWhile) {
  EXPECT_THAT(send(line()), HasSubstr("no audit collector"));
  open();
  collector_.reset();
  EXPECT_THAT(send(line()), HasSubstr("no audit collector"));
  // A process that was killed leaves its socket.
  const pid_t child = test::spawn([&] {
    open();
    ::raise(SIGKILL);
    return 0;
  });
  test::join(child);
  ASSERT_TRUE(test::stdfs::exists(socket_path()));
  EXPECT_THAT(send(line()), HasSubstr("no audit collector"));
  // Listening, and nobody there.
  test::stdfs::remove(socket_path());
  const os::Fd stuck(::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0));
  struct sockaddr_un address {};
  address.sun_family = AF_UNIX;
  std::strncpy(address.sun_path, socket_path().c_str(), sizeof address.sun_path - 1);
  ASSERT_EQ(::bind(stuck.get(), reinterpret_cast<struct sockaddr*>(&address), sizeof address), 0);  // NOLINT
  ASSERT_EQ(::listen(stuck.get(), 4), 0);
  EXPECT_THAT(guard::send_line(socket_path(), line(), 100), HasSubstr("does not answer"));
}

TEST_F(CollectorTest, OneServesASandboxAndItsPlaceIsFreeAfterwards) {
  open();
  const auto second = Collector::open(dir / "instance/audit", Log(paths), "x", {});
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().id, "lock.busy");
  EXPECT_EQ(send(line()), "");
  collector_.reset();
  open();
  EXPECT_EQ(send(line()), "");
}

TEST_F(CollectorTest, AnAnswerThatNobodyReadsHarmsNobody) {
  open();
  {
    const os::Fd fd = connect();
    const std::string text = line();
    ASSERT_GT(::send(fd.get(), text.data(), text.size(), MSG_NOSIGNAL), 0);
  }
  EXPECT_EQ(send(line()), "");
}

}  // namespace
}  // namespace scc::audit
