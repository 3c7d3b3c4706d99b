// SPDX-License-Identifier: Apache-2.0
// `scc list`, `stop`, `status` and `prune`: what runs, what was left behind.
#include "app/cleanup.h"
#include "app/engine.h"
#include "app/launch.h"
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

Result<std::vector<session::SandboxEntry>> entries(Env& env, const app::Engine& engine) {
  return session::list_sandboxes({engine.runtime.get()}, env.host.paths, env.host.env);
}

Result<int> run_list(Env& env, const Args& args) {
  SCC_TRY(const app::Engine engine, app::choose_engine(env.host, args.get("runtime")));
  SCC_TRY(const auto listed, entries(env, engine));
  json::Array sandboxes;
  std::vector<std::vector<std::string>> rows;
  for (const session::SandboxEntry& entry : listed) {
    sandboxes.push_back(entry_json(entry));
    rows.push_back({entry.name, entry.state, entry.provider, entry.network_policy, entry.workspace});
    if (!entry.problem.empty()) env.host.warn(entry.name + ": " + entry.problem);
  }
  json::Value data;
  data["count"] = static_cast<std::int64_t>(sandboxes.size());
  data["sandboxes"] = std::move(sandboxes);
  env.console.table({"NAME", "STATE", "PROVIDER", "NETWORK", "WORKSPACE"}, rows);
  if (rows.empty()) env.console.hint("run `scc start` in a repository to make one");
  env.console.envelope("SandboxList", data);
  return 0;
}

Result<std::vector<session::SandboxEntry>> to_stop(Env& env, const Args& args,
                                                   const std::vector<session::SandboxEntry>& listed) {
  std::vector<session::SandboxEntry> running;
  for (const session::SandboxEntry& entry : listed) {
    if (entry.state != "stopped") running.push_back(entry);
  }
  if (!args.positional.empty()) {
    SCC_TRY(const session::SandboxEntry entry, session::resolve_sandbox(listed, args.positional[0]));
    return std::vector<session::SandboxEntry>{entry};
  }
  if (args.has("all") || running.size() <= 1) return running;
  Error error{Kind::usage,
              "cli.which",
              std::to_string(running.size()) + " sandboxes run",
              "run `scc stop NAME` or `scc stop --all`",
              {}};
  for (const session::SandboxEntry& entry : running)
    error.context.push_back(entry.name + "  " + entry.workspace);
  static_cast<void>(env);
  return fail(std::move(error));
}

Result<int> run_stop(Env& env, const Args& args) {
  if (args.has("all") && !args.positional.empty()) {
    return fail(Kind::usage, "cli.usage", "a name and --all exclude each other", "run `scc stop --help`");
  }
  SCC_TRY(const app::Engine engine, app::choose_engine(env.host, args.get("runtime")));
  SCC_TRY(const auto listed, entries(env, engine));
  SCC_TRY(const auto chosen, to_stop(env, args, listed));
  const session::StopOutcome outcome =
      session::stop_sandboxes(chosen, {engine.runtime.get()}, env.host.paths);
  json::Array stopped;
  for (const session::SandboxEntry& entry : outcome.stopped) {
    stopped.emplace_back(entry.name);
    env.console.line("stopped " + entry.name + "  " + entry.workspace);
  }
  if (chosen.empty()) env.console.note("no sandbox runs");
  json::Value data;
  data["stopped"] = std::move(stopped);
  std::vector<std::string> errors;
  for (const Error& error : outcome.errors) errors.push_back(error.message);
  if (env.console.json()) {
    env.console.envelope("SandboxStop", data, errors);
    return errors.empty() ? 0 : exit_code(Kind::tool);
  }
  SCC_CHECK(session::stop_status(outcome));
  return 0;
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

Result<int> run_prune(Env& env, const Args& args) {
  SCC_TRY(const app::Engine engine, app::choose_engine(env.host, args.get("runtime")));
  const std::vector<plugin::Runtime*> runtimes = {engine.runtime.get()};
  SCC_TRY(const session::PruneReport report, session::plan_prune(runtimes, env.host.paths, env.host.env));
  json::Value data;
  data["dry_run"] = args.has("dry-run");
  data["skipped"] = json::Value::strings(report.skipped);
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
  row("image", report.image_ref + "  " + report.image_state);
  row("running", std::to_string(report.running) + " sandbox(es)");
  for (const std::string& note : report.notes) env.host.warn(note);
  json::Value data;
  data["workspace"] = report.workspace.empty() ? json::Value() : json::Value(report.workspace);
  data["provider"] = report.provider;
  data["runtime"]["id"] = report.runtime;
  data["runtime"]["version"] = report.runtime_version;
  data["runtime"]["endpoint"] = report.endpoint;
  data["network_policy"] = report.network_policy;
  data["organization"] = report.organization.empty() ? json::Value() : json::Value(report.organization);
  data["team"] = report.team.empty() ? json::Value() : json::Value(report.team);
  data["image"]["ref"] = report.image_ref;
  data["image"]["state"] = report.image_state;
  data["running"] = report.running;
  data["sandbox"] = report.sandbox.empty() ? json::Value() : json::Value(report.sandbox);
  env.console.envelope("Status", data);
  return 0;
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
       "[NAME | ID PREFIX]",
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
  };
}

}  // namespace scc::cli
