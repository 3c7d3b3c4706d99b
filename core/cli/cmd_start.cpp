// SPDX-License-Identifier: Apache-2.0
// `scc start`, `scc attach` and `scc shell`.
#include <unistd.h>

#include "app/join.h"
#include "app/sessions.h"
#include "cli/ask.h"
#include "cli/start.h"
#include "os/tty.h"

namespace scc::cli {

app::LaunchOptions launch_options(const Env& env, const Args& args) {
  app::LaunchOptions out;
  out.provider = args.get("provider");
  out.runtime = args.get("runtime");
  out.team = args.get("team");
  out.standalone = args.has("standalone");
  out.offline = args.has("offline");
  out.agent_args = args.rest;
  out.allow_root = args.has("allow-root");
  out.allow_suspicious = args.has("allow-suspicious-workspace");
  out.allow_external_git_dir = args.has("allow-external-git-dir");
  out.fresh = args.has("fresh");
  out.resume = args.has("resume");
  out.resume_ref = args.get("resume");
  out.session_name = args.get("session");
  out.shell = args.has("shell");
  out.dry_run = args.has("dry-run");
  out.tty = os::is_tty(STDIN_FILENO) && os::is_tty(STDOUT_FILENO) && !env.console.json();
  return out;
}

std::vector<OptionSpec> resume_options() {
  return {
      {"runtime", 0, "ID", "the container runtime to use"},
      {"fresh", 0, "", "end and replace a sandbox that is there, whoever uses it"},
      {"offline", 0, "", "use the cached configuration only"},
      {"allow-suspicious-workspace", 0, "", "accept a directory that is no repository, such as /tmp"},
      {"allow-external-git-dir", 0, "", "mount the git directory of a linked worktree, too"},
      {"allow-root", 0, "", "run as uid 0, without any capability, where root's files cannot be id-mapped"}};
}

Status check_session_name(const std::string& name) {
  if (session::valid_session_name(name)) return {};
  return fail(Kind::usage, "session.name", "a session cannot be named \"" + name + "\"",
              "use 1 to 64 of A-Z a-z 0-9 . _ - and blanks inside");
}

Result<int> start_with_questions(Env& env, app::LaunchOptions options) {
  std::string sandbox;
  const auto code = app::start(env.host, options, &sandbox);
  const bool conflict = !code && code.error().id == "sandbox.conflict" && !sandbox.empty();
  if (!conflict || !may_ask(env) || !options.tty) return code;
  env.console.warning(code.error().message);
  SCC_TRY(const std::size_t answer,
          picked(env, "what now",
                 {"attach: another agent in that sandbox", "keep: leave it as it is",
                  "replace: end it and start anew", "cancel"},
                 "--fresh"));
  enum : std::size_t { kAttach, kKeep, kReplace };
  if (answer == kAttach) return app::attach(env.host, options, sandbox);
  if (answer == kKeep) return 0;
  if (answer != kReplace) return declined();
  options.fresh = true;
  return app::start(env.host, options);
}

namespace {

/// `--select`: the user picks among the last sessions.
Status select_session(Env& env, app::LaunchOptions& options) {
  constexpr std::size_t kOffered = 10;
  if (!may_ask(env)) {
    return fail(Kind::usage, "cli.missing", "--select needs a terminal to ask at",
                "run `scc start --resume`, or `--resume=ID`");
  }
  SCC_TRY(const auto sessions, app::resumable_sessions(env.host, options, kOffered));
  if (sessions.empty()) {
    return fail(Kind::not_found, "session.none", "there is no session to go on with", "run `scc start`");
  }
  std::vector<std::string> lines;
  for (const session::StoredSession& record : sessions) {
    lines.push_back(record.name + "  " + record.workspace + "  " + record.provider + "  " + record.started);
  }
  SCC_TRY(const std::size_t index, picked(env, "go on with", lines, "--resume=ID"));
  options.resume = true;
  options.resume_ref = sessions[index].id;
  return {};
}

void print_plan(ui::Console& console, const app::Prepared& prepared) {
  const json::Value& plan = prepared.plan;
  const auto row = [&](std::string_view name, const std::string& value) {
    console.line(std::string(name) + std::string(12 - name.size(), ' ') + value);
  };
  row("workspace", plan.str("/workspace/root"));
  row("provider", plan.str("/provider/id"));
  row("runtime", plan.str("/runtime/id") + "  " + plan.str("/runtime/endpoint"));
  row("image", plan.str("/image/ref") + "  " + plan.str("/image/state"));
  row("network", plan.str("/network/mode") + "  decided by " + plan.str("/governance/network_source"));
  if (!plan.flag("/governance/standalone")) {
    row("policy", plan.str("/governance/organization") + "  team " +
                      (plan.str("/governance/team").empty() ? "(none)" : plan.str("/governance/team")));
  }
  row("user", std::to_string(plan.integer("/identity/uid")) + ":" +
                  std::to_string(plan.integer("/identity/gid")) + "  (" + plan.str("/identity/mapping") +
                  ", files belong to " + std::to_string(plan.integer("/identity/owner_uid")) + ")");
  const json::Value* mounts = plan.at("/sandbox/mounts");
  for (const json::Value& mount : mounts->items()) {
    row("mount", mount.str("/type") + "  " + mount.str("/target") +
                     (mount.flag("/read_only") ? "  read-only" : "") +
                     (mount.str("/source").empty() ? "" : "  from " + mount.str("/source")));
  }
  std::string argv;
  for (const std::string& arg : plan.strings_at("/exec/argv")) argv += (argv.empty() ? "" : " ") + arg;
  row("agent", argv);
  if (const std::string id = plan.str("/session/resumes"); !id.empty()) {
    row("session", plan.str("/session/name") + "  " + id);
  }
  row("plan", plan.str("/id"));
  for (const std::string& problem : prepared.not_ready) console.warning(problem);
}

Result<int> run_start(Env& env, const Args& args) {
  app::LaunchOptions options = launch_options(env, args);
  if (!args.positional.empty()) options.workspace = args.positional[0];
  if (!options.session_name.empty() || args.has("session")) {
    SCC_CHECK(check_session_name(options.session_name));
  }
  if (options.shell && (options.resume || args.has("select"))) {
    return fail(Kind::usage, "cli.usage",
                "--shell starts no agent, so there is no conversation to go on with",
                "run `scc start --shell`, or `scc start --resume`");
  }
  if (args.has("select")) SCC_CHECK(select_session(env, options));
  if (!options.dry_run) {
    if (env.console.json()) {
      return fail(Kind::usage, "cli.usage", "the agent owns stdout, so --json needs --dry-run",
                  "run `scc start --dry-run --json`");
    }
    return start_with_questions(env, std::move(options));
  }
  SCC_TRY(const app::Prepared prepared, app::prepare(env.host, options));
  print_plan(env.console, prepared);
  json::Value data;
  data["plan"] = prepared.plan;
  data["ready_to_start"] = prepared.not_ready.empty();
  data["not_ready"] = json::Value::strings(prepared.not_ready);
  env.console.envelope("StartDryRun", data);
  return 0;
}

Result<int> run_shell(Env& env, const Args& args) {
  const app::LaunchOptions options = launch_options(env, args);
  return app::shell(env.host, options, args.positional.empty() ? std::string() : args.positional[0],
                    args.rest);
}

Result<int> run_attach(Env& env, const Args& args) {
  if (env.console.json()) {
    return fail(Kind::usage, "cli.usage", "the agent owns stdout, so there is no --json here",
                "run `scc list --json`");
  }
  const app::LaunchOptions options = launch_options(env, args);
  return app::attach(env.host, options, args.positional.empty() ? std::string() : args.positional[0]);
}

}  // namespace

std::vector<Command> start_commands() {
  const OptionSpec runtime = {"runtime", 0, "ID", "the container runtime to use"};
  const OptionSpec provider = {"provider", 0, "ID", "the agent to run"};
  return {
      {"start",
       "run the agent in a sandbox of this repository",
       "[PATH] [-- AGENT ARGS...]",
       {provider,
        runtime,
        {"team", 't', "TEAM", "the team whose configuration applies"},
        {"standalone", 0, "", "without the organisation, where it allows that"},
        {"offline", 0, "", "use the cached configuration only"},
        {"dry-run", 0, "", "print the plan; change nothing"},
        {"resume", 'r', "ID|NAME", "go on with the last session here, or with that one", false, true},
        {"select", 's', "", "choose the session to go on with"},
        {"session", 0, "NAME", "a session of that name, in a sandbox of its own"},
        {"shell", 0, "", "a shell, or what follows --, in the agent's place, without its sign-in"},
        {"fresh", 0, "", "end and replace a sandbox that is there, whoever uses it"},
        {"allow-suspicious-workspace", 0, "", "accept a directory that is no repository, such as /tmp"},
        {"allow-external-git-dir", 0, "", "mount the git directory of a linked worktree, too"},
        {"allow-root", 0, "",
         "run as uid 0, without any capability, where root's files cannot be id-mapped"}},
       1,
       true,
       run_start},
      {"attach",
       "run another agent in a running sandbox",
       "[NAME | ID PREFIX | SESSION | PATH] [-- AGENT ARGS...]",
       {provider, runtime},
       1,
       true,
       run_attach},
      {"shell",
       "open a shell, or run a command, in a running sandbox",
       "[NAME | ID PREFIX | SESSION | PATH] [-- COMMAND ARGS...]",
       {provider, runtime},
       1,
       true,
       run_shell},
  };
}

}  // namespace scc::cli
