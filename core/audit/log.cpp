// SPDX-License-Identifier: Apache-2.0
#include "audit/log.h"

#include <algorithm>
#include <cerrno>
#include <fcntl.h>
#include <unistd.h>

#include "base/str.h"
#include "config/own_file.h"

namespace scc::audit {

namespace {

using os::stdfs::path;

constexpr std::string_view kSeed = "scc.audit-log/1";
constexpr std::string_view kHeadSchema = "scc.audit-head/1";
constexpr std::string_view kUnsafe = "audit.unsafe";
constexpr unsigned kLockWaitMs = 5'000;
constexpr std::size_t kHeadBytes = 4096;
constexpr std::size_t kSeqDigits = 12;

/// head.json: where the chain stands, and where its last line lies in audit.jsonl.
struct Anchor {
  Head head = chain_start(kSeed);
  std::int64_t last = 0;  ///< offset of the line of that number
  std::int64_t size = 0;  ///< its end; 0: the file begins after it
};

tl::unexpected<Error> broken(const path& directory, const std::string& what) {
  return fail(Kind::policy, "audit.chain", "the audit log is not what was written: " + what,
              "see it: scc audit verify; keep a copy of " + str::printable(directory.native()) +
                  ", and move it away to begin a new log");
}

path rotated_name(const path& directory, std::int64_t seq) {
  std::string digits = std::to_string(seq);
  if (digits.size() < kSeqDigits) digits.insert(0, kSeqDigits - digits.size(), '0');
  return directory / ("audit-" + digits + ".jsonl");
}

Status write_anchor(const path& directory, const Anchor& anchor) {
  json::Value out;
  out["schema"] = kHeadSchema;
  out["seq"] = anchor.head.seq;
  out["hash"] = anchor.head.hash;
  out["last"] = anchor.last;
  out["size"] = anchor.size;
  return os::write_file_atomic(directory / "head.json", json::dump(out) + "\n", 0600);
}

Result<std::optional<Anchor>> read_anchor(const path& directory) {
  const auto text = os::read_file(directory / "head.json", kHeadBytes);
  if (!text && text.error().kind == Kind::not_found) return std::optional<Anchor>();
  if (!text) return fail(Error(text.error()));
  const auto in = json::parse(*text, {kHeadBytes, 4});
  Anchor out;
  if (in) {
    out.head = {in->integer("/seq", -1), in->str("/hash")};
    out.last = in->integer("/last", -1);
    out.size = in->integer("/size", -1);
  }
  if (!in || in->str("/schema") != kHeadSchema || out.head.seq < 0 || out.last < 0 || out.size < out.last)
    return broken(directory, "head.json does not say where the log stands");
  return std::optional<Anchor>(std::move(out));
}

Result<std::int64_t> size_of(const os::Fd& fd, const path& file) {
  struct stat info {};
  if (::fstat(fd.get(), &info) != 0) return fail(os::errno_error("stat", file, errno));
  return std::int64_t{info.st_size};
}

/// The line that the anchor names is still there and is that line.
Status check_last_line(const os::Fd& fd, const path& file, const Anchor& anchor) {
  const auto length = static_cast<std::size_t>(anchor.size - anchor.last);
  if (length < 2 || length > kMaxLine) return broken(file.parent_path(), "head.json names no line");
  std::string text(length, '\0');
  if (::pread(fd.get(), text.data(), length, static_cast<off_t>(anchor.last)) != static_cast<ssize_t>(length))
    return fail(os::errno_error("read", file, errno));
  const auto line = json::parse(std::string_view(text).substr(0, length - 1), {kMaxLine, 8});
  if (!line || text.back() != '\n' || line->str("/hash") != anchor.head.hash ||
      line->integer("/seq") != anchor.head.seq)
    return broken(file.parent_path(), "its last line is another one than head.json names");
  Head before{anchor.head.seq - 1, line->str("/prev")};
  json::Value body = *line;
  if (link_line(std::move(body), before) + "\n" != text)
    return broken(file.parent_path(), "its last line was changed");
  return {};
}

/// An append in progress; the lock is held.
class Writer {
 public:
  Writer(path directory, std::uintmax_t rotate_bytes)
      : directory_(std::move(directory)), file_(directory_ / "audit.jsonl"), rotate_bytes_(rotate_bytes) {}

