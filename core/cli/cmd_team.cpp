// SPDX-License-Identifier: Apache-2.0
// `scc setup` and `scc team ...`: which organisation and which team this machine works for.
#include <algorithm>

#include "app/federated.h"
#include "app/organisation.h"
#include "base/str.h"
#include "cli/ask.h"
#include "cli/command.h"
#include "config/user_config_edit.h"

namespace scc::cli {

namespace {

json::Value team_json(const model::Team& team, const std::string& current) {
  json::Value out;
  out["name"] = team.name;
  out["description"] = team.description;
  out["plugins"] = json::Value::strings(team.additional_plugins);
  out["is_federated"] = team.config_source.has_value();
  out["is_current"] = team.name == current;
  return out;
}

std::string cut(const std::string& text, std::size_t most) {
  return text.size() <= most ? text : text.substr(0, most - 3) + "...";
}

Result<int> run_list(Env& env, const Args& /*args*/) {
  SCC_TRY(const config::UserConfig* config, env.host.config());
  SCC_TRY(const app::OrgState state, app::org_state(env.host));
  json::Array teams;
  std::vector<std::vector<std::string>> rows;
  for (const auto& [name, team] : state.org->profiles) {
    teams.push_back(team_json(team, config->selected_profile));
    rows.push_back({(name == config->selected_profile ? "* " : "  ") + name, cut(team.description, 40),
                    str::join(team.additional_plugins, " ")});
  }
  json::Value data;
  data["teams"] = std::move(teams);
  data["current"] = config->selected_profile.empty() ? json::Value() : json::Value(config->selected_profile);
  env.console.table({"  TEAM", "DESCRIPTION", "PLUGINS"}, rows);
  if (rows.empty()) env.console.note(state.org->organization.name + " defines no team");
  env.console.envelope("TeamList", data);
  return 0;
}

Result<int> run_current(Env& env, const Args& /*args*/) {
  SCC_TRY(const config::UserConfig* config, env.host.config());
  json::Value data;
  data["team"] = config->selected_profile.empty() ? json::Value() : json::Value(config->selected_profile);
  if (config->selected_profile.empty()) {
    env.console.note("no team is selected; the organisation's own rules apply");
  } else {
    env.console.line(config->selected_profile);
  }
  env.console.envelope("TeamCurrent", data);
  return 0;
}

Result<const model::Team*> find_team(const model::Org& org, const std::string& name) {
  const auto found = org.profiles.find(name);
  if (found != org.profiles.end()) return &found->second;
  std::vector<std::string> names;
  for (const auto& [each, team] : org.profiles) names.push_back(each);
  const std::string near = str::nearest(name, names);
  return fail(Kind::not_found, "team.unknown", org.organization.name + " has no team " + name,
              near.empty() ? "run `scc team list`" : "did you mean " + near + "?");
}

Result<int> run_switch(Env& env, const Args& args) {
  SCC_TRY(const config::UserConfig* config, env.host.config());
  SCC_TRY(const app::OrgState state, app::org_state(env.host));
  std::string name;
  if (!args.positional.empty()) {
    name = args.positional[0];
  } else {
    std::vector<std::string> names;
    for (const auto& [each, team] : state.org->profiles) names.push_back(each);
    SCC_TRY(name, asked(env, "team (" + str::join(names, ", ") + ")", "the team's name"));
  }
  SCC_TRY(const model::Team* team, find_team(*state.org, name));
  const std::string previous = config->selected_profile;
  SCC_CHECK(config::edit_user_config(env.host.paths, {{"selected_profile", json::Value(name)}}));
  json::Value data;
  data["previous"] = previous.empty() ? json::Value() : json::Value(previous);
  data["current"] = name;
  data["is_federated"] = team->config_source.has_value();
  if (team->config_source) {
    app::GovernOptions options;
    auto fetched = app::fetch_team_file(env.host, *state.org, *team, options);
    if (fetched) {
      data["commit_sha"] = fetched->commit;
    } else {
      data["fetch_error"] = fetched.error().message;
      env.host.warn("the team's own file: " + fetched.error().message);
    }
  }
  env.console.note("the team is " + name + " now");
  env.console.envelope("TeamSwitch", data);
  return 0;
}

Result<int> run_info(Env& env, const Args& args) {
  SCC_TRY(const config::UserConfig* config, env.host.config());
  const std::string name = args.positional.empty() ? config->selected_profile : args.positional[0];
  if (name.empty()) return fail(Kind::usage, "cli.usage", "which team?", "run `scc team info TEAM`");
  SCC_TRY(const app::OrgState state, app::org_state(env.host));
  SCC_TRY(const model::Team* team, find_team(*state.org, name));
  json::Value data = team_json(*team, config->selected_profile);
  const auto row = [&](std::string_view what, const std::string& value) {
    if (!value.empty()) env.console.line(std::string(what) + std::string(12 - what.size(), ' ') + value);
  };
  row("team", name);
  row("about", team->description);
  row("plugins", str::join(team->additional_plugins, " "));
  std::vector<std::string> servers;
  for (const model::McpServer& server : team->additional_mcp_servers) servers.push_back(server.name);
  row("mcp", str::join(servers, " "));
  if (team->network_policy) row("network", std::string(model::to_string(*team->network_policy)));
  data["mcp_servers"] = json::Value::strings(servers);
  data["network_policy"] =
      team->network_policy ? json::Value(model::to_string(*team->network_policy)) : json::Value();
  if (team->config_source) {
    const std::string where = team->config_source->url.empty()
                                  ? team->config_source->owner + "/" + team->config_source->repo
                                  : team->config_source->url;
    row("its file", team->config_source->source + " " + where);
    data["config_source"]["source"] = team->config_source->source;
    data["config_source"]["where"] = where;
  }
  env.console.envelope("TeamInfo", data);
  return 0;
}

/// A path is validated as a team's own file, anything else as a team of the organisation.
bool looks_like_path(const std::string& text) {
  return text.find('/') != std::string::npos || text.find('~') == 0 || str::ends_with(text, ".json");
}

Result<int> validate_file(Env& env, const std::string& text) {
  SCC_TRY(const std::string bytes, os::read_file(env.host.env.cwd / text, std::size_t{256} << 10U));
  std::vector<std::string> warnings;
  SCC_TRY(const model::TeamFile file, model::parse_team_file(bytes, &warnings));
  for (const std::string& warning : warnings) env.host.warn(warning);
  json::Value data;
  data["mode"] = "file";
  data["source"] = text;
  data["valid"] = true;
  data["enabled_plugins"] = json::Value::strings(file.enabled_plugins);
  env.console.note(text + " is valid");
  env.console.envelope("TeamValidate", data);
  return 0;
}

Result<int> run_validate(Env& env, const Args& args) {
  const std::string name = args.positional.empty() ? std::string() : args.positional[0];
  if (looks_like_path(name)) return validate_file(env, name);
  app::GovernOptions options;
  options.team = name;
  options.freshness = app::Freshness::cache_only;
  SCC_TRY(const app::Governance governance, app::govern(env.host, options));
  const model::Effective& effective = governance.effective;
  json::Array blocked;
  json::Array denied;
  for (const model::Blocked& item : effective.blocked) {
    blocked.push_back(policy::to_json(item));
    env.console.line("blocked  " + item.item + "  by " + item.blocked_by + " (" + item.source + ")");
  }
  for (const model::Denied& item : effective.denied) {
    denied.push_back(policy::to_json(item));
    env.console.line("denied   " + item.item + "  " + item.reason);
  }
  const bool clean = blocked.empty() && denied.empty();
  json::Value data;
  data["mode"] = "team";
  data["team"] = effective.team;
  data["valid"] = clean;
  data["enabled_plugins"] = json::Value::strings(effective.plugins);
  data["blocked"] = std::move(blocked);
  data["denied"] = std::move(denied);
  env.console.note("team " + (effective.team.empty() ? std::string("(none)") : effective.team) +
                   (clean ? ": nothing is refused" : ": some of what it asks for is refused"));
  env.console.envelope("TeamValidate", data,
                       clean ? std::vector<std::string>{}
                             : std::vector<std::string>{"some of what the team asks for is refused"});
  return clean ? 0 : exit_code(Kind::policy);
}

/// What `scc setup` is told or asks: --org, --standalone, or a question.
Result<std::optional<std::string>> setup_source(Env& env, const Args& args) {
  if (args.has("org") && args.has("standalone")) {
    return fail(Kind::usage, "cli.usage", "--org and --standalone exclude each other", "choose one");
  }
  if (args.has("standalone")) return std::optional<std::string>();
  if (args.has("org")) return std::optional<std::string>(args.get("org"));
  SCC_TRY(const std::string answer,
          asked(env, "organisation's document (file, https://..., github:owner/repo; empty: none)",
                "--org SOURCE or --standalone"));
  return answer.empty() ? std::optional<std::string>() : std::optional<std::string>(answer);
}

Result<std::string> setup_team(Env& env, const Args& args, const model::Org& org) {
  const std::string given = args.get("team");
  if (!given.empty() || org.profiles.empty() || !env.interactive) return given;
  std::vector<std::string> names;
  for (const auto& [name, team] : org.profiles) names.push_back(name);
  return asked(env, "team (" + str::join(names, ", ") + "; empty: none)", "--team TEAM");
}

Result<int> run_setup(Env& env, const Args& args) {
  SCC_TRY(const auto source, setup_source(env, args));
  app::SetupChoice choice;
  choice.provider = args.get("provider");
  if (!choice.provider.empty() && choice.provider != "ask") {
    SCC_TRY(plugin::Registry * registry, env.host.registry());
    const auto known = registry->components("provider");
    if (std::find(known.begin(), known.end(), choice.provider) == known.end()) {
      return fail(Kind::usage, "provider.unknown", "there is no provider " + choice.provider,
                  "known: " + str::join(known, ", "));
    }
  }
  json::Value data;
  data["mode"] = source ? "organization" : "standalone";
  if (source) {
    SCC_TRY(choice.source, app::org_source(env.host, *source, args.get("auth"), args.get("auth-header"),
                                           args.get("public-key")));
    SCC_TRY(const app::Judged judged, app::judge_org(env.host, *choice.source));
    SCC_TRY(const model::Org org, model::to_result(judged.report));
    SCC_TRY(choice.team, setup_team(env, args, org));
    data["organization"]["name"] = org.organization.name;
    data["organization"]["id"] = org.organization.id;
    data["team"] = choice.team.empty() ? json::Value() : json::Value(choice.team);
    SCC_CHECK(app::set_up(env.host, choice));
    env.console.note("the organisation is " + org.organization.name +
                     (choice.team.empty() ? std::string() : ", the team " + choice.team));
    if (choice.team.empty() && !org.profiles.empty()) env.console.hint("choose a team: scc team switch TEAM");
  } else {
    SCC_CHECK(app::set_up(env.host, choice));
    env.console.note("standalone: no organisation's policy applies");
  }
  env.console.hint("next: scc config explain, then scc start in a repository");
  env.console.envelope("Setup", data);
  return 0;
}

}  // namespace

std::vector<Command> team_commands() {
  return {
      {"setup",
       "choose the organisation, or none, and the team",
       "",
       {{"org", 0, "SOURCE", "a file, https://..., github:OWNER/REPO[@REF][:PATH], gitlab:..., HOST:..."},
        {"standalone", 0, "", "no organisation"},
        {"team", 't', "TEAM", "the team to work for"},
        {"provider", 0, "ID", "the agent to prefer, or ask"},
        {"auth", 0, "SPEC", "how to sign in at the source: env:NAME or command:WORDS"},
        {"auth-header", 0, "NAME", "the header that carries the token"},
        {"public-key", 0, "KEY", "the key that must have signed the document"}},
       0,
       false,
       run_setup},
      {"team list", "list the organisation's teams", "", {}, 0, false, run_list},
      {"team current", "print the selected team", "", {}, 0, false, run_current},
      {"team switch", "work for another team", "[TEAM]", {}, 1, false, run_switch},
      {"team info", "show what a team asks for", "[TEAM]", {}, 1, false, run_info},
      {"team validate",
       "show what of a team's wishes is refused, or check a team's own file",
       "[TEAM | FILE]",
       {},
       1,
       false,
       run_validate},
  };
}

}  // namespace scc::cli
