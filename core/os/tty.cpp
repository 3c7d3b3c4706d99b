// SPDX-License-Identifier: Apache-2.0
// Raw mode and window size. The saved modes live in static storage because a fatal signal's handler and an
// atexit function must reach them; tcsetattr is async-signal-safe (POSIX.1-2008).
#include "os/tty.h"

#include <array>
#include <atomic>
#include <cerrno>
#include <cstdlib>
#include <termios.h>
#include <unistd.h>

#include <sys/ioctl.h>

namespace scc::os {

namespace {

constexpr std::array<int, 5> kFatal = {SIGSEGV, SIGBUS, SIGABRT, SIGILL, SIGFPE};

struct Saved {
  std::atomic<int> fd{-1};
  struct termios modes {};
  std::array<struct sigaction, kFatal.size()> handlers{};
};
static_assert(std::atomic<int>::is_always_lock_free);

Saved saved;  // the one terminal of the process

// From the background a tcsetattr would stop the process with SIGTTOU.
void restore_modes() noexcept {
  const int fd = saved.fd.load();
  if (fd < 0) return;
  sigset_t block;
  sigset_t old;
  ::sigemptyset(&block);
  ::sigaddset(&block, SIGTTOU);
  ::sigprocmask(SIG_BLOCK, &block, &old);
  while (::tcsetattr(fd, TCSANOW, &saved.modes) != 0 && errno == EINTR) {
  }
  ::sigprocmask(SIG_SETMASK, &old, nullptr);
}

extern "C" void scc_on_fatal_signal(int signal) {
  restore_modes();
  saved.fd.store(-1);
  for (std::size_t i = 0; i < kFatal.size(); ++i) {
    if (kFatal[i] == signal) ::sigaction(signal, &saved.handlers[i], nullptr);
  }
  // The signal is blocked in here; it is delivered with its former action on return.
  ::raise(signal);
}

void install_fatal_handlers() {
  static std::array<char, 32768> stack{};  // a stack overflow must still find room
  stack_t alternative{};
  stack_t present{};
  if (::sigaltstack(nullptr, &present) == 0 && (present.ss_flags & SS_DISABLE) != 0) {
    alternative.ss_sp = stack.data();
    alternative.ss_size = stack.size();
    ::sigaltstack(&alternative, nullptr);
  }
  struct sigaction action {};
  action.sa_handler = scc_on_fatal_signal;
  action.sa_flags = SA_ONSTACK;
  ::sigemptyset(&action.sa_mask);
  ::sigaddset(&action.sa_mask, SIGTTOU);
  for (std::size_t i = 0; i < kFatal.size(); ++i) ::sigaction(kFatal[i], &action, &saved.handlers[i]);
}

void register_atexit() {
  static const int registered = std::atexit(restore_modes);
  static_cast<void>(registered);
}

}  // namespace

bool is_tty(int fd) noexcept {
  return ::isatty(fd) == 1;
}

std::optional<WindowSize> window_size(int fd) noexcept {
  struct winsize size {};
  if (::ioctl(fd, TIOCGWINSZ, &size) != 0 || size.ws_row == 0 || size.ws_col == 0) return std::nullopt;
  return WindowSize{size.ws_row, size.ws_col};
}

Result<RawMode> RawMode::enter(int fd) {
  if (saved.fd.load() >= 0) {
    return fail(Kind::internal, "tty.nested", "raw mode is already on");
  }
  if (::tcgetattr(fd, &saved.modes) != 0) {
    return fail(errno_error("read the modes of", "the terminal", errno));
  }
  struct termios raw = saved.modes;
  ::cfmakeraw(&raw);
  register_atexit();
  install_fatal_handlers();
  saved.fd.store(fd);
  RawMode mode{fd};
  while (::tcsetattr(fd, TCSADRAIN, &raw) != 0) {
    if (errno != EINTR) return fail(errno_error("set the modes of", "the terminal", errno));
  }
  return mode;
}

RawMode::RawMode(RawMode&& other) noexcept : fd_(other.fd_) {
  other.fd_ = -1;
}

RawMode::~RawMode() {
  leave();
}

void RawMode::leave() noexcept {
  if (fd_ < 0) return;
  fd_ = -1;
  restore_modes();
  saved.fd.store(-1);
  for (std::size_t i = 0; i < kFatal.size(); ++i) ::sigaction(kFatal[i], &saved.handlers[i], nullptr);
}

}  // namespace scc::os
