// SPDX-License-Identifier: Apache-2.0
// `scc list`, `stop`, `status`, `prune` and `du`: what runs, what was left behind, what it takes.
#include <algorithm>

#include "app/cleanup.h"
#include "app/disk.h"
#include "app/join.h"
#include "app/sessions.h"
#include "cli/ask.h"
#include "cli/command.h"
#include "session/lister.h"
#include "session/prune.h"

namespace scc::cli {

namespace {

const OptionSpec kRuntimeOption = {"runtime", 0, "ID", "the container runtime to use"};

json::Value entry_json(const session::SandboxEntry& entry) {
  json::Value out;
  out["name"] = entry.name;
  out["id"] = entry.id;
  out["state"] = entry.state;
  out["engine_state"] = entry.engine_state;
  out["runtime"] = entry.runtime;
  out["provider"] = entry.provider;
  out["workspace"] = entry.workspace;
  out["network_policy"] = entry.network_policy;
  out["team"] = entry.team.empty() ? json::Value() : json::Value(entry.team);
  out["image"] = entry.image;
  out["created"] = entry.created;
  if (entry.session) {
    out["session"]["id"] = entry.session->id;
    out["session"]["status"] = session::to_string(entry.session->status);
    out["session"]["started"] = entry.session->started;
    if (!entry.session->ended.empty()) out["session"]["ended"] = entry.session->ended;
    if (entry.session->exit_code) out["session"]["exit_code"] = *entry.session->exit_code;
  }
  if (!entry.problem.empty()) out["problem"] = entry.problem;
  return out;
}

/// What the engines that matter say. One that does not answer is told, and makes the exit code.
struct Listed {
  app::EngineSet engines;
  session::SandboxListing sandboxes;
  std::vector<std::string> errors;
  Kind kind = Kind::prereq;
};

Result<Listed> look(Env& env, const Args& args) {
  Listed out;
  SCC_TRY(out.engines, app::reach_engines(env.host, args.get("runtime"), app::Reach::records));
  out.sandboxes = session::list_what_answers(out.engines.runtimes(), env.host.paths, env.host.env);
  if (out.sandboxes.entries.empty() && out.sandboxes.errors.size() == out.engines.engines.size()) {
    return fail(Error(out.sandboxes.errors.front()));
  }
  for (const Error& error : out.engines.down) out.errors.push_back(error.message);
  for (const Error& error : out.sandboxes.errors) out.errors.push_back(error.message);
  return out;
}

/// The end of a command whose answer is not whole.
int conclude(Env& env, const std::vector<std::string>& errors, Kind kind) {
  if (!env.console.json()) {
    for (const std::string& error : errors) env.console.warning(error);
  }
  return errors.empty() ? 0 : exit_code(kind);
}

Result<int> run_list(Env& env, const Args& args) {
  SCC_TRY(const Listed listed, look(env, args));
  json::Array sandboxes;
  std::vector<std::vector<std::string>> rows;
  for (const session::SandboxEntry& entry : listed.sandboxes.entries) {
    sandboxes.push_back(entry_json(entry));
    rows.push_back(
        {entry.name, entry.state, entry.provider, entry.network_policy, entry.runtime, entry.workspace});
    if (!entry.problem.empty()) env.host.warn(entry.name + ": " + entry.problem);
  }
  json::Value data;
  data["count"] = static_cast<std::int64_t>(sandboxes.size());
  data["sandboxes"] = std::move(sandboxes);
  env.console.table({"NAME", "STATE", "PROVIDER", "NETWORK", "RUNTIME", "WORKSPACE"}, rows);
  if (rows.empty()) env.console.hint("run `scc start` in a repository to make one");
  env.console.envelope("SandboxList", data, listed.errors);
  return conclude(env, listed.errors, listed.kind);
}

Result<std::vector<session::SandboxEntry>> to_stop(Env& env, const Args& args,
                                                   const std::vector<session::SandboxEntry>& listed) {
  std::vector<session::SandboxEntry> running;
  for (const session::SandboxEntry& entry : listed) {
    if (entry.state != "stopped") running.push_back(entry);
  }
  if (!args.positional.empty()) {
    SCC_TRY(const session::SandboxEntry entry, app::find_sandbox(env.host, listed, args.positional[0]));
    return std::vector<session::SandboxEntry>{entry};
  }
  if (args.has("all") || running.size() <= 1) return running;
  std::vector<std::string> lines;
  for (const session::SandboxEntry& entry : running) {
    lines.push_back(entry.name + "  " + entry.state + "  " + entry.workspace);
  }
  if (may_ask(env)) {
    lines.emplace_back("all of them");
    SCC_TRY(const std::size_t index, picked(env, "stop", lines, "a name or --all"));
    if (index == running.size()) return running;
    return std::vector<session::SandboxEntry>{running[index]};
  }
  return fail(Error{Kind::usage, "cli.which", std::to_string(running.size()) + " sandboxes run",
                    "run `scc stop NAME` or `scc stop --all`", std::move(lines)});
}

Result<int> run_stop(Env& env, const Args& args) {
  if (args.has("all") && !args.positional.empty()) {
    return fail(Kind::usage, "cli.usage", "a name and --all exclude each other", "run `scc stop --help`");
  }
  SCC_TRY(const Listed listed, look(env, args));
  SCC_TRY(const auto chosen, to_stop(env, args, listed.sandboxes.entries));
  const session::StopOutcome outcome = session::stop_sandboxes(chosen, listed.engines.runtimes(),
                                                               env.host.paths, app::more_runtimes(env.host));
  json::Array stopped;
  for (const session::SandboxEntry& entry : outcome.stopped) {
    stopped.emplace_back(entry.name);
    env.console.line("stopped " + entry.name + "  " + entry.workspace);
  }
  if (chosen.empty()) env.console.note("no sandbox runs");
  json::Value data;
  data["stopped"] = std::move(stopped);
  // With a name the engines that are down do not matter: what was meant was found.
  std::vector<std::string> errors = args.positional.empty() ? listed.errors : std::vector<std::string>();
  const Kind kind = outcome.errors.empty() ? listed.kind : Kind::tool;
  for (const Error& error : outcome.errors) errors.push_back(error.message);
  env.console.envelope("SandboxStop", data, errors);
  if (!env.console.json()) SCC_CHECK(session::stop_status(outcome));
  return conclude(env, errors, kind);
}

json::Value item_json(const session::PruneItem& item) {
  json::Value out;
  out["what"] = session::to_string(item.what);
  out["name"] = item.name;
  out["id"] = item.id;
  out["instance"] = item.instance;
  if (!item.runtime.empty()) out["runtime"] = item.runtime;
  out["reason"] = item.reason;
  return out;
}

void print_items(ui::Console& console, std::string_view verb, const std::vector<session::PruneItem>& items) {
  for (const session::PruneItem& item : items) {
    console.line(std::string(verb) + " " + std::string(session::to_string(item.what)) + "  " + item.name +
                 "  (" + item.reason + ")");
  }
}

json::Value items_json(const std::vector<session::PruneItem>& items) {
  json::Array out;
  for (const session::PruneItem& item : items) out.push_back(item_json(item));
  return out;
}

/// Records that are too old go with the sandboxes; `scc session prune` has the knobs.
Result<std::vector<std::string>> prune_records(Env& env, bool dry_run) {
  session::RetentionOptions options;
  options.now = app::Host::now();
  SCC_TRY(const auto removed, app::prune_sessions(env.host, options, dry_run));
  std::vector<std::string> out;
  for (const session::StoredSession& record : removed) {
    env.console.line(std::string(dry_run ? "would remove" : "removed") + " session record  " + record.id +
                     "  (ended " + record.ended + ")");
    out.push_back(record.id);
  }
  return out;
}

Result<int> run_prune(Env& env, const Args& args) {
  SCC_TRY(const app::EngineSet engines,
          app::reach_engines(env.host, args.get("runtime"), app::Reach::everything));
  const std::vector<plugin::Runtime*> runtimes = engines.runtimes();
  // What an engine that is down holds cannot be judged: its instances are among the skipped ones.
  for (const Error& error : engines.down) env.host.warn(error.message);
  SCC_TRY(const session::PruneReport report, session::plan_prune(runtimes, env.host.paths, env.host.env));
  json::Value data;
  data["dry_run"] = args.has("dry-run");
  data["skipped"] = json::Value::strings(report.skipped);
  SCC_TRY(const auto old_sessions, prune_records(env, args.has("dry-run")));
  data["sessions"] = json::Value::strings(old_sessions);
  if (args.has("dry-run")) {
    data["items"] = items_json(report.items);
    print_items(env.console, "would remove", report.items);
    if (report.items.empty()) env.console.note("nothing to remove");
    env.console.envelope("Prune", data);
    return 0;
  }
  const std::vector<std::string> workspaces = app::workspaces_of(env.host, report);
  const session::PruneOutcome outcome = session::apply_prune(report, runtimes, env.host.paths);
  app::release_git_guards(env.host, workspaces);
  data["items"] = items_json(outcome.removed);
  data["kept"] = items_json(outcome.kept);
  print_items(env.console, "removed", outcome.removed);
  if (report.items.empty()) env.console.note("nothing to remove");
  std::vector<std::string> errors;
  for (const Error& error : outcome.errors) errors.push_back(error.message);
  env.console.envelope("Prune", data, errors);
  if (!env.console.json()) {
    for (const std::string& error : errors) env.console.warning(error);
  }
  return errors.empty() ? 0 : exit_code(Kind::tool);
}

Result<int> run_status(Env& env, const Args& args) {
  app::LaunchOptions options;
  options.runtime = args.get("runtime");
  options.team = args.get("team");
  SCC_TRY(const app::StatusReport report, app::status(env.host, options));
  const auto row = [&](std::string_view name, const std::string& value) {
    if (!value.empty()) env.console.line(std::string(name) + std::string(12 - name.size(), ' ') + value);
  };
  row("workspace",
      report.workspace.empty() ? "(none here: " + report.workspace_problem + ")" : report.workspace);
  row("policy", report.organization.empty()
                    ? "standalone, no organisation"
                    : report.organization + (report.team.empty() ? ", no team" : ", team " + report.team));
  row("provider", report.provider);
  row("runtime", report.runtime + " " + report.runtime_version + "  " + report.endpoint);
  row("network",
      report.network_policy + (report.network_policy == "open" ? " (no isolation is claimed)" : ""));
  row("safety", report.safety_action + "  policy " + report.safety_digest.substr(0, 12));
  row("image", report.image_ref + "  " + report.image_state);
  row("running", std::to_string(report.running) + " sandbox(es)");
  row("sandbox", report.sandbox);
  row("session", report.session);
  for (const std::string& note : report.notes) env.host.warn(note);
  json::Value data;
  data["workspace"] = report.workspace.empty() ? json::Value() : json::Value(report.workspace);
  data["provider"] = report.provider;
  data["runtime"]["id"] = report.runtime;
  data["runtime"]["version"] = report.runtime_version;
  data["runtime"]["endpoint"] = report.endpoint;
  data["network_policy"] = report.network_policy;
  data["safety"]["action"] = report.safety_action;
  data["safety"]["policy_digest"] = report.safety_digest;
  data["organization"] = report.organization.empty() ? json::Value() : json::Value(report.organization);
  data["team"] = report.team.empty() ? json::Value() : json::Value(report.team);
  data["image"]["ref"] = report.image_ref;
  data["image"]["state"] = report.image_state;
  data["running"] = report.running;
  data["sandbox"] = report.sandbox.empty() ? json::Value() : json::Value(report.sandbox);
  data["session"] = report.session.empty() ? json::Value() : json::Value(report.session);
  env.console.envelope("Status", data);
  return 0;
}

std::string size_text(const std::optional<std::int64_t>& bytes) {
  if (!bytes) return "?";
  if (*bytes < 1'000'000) return std::to_string(*bytes / 1000) + " kB";
  return std::to_string(*bytes / 1'000'000) + " MB";
}

Result<int> run_du(Env& env, const Args& args) {
  SCC_TRY(const app::DiskReport report, app::disk_usage(env.host, args.get("runtime")));
  json::Array items;
  std::vector<std::vector<std::string>> rows;
  std::map<std::string, std::int64_t> totals;
  for (const app::DiskItem& item : report.items) {
    json::Value one;
    one["what"] = item.what;
    one["name"] = item.name;
    one["runtime"] = item.runtime.empty() ? json::Value() : json::Value(item.runtime);
    one["detail"] = item.detail.empty() ? json::Value() : json::Value(item.detail);
    one["bytes"] = item.bytes ? json::Value(*item.bytes) : json::Value();
    totals[item.what] += item.bytes.value_or(0);
    rows.push_back({item.what, size_text(item.bytes), item.name, item.runtime, item.detail});
    items.push_back(std::move(one));
  }
  env.console.table({"WHAT", "SIZE", "NAME", "RUNTIME", "OF"}, rows);
  json::Value data;
  data["items"] = std::move(items);
  data["totals"] = json::Object{};
  for (const auto& [what, bytes] : totals) data["totals"][what] = bytes;
  env.console.envelope("DiskUsage", data, report.problems);
  return conclude(env, report.problems, Kind::prereq);
}

}  // namespace

std::vector<Command> sandbox_commands() {
  return {
      {"list", "list your sandboxes", "", {kRuntimeOption}, 0, false, run_list},
      {"status",
       "show what a start here would use, and what runs",
       "",
       {kRuntimeOption},
       0,
       false,
       run_status},
      {"stop",
       "stop a sandbox; the one that runs, when only one does",
       "[NAME | ID PREFIX | SESSION | PATH]",
       {kRuntimeOption, {"all", 0, "", "every one of yours"}},
       1,
       false,
       run_stop},
      {"prune",
       "remove stopped sandboxes and whatever a crash left behind; never images, never sign-ins",
       "",
       {kRuntimeOption, {"dry-run", 0, "", "only say what would be removed"}},
       0,
       false,
       run_prune},
      {"du",
       "what sandboxes, volumes, images and records take on disk",
       "",
       {kRuntimeOption},
       0,
       false,
       run_du},
  };
}

}  // namespace scc::cli
