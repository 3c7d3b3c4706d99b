// SPDX-License-Identifier: Apache-2.0
// The user's terminal: raw mode that is undone on every way out (return, error, fatal signal), window size,
// and a descriptor that turns signals into readable events for poll(2). [main] only; one instance of each at
// a time.
#pragma once

#include <csignal>
#include <cstdint>
#include <optional>
#include <vector>

#include "os/fs.h"

namespace scc::os {

struct WindowSize {
  std::uint16_t rows = 24;
  std::uint16_t cols = 80;
};

bool is_tty(int fd) noexcept;
std::optional<WindowSize> window_size(int fd) noexcept;

/// Raw mode on `fd` for the life of the object. Async-signal-safe restore is installed for SIGSEGV, SIGABRT,
/// SIGBUS.
class RawMode {
 public:
  static Result<RawMode> enter(int fd);
  RawMode(RawMode&& other) noexcept;
  RawMode& operator=(RawMode&&) = delete;
  ~RawMode();
  void leave() noexcept;

 private:
  explicit RawMode(int fd) : fd_(fd) {}
  int fd_ = -1;
};

/// Blocks the given signals for the process and makes them readable from fd().
class SignalEvents {
 public:
  static Result<SignalEvents> watch(const std::vector<int>& signals);
  SignalEvents(SignalEvents&&) noexcept = default;
  ~SignalEvents();
  int fd() const noexcept { return fd_.get(); }
  /// The next pending signal, or nullopt.
  std::optional<int> next() noexcept;

 private:
  explicit SignalEvents(Fd fd, sigset_t old) : fd_(std::move(fd)), old_(old) {}
  Fd fd_;
  [[maybe_unused]] sigset_t old_{};  // signalfd only
};

/// Set once the user pressed Ctrl-C (or SIGTERM, SIGHUP came) while no session runs; long steps poll it.
bool cancelled() noexcept;
/// Installs the handlers behind cancelled(); returns the signal seen first through cancel_signal().
void install_cancel_handlers();
int cancel_signal() noexcept;

/// While one lives cancelled() is false: undoing a launch calls the engine, and the Ctrl-C that began it must
/// not end it as well.
class CancelShield {
 public:
  CancelShield() noexcept;
  ~CancelShield();
  CancelShield(const CancelShield&) = delete;
  CancelShield& operator=(const CancelShield&) = delete;
};

}  // namespace scc::os
