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

Event event_of(const json::Value& in) {
  Event out;
  out.seq = in.integer("/seq");
  out.time = in.str("/time");
  out.session = in.str("/session");
  out.method = in.str("/method");
  out.host = in.str("/host");
  out.port = static_cast<int>(in.integer("/port"));
  out.verdict = in.str("/verdict");
  out.rule = in.str("/rule");
  out.layer = in.str("/layer");
  out.prev = in.str("/prev");
  out.hash = in.str("/hash");
  return out;
}

audit::Head first_head(std::string_view session) {
  return audit::chain_start("scc.egress-record/1\n" + std::string(session));
}

Result<os::Fd> open_record(const path& file, int flags) {
  return audit::open_chain(file, flags, "egress.unsafe");
}

Result<Checked> check(const os::Fd& fd, const path& file, std::string_view session,
                      const std::function<void(const Event&)>& each) {
  audit::ChainReader reader{kMaxRecordLine};
  reader.judge = [&](const json::Value& line, std::string_view text) -> std::string {
    const Event event = event_of(line);
    if (json::dump(event.to_json()) != text) return "it is not as scc writes it";
    return event.session == session ? "" : "it is of another session";
  };
  reader.take = [&](const json::Value& line, std::string_view) { each(event_of(line)); };
  return audit::check_chain(fd, file, first_head(session), reader);
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
  if (checked.torn) SCC_CHECK(audit::set_aside(fd, file, checked.bytes, kMaxRecordLine));
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
  event->session = session_;
  Head next = head_;
  const std::string line_out = audit::link_line(event->to_json(), next);
  SCC_CHECK(audit::append_whole(fd_, file_, line_out + "\n"));
  head_ = std::move(next);
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
