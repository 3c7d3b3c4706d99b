// SPDX-License-Identifier: Apache-2.0
// Signals as readable events where there is no signalfd (macOS): handlers write the number into a pipe.
// Compiles there by reading; untested.
#include <cerrno>
#include <fcntl.h>
#include <unistd.h>

#include "os/tty.h"

namespace scc::os {

namespace {

int write_end = -1;

extern "C" void scc_on_watched_signal(int signal) {
  const int saved = errno;
  const unsigned char byte = static_cast<unsigned char>(signal);
  if (::write(write_end, &byte, 1) < 0) {
  }
  errno = saved;
}

}  // namespace

Result<SignalEvents> SignalEvents::watch(const std::vector<int>& signals) {
  int ends[2] = {-1, -1};
  if (::pipe(ends) != 0) return fail(errno_error("watch", "signals", errno));
  for (const int end : ends) {
    ::fcntl(end, F_SETFD, FD_CLOEXEC);
    ::fcntl(end, F_SETFL, O_NONBLOCK);
  }
  if (write_end >= 0) ::close(write_end);
  write_end = ends[1];
  struct sigaction action {};
  action.sa_handler = scc_on_watched_signal;
  action.sa_flags = SA_RESTART;
  ::sigemptyset(&action.sa_mask);
  for (const int signal : signals) ::sigaction(signal, &action, nullptr);
  sigset_t none;
  ::sigemptyset(&none);
  return SignalEvents{Fd{ends[0]}, none};
}

SignalEvents::~SignalEvents() = default;

std::optional<int> SignalEvents::next() noexcept {
  unsigned char byte = 0;
  if (::read(fd_.get(), &byte, 1) != 1) return std::nullopt;
  return static_cast<int>(byte);
}

}  // namespace scc::os
