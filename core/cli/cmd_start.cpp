// SPDX-License-Identifier: Apache-2.0
// `scc start` and `scc shell`.
#include <unistd.h>

#include "app/launch.h"
#include "cli/command.h"
#include "os/tty.h"

namespace scc::cli {

namespace {

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
  out.dry_run = args.has("dry-run");
  out.tty = os::is_tty(STDIN_FILENO) && os::is_tty(STDOUT_FILENO) && !env.console.json();
  return out;
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
  row("plan", plan.str("/id"));
  for (const std::string& problem : prepared.not_ready) console.warning(problem);
}

Result<int> run_start(Env& env, const Args& args) {
  app::LaunchOptions options = launch_options(env, args);
  if (!args.positional.empty()) options.workspace = args.positional[0];
  if (!options.dry_run) {
    if (env.console.json()) {
      return fail(Kind::usage, "cli.usage", "the agent owns stdout, so --json needs --dry-run",
                  "run `scc start --dry-run --json`");
    }
    return app::start(env.host, options);
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
        {"resume", 'r', "", "continue the agent's last conversation here"},
        {"allow-suspicious-workspace", 0, "", "accept a directory that is no repository, such as /tmp"},
        {"allow-external-git-dir", 0, "", "mount the git directory of a linked worktree, too"},
        {"allow-root", 0, "",
         "run as uid 0, without any capability, where root's files cannot be id-mapped"}},
       1,
       true,
       run_start},
      {"shell",
       "open a shell, or run a command, in a running sandbox",
       "[NAME | ID PREFIX] [-- COMMAND ARGS...]",
       {provider, runtime},
       1,
       true,
       run_shell},
  };
}

}  // namespace scc::cli
