// SPDX-License-Identifier: Apache-2.0
// Signals as readable events by signalfd. Blocked signals are inherited by children; os::run and every other
// way of starting one resets the mask.
#include <cerrno>
#include <unistd.h>

#include <sys/signalfd.h>

#include "os/tty.h"

namespace scc::os {

Result<SignalEvents> SignalEvents::watch(const std::vector<int>& signals) {
  sigset_t set;
  sigset_t old;
  ::sigemptyset(&set);
  for (const int signal : signals) ::sigaddset(&set, signal);
  if (const int code = ::pthread_sigmask(SIG_BLOCK, &set, &old); code != 0) {
    return fail(errno_error("block", "signals", code));
  }
  Fd fd{::signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK)};
  if (!fd) {
    const int code = errno;
    ::pthread_sigmask(SIG_SETMASK, &old, nullptr);
    return fail(errno_error("watch", "signals", code));
  }
  return SignalEvents{std::move(fd), old};
}

// What is still pending goes to the actions that were installed before, for instance cancelled()'s.
SignalEvents::~SignalEvents() {
  if (!fd_) return;
  fd_.reset();
  ::pthread_sigmask(SIG_SETMASK, &old_, nullptr);
}

std::optional<int> SignalEvents::next() noexcept {
  struct signalfd_siginfo info {};
  ssize_t n = 0;
  do {
    n = ::read(fd_.get(), &info, sizeof info);
  } while (n < 0 && errno == EINTR);
  if (n != static_cast<ssize_t>(sizeof info)) return std::nullopt;
  return static_cast<int>(info.ssi_signo);
}

}  // namespace scc::os
