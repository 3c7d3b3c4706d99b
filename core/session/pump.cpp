// SPDX-License-Identifier: Apache-2.0
#include "session/pump.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <ctime>
#include <poll.h>
#include <utility>

#include "session/handshake.h"
#include "session/state.h"

namespace scc::session {

namespace {

constexpr std::size_t kInputBuffer = 64U << 10U;
constexpr std::size_t kOutputBuffer = 256U << 10U;
constexpr std::size_t kFirstErr = 256;
constexpr unsigned kForwardMs = 3'000;
constexpr int kStuckMs = 5;
constexpr int kPolicyMs = 2'000;
constexpr int kInterruptsToStop = 3;
constexpr std::chrono::milliseconds kSettle{100};
constexpr std::int64_t kMinuteMs = 60'000;

/// Milliseconds on a clock that goes on while the machine sleeps, and that nobody can set.
std::int64_t clock_ms() noexcept {
#if defined(CLOCK_BOOTTIME)
  constexpr clockid_t kClock = CLOCK_BOOTTIME;
#else
  constexpr clockid_t kClock = CLOCK_MONOTONIC;
#endif
  struct timespec now {};
  ::clock_gettime(kClock, &now);
  return static_cast<std::int64_t>(now.tv_sec) * 1000 + now.tv_nsec / 1'000'000;
}

std::string time_left(std::int64_t ms) {
  if (ms >= kMinuteMs) return std::to_string((ms + kMinuteMs / 2) / kMinuteMs) + " min";
  return std::to_string(std::max<std::int64_t>(ms, 0) / 1000) + " s";
}

}  // namespace

Pump::Pump(plugin::Exec& exec, os::SignalEvents& signals, const ExecTarget& target, const Deps& deps,
           const AttachOptions& options, bool tty, AttachHooks hooks)
    : exec_(exec),
      signals_(signals),
      target_(target),
      deps_(deps),
      options_(options),
      tty_(tty),
      hooks_(std::move(hooks)),
      settle_at_(Clock::now() + kSettle),
      in_(options.in, HostFd::Mode::read),
      out_(options.out, HostFd::Mode::write),
      err_(options.err, HostFd::Mode::write) {
  if (options.limit_ms <= 0) return;
  const std::int64_t now = clock_ms();
  ends_ms_ = now + options.limit_ms;
  // A bound shorter than its own warning is told in its last tenth.
  const std::int64_t warn = options.warn_ms < options.limit_ms ? options.warn_ms : options.limit_ms / 10;
  warns_ms_ = warn > 0 ? ends_ms_ - warn : 0;
}

void Pump::seed(const std::string& out, const std::string& err) {
  take(plugin::Exec::Channel::out, out);
  take(plugin::Exec::Channel::err, err);
}

void Pump::take(plugin::Exec::Channel channel, std::string_view bytes) {
  if (channel == plugin::Exec::Channel::out) {
    if (!out_closed_) to_out_ += bytes;
    return;
  }
  if (first_err_.size() < kFirstErr) first_err_ += bytes.substr(0, kFirstErr - first_err_.size());
  if (!err_closed_) to_err_ += bytes;
}

bool Pump::full() const noexcept {
  return to_out_.size() >= kOutputBuffer || to_err_.size() >= kOutputBuffer;
}

/// Reads until nothing comes or a buffer is full: the plugin may hold several frames of one recv(2).
Status Pump::read_exec() {
  std::string bytes;
  while (may_read_ && !ended_ && !full()) {
    bytes.clear();
    auto channel = exec_.read(0, bytes);
    if (!channel) {
      return fail(Kind::tool, "session.lost", "the connection to the agent broke: " + channel.error().message,
                  "see what is left: scc list");
    }
    if (*channel == plugin::Exec::Channel::nothing_yet) {
      may_read_ = false;
    } else if (*channel == plugin::Exec::Channel::end) {
      ended_ = true;
    } else {
      take(*channel, bytes);
    }
  }
  return {};
}

void Pump::read_input() {
  if (in_ended_ || to_exec_.size() >= kInputBuffer) return;
  if (in_.read(to_exec_, kInputBuffer - to_exec_.size()) == Io::closed) in_ended_ = true;
}

void Pump::write_input() {
  write_stuck_ = false;
  while (!to_exec_.empty() && !in_closed_) {
    const auto taken = exec_.write(to_exec_);
    if (!taken) {  // the process closed its stdin or ended; reading tells which
      in_closed_ = true;
      break;
    }
    if (*taken == 0) {
      write_stuck_ = true;
      return;
    }
    to_exec_.erase(0, *taken);
  }
  if (in_closed_) {
    to_exec_.clear();
  } else if (in_ended_ && to_exec_.empty() && !tty_) {
    in_closed_ = true;
    static_cast<void>(exec_.close_input());
  }
}

void Pump::flush(HostFd& host, std::string& buffer, bool& closed) {
  while (!buffer.empty() && !closed) {
    const Io io = host.write(buffer);
    carried_ = true;
    if (io == Io::would_block) return;
    closed = io == Io::closed;
  }
  if (closed) buffer.clear();
}

void Pump::resize() {
  if (!tty_) return;
  const auto size = os::window_size(options_.out);
  if (size) static_cast<void>(exec_.resize(size->rows, size->cols));
}

/// A second exec carries the signal in: the agent is no child of this process.
void Pump::forward(int signal) {
  json::Object request;
  request["schema"] = "scc.exec-request/1";
  request["argv"] =
      json::Value::strings({std::string(kSignal), "signal", target_.token, std::to_string(signal)});
  request["env"] = json::Object{};
  request["workdir"] = "/";
  request["user"] = json::Object{{"uid", target_.uid}, {"gid", target_.gid}};
  request["tty"] = false;
  request["rows"] = 24;
  request["cols"] = 80;
  auto exec = deps_.runtime.exec_open(target_.sandbox_id, json::Value(std::move(request)));
  if (!exec) return;
  const auto deadline = Clock::now() + std::chrono::milliseconds(kForwardMs);
  std::string ignored;
  while (Clock::now() < deadline) {
    const auto channel = (*exec)->read(100, ignored);
    if (!channel || *channel == plugin::Exec::Channel::end) break;
    ignored.clear();
  }
}

Pump::Go Pump::on_stop_signal(int signal) {
  if (signal == SIGHUP) {
    forward(signal);
    stopped_by_ = signal;
    return Go::done;
  }
  if (signal == SIGTERM) {
    stopped_by_ = signal;
    if (ended_ || term_deadline_) return Go::done;
    term_deadline_ = Clock::now() + std::chrono::milliseconds(options_.term_grace_ms);
    forward(signal);
    return Go::on;
  }
  if (ended_ || ++interrupts_ >= kInterruptsToStop) {  // nobody reads on, or the agent does not care
    stopped_by_ = ended_ ? 0 : signal;
    return Go::done;
  }
  forward(signal);
  return Go::on;
}

Pump::Go Pump::handle_signals() {
  while (const auto signal = signals_.next()) {
    if (*signal == SIGWINCH) {
      resize();
    } else if (on_stop_signal(*signal) == Go::done) {
      return Go::done;
    }
  }
  if (term_deadline_ && Clock::now() >= *term_deadline_) return Go::done;
  // The terminal is gone although no SIGHUP came (not our controlling terminal). An agent that does not care
  // would otherwise be carried on for nobody.
  if (tty_ && (in_ended_ || out_closed_) && !ended_) return on_stop_signal(SIGHUP);
  return Go::on;
}

/// A full-screen program draws over this with its next screen; better a scratch than work that is lost.
void Pump::tell(const std::string& text) {
  if (tty_) {
    to_err_ += "\r\n\x1b[7m scc: " + text + " \x1b[0m\a\r\n";
  } else if (deps_.note) {
    deps_.note(text);
  }
}

void Pump::tell_of_time(std::int64_t left_ms) {
  tell("this session ends in " + time_left(left_ms) +
       " (session.timeout_hours); afterwards go on with: scc start --resume");
}

void Pump::end_it() {
  stopped_by_ = SIGTERM;
  if (!term_deadline_) term_deadline_ = Clock::now() + std::chrono::milliseconds(options_.term_grace_ms);
  forward(SIGTERM);
}

void Pump::watch_policy() {
  if (!options_.revoked || !revoked_.empty() || timed_out_ || ended_) return;
  revoked_ = options_.revoked();
  if (revoked_.empty()) return;
  tell("this session ends now: " + revoked_ + " (session.enforce_live)");
  end_it();
}

void Pump::watch_time() {
  if (ends_ms_ == 0 || timed_out_ || !revoked_.empty() || ended_) return;
  const std::int64_t now = clock_ms();
  if (now >= ends_ms_) {
    timed_out_ = true;
    end_it();
  } else if (warns_ms_ != 0 && now >= warns_ms_) {
    warns_ms_ = 0;
    tell_of_time(ends_ms_ - now);
  }
}

void Pump::settle(bool now) {
  if (!hooks_.on_settled || (!now && !carried_ && Clock::now() < settle_at_)) return;
  const auto call = std::exchange(hooks_.on_settled, nullptr);
  call();
}

int Pump::poll_timeout() const {
  long long timeout = exec_.fd() >= 0 ? -1 : 10;
  if (hooks_.on_settled && timeout < 0) timeout = kSettle.count();
  if (write_stuck_) timeout = kStuckMs;
  if (term_deadline_) {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(*term_deadline_ - Clock::now());
    const long long bounded = std::max<long long>(left.count() + 1, 0);
    timeout = timeout < 0 ? bounded : std::min(timeout, bounded);
  }
  if (ends_ms_ != 0 && !timed_out_) {
    // Not longer than this: poll(2) does not count the time that the machine slept.
    const std::int64_t next = warns_ms_ != 0 ? warns_ms_ : ends_ms_;
    const long long bounded = std::clamp<std::int64_t>(next - clock_ms() + 1, 0, 5'000);
    timeout = timeout < 0 ? bounded : std::min(timeout, bounded);
  }
  if (options_.revoked && (timeout < 0 || timeout > kPolicyMs)) timeout = kPolicyMs;
  return static_cast<int>(std::min<long long>(timeout, 60'000));
}

/// Waits for any of them. A descriptor that nothing is wanted from is left out altogether: a hung-up one
/// would wake poll(2) at once, for ever.
Status Pump::wait() {
  enum : std::size_t { kSignals, kExec, kIn, kOut, kErr, kWatch };
  std::array<struct pollfd, 6> fds{};
  for (auto& entry : fds) entry = {-1, 0, 0};
  fds[kSignals] = {signals_.fd(), POLLIN, 0};
  short exec_events = 0;
  if (!ended_ && !full()) exec_events = POLLIN;
  if (!ended_ && write_stuck_) exec_events = static_cast<short>(exec_events | POLLOUT);
  if (exec_events != 0) fds[kExec] = {exec_.fd(), exec_events, 0};
  const bool wants_input = !in_ended_ && !in_closed_ && !ended_ && to_exec_.size() < kInputBuffer;
  // The end of a terminal matters also while what was typed waits for an agent that does not read.
  const bool watches_end = tty_ && !in_ended_ && !ended_;
  if (wants_input || watches_end) fds[kIn] = {in_.fd(), wants_input ? short{POLLIN} : short{0}, 0};
  if (!to_out_.empty()) fds[kOut] = {out_.fd(), POLLOUT, 0};
  if (!to_err_.empty()) fds[kErr] = {err_.fd(), POLLOUT, 0};
  if (hooks_.on_watch && !ended_) fds[kWatch] = {hooks_.watch_fd, POLLIN, 0};
  if (::poll(fds.data(), fds.size(), poll_timeout()) < 0 && errno != EINTR) {
    return fail(os::errno_error("poll", "the session's descriptors", errno));
  }
  if ((fds[kExec].revents & ~POLLOUT) != 0 || exec_.fd() < 0) may_read_ = true;
  if (fds[kIn].revents != 0 && wants_input) read_input();
  if ((fds[kIn].revents & (POLLHUP | POLLERR | POLLNVAL)) != 0 && watches_end) in_ended_ = true;
  if (fds[kWatch].revents != 0) hooks_.on_watch();
  return {};
}

Result<int> Pump::run() {
  auto signal = carry();
  settle(true);
  return signal;
}

/// What the kernel would have done to a process that writes to a pipe without a reader. One that ignores the
/// signal goes on, and its output is drained. (A terminal that went away is a hangup.)
void Pump::tell_of_broken_pipe() {
  if (!out_closed_ || ended_ || pipe_told_ || tty_) return;
  pipe_told_ = true;
  forward(SIGPIPE);
}

Result<int> Pump::carry() {
  while (true) {
    SCC_CHECK(read_exec());
    flush(out_, to_out_, out_closed_);
    flush(err_, to_err_, err_closed_);
    tell_of_broken_pipe();
    write_input();
    settle(false);
    if (ended_ && to_out_.empty() && to_err_.empty()) return stopped_by_;
    watch_time();
    watch_policy();
    if (handle_signals() == Go::done) return stopped_by_;
    if (may_read_ && !ended_ && !full()) continue;
    SCC_CHECK(wait());
  }
}

}  // namespace scc::session
