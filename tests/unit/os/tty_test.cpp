// SPDX-License-Identifier: Apache-2.0
#include "os/tty.h"

#include <fcntl.h>
#include <pty.h>
#include <termios.h>

#include <sys/resource.h>

#include "unit/os/scratch.h"

namespace scc::os {
namespace {

using test::eventually;
using test::join;
using test::spawn;

class Tty : public ::testing::Test {
 protected:
  void SetUp() override {
    struct winsize size {};
    size.ws_row = 33;
    size.ws_col = 99;
    int a = -1;
    int b = -1;
    ASSERT_EQ(::openpty(&a, &b, nullptr, nullptr, &size), 0);
    master = Fd{a};
    slave = Fd{b};
  }
  bool raw() const {
    struct termios modes {};
    EXPECT_EQ(::tcgetattr(slave.get(), &modes), 0);
    return (modes.c_lflag & (ICANON | ECHO | ISIG)) == 0;
  }
  bool cooked() const {
    struct termios modes {};
    EXPECT_EQ(::tcgetattr(slave.get(), &modes), 0);
    return (modes.c_lflag & (ICANON | ECHO | ISIG)) == (ICANON | ECHO | ISIG) && (modes.c_oflag & OPOST) != 0;
  }
  // A child in raw mode that then does `end`; the terminal must be cooked again afterwards.
  template <class End>
  int raw_child(End end) {
    const pid_t pid = spawn([&] {
      const struct rlimit no_core {};
      ::setrlimit(RLIMIT_CORE, &no_core);
      auto mode = RawMode::enter(slave.get());
      if (!mode || !raw()) return 99;
      end();
      return 0;
    });
    return join(pid);
  }
  Fd master;
  Fd slave;
};

TEST_F(Tty, KnowsTerminalsAndTheirSize) {
  EXPECT_TRUE(is_tty(slave.get()));
  const Fd null{::open("/dev/null", O_RDONLY | O_CLOEXEC)};
  EXPECT_FALSE(is_tty(null.get()));
  EXPECT_EQ(window_size(slave.get())->rows, 33);
  EXPECT_EQ(window_size(slave.get())->cols, 99);
  EXPECT_FALSE(window_size(null.get()));
  EXPECT_FALSE(RawMode::enter(null.get()));
}

TEST_F(Tty, RawModeEndsWithItsObject) {
  {
    auto mode = RawMode::enter(slave.get()).value();
    EXPECT_TRUE(raw());
    EXPECT_EQ(RawMode::enter(slave.get()).error().id, "tty.nested");
    const RawMode moved = std::move(mode);
    EXPECT_TRUE(raw());
  }
  EXPECT_TRUE(cooked());
  auto mode = RawMode::enter(slave.get()).value();
  mode.leave();
  EXPECT_TRUE(cooked());
  mode.leave();
}

TEST_F(Tty, RawModeIsUndoneByFatalSignalsAndExit) {
  for (const int signal : {SIGSEGV, SIGABRT, SIGBUS}) {
    const int code = raw_child([&] { ::raise(signal); });
    EXPECT_TRUE(cooked()) << signal;
    EXPECT_NE(code, 0) << signal;  // the signal still ends the process (a sanitizer's handler exits with 1)
    EXPECT_NE(code, 99) << signal;
  }
  EXPECT_EQ(raw_child([] { std::exit(5); }), 5);
  EXPECT_TRUE(cooked());
}

TEST(Signals, BecomeEvents) {
  const pid_t pid = spawn([] {
    auto events = SignalEvents::watch({SIGTERM, SIGWINCH});
    if (!events || events->next()) return 1;
    ::kill(::getpid(), SIGTERM);
    ::kill(::getpid(), SIGWINCH);
    int seen = 0;
    while (const auto signal = events->next()) seen |= *signal == SIGTERM ? 1 : *signal == SIGWINCH ? 2 : 4;
    if (seen != 3) return 2;
    { const auto moved = std::move(*events); }
    ::kill(::getpid(), SIGTERM);  // unblocked again: ends us
    return 3;
  });
  EXPECT_EQ(join(pid), 128 + SIGTERM);
}

TEST(Signals, CancelRemembersTheFirst) {
  const pid_t pid = spawn([] {
    install_cancel_handlers();
    if (cancelled()) return 1;
    ::kill(::getpid(), SIGHUP);
    ::kill(::getpid(), SIGINT);
    if (!eventually([] { return cancelled(); })) return 2;
    return cancel_signal() == SIGHUP || cancel_signal() == SIGINT ? 0 : 3;
  });
  EXPECT_EQ(join(pid), 0);
}

}  // namespace
}  // namespace scc::os
