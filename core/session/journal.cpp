// SPDX-License-Identifier: Apache-2.0
#include "session/journal.h"

#include <cerrno>
#include <csignal>
#include <fcntl.h>
#include <unistd.h>

#include "base/str.h"
#include "session/instance.h"

namespace scc::session {

namespace {

constexpr std::string_view kJournalFile = "journal.jsonl";
constexpr std::size_t kJournalLimit = std::size_t{4} << 20U;

Status write_all(int fd, const stdfs::path& path, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t n = ::write(fd, bytes.data(), bytes.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return fail(os::errno_error("append to", path, errno));
    bytes.remove_prefix(static_cast<std::size_t>(n));
  }
  return {};
}

}  // namespace

Journal::Journal(const stdfs::path& directory, const os::Environment& env)
    : path_(directory / kJournalFile), kill_at_(env.get("SCC_TEST_KILL_AT").value_or("")) {}

Status Journal::note(std::string_view op, std::string_view phase, const json::Value& data) {
  if (!fd_) {
    fd_ = os::Fd(::open(path_.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600));
    if (!fd_) return fail(os::errno_error("open", path_, errno));
  }
  json::Object line;
  line["seq"] = ++seq_;
  line["op"] = op;
  line["phase"] = phase;
  line["at"] = utc_now();
  if (!data.is_null()) line["data"] = data;
  return write_all(fd_.get(), path_, json::dump(json::Value(std::move(line))) + "\n");
}

Status Journal::intent(std::string_view op, const json::Value& data) {
  SCC_CHECK(note(op, "intent", data));
  return sync();
}

Status Journal::sync() {
  if (fd_ && ::fdatasync(fd_.get()) != 0) return fail(os::errno_error("fsync", path_, errno));
  return {};
}

Status Journal::done(std::string_view op, const json::Value& result) {
  return note(op, "done", result);
}

void Journal::kill_point(std::string_view op, bool after) const {
  if (kill_at_.empty()) return;
  const std::string_view wanted = kill_at_;
  const std::size_t colon = wanted.find(':');
  const bool wanted_after = colon != std::string_view::npos && wanted.substr(colon + 1) == "after";
  if (wanted.substr(0, colon) == op && wanted_after == after) ::raise(SIGKILL);
}

json::Value Journal::error_json(const Error& error) {
  json::Object out;
  out["id"] = error.id;
  out["message"] = error.message;
  if (!error.context.empty()) out["context"] = json::Value::strings(error.context);
  return json::Value(std::move(out));
}

Result<std::vector<JournalEntry>> read_journal(const stdfs::path& directory) {
  SCC_TRY(const std::string text, os::read_file(directory / kJournalFile, kJournalLimit));
  std::vector<JournalEntry> out;
  std::string_view rest = text;
  while (true) {
    const std::size_t end = rest.find('\n');
    if (end == std::string_view::npos) break;  // a torn last line
    auto line = json::parse(rest.substr(0, end), {kJournalLimit, 32});
    rest.remove_prefix(end + 1);
    if (!line) {
      return fail(Kind::config, "session.journal",
                  "journal.jsonl, line " + std::to_string(out.size() + 1) + ": " + line.error().message);
    }
    JournalEntry entry;
    entry.seq = line->integer("/seq");
    entry.op = line->str("/op");
    entry.phase = line->str("/phase");
    entry.at = line->str("/at");
    if (const json::Value* data = line->at("/data")) entry.data = *data;
    out.push_back(std::move(entry));
  }
  return out;
}

}  // namespace scc::session
