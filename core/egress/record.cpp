// SPDX-License-Identifier: Apache-2.0
#include "egress/record.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cmath>
#include <fcntl.h>
#include <unistd.h>

#include "base/str.h"
#include "model/types.h"

namespace scc::egress {

namespace {

using os::stdfs::path;

constexpr std::size_t kMaxDecision = 4096;  // a line of the proxy's
constexpr std::size_t kMaxMethod = 32;
constexpr std::size_t kMaxHost = 300;  // a name, percent-encoded where it was none
constexpr std::size_t kMaxRule = 128;
constexpr unsigned kLockWaitMs = 2'000;
constexpr std::int64_t kDay = 24 * 3600;

bool digit(char c) {
  return c >= '0' && c <= '9';
}
bool letter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

bool session_name(std::string_view text) {
  const auto plain = [](char c) { return digit(c) || letter(c) || c == '.' || c == '_' || c == '-'; };
  return !text.empty() && text.size() <= 128 && text.front() != '.' &&
         std::all_of(text.begin(), text.end(), plain);
}

/// What may stand in a record: the rest becomes '?'.
std::string plain(std::string_view text, std::string_view others) {
  std::string out(text);
  for (char& c : out) {
    if (!digit(c) && !letter(c) && others.find(c) == std::string_view::npos) c = '?';
  }
  return out;
}

std::string first_prev(std::string_view session) {
  return os::sha256_hex("scc.egress-record/1\n" + std::string(session));
}

std::string hash_of(const Event& event) {
  json::Value body = event.to_json();
  body.object().erase("hash");
  return os::sha256_hex(json::dump(body));
}

std::string layer_of(std::string_view rule) {
  static constexpr std::array<std::string_view, 6> kLayers = {"builtin", "provider", "org",
                                                              "team",    "project",  "mcp"};
  const std::string_view layer = rule.substr(0, rule.find('/'));
  return std::find(kLayers.begin(), kLayers.end(), layer) == kLayers.end() ? "unknown" : std::string(layer);
}

/// The proxy's time where it can be true, else the clock's.
std::string time_of(const json::Value* stamp) {
  using namespace std::chrono;
  const std::int64_t now = duration_cast<milliseconds>(system_clock::now().time_since_epoch()).count();
  std::int64_t ms = now;
  if (stamp != nullptr && stamp->is_number()) {
    const double given = stamp->is_int() ? static_cast<double>(stamp->as_int()) : stamp->as_double();
    // Compared before it is converted: a number that no integer holds is no time either.
    const double latest = static_cast<double>(now) / 1000.0 + 1.0;
    if (given >= latest - static_cast<double>(kDay) && given <= latest) ms = std::llround(given * 1000.0);
  }
  std::string out = model::format_time(ms / 1000);
  const std::string fraction = std::to_string(1000 + ms % 1000).substr(1);
  return out.substr(0, out.size() - 1) + "." + fraction + "Z";
}

auto not_a_decision(const std::string& why) {
  return fail(Kind::config, "egress.line", "the proxy wrote a line that is no decision: " + why);
}

/// The members of a decision; nullopt when nothing was asked.
Result<std::optional<Event>> read_decision(std::string_view line) {
  if (line.size() > kMaxDecision) return not_a_decision("it is too long");
  const auto parsed = json::parse(line, {kMaxDecision, 4});
  if (!parsed || !parsed->is_object()) return not_a_decision("it is no JSON object");
  Event out;
  const std::string verdict = parsed->str("/verdict");
  out.method = plain(parsed->str("/method"), "-_!$&+.^|~%");
  out.host = plain(parsed->str("/host"), "-._%:[]");
  out.rule = plain(parsed->str("/rule"), "-._:/");
  if (out.method.empty() || out.method.size() > kMaxMethod || out.host.empty() ||
      out.host.size() > kMaxHost || out.rule.empty() || out.rule.size() > kMaxRule) {
    return not_a_decision("method, host or rule are missing or too long");
  }
  const std::string port = parsed->str("/port");
  if (port != "-") {
    if (port.empty() || port.size() > 5 || !std::all_of(port.begin(), port.end(), digit))
      return not_a_decision("its port is no number");
    out.port = std::stoi(port);
  }
  if (verdict == "-") {
    if (parsed->integer("/status", -1) == 0) return std::optional<Event>();
    out.verdict = "deny";
    out.rule = "builtin/unreadable";
  } else if (verdict == "allow" || verdict == "deny") {
    out.verdict = verdict;
  } else {
    return not_a_decision("its verdict is neither allow nor deny");
  }
  out.layer = layer_of(out.rule);
  out.time = time_of(parsed->at("/t"));
  return std::optional<Event>(std::move(out));
}

Result<Event> read_event(std::string_view line) {
  const auto in = json::parse(line, {kMaxRecordLine, 4});
  if (!in || !in->is_object()) return fail(Kind::policy, "egress.chain", "it is no JSON object");
  Event out;
  out.seq = in->integer("/seq");
  out.time = in->str("/time");
  out.session = in->str("/session");
  out.method = in->str("/method");
  out.host = in->str("/host");
  out.port = static_cast<int>(in->integer("/port"));
  out.verdict = in->str("/verdict");
  out.rule = in->str("/rule");
  out.layer = in->str("/layer");
  out.prev = in->str("/prev");
  out.hash = in->str("/hash");
  // Members that nobody reads would not be bound by the hash.
  if (json::dump(out.to_json()) != line)
    return fail(Kind::policy, "egress.chain", "it is not as scc writes it");
  return out;
}

/// Why the event does not follow; empty when it does.
std::string break_of(const Event& event, const Head& head, std::string_view session) {
  if (event.session != session) return "it is of another session";
  if (event.seq != head.seq + 1)
    return "its number is " + std::to_string(event.seq) + " after " + std::to_string(head.seq);
  if (event.prev != head.hash) return "it does not follow the line before";
  if (event.hash != hash_of(event)) return "it was changed";
  return {};
}

/// Hands out lines; what follows the last newline is counted and left.
Result<std::uintmax_t> each_line(const os::Fd& fd, const path& file,
                                 const std::function<bool(std::string_view)>& each) {
  std::string held;
  std::uintmax_t whole = 0;
  std::array<char, 65536> buffer{};
  for (;;) {
    const ssize_t n = ::read(fd.get(), buffer.data(), buffer.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return fail(os::errno_error("read", file, errno));
    if (n == 0) return whole;
    held.append(buffer.data(), static_cast<std::size_t>(n));
    std::size_t begin = 0;
    for (std::size_t end = held.find('\n'); end != std::string::npos; end = held.find('\n', begin)) {
      if (!each(std::string_view(held).substr(begin, end - begin))) return whole;
      whole += end + 1 - begin;
      begin = end + 1;
    }
    held.erase(0, begin);
    if (held.size() > kMaxRecordLine) {
      each(held);
      return whole;
    }
  }
}

Result<os::Fd> open_record(const path& file, int flags) {
  os::Fd fd{::open(file.c_str(), flags | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY, 0600)};
  if (!fd) return fail(os::errno_error("open", file, errno));
  struct stat info {};
  if (::fstat(fd.get(), &info) != 0) return fail(os::errno_error("stat", file, errno));
  const bool owned = info.st_uid == ::geteuid() || info.st_uid == 0 || ::geteuid() == 0;
  if (!S_ISREG(info.st_mode) || info.st_nlink != 1 || !owned || (info.st_mode & 022U) != 0) {
    return fail(Kind::policy, "egress.unsafe",
                str::printable(file.native()) + " is not a file that only you can write",
                "chmod 600 it, or move it away");
  }
  return fd;
}

Result<Checked> check(const os::Fd& fd, const path& file, std::string_view session,
                      const std::function<void(const Event&)>& each) {
  Checked out;
  out.head.hash = first_prev(session);
  std::int64_t line_number = 0;
  SCC_TRY(out.bytes, each_line(fd, file, [&](std::string_view line) {
            ++line_number;
            const auto event = read_event(line);
            const std::string problem = event ? break_of(*event, out.head, session) : event.error().message;
            if (!problem.empty()) {
              out.intact = false;
              out.problem = "line " + std::to_string(line_number) + ": " + problem;
              return false;
            }
            out.head = {event->seq, event->hash};
            each(*event);
            return true;
          }));
  struct stat info {};
  if (::fstat(fd.get(), &info) != 0) return fail(os::errno_error("stat", file, errno));
  out.torn = out.intact && static_cast<std::uintmax_t>(info.st_size) > out.bytes;
  return out;
}

/// Half a line that a power cut left goes to a file beside; the record ends with whole lines again.
Status set_aside(const os::Fd& fd, const path& file, std::uintmax_t whole) {
  std::string rest(kMaxRecordLine, '\0');
  const ssize_t n = ::pread(fd.get(), rest.data(), rest.size(), static_cast<off_t>(whole));
  if (n < 0) return fail(os::errno_error("read", file, errno));
  rest.resize(static_cast<std::size_t>(n));
  SCC_CHECK(os::append_line(file.native() + ".torn", rest, 0600));
  if (::ftruncate(fd.get(), static_cast<off_t>(whole)) != 0)
    return fail(os::errno_error("truncate", file, errno));
  return {};
}

Status write_whole(const os::Fd& fd, const path& file, std::string_view text) {
  while (!text.empty()) {
    const ssize_t n = ::write(fd.get(), text.data(), text.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return fail(os::errno_error("append to", file, errno));
    text.remove_prefix(static_cast<std::size_t>(n));
  }
  return {};
}

Status check_session(std::string_view session) {
  if (session_name(session)) return {};
  return fail(Kind::usage, "egress.session",
              "\"" + str::printable(session.substr(0, 64)) + "\" cannot be a session",
              "see which there are: scc sessions");
}

}  // namespace

json::Value Event::to_json() const {
  json::Value out;
  out["seq"] = seq;
  out["time"] = time;
  out["session"] = session;
  out["method"] = method;
  out["host"] = host;
  out["port"] = port;
  out["verdict"] = verdict;
  out["rule"] = rule;
  out["layer"] = layer;
  out["prev"] = prev;
  out["hash"] = hash;
  return out;
}

path record_file(const os::Paths& paths, std::string_view session) {
  return paths.state / "egress" / (std::string(session) + ".jsonl");
}

Recorder::Recorder(path file, std::string session, os::FileLock lock, os::Fd fd, Head head)
    : file_(std::move(file)),
      session_(std::move(session)),
      lock_(std::move(lock)),
      fd_(std::move(fd)),
      head_(std::move(head)) {}

Result<Recorder> Recorder::open(const os::Paths& paths, std::string session) {
  SCC_CHECK(check_session(session));
  const path file = record_file(paths, session);
  SCC_CHECK(os::make_dirs(file.parent_path()));
  SCC_TRY(os::FileLock lock,
          os::FileLock::acquire(paths.state / "locks" / ("egress-" + session + ".lock"), kLockWaitMs));
  SCC_TRY(os::Fd fd, open_record(file, O_RDWR | O_APPEND | O_CREAT));
  SCC_TRY(const Checked checked, check(fd, file, session, [](const Event&) {}));
  if (!checked.intact) {
    return fail(Kind::policy, "egress.chain",
                str::printable(file.native()) + " is not what was recorded: " + checked.problem,
                "keep a copy of it, and move it away to begin a new record");
  }
  if (checked.torn) SCC_CHECK(set_aside(fd, file, checked.bytes));
  return Recorder(file, std::move(session), std::move(lock), std::move(fd), checked.head);
}

Result<bool> Recorder::append(std::string_view line) {
  SCC_TRY(std::optional<Event> event, read_decision(line));
  if (!event) return false;
  if (head_.seq >= kMaxRecordLines) {
    return fail(Kind::tool, "egress.full",
                "the session asked for the web " + std::to_string(kMaxRecordLines) + " times",
                "see what it asks for: scc egress log --session " + session_);
  }
  event->seq = head_.seq + 1;
  event->session = session_;
  event->prev = head_.hash;
  event->hash = hash_of(*event);
  SCC_CHECK(write_whole(fd_, file_, json::dump(event->to_json()) + "\n"));
  head_ = {event->seq, event->hash};
  return true;
}

Status Recorder::sync() {
  if (::fdatasync(fd_.get()) != 0) return fail(os::errno_error("fsync", file_, errno));
  return {};
}

Result<Checked> read_record(const os::Paths& paths, std::string_view session,
                            const std::function<void(const Event&)>& each) {
  SCC_CHECK(check_session(session));
  const path file = record_file(paths, session);
  auto fd = open_record(file, O_RDONLY);
  if (!fd && fd.error().kind == Kind::not_found) {
    return fail(Kind::not_found, "egress.none", "nothing is recorded for the session " + std::string(session),
                "records are kept under web-egress-enforced; see the sessions: scc sessions");
  }
  if (!fd) return fail(std::move(fd).error());
  return check(*fd, file, session, each);
}

Result<std::vector<std::string>> recorded_sessions(const os::Paths& paths) {
  std::vector<std::pair<os::stdfs::file_time_type, std::string>> found;
  std::error_code error;
  os::stdfs::directory_iterator at(paths.state / "egress", error);
  for (const os::stdfs::directory_iterator end; !error && at != end; at.increment(error)) {
    const std::string name = at->path().filename().native();
    if (!str::ends_with(name, ".jsonl")) continue;
    std::string session = name.substr(0, name.size() - 6);
    if (!session_name(session)) continue;
    std::error_code ignored;
    found.emplace_back(at->last_write_time(ignored), std::move(session));
  }
  if (error && error != std::errc::no_such_file_or_directory) {
    return fail(os::errno_error("read", paths.state / "egress", error.value()));
  }
  std::sort(found.rbegin(), found.rend());
  std::vector<std::string> out;
  out.reserve(found.size());
  for (auto& [time, session] : found) out.push_back(std::move(session));
  return out;
}

}  // namespace scc::egress
