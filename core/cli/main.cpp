// SPDX-License-Identifier: Apache-2.0
// Entry point: parse, make the console, run the command, map the result to an exit code. Exceptions stop
// here.
#include <algorithm>
#include <cctype>
#include <cstdio>
#include <exception>
#include <unistd.h>

#include "base/str.h"
#include "builtin/builtin.h"
#include "cli/ask.h"
#include "cli/command.h"
#include "os/tty.h"
#include "plugin/probe.h"

namespace scc::cli {

namespace {

bool truthy(const os::Environment& env, std::string_view name) {
  const auto value = env.get(name);
  return value && !value->empty() && *value != "0" && *value != "false" && *value != "no";
}

bool in_ci(const os::Environment& env) {
  for (const char* name : {"CI", "CONTINUOUS_INTEGRATION", "BUILD_NUMBER", "GITHUB_ACTIONS", "GITLAB_CI"}) {
    if (truthy(env, name)) return true;
  }
  return false;
}

ui::ConsoleOptions console_options(const os::Environment& env, const Parsed& parsed) {
  const Args& args = parsed.args;
  ui::ConsoleOptions out;
  out.version = std::string(app::kVersion);
  out.command = parsed.command != nullptr ? std::string(parsed.command->path) : "start";
  out.pretty = args.has("pretty");
  out.json = args.has("json") || out.pretty;
  out.quiet = args.has("quiet");
  out.debug = args.has("debug");
  const auto term = env.get("TERM");
  const bool plain = !term || term->empty() || *term == "dumb" || *term == "unknown";
  const bool tty = os::is_tty(STDERR_FILENO);
  out.color = (tty && !plain && !env.get("NO_COLOR")) || env.get("FORCE_COLOR").has_value();
  out.progress = tty && !plain && !in_ci(env) && !truthy(env, "SCC_NO_PROGRESS");
  return out;
}

/// Errors that come before a command line could be parsed still honour --json.
int early_error(const Error& error, const std::vector<std::string>& argv) {
  const auto end = std::find(argv.begin(), argv.end(), "--");
  ui::ConsoleOptions options;
  options.version = std::string(app::kVersion);
  options.pretty = std::find(argv.begin(), end, "--pretty") != end;
  options.json = options.pretty || std::find(argv.begin(), end, "--json") != end;
  return ui::Console(options).error(error);
}

Result<int> run_command(const Parsed& parsed, const os::Environment& environment, ui::Console& console) {
  plugin::Options options;
  for (const std::string& dir : parsed.args.all("plugin-dir")) options.plugin_dirs.emplace_back(dir);
  options.allow_override = parsed.args.all("allow-override");
  options.builtins = builtin::plugins();
  Env env{app::Host(environment, options), console, parsed.args.has("yes"), false};
  env.interactive = !console.json() && !parsed.args.has("non-interactive") && !in_ci(environment) &&
                    !truthy(environment, "SCC_NONINTERACTIVE") && os::is_tty(STDIN_FILENO);
  env.host.progress = [&](std::string_view text) { console.progress(text); };
  env.host.detail = [&](std::string_view text) { console.detail(text); };
  env.host.tell = [&](std::string_view text) { console.note(text); };
  if (env.interactive) {
    env.host.choose = [&](const std::string& question, const std::vector<std::string>& rows,
                          std::size_t fallback) { return chosen(env, question, rows, fallback); };
  }
  env.host.warn = [&](std::string_view text) { console.add_warning(std::string(text)); };
  static const std::vector<Command> start = start_commands();
  const Command& command = parsed.command != nullptr ? *parsed.command : start.front();
  return command.run(env, parsed.args);
}

int run(const std::vector<std::string>& argv) {
  const Result<Parsed> parsed = parse(argv);
  if (!parsed) return early_error(parsed.error(), argv);
  const Args& args = parsed->args;
  if (args.has("help")) {
    const std::string group = args.get("help-group");
    const std::string text = group.empty() ? help(parsed->command) : group_help(group);
    std::fwrite(text.data(), 1, text.size(), stdout);
    return 0;
  }
  if (args.has("version") && parsed->command == nullptr) {
    std::printf("scc %s\n", SCC_VERSION);
    return 0;
  }
  if (args.has("help-group") && (args.has("json") || args.has("pretty"))) {
    return early_error({Kind::usage,
                        "cli.usage",
                        "which command of `scc " + args.get("help-group") + "`?",
                        "run `scc " + args.get("help-group") + " --help`",
                        {}},
                       argv);
  }
  if (args.has("help-group")) {
    const std::string text = group_help(args.get("help-group"));
    std::fwrite(text.data(), 1, text.size(), stderr);
    return exit_code(Kind::usage);
  }
  const os::Environment environment = os::Environment::current();
  ui::Console console(console_options(environment, *parsed));
  os::install_cancel_handlers();
  const Result<int> code = run_command(*parsed, environment, console);
  console.clear_progress();
  return code ? *code : console.error(code.error());
}

}  // namespace

}  // namespace scc::cli

int main(int argc, char** argv) {
  if (argc >= 2 && std::string_view(argv[1]) == "__probe") return scc::plugin::probe_main(argc, argv);
  std::vector<std::string> args(argv + 1, argv + argc);
  try {
    return scc::cli::run(args);
  } catch (const std::exception& cause) {
    return scc::cli::early_error({scc::Kind::internal,
                                  "internal",
                                  std::string("unexpected failure: ") + cause.what(),
                                  "this is a bug in scc: report it with the command you ran",
                                  {}},
                                 args);
  }
}
