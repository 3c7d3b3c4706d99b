// SPDX-License-Identifier: Apache-2.0
// An exec whose other end is a function of the test, run in a thread: it gets what the host writes, unframed,
// and sends frames for the two output channels over a socket pair, so that poll(2), partial writes and
// backpressure are the real ones. No timing assumptions; every wait is bounded.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "json/value.h"
#include "os/fs.h"
#include "plugin/runtime.h"

namespace scc::test {

/// What both ends know.
struct ExecShared {
  std::atomic<int> exit_code{0};
  std::atomic<bool> end_seen{false};  ///< the host was told that the output ended
  std::mutex mutex;
  std::vector<std::pair<unsigned, unsigned>> sizes;  ///< resize calls, in order
};

/// The process's side.
class ExecPeer {
 public:
  ExecPeer(os::Fd fd, json::Value request, std::shared_ptr<ExecShared> shared)
      : fd_(std::move(fd)), request_(std::move(request)), shared_(std::move(shared)) {}

  const json::Value& request() const noexcept { return request_; }
  /// The argument that follows `option` in the exec's argv.
  std::string option(const std::string& name) const;
  void out(const std::string& bytes) { send(1, bytes); }
  void err(const std::string& bytes) { send(2, bytes); }
  /// False as soon as it would block; for finding out that the host stopped reading.
  bool try_out(const std::string& bytes);
  /// The next byte of stdin, -1 at its end.
  int read_byte();
  /// Exactly n bytes, fewer at the end of stdin.
  std::string read_exactly(std::size_t n);
  std::string read_to_end();
  /// The process closes its stdin: what the host writes from now on fails.
  void close_input();
  void exit(int code) { shared_->exit_code = code; }
  std::vector<std::pair<unsigned, unsigned>> sizes() const;
  std::shared_ptr<ExecShared> shared() const { return shared_; }
  /// Waits for a condition, at most twenty seconds.
  static bool eventually(const std::function<bool()>& condition);

 private:
  void send(std::uint8_t channel, const std::string& bytes);
  os::Fd fd_;
  json::Value request_;
  std::shared_ptr<ExecShared> shared_;
  std::string pending_;  ///< of try_out(): a frame that was sent in part
};

using ExecScript = std::function<void(ExecPeer&)>;

/// Starts the script and returns the host's side.
std::unique_ptr<plugin::Exec> start_exec(json::Value request, ExecScript script);

/// The well-behaved checker up to the acknowledgement: evidence from `evidence(peer)`, then the GO frame,
/// whose payload is returned; the acknowledgement is sent.
json::Value checker_handshake(ExecPeer& peer, const json::Value& evidence);
void send_evidence(ExecPeer& peer, const json::Value& evidence);
json::Value read_go(ExecPeer& peer);

/// Evidence that proves `mounts` (of a sandbox-spec) and the checks named in the exec's own argv.
json::Value good_evidence(const ExecPeer& peer, const json::Value& mounts);

}  // namespace scc::test
