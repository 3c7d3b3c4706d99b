// SPDX-License-Identifier: Apache-2.0
#include "config/audit.h"

#include <algorithm>
#include <cerrno>
#include <ctime>
#include <fcntl.h>
#include <unistd.h>

#include "base/str.h"
#include "config/own_file.h"
#include "config/secrets.h"
#include "json/value.h"
#include "model/types.h"

namespace scc::config {

namespace {

constexpr unsigned kLockWaitMs = 5'000;
constexpr std::size_t kMaxField = 4096;
constexpr std::size_t kMaxFields = 64;

/// Short, well-formed, without what only its owner may know.
std::string clean(std::string_view name, const std::string& text) {
  if (issued_token(text) || (secret_name(name) && !text.empty() && !shareable_setting(text))) return "***";
  std::string out = str::valid_utf8(text) ? text : str::printable(text);
  if (out.size() <= kMaxField) return out;
  out.resize(kMaxField);
  while (!str::valid_utf8(out)) out.pop_back();
  return out + "...";
}

std::string line_of(const AuditEvent& event) {
  json::Value out;
  out["event_type"] = event.event_type;
  out["message"] = clean("", event.message);
  out["metadata"] = json::Object{};
  for (const auto& [name, value] : event.metadata) {
    if (out["metadata"].members().size() == kMaxFields) break;
    out["metadata"][clean("", name)] = clean(name, value);
  }
  out["occurred_at"] = event.occurred_at.empty() ? model::format_time(std::time(nullptr)) : event.occurred_at;
  out["severity"] = event.severity;
  out["subject"] = clean("", event.subject);
  return json::dump(out);
}

/// A power cut can leave half a line; the next event begins a line of its own.
Result<bool> torn(const std::filesystem::path& file) {
  const os::Fd fd{::open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY)};
  if (!fd && errno == ENOENT) return false;
  if (!fd) return fail(os::errno_error("open", file, errno));
  struct stat info {};
  if (::fstat(fd.get(), &info) != 0) return fail(os::errno_error("stat", file, errno));
  if (!S_ISREG(info.st_mode))
    return fail(Kind::config, "os.not-regular", str::printable(file.native()) + " is no regular file");
  if (info.st_size == 0) return false;
  char last = '\0';
  if (::pread(fd.get(), &last, 1, info.st_size - 1) != 1) return fail(os::errno_error("read", file, errno));
  return last != '\n';
}

Status append(const std::filesystem::path& file, const std::string& line) {
  SCC_CHECK(os::make_dirs(file.parent_path()));
  SCC_CHECK(check_own_file(file, "audit.unsafe"));
  SCC_TRY(const os::FileLock lock,
          os::FileLock::acquire(file.parent_path() / "launch-events.lock", kLockWaitMs));
  SCC_TRY(const bool half, torn(file));
  return os::append_line(file, (half ? "\n" : "") + line, 0600);
}

}  // namespace

std::filesystem::path audit_file(const os::Paths& paths) {
  return paths.state / "audit" / "launch-events.jsonl";
}

Status append_audit(const os::Paths& paths, const AuditEvent& event) {
  const bool severity = event.severity == "info" || event.severity == "warning" || event.severity == "error";
  if (event.event_type.empty() || !severity) {
    return fail(Kind::internal, "audit.invalid", "an audit event needs a type and a severity");
  }
  const std::filesystem::path file = audit_file(paths);
  if (Status done = append(file, line_of(event)); !done) {
    const Error& why = done.error();
    return fail(Error{Kind::config, "audit.unwritable", "the audit log cannot be written: " + why.message,
                      why.hint.empty() ? "make " + str::printable(file.native()) + " writable" : why.hint,
                      why.context});
  }
  return {};
}

}  // namespace scc::config
