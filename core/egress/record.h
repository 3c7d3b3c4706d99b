// SPDX-License-Identifier: Apache-2.0
// The record of what a sandbox asked of the web: `<state>/egress/<session>.jsonl`, one line a decision,
// appended only, each line bound to the one before by SHA-256. Never a path, a query, a header or a body.
// Reads and writes files of the user's own. One writer a session.
//
// What the chain shows: a line changed, taken out, put in or moved, and lines of another session. What it
// cannot show by itself: lines taken off the end, for which the audit log keeps head() when the session ends.
// The agent cannot reach the file; whoever can write it as the user can also write a new chain.
#pragma once

#include <functional>
#include <optional>

#include "audit/chain.h"
#include "json/value.h"
#include "os/env.h"
#include "os/fs.h"

namespace scc::egress {

inline constexpr std::size_t kMaxRecordLine = 8192;
/// A sandbox that asks in a loop shall not fill the disk.
inline constexpr std::int64_t kMaxRecordLines = 500'000;

struct Event {
  std::int64_t seq = 0;  ///< from 1
  std::string time;      ///< RFC 3339, UTC, milliseconds
  std::string session;
  std::string method;  ///< "-": the proxy could not read the request, and refused it
  std::string host;
  int port = 0;         ///< 0: unknown
  std::string verdict;  ///< allow, deny
  std::string rule;
  std::string layer;  ///< provider, org, team, project, mcp, builtin
  std::string prev;   ///< hash of the line before; of the session's name for the first
  std::string hash;

  json::Value to_json() const;
};

using audit::Checked;
using audit::Head;

os::stdfs::path record_file(const os::Paths& paths, std::string_view session);

class Recorder {
 public:
  /// Goes on where the record ends; half a line of a power cut is set aside (`.torn`). Kind::usage
  /// egress.session for what cannot name a file; Kind::policy egress.unsafe for a file that others could
  /// write, egress.chain for a broken one; Kind::tool lock.busy when another process writes it.
  static Result<Recorder> open(const os::Paths& paths, std::string session);
  Recorder(Recorder&&) noexcept = default;
  Recorder& operator=(Recorder&&) noexcept = default;

  /// One decision line of the proxy, untrusted: bounded, checked member by member, made anew. False for a
  /// connection that asked nothing. Kind::config egress.line for what is no decision: nothing is recorded
  /// then, and the caller says so. Kind::tool egress.full at kMaxRecordLines, os.* when the disk refuses: the
  /// caller ends the egress.
  Result<bool> append(std::string_view line);
  /// To the disk. append() alone survives the end of the process, not that of the machine.
  Status sync();
  const Head& head() const noexcept { return head_; }

 private:
  Recorder(os::stdfs::path file, std::string session, os::FileLock lock, os::Fd fd, Head head);
  os::stdfs::path file_;
  std::string session_;
  os::FileLock lock_;
  os::Fd fd_;
  Head head_;
};

/// Reads a record line by line and checks the chain. `each` sees the events that are intact, in order.
/// Kind::not_found egress.none when there is no record; Kind::policy os.link, egress.unsafe.
Result<Checked> read_record(const os::Paths& paths, std::string_view session,
                            const std::function<void(const Event&)>& each);

/// Sessions that have a record, last written first.
Result<std::vector<std::string>> recorded_sessions(const os::Paths& paths);

}  // namespace scc::egress