  Status open() {
    SCC_TRY(std::optional<Anchor> anchor, read_anchor(directory_));
    SCC_TRY(fd_, open_chain(file_, O_RDWR | O_APPEND | O_CREAT, kUnsafe));
    SCC_TRY(const std::int64_t size, size_of(fd_, file_));
    if (!anchor) {
      if (size > 0) return broken(directory_, "head.json is missing");
      // Before the first line: without it a log whose head was taken away could not be told from a new one.
      anchor = Anchor{};
      SCC_CHECK(write_anchor(directory_, *anchor));
    }
    anchor_ = *std::move(anchor);
    if (size < anchor_.size) SCC_CHECK(accept_rotation(size));
    if (anchor_.size > 0) SCC_CHECK(check_last_line(fd_, file_, anchor_));
    return accept_rest();
  }

  Status append(const std::vector<json::Value>& bodies) {
    if (anchor_.size > 0 && static_cast<std::uintmax_t>(anchor_.size) >= rotate_bytes_) SCC_CHECK(rotate());
    Anchor next = anchor_;
    std::string text;
    for (const json::Value& body : bodies) {
      const std::string line = link_line(body, next.head) + "\n";
      if (line.size() > kMaxLine) return fail(Kind::internal, "audit.invalid", "an audit event is too long");
      next.last = anchor_.size + static_cast<std::int64_t>(text.size());
      text += line;
    }
    next.size = anchor_.size + static_cast<std::int64_t>(text.size());
    SCC_CHECK(append_whole(fd_, file_, text));
    Status done = ::fdatasync(fd_.get()) == 0 ? Status{} : fail(os::errno_error("fsync", file_, errno));
    if (done) done = write_anchor(directory_, next);
    if (done) return {};
    // What could not be finished did not happen.
    static_cast<void>(!::ftruncate(fd_.get(), static_cast<off_t>(anchor_.size)));
    return done;
  }

 private:
  /// The file is shorter than the anchor says: right only when a crash came between renaming it and telling
  /// so.
  Status accept_rotation(std::int64_t size) {
    const path old = rotated_name(directory_, anchor_.head.seq);
    auto fd = size == 0 ? open_chain(old, O_RDONLY, kUnsafe) : Result<os::Fd>(fail(Error{}));
    if (!fd) return broken(directory_, "lines were taken off its end");
    SCC_CHECK(check_last_line(*fd, old, anchor_));
    anchor_.last = anchor_.size = 0;
    return {};
  }

  /// Lines that a crash kept from being told in the anchor are taken as they are, when they follow.
  Status accept_rest() {
    const auto from = static_cast<std::uintmax_t>(anchor_.size);
    ChainReader reader{kMaxLine};
    std::int64_t end = anchor_.size;
    reader.take = [&](const json::Value&, std::string_view text) {
      anchor_.last = end;
      end += static_cast<std::int64_t>(text.size()) + 1;
    };
    SCC_TRY(const Checked rest, check_chain(fd_, file_, anchor_.head, reader, from));
    if (!rest.intact)
      return broken(directory_, "after line " + std::to_string(anchor_.head.seq) + ", " + rest.problem);
    anchor_.head = rest.head;
    anchor_.size = end;
    if (rest.torn) SCC_CHECK(set_aside(fd_, file_, static_cast<std::uintmax_t>(end), kMaxLine));
    return {};
  }

  Status rotate() {
    const path old = rotated_name(directory_, anchor_.head.seq);
    if (::renameat2(AT_FDCWD, file_.c_str(), AT_FDCWD, old.c_str(), RENAME_NOREPLACE) != 0)
      return fail(os::errno_error("rename", file_, errno));
    anchor_.last = anchor_.size = 0;
    SCC_TRY(fd_, open_chain(file_, O_RDWR | O_APPEND | O_CREAT, kUnsafe));
    return write_anchor(directory_, anchor_);
  }

