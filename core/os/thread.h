// SPDX-License-Identifier: Apache-2.0
// Threads beside the main one, whose matter signals are.
#pragma once

#include <csignal>
#include <thread>
#include <utility>

namespace scc::os {

/// A thread that takes no signal.
template <typename Work>
std::thread thread_without_signals(Work work) {
  sigset_t all;
  sigset_t before;
  sigfillset(&all);
  ::pthread_sigmask(SIG_SETMASK, &all, &before);
  std::thread out(std::move(work));
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
  return out;
}

}  // namespace scc::os
