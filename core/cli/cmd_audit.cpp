// SPDX-License-Identifier: Apache-2.0
// `scc audit show|verify|export` and `scc support launch-audit|safety-audit`: the audit log, whether it is
// what was written, and views of it.
#include <cerrno>
#include <charconv>
#include <cstdio>
#include <fcntl.h>
#include <unistd.h>

#include "app/audit.h"
#include "base/str.h"
#include "cli/command.h"
#include "os/fs.h"

namespace scc::cli {

namespace {

constexpr std::size_t kDefaultLimit = 10;
constexpr std::size_t kMostLimit = 100'000;

Result<app::AuditQuery> query_of(const Args& args) {
  app::AuditQuery out;
  out.event = args.get("event");
  out.session = args.get("session");
  out.severity = args.get("severity");
  out.rule = args.get("rule");
  out.blocked = args.has("blocked");
  out.limit = kDefaultLimit;
  if (!args.has("limit")) return out;
  const std::string text = args.get("limit");
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), out.limit);
  if (code == std::errc{} && end == text.data() + text.size() && out.limit <= kMostLimit) return out;
  return fail(Kind::usage, "cli.usage", "--limit takes a number up to " + std::to_string(kMostLimit),
              "leave it out for the last " + std::to_string(kDefaultLimit));
}

std::string state_of(const audit::Verified& log) {
  return !log.present ? "unavailable" : log.lines == 0 ? "empty" : "available";
}

/// The home directory is of no use to who reads a report.
std::string shown_path(Env& env, const os::stdfs::path& path) {
  const std::string home = env.host.env.get("HOME").value_or("");
  std::string out = path.native();
  if (!home.empty() && home != "/" && str::starts_with(out, home + "/")) out = "~" + out.substr(home.size());
  return str::printable(out);
}

void print_event(Env& env, const json::Value& event) {
  std::string line = event.str("/occurred_at") + "  " + event.str("/severity") + "  " +
                     event.str("/event_type") + "  " + event.str("/subject");
  if (event.str("/source") == "sandbox") line += "  (from the sandbox)";
  env.console.line(line + "  line=" + std::to_string(event.integer("/seq")));
  const std::string command = event.str("/metadata/command");
  const std::string rule = event.str("/metadata/matched_rule");
  const std::string reason = event.str("/metadata/failure_reason");
  env.console.line("  " + event.str("/message") + (rule.empty() ? "" : " by " + rule) +
                   (reason.empty() ? "" : " (" + reason + ")") + (command.empty() ? "" : ": " + command));
}

void note_broken(Env& env, const audit::Verified& log) {
  if (!log.intact) env.console.warning("the audit log is not what was written: " + log.problem);
}

json::Value head_json(const audit::Verified& log) {
  json::Value out;
  out["seq"] = log.head.seq;
  out["hash"] = log.head.hash;
  return out;
}

Result<int> run_show(Env& env, const Args& args) {
  SCC_TRY(const app::AuditQuery query, query_of(args));
  SCC_TRY(const app::AuditView view, app::view_audit(env.host, {}, query));
  for (auto at = view.events.rbegin(); at != view.events.rend(); ++at) print_event(env, *at);
  env.console.note(std::to_string(view.matched) + " of " + std::to_string(view.log.lines) +
                   " lines fit; the last " + std::to_string(view.events.size()) + " are shown");
  note_broken(env, view.log);
  json::Value data;
  data["file"] = shown_path(env, audit::Log(env.host.paths).file());
  data["state"] = state_of(view.log);
  data["intact"] = view.log.intact;
  data["problem"] = view.log.problem;
  data["lines"] = view.log.lines;
  data["matched"] = view.matched;
  data["head"] = head_json(view.log);
  data["events"] = json::Array(view.events);
  env.console.envelope("AuditLog", data);
  return 0;
}

