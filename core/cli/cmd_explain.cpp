// SPDX-License-Identifier: Apache-2.0
// `scc config explain|validate`, `scc why` and `scc init`: what applies here, who decided it, and what would
// change it.
#include <sys/stat.h>

#include "app/explain.h"
#include "base/str.h"
#include "cli/ask.h"
#include "cli/command.h"
#include "config/project_file.h"

namespace scc::cli {

namespace {

app::ExplainRequest request_of(const Args& args) {
  app::ExplainRequest out;
  out.workspace = args.get("workspace");
  out.team = args.get("team");
  out.provider = args.get("provider");
  return out;
}

/// One line of a record: the members that people look for, in this order.
void print_records(ui::Console& console, const json::Value* list, const std::string& what,
                   const std::vector<std::string>& members) {
  for (const json::Value& record : list->items()) {
    std::string line = what;
    for (const std::string& member : members) line += "  " + record.str("/" + member);
    console.line(line);
  }
}

/// The rows of a section under its title, columns aligned.
void print_explained(ui::Console& console, const json::Value& data) {
  // Without an organisation the name is a word for people; the id is empty.
  const bool none = data.str("/organization/id").empty();
  console.line(none ? "standalone: no organisation's policy applies"
                    : data.str("/organization/name") + ", team " +
                          (data.str("/team").empty() ? "(none)" : data.str("/team")));
  std::string section;
  for (const policy::ExplainRow& row : policy::explain_rows(data)) {
    if (row.section != section) {
      section = row.section;
      console.line("");
      console.line(section);
    }
    std::string line = "  " + row.item;
    if (!row.value.empty()) line += "  " + row.value;
    if (!row.source.empty()) line += "  [" + row.source + (row.rule.empty() ? "" : " " + row.rule) + "]";
    if (!row.note.empty()) line += "  " + row.note;
    console.line(line);
    for (const std::string& remedy : row.remedies) console.line("      -> " + remedy);
  }
}

Result<int> run_explain(Env& env, const Args& args) {
  SCC_TRY(const app::Explained explained, app::explain(env.host, request_of(args), args.get("field")));
  if (!env.console.json()) print_explained(env.console, explained.data);
  env.console.envelope("ConfigExplain", explained.data);
  return 0;
}

Result<int> run_validate(Env& env, const Args& args) {
  SCC_TRY(const app::Validated validated, app::validate_project(env.host, request_of(args)));
  print_records(env.console, validated.data.at("/blocked_items"), "blocked",
                {"item", "blocked_by", "source"});
  print_records(env.console, validated.data.at("/denied_additions"), "denied ", {"item", "reason"});
  for (const std::string& warning : validated.warnings) env.host.warn(warning);
  env.console.note(
      validated.data.flag("/project_config_found")
          ? validated.data.str("/project_config_path") +
                (validated.clean ? ": nothing is refused" : ": some of what it asks for is refused")
          : "there is no .scc.yaml here");
  env.console.envelope("ConfigValidate", validated.data,
                       validated.clean
                           ? std::vector<std::string>{}
                           : std::vector<std::string>{"some of what the project asks for is refused"});
  return validated.clean ? 0 : exit_code(Kind::policy);
}

Result<int> run_why(Env& env, const Args& args) {
  if (args.positional.empty()) {
    return fail(Kind::usage, "cli.usage", "why what?",
                "run `scc why ITEM`: a plugin, MCP server, host, provider or image");
  }
  SCC_TRY(const policy::Why why, app::why(env.host, request_of(args), args.positional[0], args.get("kind")));
  env.console.line(why.item + " (" + why.kind + "): " + why.verdict);
  const auto row = [&](std::string_view what, const std::string& value) {
    if (!value.empty())
      env.console.line("  " + std::string(what) + std::string(9 - what.size(), ' ') + value);
  };
  row("because", why.reason);
  row("code", why.code);
  row("layer", why.source);
  row("rule", why.rule);
  if (!why.changes.empty()) env.console.line("what would change it:");
  for (const policy::Change& change : why.changes)
    env.console.line("  " + change.text + "  (" + change.who + ")");
  env.console.envelope("Why", policy::to_json(why));
  return 0;
}

Result<int> run_init(Env& env, const Args& args) {
  os::stdfs::path folder = args.positional.empty() ? env.host.env.cwd : os::stdfs::path(args.positional[0]);
  if (folder.is_relative()) folder = env.host.env.cwd / folder;
  struct stat info {};
  if (::stat(folder.c_str(), &info) != 0 || !S_ISDIR(info.st_mode)) {
    return fail(Kind::config, "init.directory", str::printable(folder.native()) + " is no directory",
                "name the repository's directory");
  }
  const os::stdfs::path file = (folder / ".scc.yaml").lexically_normal();
  const bool exists = ::lstat(file.c_str(), &info) == 0;
  if (exists && S_ISLNK(info.st_mode)) {
    return fail(Kind::policy, "os.link", str::printable(file.native()) + " is a symbolic link", "remove it");
  }
  if (exists && !args.has("force")) {
    return fail(Kind::config, "init.exists", str::printable(file.native()) + " exists",
                "add --force to overwrite it");
  }
  SCC_CHECK(os::write_file_atomic(file, config::project_template(), 0644));
  const bool git = ::lstat((folder / ".git").c_str(), &info) == 0;
  if (!git) env.host.warn(folder.native() + " is no git repository");
  json::Value data;
  data["file_path"] = file.native();
  data["created"] = true;
  data["overwritten"] = exists;
  data["is_git_repo"] = git;
  env.console.note("wrote " + file.native());
  env.console.hint("edit it, then run: scc config validate");
  env.console.envelope("InitResult", data);
  return 0;
}

}  // namespace

std::vector<Command> explain_commands() {
  const OptionSpec workspace = {"workspace", 0, "PATH", "the repository; the one here without it"};
  const OptionSpec team = {"team", 't', "TEAM", "the team; the selected one without it"};
  const OptionSpec provider = {"provider", 0, "ID", "the agent"};
  return {
      {"config explain",
       "show what applies here, and which layer and rule decided it",
       "",
       {{"field", 0, "FIELD", "one part only: plugins, session, network, mcp_servers, blocked, denied, ..."},
        workspace,
        team,
        provider},
       0,
       false,
       run_explain},
      {"config validate",
       "show what of the project's file is refused",
       "",
       {workspace, team},
       0,
       false,
       run_validate},
      {"why",
       "say why one thing is allowed or refused, and what would change that",
       "ITEM",
       {{"kind", 0, "KIND", "plugin, mcp_server, host, provider, image"}, workspace, team, provider},
       1,
       false,
       run_why},
      {"init",
       "write a commented .scc.yaml",
       "[PATH]",
       {{"force", 'f', "", "overwrite"}},
       1,
       false,
       run_init},
  };
}

}  // namespace scc::cli
