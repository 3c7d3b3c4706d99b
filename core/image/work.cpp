// SPDX-License-Identifier: Apache-2.0
#include "image/work.h"

#include <algorithm>
#include <fcntl.h>
#include <unistd.h>

#include "base/str.h"

namespace scc::image {
namespace {

constexpr std::size_t kMaxLog = std::size_t{64} << 20U;
constexpr std::size_t kMaxLine = 400;
constexpr std::size_t kKeptLines = 200;
constexpr std::size_t kMinIdDigits = 11;
constexpr std::size_t kMaxIds = 4096;
constexpr unsigned kLockSlice = 250;  // ms between two looks at the caller's wish to stop

}  // namespace

Status check_cancelled(const Watch& watch) {
  if (watch.cancelled && watch.cancelled()) {
    return fail(Kind::cancelled, "image.cancelled", "stopped on request");
  }
  return {};
}

Result<os::FileLock> wait_lock(const stdfs::path& path, const Watch& watch) {
  SCC_CHECK(os::make_dirs(path.parent_path()));
  bool told = false;
  for (;;) {
    auto lock = os::FileLock::acquire(path, kLockSlice);
    if (lock || lock.error().id != "lock.busy") {
      return lock;
    }
    SCC_CHECK(check_cancelled(watch));
    if (!told && watch.progress) {
      watch.progress("waiting for another scc that builds images: " + lock.error().message);
    }
    told = true;
  }
}

Result<BuildLog> BuildLog::open(const stdfs::path& path, bool append, const Watch& watch) {
  SCC_CHECK(os::make_dirs(path.parent_path()));
  const int flags = O_WRONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC | (append ? O_APPEND : O_TRUNC);
  os::Fd fd(::open(path.c_str(), flags, 0600));
  if (!fd) {
    return fail(os::errno_error("open", path, errno));
  }
  return BuildLog(std::move(fd), watch);
}

void BuildLog::write(std::string_view bytes) {
  if (fd_ && written_ < kMaxLog) {
    written_ += bytes.size();
    // A log that cannot be written (disk full) is no reason to stop; the step itself will say so.
    [[maybe_unused]] const ssize_t ignored = ::write(fd_.get(), bytes.data(), bytes.size());
  }
  for (const char c : bytes) {
    if (c == '\n' || c == '\r') {
      finish_line();
    } else if (current_.size() < kMaxLine) {
      current_.push_back(c);
    }
  }
}

void BuildLog::flush() {
  if (!current_.empty()) {
    write("\n");
  }
}

void BuildLog::finish_line() {
  const std::string plain = str::without_csi(current_);
  const std::string text = str::printable(str::trim(plain));
  current_.clear();
  if (text.empty()) {
    return;
  }
  if (watch_->progress) {
    watch_->progress(text);
  }
  note_ids(text);
  last_.push_back(text);
  if (last_.size() > kKeptLines) {
    last_.pop_front();
  }
}

void BuildLog::note_ids(std::string_view text) {
  constexpr std::string_view kHex = "0123456789abcdef";
  for (std::size_t at = text.find_first_of(kHex); at != std::string_view::npos && ids_.size() < kMaxIds;) {
    const std::size_t end = std::min(text.find_first_not_of(kHex, at), text.size());
    if (end - at >= kMinIdDigits) {
      ids_.emplace(text.substr(at, end - at));
    }
    at = text.find_first_of(kHex, end);
  }
}

bool BuildLog::mentions(std::string_view id) const {
  const std::string_view digits = id.substr(id.find(':') + 1);  // npos + 1 is 0
  return std::any_of(ids_.begin(), ids_.end(),
                     [digits](const std::string& seen) { return str::starts_with(digits, seen); });
}

std::vector<std::string> BuildLog::tail(std::size_t count) const {
  return tail_of("", count);
}

std::vector<std::string> BuildLog::tail_of(std::string_view prefix, std::size_t count) const {
  std::vector<std::string> lines;
  for (auto it = last_.rbegin(); it != last_.rend() && lines.size() < count; ++it) {
    if (str::starts_with(*it, prefix)) {
      lines.push_back(*it);
    }
  }
  std::reverse(lines.begin(), lines.end());
  return lines;
}

plugin::Progress BuildLog::progress() {
  // An engine may pass a line on in pieces; only a line feed ends it.
  return [this](std::string_view text) { write(text); };
}

Error explain(Error error, const BuildLog& log, const stdfs::path& path) {
  auto lines = log.tail_of("E: ", 3);
  if (lines.empty()) {
    lines = log.tail(8);
  }
  for (const std::string& line : lines) {
    error.context.push_back("log: " + line);
  }
  error.context.push_back("full log: " + str::printable(path.string()));
  return error;
}

}  // namespace scc::image
