// SPDX-License-Identifier: Apache-2.0
#include "session/store.h"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <ctime>
#include <map>
#include <unistd.h>

#include "base/str.h"
#include "session/journal.h"

namespace scc::session {

namespace {

constexpr std::string_view kSchema = "scc.session-record/1";
constexpr std::string_view kSchemaFamily = "scc.session-record/";
constexpr std::string_view kEnding = ".json";
constexpr std::size_t kRecordLimit = 64U << 10U;
constexpr unsigned kLockWaitMs = 5'000;
constexpr std::size_t kLongestName = 64;
constexpr std::size_t kShortestPrefix = 4;

bool name_character(char c) noexcept {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '_' ||
         c == '-' || c == ' ';
}

/// Ids become file names.
bool valid_id(std::string_view id) noexcept {
  return id.size() == 36 && std::all_of(id.begin(), id.end(), [](char c) {
           return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || c == '-';
         });
}

tl::unexpected<Error> unknown(std::string_view text) {
  return fail(Kind::not_found, "session.unknown", "no session has the id or the name " + std::string(text),
              "see them: scc sessions --all");
}

tl::unexpected<Error> bad_record(const stdfs::path& file, const std::string& why) {
  return fail(Kind::config, "session.record", str::printable(file.native()) + ": " + why,
              "it is left as it is; move it away when it is not needed");
}

std::string stamp() {
  std::string out = utc_now();
  out.erase(std::remove_if(out.begin(), out.end(), [](char c) { return c == ':' || c == '-' || c == '.'; }),
            out.end());
  return out;
}

json::Value or_null(const std::string& text) {
  return text.empty() ? json::Value() : json::Value(text);
}

/// A document of a scc that is newer than this one: to be left alone.
bool is_newer(const json::Value& document) {
  const std::string schema = document.str("/schema");
  return str::starts_with(schema, kSchemaFamily) && schema != kSchema;
}

}  // namespace

bool valid_session_name(std::string_view name) noexcept {
  return !name.empty() && name.size() <= kLongestName && name.front() != ' ' && name.back() != ' ' &&
         std::all_of(name.begin(), name.end(), name_character);
}

std::string session_name_of(std::string_view text) {
  std::string out;
  for (const char c : text.substr(0, kLongestName)) out += name_character(c) ? c : '-';
  const std::string trimmed(str::trim(out));
  return trimmed.empty() ? "session" : trimmed;
}

json::Value StoredSession::to_json() const {
  json::Object out;
  out["schema"] = kSchema;
  write(out);
  out["name"] = name;
  out["slot"] = slot;
  out["sandbox"] = sandbox;
  out["team"] = or_null(team);
  out["branch"] = or_null(branch);
  out["network_policy"] = network_policy;
  out["conversation"] = or_null(conversation);
  out["attached_to"] = or_null(attached_to);
  out["ended_by"] = or_null(ended_by);
  out["reason"] = or_null(reason);
  out["created"] = created;
  out["runs"] = runs;
  out["pinned"] = pinned;
  if (shell) out["shell"] = true;
  return json::Value(std::move(out));
}

Result<StoredSession> StoredSession::from_json(const json::Value& document) {
  const auto refuse = [](const char* why) { return fail(Kind::config, "session.record", why); };
  if (document.str("/schema") != kSchema) return refuse("it is not a scc.session-record/1 document");
  StoredSession out;
  if (!out.read(document)) return refuse("it has an unknown status");
  if (!valid_id(out.id)) return refuse("it has no usable id");
  out.name = document.str("/name");
  out.slot = document.str("/slot");
  out.sandbox = document.str("/sandbox");
  out.team = document.str("/team");
  out.branch = document.str("/branch");
  out.network_policy = document.str("/network_policy");
  out.conversation = document.str("/conversation");
  out.attached_to = document.str("/attached_to");
  out.ended_by = document.str("/ended_by");
  out.reason = document.str("/reason");
  out.created = document.str("/created");
  out.runs = document.integer("/runs");
  out.pinned = document.flag("/pinned");
  out.shell = document.flag("/shell");
  return out;
}

stdfs::path SessionStore::file(std::string_view id) const {
  return directory_ / (std::string(id) + std::string(kEnding));
}

Result<os::FileLock> SessionStore::lock() const {
  SCC_CHECK(os::make_dirs(directory_));
  return os::FileLock::acquire(lock_, kLockWaitMs);
}

Result<StoredSession> SessionStore::read(std::string_view id) const {
  if (!valid_id(id)) return unknown(id);
  const stdfs::path path = file(id);
  const auto text = os::read_file(path, kRecordLimit);
  if (!text && text.error().kind == Kind::not_found) return unknown(id);
  if (!text) return fail(Error(text.error()));
  const auto document = json::parse(*text, {kRecordLimit, 8});
  if (!document) return bad_record(path, document.error().message);
  auto session = StoredSession::from_json(*document);
  if (!session) return bad_record(path, session.error().message);
  if (session->id != id) return bad_record(path, "it holds another session than its name says");
  return session;
}

Result<StoreListing> SessionStore::list() const {
  StoreListing out;
  std::error_code code;
  stdfs::directory_iterator it(directory_, code);
  if (code == std::errc::no_such_file_or_directory) return out;
  if (code) return fail(os::errno_error("read", directory_, code.value()));
  for (const stdfs::directory_iterator end; it != end; it.increment(code)) {
    if (code) return fail(os::errno_error("read", directory_, code.value()));
    const std::string name = it->path().filename().native();
    if (!str::ends_with(name, kEnding)) continue;
    const std::string id = name.substr(0, name.size() - kEnding.size());
    if (!valid_id(id)) continue;
    auto session = read(id);
    if (session) {
      out.sessions.push_back(std::move(*session));
      continue;
    }
    if (session.error().kind == Kind::not_found) continue;  // removed meanwhile
    if (session.error().id != "session.record") {           // it may be whole, and only not to be read now
      out.problems.push_back(session.error().message);
      continue;
    }
    const auto text = os::read_file(it->path(), kRecordLimit);
    const auto document = text ? json::parse(*text, {kRecordLimit, 8}) : Result<json::Value>(json::Value());
    if (document && is_newer(*document)) {
      out.problems.push_back(name + " was written by a newer scc and is left out");
      continue;
    }
    const stdfs::path aside = it->path().native() + ".corrupt-" + stamp();
    const bool moved = ::rename(it->path().c_str(), aside.c_str()) == 0;
    out.problems.push_back(session.error().message + (moved ? "; set aside as " + aside.filename().native()
                                                            : "; it could not be set aside"));
  }
  std::sort(out.sessions.begin(), out.sessions.end(), [](const StoredSession& a, const StoredSession& b) {
    return a.started != b.started ? a.started > b.started : a.id > b.id;
  });
  return out;
}

Status SessionStore::put(const StoredSession& session) const {
  if (!valid_id(session.id)) {
    return fail(Kind::internal, "session.record", "a session without a usable id");
  }
  SCC_TRY(const os::FileLock held, lock());
  return os::write_file_atomic(file(session.id), json::pretty(session.to_json()) + "\n");
}

Status SessionStore::save(const StoredSession& session) const {
  const auto updated = update(session.id, [&](StoredSession& now) {
    StoredSession next = session;
    next.name = now.name;
    next.pinned = now.pinned;
    now = std::move(next);
    return true;
  });
  if (updated) return {};
  if (updated.error().kind == Kind::not_found) return put(session);
  return fail(Error(updated.error()));
}

Result<StoredSession> SessionStore::update(std::string_view id,
                                           const std::function<bool(StoredSession&)>& change) const {
  if (!valid_id(id)) return unknown(id);
  SCC_TRY(const os::FileLock held, lock());
  SCC_TRY(StoredSession session, read(id));
  if (change(session)) {
    SCC_CHECK(os::write_file_atomic(file(id), json::pretty(session.to_json()) + "\n"));
  }
  return session;
}

Result<std::vector<std::string>> SessionStore::remove(
    const std::vector<std::string>& ids, const std::function<bool(const StoredSession&)>& may_go) const {
  std::vector<std::string> out;
  if (ids.empty()) return out;
  SCC_TRY(const os::FileLock held, lock());
  for (const std::string& id : ids) {
    const auto session = read(id);
    if (!session && session.error().kind == Kind::not_found) continue;
    if (!session) return fail(Error(session.error()));
    if (!may_go(*session)) continue;
    if (::unlink(file(id).c_str()) != 0 && errno != ENOENT) {
      return fail(os::errno_error("remove", file(id), errno));
    }
    out.push_back(id);
  }
  return out;
}

Result<StoredSession> resolve_session(const std::vector<StoredSession>& sessions, std::string_view text,
                                      std::string_view workspace) {
  std::vector<const StoredSession*> named;
  std::vector<const StoredSession*> begun;
  for (const StoredSession& session : sessions) {
    if (session.id == text) return session;
    if (session.name == text) named.push_back(&session);
    if (text.size() >= kShortestPrefix && str::starts_with(session.id, text)) begun.push_back(&session);
  }
  const auto here = std::find_if(named.begin(), named.end(),
                                 [&](const StoredSession* one) { return one->workspace == workspace; });
  if (here != named.end()) return **here;
  const bool one_place = std::all_of(named.begin(), named.end(), [&](const StoredSession* one) {
    return one->workspace == named.front()->workspace;
  });
  if (!named.empty() && one_place) return *named.front();
  const auto& found = named.empty() ? begun : named;
  if (found.empty()) return unknown(text);
  if (found.size() == 1) return *found.front();
  Error error{Kind::usage,
              "session.ambiguous",
              std::string(text) + " stands for " + std::to_string(found.size()) + " sessions",
              "give the id, or more of it",
              {}};
  for (const StoredSession* one : found) {
    error.context.push_back(one->id + "  " + one->name + "  " + one->workspace);
  }
  return fail(std::move(error));
}

bool session_lives(const StoredSession& session, const os::Paths& paths) {
  if (!session.open()) return false;
  if (session.pid > 0 && session.pid_started > 0) return process_lives(session.pid, session.pid_started);
  // Where there is no /proc: the lock of its sandbox.
  if (!valid_name(session.sandbox) || !os::FileLock::held(launch_lock_path(paths, session.sandbox))) {
    return false;
  }
  const auto record = read_record(instance_dir(paths, session.sandbox));
  return record && record->id == session.id;
}

StoredSession closed(StoredSession session, const os::Paths& paths) {
  const std::string gone = "the scc that ran it (process " + std::to_string(session.pid) + ") is gone";
  session.status = SessionStatus::failed;
  session.ended_by = "crash";
  session.reason = gone;
  session.exit_code.reset();
  session.ended = utc_now();
  if (!valid_name(session.sandbox)) return session;
  const stdfs::path directory = instance_dir(paths, session.sandbox);
  const auto record = read_record(directory);
  if (!record || record->id != session.id || record->pid != session.pid) return session;
  const auto journal = read_journal(directory);
  for (const JournalEntry& entry : journal ? *journal : std::vector<JournalEntry>()) {
    if (entry.op != "agent.exec") continue;
    if (entry.phase == "started" && session.runs == 0) session.runs = 1;
    if (entry.phase == "done") {
      session.status = SessionStatus::exited;
      session.exit_code = static_cast<int>(entry.data.integer("/exit_code", -1));
      session.ended_by = "agent";
      session.ended = entry.at;
      session.reason = gone + " and did not tidy up";
    }
  }
  if (record->status == SessionStatus::exited || record->status == SessionStatus::failed) {
    session.status = record->status;
    if (record->exit_code && *record->exit_code >= 0) session.exit_code = record->exit_code;
    if (!record->ended.empty()) session.ended = record->ended;
  }
  return session;
}

Result<StoreListing> list_reconciled(const SessionStore& store, const os::Paths& paths) {
  SCC_TRY(StoreListing out, store.list());
  for (StoredSession& session : out.sessions) {
    if (!session.open() || session_lives(session, paths)) continue;
    const auto updated = store.update(session.id, [&](StoredSession& now) {
      if (!now.open() || session_lives(now, paths)) return false;  // resumed meanwhile
      now = closed(std::move(now), paths);
      return true;
    });
    if (updated) {
      session = *updated;
    } else if (updated.error().kind != Kind::not_found) {
      session = closed(std::move(session), paths);  // true all the same, only not on disk
      out.problems.push_back(updated.error().message);
    }
  }
  return out;
}

std::optional<std::int64_t> parse_utc(std::string_view text) noexcept {
  if (text.size() < 20 || text.back() != 'Z') return std::nullopt;
  std::tm parts{};
  const std::string copy(text);
  if (std::sscanf(copy.c_str(), "%4d-%2d-%2dT%2d:%2d:%2d", &parts.tm_year, &parts.tm_mon, &parts.tm_mday,
                  &parts.tm_hour, &parts.tm_min, &parts.tm_sec) != 6) {
    return std::nullopt;
  }
  parts.tm_year -= 1900;
  parts.tm_mon -= 1;
  const std::time_t seconds = ::timegm(&parts);
  return seconds < 0 ? std::nullopt : std::optional<std::int64_t>(seconds);
}

std::vector<StoredSession> too_old(const std::vector<StoredSession>& sessions,
                                   const RetentionOptions& options) {
  std::vector<StoredSession> out;
  std::map<std::string, std::size_t> seen;  // by team; `sessions` is newest first
  for (const StoredSession& session : sessions) {
    if (!options.every_team && session.team != options.team) continue;
    const std::size_t place = seen[session.team]++;
    if (place < options.keep || session.pinned || session.open()) continue;
    const auto used = parse_utc(session.ended.empty() ? session.started : session.ended);
    if (!used || options.now - *used < options.older_than_seconds) continue;
    out.push_back(session);
  }
  return out;
}

}  // namespace scc::session
