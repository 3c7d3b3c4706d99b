// SPDX-License-Identifier: Apache-2.0
// `scc profile ...`: what one person adds in one repository. A profile is a layer of every launch; nothing of
// it is written into the workspace.
#include <algorithm>

#include "app/profile.h"
#include "base/str.h"
#include "cli/ask.h"
#include "cli/command.h"

namespace scc::cli {

namespace {

json::Value diff_json(const config::ProfileDiff& diff) {
  json::Value out;
  out["added"] = json::Value::strings(diff.added);
  out["removed"] = json::Value::strings(diff.removed);
  out["changed"] = json::Value::strings(diff.changed);
  return out;
}

void print_diff(ui::Console& console, const config::ProfileDiff& diff) {
  for (const std::string& item : diff.added) console.line("+ " + item);
  for (const std::string& item : diff.removed) console.line("- " + item);
  for (const std::string& item : diff.changed) console.line("~ " + item);
  if (diff.same()) console.note("there is no difference");
}

Result<int> run_list(Env& env, const Args& /*args*/) {
  const config::ProfileList list = config::ProfileStore(env.host.paths).list();
  for (const std::string& warning : list.warnings) env.host.warn(warning);
  json::Array items;
  std::vector<std::vector<std::string>> rows;
  for (const model::Personal& profile : list.profiles) {
    json::Value item;
    item["repo_id"] = profile.repo_id;
    item["saved_at"] = profile.saved_at;
    item["plugins"] = static_cast<std::int64_t>(profile.plugins.size());
    item["mcp_servers"] = static_cast<std::int64_t>(profile.mcp_servers.size());
    items.push_back(std::move(item));
    rows.push_back({profile.repo_id, profile.saved_at, std::to_string(profile.plugins.size()),
                    std::to_string(profile.mcp_servers.size())});
  }
  json::Value data;
  data["profiles"] = std::move(items);
  env.console.table({"REPOSITORY", "SAVED", "PLUGINS", "MCP"}, rows);
  if (rows.empty()) env.console.note("there are none; scc profile save --plugin REF makes one");
  env.console.envelope("ProfileList", data);
  return 0;
}

Result<int> run_save(Env& env, const Args& args) {
  app::ProfileEdit edit;
  edit.enable = args.all("plugin");
  edit.disable = args.all("disable");
  edit.mcp_files = args.all("mcp");
  edit.drop = args.all("remove");
  if (edit.enable.empty() && edit.disable.empty() && edit.mcp_files.empty() && edit.drop.empty()) {
    return fail(Kind::usage, "cli.usage", "there is nothing to save",
                "name it: --plugin REF, --disable REF, --mcp FILE or --remove ITEM");
  }
  SCC_TRY(const app::ProfileChange change, app::save_profile(env.host, args.get("workspace"), edit));
  print_diff(env.console, change.diff);
  env.console.note("the profile of " + change.repo_id + " is saved");
  env.console.hint("see what of it takes effect: scc profile status");
  json::Value data = diff_json(change.diff);
  data["repo_id"] = change.repo_id;
  data["file"] = change.file;
  env.console.envelope("ProfileSave", data);
  return 0;
}

Result<int> run_apply(Env& env, const Args& args) {
  if (args.positional.empty()) {
    return fail(Kind::usage, "cli.usage", "which profile?",
                "run `scc profile apply FILE`; a saved profile applies by itself at each start");
  }
  const bool preview = args.has("preview") || args.has("dry-run");
  SCC_TRY(const app::ProfileChange planned,
          app::apply_profile(env.host, args.get("workspace"), args.positional[0], true));
  for (const std::string& warning : planned.warnings) env.host.warn(warning);
  print_diff(env.console, planned.diff);
  if (!preview && !planned.diff.same()) {
    if (planned.replaces && !args.has("force")) {
      SCC_TRY(const bool go, confirmed(env, "replacing your profile of " + planned.repo_id));
      if (!go) return declined();
    }
    SCC_TRY(const app::ProfileChange done,
            app::apply_profile(env.host, args.get("workspace"), args.positional[0], false));
    env.console.note("the profile of " + done.repo_id + " is " + args.positional[0] + " now");
  }
  json::Value data = diff_json(planned.diff);
  data["repo_id"] = planned.repo_id;
  data["preview"] = preview;
  env.console.envelope("ProfileApply", data);
  return 0;
}

Result<int> run_diff(Env& env, const Args& args) {
  if (args.positional.empty()) {
    return fail(Kind::usage, "cli.usage", "compare with what?", "run `scc profile diff FILE`");
  }
  SCC_TRY(const app::ProfileChange planned,
          app::apply_profile(env.host, args.get("workspace"), args.positional[0], true));
  print_diff(env.console, planned.diff);
  json::Value data = diff_json(planned.diff);
  data["repo_id"] = planned.repo_id;
  env.console.envelope("ProfileDiff", data);
  return 0;
}

Result<int> run_status(Env& env, const Args& args) {
  SCC_TRY(const app::ProfileStatus status,
          app::profile_status(env.host, args.get("workspace"), args.get("team")));
  const auto row = [&](std::string_view what, const std::string& value) {
    if (!value.empty()) env.console.line(std::string(what) + std::string(12 - what.size(), ' ') + value);
  };
  row("repository", status.repo_id);
  row("profile", status.saved_at.empty() ? "(none)" : status.file + "  saved " + status.saved_at);
  row("in effect", str::join(status.effective, " "));
  for (const std::string& refused : status.refused) row("refused", refused);
  json::Value data;
  data["repo_id"] = status.repo_id;
  data["file"] = status.file;
  data["saved_at"] = status.saved_at.empty() ? json::Value() : json::Value(status.saved_at);
  data["effective"] = json::Value::strings(status.effective);
  data["refused"] = json::Value::strings(status.refused);
  env.console.envelope("ProfileStatus", data);
  return 0;
}

Result<std::string> repo_option(const Env& env, const Args& args) {
  if (!args.has("repo")) {
    return fail(Kind::usage, "cli.usage", "which repository of profiles?", "add --repo DIR");
  }
  return (env.host.env.cwd / args.get("repo")).lexically_normal().native();
}

Result<int> run_export(Env& env, const Args& args) {
  SCC_TRY(const std::string repo, repo_option(env, args));
  SCC_TRY(const config::ExportReport report,
          config::ProfileStore(env.host.paths).export_to(repo, args.all("id")));
  for (const std::string& id : report.exported) env.console.line("exported   " + id);
  for (const std::string& id : report.unchanged) env.console.line("unchanged  " + id);
  env.console.hint("commit " + repo + "/.scc/profiles to share it");
  json::Value data;
  data["repo"] = repo;
  data["exported"] = json::Value::strings(report.exported);
  data["unchanged"] = json::Value::strings(report.unchanged);
  env.console.envelope("ProfileExport", data);
  return 0;
}

Result<int> run_import(Env& env, const Args& args) {
  SCC_TRY(const std::string repo, repo_option(env, args));
  config::ImportOptions options;
  options.force = args.has("force");
  options.dry_run = args.has("preview") || args.has("dry-run");
  SCC_TRY(const config::ImportReport report, config::ProfileStore(env.host.paths).import_from(repo, options));
  for (const std::string& warning : report.warnings) env.host.warn(warning);
  const std::string verb = options.dry_run ? "would import  " : "imported   ";
  for (const std::string& id : report.imported) env.console.line(verb + id);
  for (const std::string& id : report.identical) env.console.line("identical  " + id);
  for (const std::string& id : report.differing)
    env.console.line("differs    " + id + "  (--force replaces yours)");
  json::Value data;
  data["repo"] = repo;
  data["dry_run"] = options.dry_run;
  data["imported"] = json::Value::strings(report.imported);
  data["identical"] = json::Value::strings(report.identical);
  data["differing"] = json::Value::strings(report.differing);
  env.console.envelope("ProfileImport", data);
  return 0;
}

}  // namespace

std::vector<Command> profile_commands() {
  const OptionSpec workspace = {"workspace", 0, "PATH", "the repository; the one here without it"};
  const OptionSpec repo = {"repo", 0, "DIR", "a repository that holds profiles"};
  const OptionSpec force = {"force", 0, "", "replace what differs"};
  const OptionSpec preview = {"preview", 0, "", "show what would change"};
  const OptionSpec dry = {"dry-run", 0, "", "the same"};
  return {
      {"profile list", "list your profiles", "", {}, 0, false, run_list},
      {"profile save",
       "add to your profile of this repository",
       "",
       {{"plugin", 0, "REF", "a plugin to add (repeatable)", true},
        {"disable", 0, "REF", "a plugin to switch off (repeatable)", true},
        {"mcp", 0, "FILE", "a JSON file with one MCP server, or mcpServers (repeatable)", true},
        {"remove", 0, "ITEM", "take an item out of the profile (repeatable)", true},
        workspace},
       0,
       false,
       run_save},
      {"profile apply",
       "make a profile document yours for this repository",
       "FILE",
       {preview, dry, force, workspace},
       1,
       false,
       run_apply},
      {"profile diff", "compare your profile with a document", "FILE", {workspace}, 1, false, run_diff},
      {"profile status",
       "show what of your profile takes effect here",
       "",
       {workspace, {"team", 't', "TEAM", "the team"}},
       0,
       false,
       run_status},
      {"profile export",
       "write profiles into a repository, to share them",
       "",
       {repo, {"id", 0, "REPO ID", "only this one (repeatable)", true}},
       0,
       false,
       run_export},
      {"profile import",
       "take profiles over from a repository",
       "",
       {repo, force, preview, dry},
       0,
       false,
       run_import},
  };
}

}  // namespace scc::cli
