// SPDX-License-Identifier: Apache-2.0
// The sessions of this user: one file each, `<state>/sessions/<id>.json` (schema scc.session-record/1), which
// outlives its sandbox. Changes happen under `<state>/locks/sessions.lock` and replace the file (temp, fsync,
// rename); readers take no lock and see a whole file always. A file that cannot be read is set aside beside
// the others and reported, one of a newer scc is left alone and reported; neither hides the rest. All strings
// are foreign data: shown escaped, never used as a path unchecked. [main]
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "session/instance.h"

namespace scc::session {

/// Its id names the file; what SessionRun says is said of the last run.
struct StoredSession : SessionRun {
  std::string name;     ///< for people; may be changed
  std::string slot;     ///< the --session it was begun with: part of the sandbox's name; may be empty
  std::string sandbox;  ///< container name
  std::string team;     ///< empty: none
  std::string branch;   ///< when it began; metadata
  std::string network_policy;
  std::string conversation;  ///< the agent's own id of it; empty: unknown
  std::string attached_to;   ///< session whose sandbox it joined; empty: its own
  std::string ended_by;      ///< agent, signal, timeout, policy, lost, launch, crash; empty while it is open
  std::string reason;        ///< one line about an end that was not the agent's own
  std::string created;
  std::int64_t runs = 0;  ///< how often its agent was started
  bool pinned = false;
  bool shell = false;  ///< no agent ran in it, so it has no conversation
  json::Value to_json() const;
  static Result<StoredSession> from_json(const json::Value& document);
};

/// [A-Za-z0-9._ -]{1,64}, neither beginning nor ending with a blank.
bool valid_session_name(std::string_view name) noexcept;
/// A valid name made of any text: what does not fit becomes '-'.
std::string session_name_of(std::string_view text);

struct StoreListing {
  std::vector<StoredSession> sessions;  ///< last started first
  std::vector<std::string> problems;    ///< one line for each file that could not be used
};

class SessionStore {
 public:
  explicit SessionStore(const os::Paths& paths)
      : directory_(paths.state / "sessions"), lock_(paths.state / "locks" / "sessions.lock") {}

  Result<StoreListing> list() const;
  /// Kind::not_found session.unknown; Kind::config session.record.
  Result<StoredSession> read(std::string_view id) const;
  /// Writes it whole, new or not.
  Status put(const StoredSession& session) const;
  /// The same, but the name and the pin are the user's: those on disk stay.
  Status save(const StoredSession& session) const;
  /// Reads, changes and writes under the lock. `change` returns false to leave the file as it is.
  Result<StoredSession> update(std::string_view id, const std::function<bool(StoredSession&)>& change) const;
  /// Removes those that `may_go` still says yes to, under the lock; absent ones are fine.
  Result<std::vector<std::string>> remove(const std::vector<std::string>& ids,
                                          const std::function<bool(const StoredSession&)>& may_go) const;

  const stdfs::path& directory() const noexcept { return directory_; }

 private:
  Result<os::FileLock> lock() const;
  stdfs::path file(std::string_view id) const;

  stdfs::path directory_;
  stdfs::path lock_;
};

/// An exact id or name, else the beginning of an id (4 characters or more). Of several sessions with the name
/// the last started one, when they are all of one workspace; those of `workspace` (may be empty) win over the
/// rest. Kind::not_found session.unknown, Kind::usage session.ambiguous with the candidates.
Result<StoredSession> resolve_session(const std::vector<StoredSession>& sessions, std::string_view text,
                                      std::string_view workspace = {});

/// True while the host process of an open session lives.
bool session_lives(const StoredSession& session, const os::Paths& paths);
/// What became of an open session whose process is gone, as its instance directory tells: ended with a code
/// when the agent was seen to end, else failed. Nothing is guessed.
StoredSession closed(StoredSession session, const os::Paths& paths);
/// list(), with every session whose process is gone closed, on disk as well.
Result<StoreListing> list_reconciled(const SessionStore& store, const os::Paths& paths);

struct RetentionOptions {
  std::int64_t older_than_seconds = std::int64_t{30} * 24 * 3600;
  std::size_t keep = 20;  ///< the last ones of each team stay, however old
  std::int64_t now = 0;   ///< seconds since the epoch
  bool every_team = true;
  std::string team;  ///< looked at when every_team is false
};
/// The ended sessions that are too old: not pinned, not among the newest of their team, and last used before
/// the bound. One whose times cannot be read stays.
std::vector<StoredSession> too_old(const std::vector<StoredSession>& sessions,
                                   const RetentionOptions& options);
/// Seconds since the epoch of "2026-03-04T09:15:00.123Z"; nullopt when it is none.
std::optional<std::int64_t> parse_utc(std::string_view text) noexcept;

}  // namespace scc::session
