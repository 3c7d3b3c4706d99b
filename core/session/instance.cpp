// SPDX-License-Identifier: Apache-2.0
#include "session/instance.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <cstdio>
#include <ctime>
#include <unistd.h>

#include "os/idmap.h"

namespace scc::session {

namespace {

constexpr std::string_view kRecordFile = "session.json";
constexpr std::size_t kRecordLimit = 64U << 10U;

bool alphanumeric(char c) noexcept {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

std::string two_digits(int value) {
  std::array<char, 16> buffer{};
  std::snprintf(buffer.data(), buffer.size(), "%02d", value);
  return buffer.data();
}

/// Start time in clock ticks since boot of a process that lives; nullopt for one that is gone or a zombie,
/// and where there is no /proc.
std::optional<std::int64_t> process_start(std::int64_t pid) {
  const auto text = os::read_file("/proc/" + std::to_string(pid) + "/stat", 4096);
  if (!text) return std::nullopt;
  // The command name is in parentheses and may hold anything: count from the last one.
  const std::size_t close = text->rfind(')');
  if (close == std::string::npos || close + 2 >= text->size()) return std::nullopt;
  std::string_view rest = std::string_view(*text).substr(close + 2);
  if (rest.front() == 'Z' || rest.front() == 'X') return std::nullopt;
  for (int field = 3; field < 22; ++field) {
    const std::size_t space = rest.find(' ');
    if (space == std::string_view::npos) return std::nullopt;
    rest.remove_prefix(space + 1);
  }
  std::int64_t value = 0;
  const auto [end, code] = std::from_chars(rest.data(), rest.data() + rest.size(), value);
  static_cast<void>(end);
  return code == std::errc{} ? std::optional(value) : std::nullopt;
}

}  // namespace

bool valid_name(std::string_view name) noexcept {
  if (name.empty() || name.size() > 128 || !alphanumeric(name.front())) return false;
  return std::all_of(name.begin(), name.end(),
                     [](char c) { return alphanumeric(c) || c == '_' || c == '.' || c == '-'; });
}

std::string new_session_id() {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  const auto ms =
      static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::milliseconds>(now).count());
  std::array<char, 32> head{};
  std::snprintf(head.data(), head.size(), "%012llx", static_cast<unsigned long long>(ms & 0xFFFFFFFFFFFFULL));
  std::string hex = std::string(head.data()) + os::random_hex(10);
  hex[12] = '7';
  static constexpr std::string_view kVariant = "89ab";
  hex[16] = kVariant[static_cast<unsigned char>(hex[16]) % 4U];
  return hex.substr(0, 8) + "-" + hex.substr(8, 4) + "-" + hex.substr(12, 4) + "-" + hex.substr(16, 4) + "-" +
         hex.substr(20, 12);
}

std::string utc_now() {
  const auto now = std::chrono::system_clock::now();
  const std::time_t seconds = std::chrono::system_clock::to_time_t(now);
  const auto ms =
      std::chrono::duration_cast<std::chrono::milliseconds>(now.time_since_epoch()).count() % 1000;
  std::tm tm{};
  ::gmtime_r(&seconds, &tm);
  std::array<char, 8> fraction{};
  std::snprintf(fraction.data(), fraction.size(), "%03d", static_cast<int>(ms));
  return std::to_string(tm.tm_year + 1900) + "-" + two_digits(tm.tm_mon + 1) + "-" + two_digits(tm.tm_mday) +
         "T" + two_digits(tm.tm_hour) + ":" + two_digits(tm.tm_min) + ":" + two_digits(tm.tm_sec) + "." +
         fraction.data() + "Z";
}

std::string_view to_string(SessionStatus value) noexcept {
  switch (value) {
    case SessionStatus::starting:
      return "starting";
    case SessionStatus::running:
      return "running";
    case SessionStatus::exited:
      return "exited";
    case SessionStatus::failed:
      break;
  }
  return "failed";
}

Result<SessionStatus> parse_status(std::string_view text) {
  for (const SessionStatus value :
       {SessionStatus::starting, SessionStatus::running, SessionStatus::exited, SessionStatus::failed}) {
    if (to_string(value) == text) return value;
  }
  return fail(Kind::config, "session.record", "session.json: unknown status");
}

void SessionRun::write(json::Object& out) const {
  out["id"] = id;
  out["workspace"] = workspace;
  out["provider"] = provider;
  out["runtime"] = runtime;
  out["plan_id"] = plan_id;
  out["status"] = to_string(status);
  out["started"] = started;
  out["ended"] = ended.empty() ? json::Value() : json::Value(ended);
  out["exit_code"] = exit_code ? json::Value(*exit_code) : json::Value();
  out["pid"] = pid;
  out["pid_started"] = pid_started;
}

Status SessionRun::read(const json::Value& document) {
  SCC_TRY(status, parse_status(document.str("/status")));
  id = document.str("/id");
  workspace = document.str("/workspace");
  provider = document.str("/provider");
  runtime = document.str("/runtime");
  plan_id = document.str("/plan_id");
  started = document.str("/started");
  ended = document.str("/ended");
  exit_code.reset();
  if (const json::Value* code = document.at("/exit_code"); code != nullptr && code->is_int()) {
    exit_code = static_cast<int>(std::clamp<std::int64_t>(code->as_int(), -1, 255));
  }
  pid = document.integer("/pid");
  pid_started = document.integer("/pid_started");
  return {};
}

json::Value SessionRecord::to_json() const {
  json::Object out;
  out["schema"] = "scc.session/1";
  write(out);
  out["name"] = name;
  out["container_id"] = container_id;
  out["stop_grace_ms"] = stop_grace_ms;
  out["kept"] = kept;
  return json::Value(std::move(out));
}

Result<SessionRecord> SessionRecord::from_json(const json::Value& document) {
  if (document.str("/schema") != "scc.session/1") {
    return fail(Kind::config, "session.record", "session.json: not a scc.session/1 document");
  }
  SessionRecord out;
  SCC_CHECK(out.read(document));
  out.name = document.str("/name");
  out.container_id = document.str("/container_id");
  out.stop_grace_ms =
      static_cast<unsigned>(std::clamp<std::int64_t>(document.integer("/stop_grace_ms", 10'000), 0, 600'000));
  out.kept = document.flag("/kept");
  return out;
}

stdfs::path instances_dir(const os::Paths& paths) {
  return paths.state / "instances";
}

stdfs::path instance_dir(const os::Paths& paths, std::string_view name) {
  return instances_dir(paths) / name;
}

stdfs::path launch_lock_path(const os::Paths& paths, std::string_view name) {
  return paths.runtime / "locks" / ("launch-" + std::string(name) + ".lock");
}

Status write_record(const stdfs::path& directory, const SessionRecord& record) {
  return os::write_file_atomic(directory / kRecordFile, json::pretty(record.to_json()) + "\n");
}

Result<SessionRecord> read_record(const stdfs::path& directory) {
  SCC_TRY(const std::string text, os::read_file(directory / kRecordFile, kRecordLimit));
  auto document = json::parse(text, {kRecordLimit, 8});
  if (!document) {
    return fail(Kind::config, "session.record", "session.json: " + document.error().message);
  }
  return SessionRecord::from_json(*document);
}

std::int64_t own_process_start() {
  return process_start(::getpid()).value_or(0);
}

bool process_lives(std::int64_t pid, std::int64_t started) {
  return pid > 0 && started > 0 && process_start(pid) == started;
}

bool is_live(const os::Paths& paths, std::string_view name) {
  return valid_name(name) &&
         (os::FileLock::held(launch_lock_path(paths, name)) || resident_lives(paths, name));
}

bool resident_lives(const os::Paths& paths, std::string_view name) {
  if (!valid_name(name)) return false;
  const auto record = read_record(instance_dir(paths, name));
  if (!record || record->pid <= 0 || record->pid_started <= 0) return false;
  if (record->status != SessionStatus::starting && record->status != SessionStatus::running) return false;
  return process_lives(record->pid, record->pid_started);
}

Result<std::vector<InstanceInfo>> list_instances(const os::Paths& paths) {
  std::vector<InstanceInfo> out;
  const stdfs::path parent = instances_dir(paths);
  std::error_code code;
  stdfs::directory_iterator it(parent, code);
  if (code == std::errc::no_such_file_or_directory) return out;
  if (code) return fail(os::errno_error("read", parent, code.value()));
  for (const stdfs::directory_iterator end; it != end; it.increment(code)) {
    if (code) return fail(os::errno_error("read", parent, code.value()));
    InstanceInfo info;
    info.name = it->path().filename().native();
    std::error_code ignored;
    if (!valid_name(info.name) || it->symlink_status(ignored).type() != stdfs::file_type::directory) continue;
    info.directory = it->path();
    auto record = read_record(info.directory);
    if (record) {
      info.record = std::move(*record);
    } else if (record.error().kind != Kind::not_found) {
      info.problem = record.error().message;
    }
    info.live = is_live(paths, info.name);
    out.push_back(std::move(info));
  }
  std::sort(out.begin(), out.end(), [](const auto& a, const auto& b) { return a.name < b.name; });
  return out;
}

Status detach_workspace(const stdfs::path& directory) {
  const stdfs::path mount = directory / "ws";
  constexpr int kStacked = 16;  // mounts over one another; more than one only after repeated crashes
  for (int i = 0; i < kStacked && os::is_mount_point(mount); ++i) SCC_CHECK(os::unmount(mount));
  if (::rmdir(mount.c_str()) != 0 && errno != ENOENT && errno != ENOTDIR) {
    return fail(os::errno_error("remove", mount, errno));
  }
  return {};
}

Status remove_instance(const stdfs::path& directory) {
  SCC_CHECK(detach_workspace(directory));
  return os::remove_tree(directory);
}

}  // namespace scc::session