Result<int> run_verify(Env& env, const Args&) {
  SCC_TRY(const app::AuditVerified seen, app::verify_audit(env.host));
  const audit::Log log(env.host.paths);
  std::vector<std::string> problems = seen.egress_problems;
  if (!seen.log.intact) problems.insert(problems.begin(), seen.log.problem);
  if (!seen.intact() && !env.console.json()) {
    for (const std::string& problem : problems) env.console.line("broken  " + problem);
    return fail(Kind::policy, "audit.chain", "the audit log is not what was written: " + problems.front(),
                "what stands before that line is intact; keep a copy of " + shown_path(env, log.directory()));
  }
  env.console.line(seen.log.present
                       ? "intact  " + std::to_string(seen.log.lines) + " lines, head " + seen.log.head.hash
                       : "nothing is in the audit log yet");
  if (seen.sealed > 0)
    env.console.line("intact  " + std::to_string(seen.sealed) + " sealed records of web requests");
  for (const std::string& session : seen.egress_gone)
    env.console.note("the record of web requests of session " + session + " is not there any more");
  json::Value data;
  data["directory"] = shown_path(env, log.directory());
  data["state"] = state_of(seen.log);
  data["intact"] = seen.intact();
  data["problems"] = json::Value::strings(problems);
  data["lines"] = seen.log.lines;
  data["head"] = head_json(seen.log);
  data["files"] = json::Value::strings(seen.log.files);
  data["sealed"] = seen.sealed;
  data["gone"] = json::Value::strings(seen.egress_gone);
  env.console.envelope("AuditVerification", data, problems);
  return seen.intact() ? 0 : exit_code(Kind::policy);
}

