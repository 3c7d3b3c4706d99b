// SPDX-License-Identifier: Apache-2.0
// The audit log: `<state>/audit/audit.jsonl`, a chain (chain.h) of events of the host and of its sandboxes.
// Appended under a lock and synced before the call returns; what cannot be written does not happen, so
// callers stop on an error. At 10 MiB the file is renamed to `audit-<last number>.jsonl` and a new one goes
// on with the chain; nothing is ever deleted here. Beside it `head.json` says where the chain stands, so
// lines taken off the end are seen as well.
//
// Whoever has the user's rights can make a whole new log: the log is evidence against sandboxes, which cannot
// reach it, and against accidents. The head that verify() gives, kept elsewhere, is evidence against the
// user, too.
#pragma once

#include <functional>
#include <span>
#include <vector>

#include "audit/chain.h"
#include "audit/event.h"
#include "os/env.h"

namespace scc::audit {

inline constexpr std::size_t kMaxLine = std::size_t{512} * 1024;
inline constexpr std::uintmax_t kRotateBytes = std::uintmax_t{10} << 20U;

struct Verified {
  Head head;
  std::int64_t lines = 0;
  std::vector<std::string> files;  ///< oldest first
  bool present = false;            ///< there is a log
  bool intact = true;
  std::string problem;  ///< "audit.jsonl line 12: ..." where it is not
  bool torn = false;    ///< half a line of a power cut follows; it is set aside at the next event
};

class Log {
 public:
  /// Touches nothing. `rotate_bytes`: for tests.
  explicit Log(const os::Paths& paths, std::uintmax_t rotate_bytes = kRotateBytes);

  /// All events in one write and one sync, or none. Safe from several threads and processes. Kind::config
  /// audit.unwritable: no lock, no space, a link or another's file in the way; Kind::policy audit.chain: the
  /// log is not what was written; Kind::internal audit.invalid (event.h).
  Status append(std::span<const Event> events) const;
  Status append(const Event& event) const { return append(std::span(&event, 1)); }

  /// Reads all of it; `take` gets each line that is intact, in order, up to the first that is not. Without
  /// the lock: what is written meanwhile may be missing, nothing else. Kind::policy audit.unsafe, os.* when
  /// it cannot be read.
  Result<Verified> verify(
      const std::function<void(const json::Value& line, std::string_view text)>& take = {}) const;

  os::stdfs::path file() const { return directory_ / "audit.jsonl"; }
  os::stdfs::path head_file() const { return directory_ / "head.json"; }
  const os::stdfs::path& directory() const noexcept { return directory_; }

 private:
  os::stdfs::path directory_;
  std::uintmax_t rotate_bytes_;
};

}  // namespace scc::audit
