// SPDX-License-Identifier: Apache-2.0
// Takes lines of the programs in one sandbox for the audit log. A unix socket of packets (SOCK_SEQPACKET) in
// a directory that the sandbox sees read-only: a program sends one line and gets one answer, "ok" once the
// line is on the disk, else "no REASON". Number, time and hash are given here. A sandbox can add lines; no
// packet changes or removes one.
//
// Bounded: the size of a line, the lines of a second (who sends more waits), those of a session, the
// connections, and the time that an idle one is kept. Who cannot be served gets no answer, and the guard
// takes that for a no.
#pragma once

#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "audit/log.h"

namespace scc::audit {

/// Name of the socket in its directory.
inline constexpr std::string_view kSocketName = "collector";

struct CollectorLimits {
  unsigned per_second = 100;
  unsigned burst = 500;
  std::int64_t lines = 100'000;                         ///< of a session
  std::int64_t bytes = std::int64_t{64} * 1024 * 1024;  ///< of them, as they were sent
  std::size_t clients = 64;
  unsigned idle_ms = 2'000;
};

class Collector {
 public:
  /// What the user must know; called on the collector's thread, at most once for each change.
  using Tell = std::function<void(const std::string& text)>;

  /// Makes the directory (0755; who is above it keeps others out) and the socket in it, in the place of one
  /// whose process is gone, and serves it on a thread of its own. Kind::tool lock.busy when another process
  /// serves it; Kind::prereq audit.collector when the socket cannot be made.
  static Result<std::unique_ptr<Collector>> open(const os::stdfs::path& directory, Log log,
                                                 std::string session, Tell tell, CollectorLimits limits = {});
  Collector(const Collector&) = delete;
  /// Ends the thread and takes the socket away; what was received by then is answered.
  ~Collector();

  std::int64_t taken() const noexcept { return taken_; }
  std::int64_t refused() const noexcept { return refused_; }

 private:
  using Clock = std::chrono::steady_clock;
  struct Client {
    os::Fd fd;
    Clock::time_point until;
    std::string pid;  ///< as this machine counts
    std::string uid;
  };
  struct Pending {
    std::size_t client;
    Event event;
  };

  Collector(os::FileLock lock, os::Fd directory, os::Fd listener, os::Fd wake, Log log, std::string session,
            Tell tell, CollectorLimits limits);
  void run();
  void refill();
  int wait_ms() const;
  void accept_some();
  /// The lines that wait at the clients marked; a client that sent none is closed.
  std::vector<Pending> receive(const std::vector<bool>& readable);
  bool full() const noexcept;
  std::string line_of(Client& client, Event& event);
  void commit(std::vector<Pending> batch);
  void answer(Client& client, const std::string& text);
  void tell_once(bool failed, const std::string& text);
  void close_old();

  os::FileLock lock_;
  os::Fd directory_;
  os::Fd listener_;
  os::Fd wake_;
  Log log_;
  std::string session_;
  Tell tell_;
  CollectorLimits limits_;
  double tokens_;
  Clock::time_point refilled_;
  std::vector<Client> clients_;
  bool failing_ = false;
  bool told_full_ = false;
  std::atomic<bool> ending_{false};
  std::atomic<std::int64_t> taken_{0};
  std::atomic<std::int64_t> refused_{0};
  std::int64_t bytes_ = 0;
  std::thread thread_;
};

}  // namespace scc::audit
