// SPDX-License-Identifier: Apache-2.0
// Ctrl-C, SIGTERM and SIGHUP outside a session: remembered, and polled by long steps.
#include <atomic>

#include "os/tty.h"

namespace scc::os {

namespace {

std::atomic<int> first_signal{0};
std::atomic<int> shields{0};
static_assert(std::atomic<int>::is_always_lock_free);

extern "C" void scc_on_cancel(int signal) {
  int none = 0;
  first_signal.compare_exchange_strong(none, signal);
}

}  // namespace

bool cancelled() noexcept {
  return first_signal.load() != 0 && shields.load() == 0;
}
CancelShield::CancelShield() noexcept {
  ++shields;
}
CancelShield::~CancelShield() {
  --shields;
}
int cancel_signal() noexcept {
  return first_signal.load();
}

void install_cancel_handlers() {
  struct sigaction action {};
  action.sa_handler =
      scc_on_cancel;  // no SA_RESTART: a blocking call returns and its loop looks at cancelled()
  ::sigemptyset(&action.sa_mask);
  for (const int signal : {SIGINT, SIGTERM, SIGHUP}) {
    struct sigaction present {};
    // nohup and background jobs of old shells ignore these on purpose.
    if (::sigaction(signal, nullptr, &present) == 0 && present.sa_handler == SIG_IGN) continue;
    ::sigaction(signal, &action, nullptr);
  }
}

}  // namespace scc::os