  path directory_;
  path file_;
  std::uintmax_t rotate_bytes_;
  os::Fd fd_;
  Anchor anchor_;
};

Status append_bodies(const path& directory, std::uintmax_t rotate_bytes,
                     const std::vector<json::Value>& bodies) {
  SCC_CHECK(os::make_dirs(directory));
  SCC_CHECK(config::check_own_file(directory / "audit.jsonl", kUnsafe));
  SCC_TRY(const os::FileLock lock, os::FileLock::acquire(directory / "audit.lock", kLockWaitMs));
  Writer writer(directory, rotate_bytes);
  SCC_CHECK(writer.open());
  return writer.append(bodies);
}

/// Rotated files, oldest first.
Result<std::vector<path>> rotated_files(const path& directory) {
  std::vector<path> out;
  std::error_code error;
  os::stdfs::directory_iterator at(directory, error);
  for (const os::stdfs::directory_iterator end; !error && at != end; at.increment(error)) {
    const std::string name = at->path().filename().native();
    if (str::starts_with(name, "audit-") && str::ends_with(name, ".jsonl")) out.push_back(at->path());
  }
  if (error && error != std::errc::no_such_file_or_directory)
    return fail(os::errno_error("read", directory, error.value()));
  std::sort(out.begin(), out.end());
  return out;
}

bool same_file(const os::Fd& a, const os::Fd& b) {
  struct stat one {};
  struct stat other {};
  return a && b && ::fstat(a.get(), &one) == 0 && ::fstat(b.get(), &other) == 0 &&
         one.st_dev == other.st_dev && one.st_ino == other.st_ino;
}

/// False: it is broken from here on.
Result<bool> verify_file(const os::Fd& fd, const path& file, const ChainReader& reader, Verified& out) {
  SCC_TRY(const Checked checked, check_chain(fd, file, out.head, reader));
  out.files.push_back(file.filename().native());
  out.head = checked.head;
  out.torn = checked.torn;
  if (checked.intact) return true;
  out.intact = false;
  out.problem = file.filename().native() + " " + checked.problem;
  return false;
}

/// What the anchor says beyond the lines themselves.
void hold_to(const std::optional<Anchor>& anchor, const std::string& hash_there, Verified& out) {
  const std::int64_t end = out.head.seq;
  out.intact = false;
  if (!anchor) {
    out.problem = "head.json is missing, so nobody can say whether lines were taken off the end";
  } else if (end < anchor->head.seq) {
    out.problem = "lines " + std::to_string(end + 1) + " to " + std::to_string(anchor->head.seq) +
                  " were taken off the end";
  } else if (anchor->head.seq > 0 && hash_there != anchor->head.hash) {
    out.problem = "line " + std::to_string(anchor->head.seq) + " is another one than head.json names";
  } else {
    out.intact = true;
  }
}

}  // namespace

Log::Log(const os::Paths& paths, std::uintmax_t rotate_bytes)
    : directory_(paths.state / "audit"), rotate_bytes_(rotate_bytes) {}

Status Log::append(std::span<const Event> events) const {
  if (events.empty()) return {};
  std::vector<json::Value> bodies;
  for (const Event& event : events) {
    SCC_TRY(json::Value body, event_body(event));
    bodies.push_back(std::move(body));
  }
  const Status done = append_bodies(directory_, rotate_bytes_, bodies);
  if (done || done.error().id == "audit.chain" || done.error().id == "audit.invalid") return done;
  const Error& why = done.error();
  return fail(Error{Kind::config, "audit.unwritable", "the audit log cannot be written: " + why.message,
                    why.hint.empty()
                        ? "make room for " + str::printable(file().native()) + " and let it be written"
                        : why.hint,
                    why.context});
}

Result<Verified> Log::verify(const std::function<void(const json::Value&, std::string_view)>& take) const {
  Verified out;
  out.head = chain_start(kSeed);
  // In this order: what is written or rotated meanwhile adds lines at the end, and takes none away.
  auto anchor = read_anchor(directory_);
  if (!anchor && anchor.error().id != "audit.chain") return fail(std::move(anchor).error());
  auto current = open_chain(file(), O_RDONLY, kUnsafe);
  if (!current && current.error().kind != Kind::not_found) return fail(std::move(current).error());
  SCC_TRY(const std::vector<path> rotated, rotated_files(directory_));
  out.present = (anchor && *anchor) || current || !rotated.empty();
  if (!out.present) return out;
  std::string hash_there;
  ChainReader reader{kMaxLine};
  reader.take = [&](const json::Value& line, std::string_view text) {
    ++out.lines;
    if (anchor && *anchor && line.integer("/seq") == (*anchor)->head.seq) hash_there = line.str("/hash");
    if (take) take(line, text);
  };
  for (const path& one : rotated) {
    SCC_TRY(const os::Fd fd, open_chain(one, O_RDONLY, kUnsafe));
    if (current && same_file(fd, *current)) continue;
    SCC_TRY(const bool goes_on, verify_file(fd, one, reader, out));
    if (!goes_on) return out;
  }
  if (current) {
    SCC_TRY(const bool goes_on, verify_file(*current, file(), reader, out));
    if (!goes_on) return out;
  }
  if (!anchor) {
    out.intact = false;
    out.problem = "head.json does not say where the log stands";
    return out;
  }
  hold_to(*anchor, hash_there, out);
  return out;
}

}  // namespace scc::audit
