// SPDX-License-Identifier: Apache-2.0
// Private to this folder: the host's side of the checker's handshake on an exec's streams: one bounded
// evidence line, one GO frame, one acknowledgement. What comes from the sandbox is hostile until the evidence
// is judged.
#pragma once

#include <chrono>

#include "os/tty.h"
#include "session/attach.h"

namespace scc::session {

inline constexpr std::string_view kChecker = "/opt/scc/bin/scc-check";
inline constexpr std::string_view kSignal = "/opt/scc/bin/scc-signal";

std::vector<std::string> checker_argv(const ExecTarget& target);

/// The GO frame. Kind::usage (secret.name, secret.size) for a secret that the checker would refuse.
Result<std::string> go_frame(const ExecTarget& target, os::WindowSize size);

class Handshake {
 public:
  Handshake(plugin::Exec& exec, os::SignalEvents& signals, const Deps& deps, const AttachOptions& options)
      : exec_(exec), signals_(signals), deps_(deps), options_(options) {}

  /// Reads the evidence line and judges it. Errors as attach_exec() says.
  Result<json::Value> receive_evidence(const ExecTarget& target, bool tty);
  /// Sends the frame and waits for the acknowledgement.
  Status go(std::string_view frame);

  /// What already came from the process itself, behind the acknowledgement (or, on stderr, beside it).
  std::string take_out() { return std::move(out_); }
  std::string take_err() { return std::move(err_); }
  bool ended() const noexcept { return ended_; }

 private:
  using Clock = std::chrono::steady_clock;
  Status receive(Clock::time_point deadline);
  Status wait_readable(Clock::time_point deadline, short events);
  Result<std::string> read_line(Clock::time_point deadline, std::string_view start, std::size_t limit);
  Error ended_error();
  Error not_the_protocol(const std::string& what) const;

  plugin::Exec& exec_;
  os::SignalEvents& signals_;
  const Deps& deps_;
  const AttachOptions& options_;
  std::string out_;
  std::string err_;
  bool ended_ = false;
  bool go_sent_ = false;
};

}  // namespace scc::session
