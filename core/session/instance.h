// SPDX-License-Identifier: Apache-2.0
// What a launch leaves on disk: the instance directory `<state>/instances/<container name>/` with its
// session.json, and the launch lock that is held for the whole life of a session. A lock that is free (and a
// recorded process that is gone) is the sign by which list, stop and prune know that nobody looks after a
// sandbox any more. Strings of session.json are foreign data: shown escaped, never used as a path unchecked.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "json/value.h"
#include "os/env.h"
#include "os/fs.h"

namespace scc::session {

namespace stdfs = std::filesystem;

/// In the instance directory: what the sandbox sees of the audit collector.
inline constexpr std::string_view kAuditDirectory = "audit";

/// A container name that may become a file name: [A-Za-z0-9][A-Za-z0-9_.-]{0,127}.
bool valid_name(std::string_view name) noexcept;
/// UUID version 7 (RFC 9562): milliseconds of the clock, then random bits.
std::string new_session_id();
/// The time now, RFC 3339 in UTC with milliseconds.
std::string utc_now();

enum class SessionStatus : std::uint8_t { starting, running, exited, failed };
std::string_view to_string(SessionStatus value) noexcept;
/// Kind::config session.record for any other word.
Result<SessionStatus> parse_status(std::string_view text);

/// What the instance's record and the session's own (store.h) both say about a run of the agent.
struct SessionRun {
  std::string id;         ///< UUID v7
  std::string workspace;  ///< root on the host
  std::string provider;
  std::string runtime;  ///< component id
  std::string plan_id;
  SessionStatus status = SessionStatus::starting;
  std::string started;  ///< RFC 3339, UTC, as all times
  std::string ended;    ///< empty while it is open
  std::optional<int> exit_code;
  std::int64_t pid = 0;          ///< of the resident host process
  std::int64_t pid_started = 0;  ///< its start time (/proc/PID/stat field 22), against reuse of the number

  bool open() const noexcept { return status == SessionStatus::starting || status == SessionStatus::running; }
  void write(json::Object& out) const;
  /// Kind::config session.record for an unknown status; what else is missing or odd is empty.
  Status read(const json::Value& document);
};

/// session.json, schema scc.session/1.
struct SessionRecord : SessionRun {
  std::string name;  ///< container name
  std::string container_id;
  unsigned stop_grace_ms = 10'000;
  bool kept = false;  ///< the sandbox was left running on purpose when the session ended

  json::Value to_json() const;
  static Result<SessionRecord> from_json(const json::Value& document);
};

/// For SessionRecord::pid_started of this process; 0 where there is no /proc.
std::int64_t own_process_start();
/// The process with this number lives and began at that time.
bool process_lives(std::int64_t pid, std::int64_t started);

stdfs::path instances_dir(const os::Paths& paths);
/// `name` must be valid_name().
stdfs::path instance_dir(const os::Paths& paths, std::string_view name);
stdfs::path launch_lock_path(const os::Paths& paths, std::string_view name);

Status write_record(const stdfs::path& directory, const SessionRecord& record);
/// Kind::not_found when there is none, Kind::config (session.record) when it cannot be read.
Result<SessionRecord> read_record(const stdfs::path& directory);

/// True when the launch lock of `name` is held, or the process that session.json names still lives and says
/// so. The second test covers callers whose XDG_RUNTIME_DIR (and so lock directory) differs.
bool is_live(const os::Paths& paths, std::string_view name);
/// The second half of is_live() alone, for a caller that holds the lock itself.
bool resident_lives(const os::Paths& paths, std::string_view name);

struct InstanceInfo {
  std::string name;
  stdfs::path directory;
  std::optional<SessionRecord> record;
  bool live = false;
  std::string problem;  ///< why session.json could not be read; empty when it was, or when there is none
};

/// All instance directories, sorted by name. A missing parent directory is an empty list.
Result<std::vector<InstanceInfo>> list_instances(const os::Paths& paths);

/// Takes what is mounted at `ws` away (also when mounted more than once), then removes the directory. Never
/// recurses into a mount. Success when it is gone already.
Status remove_instance(const stdfs::path& directory);
/// The first half of remove_instance: detaches `ws` and removes the empty mount point.
Status detach_workspace(const stdfs::path& directory);

}  // namespace scc::session
