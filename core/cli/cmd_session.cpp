// SPDX-License-Identifier: Apache-2.0
// `scc sessions` and `scc session ...`: the records of what ran, and going on with one of them.
#include <algorithm>
#include <charconv>

#include "app/sessions.h"
#include "base/str.h"
#include "cli/ask.h"
#include "cli/command.h"
#include "cli/start.h"

namespace scc::cli {

namespace {

const OptionSpec kTeam = {"team", 't', "TEAM", "those of this team"};
const OptionSpec kAll = {"all", 0, "", "those of every team"};
const OptionSpec kDryRun = {"dry-run", 0, "", "only say what would be removed"};

json::Value or_null(const std::string& text) {
  return text.empty() ? json::Value() : json::Value(text);
}

json::Value session_json(const session::StoredSession& record) {
  json::Value out;
  out["id"] = record.id;
  out["name"] = record.name;
  out["workspace"] = record.workspace;
  out["provider"] = record.provider;
  out["runtime"] = record.runtime;
  out["sandbox"] = record.sandbox;
  out["team"] = or_null(record.team);
  out["branch"] = or_null(record.branch);
  out["network_policy"] = record.network_policy;
  out["status"] = session::to_string(record.status);
  out["ended_by"] = or_null(record.ended_by);
  out["reason"] = or_null(record.reason);
  out["exit_code"] = record.exit_code ? json::Value(*record.exit_code) : json::Value();
  out["created"] = record.created;
  out["started"] = record.started;
  out["ended"] = or_null(record.ended);
  out["runs"] = record.runs;
  out["pinned"] = record.pinned;
  out["plan_id"] = record.plan_id;
  out["conversation"] = or_null(record.conversation);
  out["attached_to"] = or_null(record.attached_to);
  return out;
}

/// "exited 0", "timed out", "failed (launch)"
std::string status_text(const session::StoredSession& record) {
  std::string out(session::to_string(record.status));
  if (record.ended_by == "timeout") return "timed out";
  if (record.ended_by == "policy") return "ended by policy";
  if (record.exit_code) out += " " + std::to_string(*record.exit_code);
  if (record.status == session::SessionStatus::failed && !record.ended_by.empty()) {
    out += " (" + record.ended_by + ")";
  }
  return out;
}

std::string ago(const std::string& time) {
  const auto then = session::parse_utc(time);
  if (!then) return time;
  const std::int64_t seconds = std::max<std::int64_t>(app::Host::now() - *then, 0);
  if (seconds < 60) return std::to_string(seconds) + " s";
  if (seconds < 3600) return std::to_string(seconds / 60) + " min";
  if (seconds < 48 * 3600) return std::to_string(seconds / 3600) + " h";
  return std::to_string(seconds / 86400) + " d";
}

std::string pick_line(const session::StoredSession& record) {
  return record.name + "  " + record.workspace + "  " + record.provider + "  " + ago(record.started) + " ago";
}

Result<std::size_t> number(const Args& args, std::string_view option, std::size_t fallback) {
  const std::string text = args.get(option);
  if (text.empty()) return fallback;
  std::size_t value = 0;
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (code == std::errc{} && end == text.data() + text.size() && value <= 100'000) return value;
  return fail(Kind::usage, "cli.usage", "--" + std::string(option) + " " + text + " is no number",
              "give a whole number");
}

/// "30d", "12h", "2w" in seconds, exact.
Result<std::int64_t> age(const std::string& text) {
  std::int64_t value = 0;
  const char* const last = text.data() + text.size();
  const auto [end, code] = std::from_chars(text.data(), last, value);
  const std::string unit(end, last);
  const std::int64_t hour = 3600;
  const std::int64_t factor = unit == "h" ? hour : unit == "d" ? 24 * hour : unit == "w" ? 168 * hour : 0;
  if (code == std::errc{} && factor > 0 && value >= 0 && value <= 100'000) return value * factor;
  return fail(Kind::usage, "cli.usage", "--older-than " + text + " is no age", "write it as 12h, 30d or 2w");
}

Result<int> resume(Env& env, const Args& args, const std::string& id) {
  app::LaunchOptions options = launch_options(env, args);
  options.resume = true;
  options.resume_ref = id;
  return start_with_questions(env, std::move(options));
}

Result<int> run_sessions(Env& env, const Args& args) {
  app::SessionFilter filter;
  filter.everything = args.has("all");
  filter.team = args.get("team");
  filter.workspace = args.positional.empty() ? "" : args.positional[0];
  filter.provider = args.get("provider");
  filter.running = args.has("running");
  SCC_TRY(filter.limit, number(args, "limit", filter.limit));
  if (args.has("select") && !may_ask(env)) {
    return fail(Kind::usage, "cli.missing", "--select needs a terminal to ask at",
                "run `scc start --resume` or `scc session resume ID`");
  }
  SCC_TRY(const app::SessionsReport report, app::list_sessions(env.host, filter, args.get("runtime")));
  for (const std::string& problem : report.problems) env.host.warn(problem);
  if (args.has("select")) {
    std::vector<std::string> lines;
    for (const app::SessionView& view : report.sessions) lines.push_back(pick_line(view.record));
    if (lines.empty()) return fail(Kind::not_found, "session.none", "there is no session", "run `scc start`");
    SCC_TRY(const std::size_t index, picked(env, "go on with", lines, "an id"));
    return resume(env, args, report.sessions[index].record.id);
  }
  json::Array sessions;
  std::vector<std::vector<std::string>> rows;
  for (const app::SessionView& view : report.sessions) {
    json::Value item = session_json(view.record);
    item["sandbox_state"] = view.sandbox;
    sessions.push_back(std::move(item));
    rows.push_back({view.record.id.substr(0, 13), (view.record.pinned ? "*" : "") + view.record.name,
                    status_text(view.record), ago(view.record.started), view.record.provider, view.sandbox,
                    view.record.workspace});
  }
  env.console.table({"ID", "NAME", "STATUS", "AGE", "PROVIDER", "SANDBOX", "WORKSPACE"}, rows);
  if (report.total > report.sessions.size()) {
    env.console.note(std::to_string(report.total - report.sessions.size()) + " more: add --limit 0");
  }
  if (!report.team.empty()) env.console.note("of team " + report.team + "; add --all for everyone's");
  json::Value data;
  data["count"] = static_cast<std::int64_t>(sessions.size());
  data["total"] = static_cast<std::int64_t>(report.total);
  data["team"] = or_null(report.team);
  data["sessions"] = std::move(sessions);
  env.console.envelope("SessionList", data);
  return 0;
}

Result<std::string> which(const Args& args, std::size_t count, const char* what) {
  if (args.positional.size() == count) return args.positional[0];
  return fail(Kind::usage, "cli.usage", std::string("give ") + what, "see them: scc sessions");
}

int print_session(Env& env, const session::StoredSession& record) {
  const json::Value data = session_json(record);
  const auto row = [&](std::string_view name, const std::string& value) {
    if (!value.empty()) env.console.line(std::string(name) + std::string(14 - name.size(), ' ') + value);
  };
  for (const char* name : {"id", "name", "workspace", "provider", "runtime", "sandbox", "team", "branch"}) {
    row(name, data.str("/" + std::string(name)));
  }
  row("network", record.network_policy);
  row("status", status_text(record));
  row("reason", record.reason);
  row("created", record.created);
  row("started", record.started + "  (run " + std::to_string(record.runs) + ")");
  row("ended", record.ended);
  row("conversation", record.conversation);
  row("joined", record.attached_to);
  row("plan", record.plan_id);
  if (record.pinned) row("pinned", "yes");
  env.console.envelope("Session", data);
  return 0;
}

Result<int> run_show(Env& env, const Args& args) {
  SCC_TRY(const std::string text, which(args, 1, "an id or a name"));
  SCC_TRY(const session::StoredSession record, app::find_session(env.host, text));
  return print_session(env, record);
}

Result<int> run_resume(Env& env, const Args& args) {
  SCC_TRY(const std::string text, which(args, 1, "an id or a name"));
  return resume(env, args, text);
}

Result<int> change(Env& env, const std::string& text,
                   const std::function<bool(session::StoredSession&)>& edit) {
  SCC_TRY(const session::StoredSession found, app::find_session(env.host, text));
  SCC_TRY(const session::StoredSession changed, session::SessionStore(env.host.paths).update(found.id, edit));
  env.console.line(changed.id + "  " + changed.name + (changed.pinned ? "  pinned" : ""));
  env.console.envelope("Session", session_json(changed));
  return 0;
}

Result<int> run_rename(Env& env, const Args& args) {
  SCC_TRY(const std::string text, which(args, 2, "a session and its new name"));
  const std::string name = args.positional[1];
  SCC_CHECK(check_session_name(name));
  return change(env, text, [&](session::StoredSession& record) {
    record.name = name;
    return true;
  });
}

Result<int> pin(Env& env, const Args& args, bool pinned) {
  SCC_TRY(const std::string text, which(args, 1, "an id or a name"));
  return change(env, text, [pinned](session::StoredSession& record) {
    const bool differs = record.pinned != pinned;
    record.pinned = pinned;
    return differs;
  });
}
Result<int> run_pin(Env& env, const Args& args) {
  return pin(env, args, true);
}
Result<int> run_unpin(Env& env, const Args& args) {
  return pin(env, args, false);
}

int print_removed(Env& env, const std::vector<session::StoredSession>& removed, bool dry_run) {
  json::Array items;
  for (const session::StoredSession& record : removed) {
    env.console.line(std::string(dry_run ? "would remove " : "removed ") + record.id + "  " + record.name +
                     "  " + record.workspace);
    items.push_back(session_json(record));
  }
  if (removed.empty()) env.console.note("no session is too old");
  json::Value data;
  data["dry_run"] = dry_run;
  data["removed"] = std::move(items);
  env.console.envelope("SessionPrune", data);
  return 0;
}

Result<int> run_rm(Env& env, const Args& args) {
  SCC_TRY(const std::string text, which(args, 1, "an id or a name"));
  SCC_TRY(const session::StoredSession record, app::find_session(env.host, text));
  if (record.open()) {
    return fail(Kind::tool, "session.running", "the session " + record.name + " runs",
                "end it first: scc stop " + record.sandbox);
  }
  SCC_TRY(const bool yes,
          confirmed(env, "forget the session " + record.name + " of " + record.workspace + "?"));
  if (!yes) return declined();
  SCC_TRY(const auto removed, session::SessionStore(env.host.paths).remove({record.id}, [](const auto& now) {
    return !now.open();
  }));
  if (removed.empty()) {
    return fail(Kind::tool, "session.running", "the session " + record.name + " was begun again meanwhile",
                "end it first: scc stop " + record.sandbox);
  }
  return print_removed(env, {record}, false);
}

Result<int> run_session_prune(Env& env, const Args& args) {
  session::RetentionOptions options;
  SCC_TRY(options.older_than_seconds, age(args.has("older-than") ? args.get("older-than") : "30d"));
  SCC_TRY(options.keep, number(args, "keep", options.keep));
  options.now = app::Host::now();
  options.team = args.get("team");
  if (options.team.empty() && !args.has("all")) {
    SCC_TRY(const config::UserConfig* config, env.host.config());
    options.team = config->standalone ? "" : config->selected_profile;
  }
  options.every_team = options.team.empty();
  SCC_TRY(const auto old, app::prune_sessions(env.host, options, true));
  if (args.has("dry-run") || old.empty()) return print_removed(env, old, args.has("dry-run"));
  SCC_TRY(const bool yes, confirmed(env, "forget " + std::to_string(old.size()) + " session(s)?"));
  if (!yes) return declined();
  SCC_TRY(const auto removed, app::prune_sessions(env.host, options, false));
  return print_removed(env, removed, false);
}

std::vector<OptionSpec> list_options() {
  return {kAll,
          kTeam,
          {"provider", 0, "ID", "those of this agent"},
          {"runtime", 0, "ID", "those of this container runtime"},
          {"running", 0, "", "those that run"},
          {"limit", 'n', "N", "at most N, 10 when not given; 0: all"},
          {"select", 's', "", "choose one and go on with it"}};
}

}  // namespace

std::vector<Command> session_commands() {
  return {
      {"sessions", "list sessions, the last one first", "[PATH]", list_options(), 1, false, run_sessions},
      {"session list", "the same as `scc sessions`", "[PATH]", list_options(), 1, false, run_sessions},
      {"session show", "everything that is known about a session", "ID | NAME", {}, 1, false, run_show},
      {"session resume", "go on with a session's conversation", "ID | NAME [-- AGENT ARGS...]",
       resume_options(), 1, true, run_resume},
      {"session rename", "give a session another name", "ID | NAME  NEW-NAME", {}, 2, false, run_rename},
      {"session pin", "keep a session's record for ever", "ID | NAME", {}, 1, false, run_pin},
      {"session unpin", "let a session's record grow old", "ID | NAME", {}, 1, false, run_unpin},
      {"session rm", "forget a session that has ended", "ID | NAME", {}, 1, false, run_rm},
      {"session prune",
       "forget sessions that ended long ago",
       "",
       {{"older-than", 0, "AGE", "12h, 30d, 2w; 30d when not given"},
        {"keep", 0, "N", "spare the last N of each team; 20 when not given"},
        kTeam,
        kAll,
        kDryRun},
       0,
       false,
       run_session_prune},
  };
}

}  // namespace scc::cli
