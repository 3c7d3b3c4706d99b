// SPDX-License-Identifier: Apache-2.0
// Private to this folder: moves bytes between the host's descriptors and an exec until the exec ends or a
// signal ends the session. Each direction has a bounded buffer: who does not read stops who writes, nothing
// is lost and memory stays flat. A pipe whose reader went away is drained on, so that the agent ends in its
// own way; a terminal that went away ends the session.
#pragma once

#include <chrono>
#include <optional>

#include "os/tty.h"
#include "session/attach.h"
#include "session/host_io.h"

namespace scc::session {

class Pump {
 public:
  Pump(plugin::Exec& exec, os::SignalEvents& signals, const ExecTarget& target, const Deps& deps,
       const AttachOptions& options, bool tty, AttachHooks hooks = {});

  /// What the handshake read beyond its own lines.
  void seed(const std::string& out, const std::string& err);
  /// Runs to the end; the signal that ended the session, or 0 when the exec ended by itself. session.lost
  /// when the engine's stream broke.
  Result<int> run();
  /// The first bytes that the process wrote to stderr, for telling a checker's last words from an agent's.
  const std::string& first_err() const noexcept { return first_err_; }
  /// True when the options' time was over; run() then returns SIGTERM.
  bool timed_out() const noexcept { return timed_out_; }
  /// Why the options ended it; empty: they did not. run() then returns SIGTERM.
  const std::string& revoked() const noexcept { return revoked_; }

 private:
  using Clock = std::chrono::steady_clock;
  enum class Go { on, done };

  Status read_exec();
  void take(plugin::Exec::Channel channel, std::string_view bytes);
  void read_input();
  void write_input();
  void flush(HostFd& host, std::string& buffer, bool& closed);
  Go handle_signals();
  Go on_stop_signal(int signal);
  void forward(int signal);
  void resize();
  void tell_of_broken_pipe();
  void watch_time();
  void watch_policy();
  void end_it();
  void tell(const std::string& text);
  void tell_of_time(std::int64_t left_ms);
  Result<int> carry();
  void settle(bool now);
  int poll_timeout() const;
  Status wait();
  bool full() const noexcept;

  plugin::Exec& exec_;
  os::SignalEvents& signals_;
  const ExecTarget& target_;
  const Deps& deps_;
  const AttachOptions& options_;
  bool tty_;
  AttachHooks hooks_;  ///< on_settled is empty once it was called
  Clock::time_point settle_at_;
  bool carried_ = false;  ///< some output reached the host
  HostFd in_;
  HostFd out_;
  HostFd err_;
  std::string to_exec_;
  std::string to_out_;
  std::string to_err_;
  std::string first_err_;
  bool in_ended_ = false;    ///< the host's stdin has nothing more
  bool in_closed_ = false;   ///< the exec's stdin was closed or broke
  bool out_closed_ = false;  ///< the host's reader went away
  bool pipe_told_ = false;   ///< the process knows that
  bool err_closed_ = false;
  bool ended_ = false;        ///< the exec has nothing more to say
  bool may_read_ = true;      ///< the exec may have bytes in memory that poll(2) does not see
  bool write_stuck_ = false;  ///< the exec took nothing although it looked writable
  int interrupts_ = 0;
  int stopped_by_ = 0;
  std::optional<Clock::time_point> term_deadline_;
  std::int64_t ends_ms_ = 0;   ///< on the clock that counts sleep; 0: never
  std::int64_t warns_ms_ = 0;  ///< 0: told already
  bool timed_out_ = false;
  std::string revoked_;
};

}  // namespace scc::session