Status write_text(const os::Fd& fd, const os::stdfs::path& file, std::string_view text) {
  while (!text.empty()) {
    const ssize_t n = ::write(fd.get(), text.data(), text.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return fail(os::errno_error("write", file, errno));
    text.remove_prefix(static_cast<std::size_t>(n));
  }
  return {};
}

/// Every line as it is on disk, of all files.
Result<audit::Verified> export_to(Env& env, const os::Fd& fd, const os::stdfs::path& file) {
  Status written;
  std::string held;
  constexpr std::size_t kChunk = std::size_t{1} << 20U;
  SCC_TRY(const audit::Verified log,
          audit::Log(env.host.paths).verify([&](const json::Value&, std::string_view text) {
            held.append(text).append("\n");
            if (!written || held.size() < kChunk) return;
            written = write_text(fd, file, held);
            held.clear();
          }));
  if (written) written = write_text(fd, file, held);
  if (!written) return fail(Error(written.error()));
  if (log.intact) return log;
  return fail(Kind::policy, "audit.chain", "the audit log is not what was written: " + log.problem,
              "what was exported is intact, and ends before that");
}

Result<int> run_export(Env& env, const Args& args) {
  if (args.positional.empty()) {
    if (env.console.json()) {
      return fail(Kind::usage, "cli.usage", "the lines and the envelope cannot both be on standard output",
                  "name a file: scc audit export FILE --json");
    }
    std::fflush(stdout);
    const os::Fd out(::dup(STDOUT_FILENO));
    SCC_TRY(const audit::Verified log, export_to(env, out, "standard output"));
    env.console.note(std::to_string(log.lines) + " lines, head " + log.head.hash);
    return 0;
  }
  os::stdfs::path file = args.positional[0];
  if (file.is_relative()) file = env.host.env.cwd / file;
  const os::Fd out(::open(file.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
  if (!out) return fail(os::errno_error("create", file, errno));
  SCC_TRY(const audit::Verified log, export_to(env, out, file));
  if (::fsync(out.get()) != 0) return fail(os::errno_error("fsync", file, errno));
  env.console.note(std::to_string(log.lines) + " lines, head " + log.head.hash);
  json::Value data;
  data["file"] = str::printable(file.native());
  data["lines"] = log.lines;
  data["head"] = head_json(log);
  env.console.envelope("AuditExport", data);
  return 0;
}

json::Value support_head(Env& env, const app::AuditView& view, const app::AuditQuery& query) {
  json::Value data;
  data["sink_path"] = shown_path(env, audit::Log(env.host.paths).file());
  data["state"] = state_of(view.log);
  data["requested_limit"] = static_cast<std::int64_t>(query.limit);
  data["scanned_line_count"] = view.log.lines;
  data["intact"] = view.log.intact;
  data["error"] = view.log.intact ? json::Value() : json::Value(view.log.problem);
  return data;
}

json::Value support_event(const json::Value& event) {
  json::Value out;
  out["line_number"] = event.integer("/seq");
  for (const char* key : {"event_type", "message", "severity", "occurred_at", "subject", "source", "session"})
    out[key] = event.str("/" + std::string(key));
  out["provider_id"] = event.str("/metadata/provider_id");
  out["failure_reason"] = event.str("/metadata/failure_reason");
  out["metadata"] = event.has("/metadata") ? *event.at("/metadata") : json::Value(json::Object{});
  return out;
}

json::Value support_check(const json::Value& event) {
  json::Value out = support_event(event);
  out.object().erase("failure_reason");
  out["command"] = event.str("/metadata/command");
  out["matched_rule"] = event.str("/metadata/matched_rule");
  out["verdict_allowed"] = event.str("/metadata/verdict_allowed");
  return out;
}

Result<int> run_launch_audit(Env& env, const Args& args) {
  SCC_TRY(const app::AuditQuery query, query_of(args));
  json::Value failure;
  SCC_TRY(
      const app::AuditView view,
      app::view_audit(env.host, {"launch.", "shell.", "governance."}, query, [&](const json::Value& event) {
        if (event.str("/severity") == "error" || str::ends_with(event.str("/event_type"), ".failed"))
          failure = support_event(event);
      }));
  json::Value data = support_head(env, view, query);
  env.console.line("launches  " + data.str("/sink_path") + "  " + data.str("/state") + "  " +
                   std::to_string(view.matched) + " events");
  if (!failure.is_null()) {
    env.console.line("last failure  " + failure.str("/occurred_at") + "  " + failure.str("/message"));
  }
  json::Array events;
  for (const json::Value& event : view.events) {
    print_event(env, event);
    events.push_back(support_event(event));
  }
  note_broken(env, view.log);
  data["last_failure"] = failure;
  data["recent_events"] = std::move(events);
  env.console.envelope("LaunchAudit", data);
  return 0;
}

Result<int> run_safety_audit(Env& env, const Args& args) {
  SCC_TRY(const app::AuditQuery query, query_of(args));
  json::Value last;
  std::int64_t blocked = 0;
  std::int64_t allowed = 0;
  SCC_TRY(const app::AuditView view,
          app::view_audit(env.host, {"safety.check"}, query, [&](const json::Value& event) {
            const bool stopped = event.str("/metadata/decision") == "block";
            ++(stopped ? blocked : allowed);
            if (stopped) last = support_check(event);
          }));
  json::Value data = support_head(env, view, query);
  env.console.line("checks  " + data.str("/sink_path") + "  " + data.str("/state") + "  " +
                   std::to_string(blocked) + " blocked, " + std::to_string(allowed) + " allowed");
  json::Array events;
  for (const json::Value& event : view.events) {
    print_event(env, event);
    events.push_back(support_check(event));
  }
  note_broken(env, view.log);
  data["last_blocked"] = last;
  data["blocked_count"] = blocked;
  data["allowed_count"] = allowed;
  data["recent_events"] = std::move(events);
  env.console.envelope("SafetyAudit", data);
  return 0;
}

}  // namespace

std::vector<Command> audit_commands() {
  const OptionSpec limit = {"limit", 0, "N", "how many, the last ones; 10 without it"};
  const OptionSpec session = {"session", 0, "SESSION", "only of the session with this id"};
  const OptionSpec blocked = {"blocked", 0, "", "only what was blocked"};
  const OptionSpec rule = {"rule", 0, "ID", "only where this rule decided"};
  return {
      {"audit show",
       "show what the audit log holds",
       "",
       {limit,
        session,
        blocked,
        rule,
        {"event", 0, "TYPE", "only this type, or all that begin with it (\"launch.\")"},
        {"severity", 0, "LEVEL", "only info, warning or error"}},
       0,
       false,
       run_show},
      {"audit verify", "say whether the audit log is what was written", "", {}, 0, false, run_verify},
      {"audit export",
       "write every line of the audit log, once it is verified",
       "[FILE]",
       {},
       1,
       false,
       run_export},
      {"support launch-audit",
       "the last launches, and the last that failed",
       "",
       {limit, session},
       0,
       false,
       run_launch_audit},
      {"support safety-audit",
       "the last commands that the guard judged",
       "",
       {limit, session, blocked, rule},
       0,
       false,
       run_safety_audit},
  };
}

}  // namespace scc::cli
