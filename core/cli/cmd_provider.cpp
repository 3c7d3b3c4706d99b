// SPDX-License-Identifier: Apache-2.0
// `scc provider ...`: which agents there are, which one is meant, and signing in to their vendors.
#include <unistd.h>

#include "app/provider_choice.h"
#include "app/resolve.h"
#include "app/signin.h"
#include "app/workspace_state.h"
#include "cli/ask.h"
#include "cli/command.h"
#include "config/user_config_edit.h"
#include "os/tty.h"

namespace scc::cli {

namespace {

app::LaunchOptions launch_options(const Args& args) {
  app::LaunchOptions out;
  out.provider = args.positional.empty() ? std::string() : args.positional[0];
  out.runtime = args.get("runtime");
  out.team = args.get("team");
  return out;
}

Result<std::string> root_here(Env& env) {
  SCC_TRY(const app::Resolved resolved, app::resolve_workspace(env.host, {}));
  return resolved.root();
}

json::Value text_or_null(const std::string& text) {
  return text.empty() ? json::Value() : json::Value(text);
}

Result<int> run_show(Env& env, const Args& /*args*/) {
  SCC_TRY(const config::UserConfig* config, env.host.config());
  json::Value data;
  const std::string preference = config->ask_provider ? "ask" : config->selected_provider;
  data["preference"] = text_or_null(preference);
  env.console.line(preference.empty() ? "unset (asks when several could be meant)" : preference);
  data["workspace"] = json::Value();
  if (const auto root = root_here(env)) {
    const app::WorkspaceState state = app::load_workspace_state(env.host.paths, *root);
    for (const std::string& warning : state.warnings) env.host.warn(warning);
    data["workspace"]["root"] = *root;
    data["workspace"]["provider"] = text_or_null(state.provider);
    data["workspace"]["last_used_provider"] = text_or_null(state.last_used_provider);
    if (!state.provider.empty()) env.console.note("chosen for this workspace: " + state.provider);
    if (!state.last_used_provider.empty()) env.console.note("used here last: " + state.last_used_provider);
  }
  env.console.envelope("ProviderShow", data);
  return 0;
}

json::Value view_json(const app::ProviderView& view) {
  json::Value out;
  out["id"] = view.id;
  out["title"] = view.title;
  out["plugin"] = view.plugin;
  out["plugin_version"] = view.version;
  out["allowed"] = view.allowed;
  if (!view.refused.empty()) out["refused"] = view.refused;
  out["auth"]["status"] = view.auth_status;
  out["auth"]["mechanism"] = text_or_null(view.mechanism);
  if (!view.guidance.empty()) out["auth"]["guidance"] = view.guidance;
  out["image"]["ref"] = text_or_null(view.image_ref);
  out["image"]["state"] = text_or_null(view.image_state);
  out["volume"] = text_or_null(view.volume);
  if (!view.problem.empty()) out["problem"] = view.problem;
  return out;
}

Result<int> run_list(Env& env, const Args& args) {
  app::LaunchOptions options = launch_options(args);
  options.provider.clear();
  SCC_TRY(const auto views, app::list_providers(env.host, options));
  json::Array items;
  std::vector<std::vector<std::string>> rows;
  for (const app::ProviderView& view : views) {
    items.push_back(view_json(view));
    rows.push_back({view.id, view.title, view.auth_status, view.image_state.empty() ? "-" : view.image_state,
                    view.allowed ? "yes" : "no"});
    if (!view.problem.empty()) env.host.warn(view.id + ": " + view.problem);
  }
  json::Value data;
  data["count"] = static_cast<std::int64_t>(items.size());
  data["providers"] = std::move(items);
  env.console.table({"ID", "TITLE", "SIGN-IN", "IMAGE", "ALLOWED"}, rows);
  if (rows.empty()) env.console.hint("no provider plugin is usable: scc plugin list --all");
  env.console.envelope("ProviderList", data);
  return 0;
}

Status set_provider(Env& env, const Args& args, const std::string& provider, json::Value& data) {
  data["provider"] = text_or_null(provider);
  data["workspace"] = json::Value();
  if (!args.has("workspace")) {
    return config::edit_user_config(
        env.host.paths, {{"selected_provider", provider.empty() ? json::Value() : json::Value(provider)}});
  }
  SCC_TRY(const std::string root, root_here(env));
  data["workspace"] = root;
  app::WorkspaceEdit edit;
  edit.provider = provider;
  return app::save_workspace_state(env.host.paths, root, edit);
}

Result<int> run_set(Env& env, const Args& args) {
  if (args.positional.empty()) {
    return fail(Kind::usage, "cli.usage", "which provider?",
                "run `scc provider set ID`, or `scc provider list`");
  }
  const std::string& provider = args.positional[0];
  if (provider == "ask" && args.has("workspace")) {
    return fail(Kind::usage, "cli.usage", "ask is a preference of the user, not of a workspace",
                "run `scc provider set ask`");
  }
  if (provider != "ask") {
    SCC_TRY(plugin::Registry * registry, env.host.registry());
    SCC_CHECK(app::check_known_provider(*registry, provider));
  }
  json::Value data;
  SCC_CHECK(set_provider(env, args, provider, data));
  env.console.note("the agent " + std::string(args.has("workspace") ? "of this workspace" : "preferred") +
                   " is " + provider + " now");
  env.console.envelope("ProviderSet", data);
  return 0;
}

Result<int> run_unset(Env& env, const Args& args) {
  json::Value data;
  SCC_CHECK(set_provider(env, args, "", data));
  env.console.note(args.has("workspace") ? "no agent is chosen for this workspace" : "no agent is preferred");
  env.console.envelope("ProviderUnset", data);
  return 0;
}

json::Value result_json(const app::SignInResult& result) {
  json::Value out;
  out["provider"] = result.provider;
  out["volume"] = result.volume;
  out["auth"]["status"] = result.status;
  out["auth"]["mechanism"] = text_or_null(result.mechanism);
  return out;
}

Status check_id(const Args& args, const char* command) {
  if (!args.positional.empty()) return {};
  return fail(Kind::usage, "cli.usage", "which provider?",
              "run `scc provider " + std::string(command) + " ID`, or `scc provider list`");
}

Result<int> run_login(Env& env, const Args& args) {
  SCC_CHECK(check_id(args, "login"));
  app::SignInOptions options;
  options.launch = launch_options(args);
  const std::string command = "scc provider login " + options.launch.provider;
  const bool key = args.has("with-api-key");
  if (key && args.has("device")) {
    return fail(Kind::usage, "cli.usage", "--device and --with-api-key exclude each other", "choose one");
  }
  if (key && os::is_tty(STDIN_FILENO)) {
    return fail(Kind::usage, "auth.key-on-terminal",
                "the key is read from standard input, and that is a terminal",
                "printenv NAME | " + command + " --with-api-key");
  }
  options.launch.tty = !key && env.interactive && os::is_tty(STDIN_FILENO) && os::is_tty(STDERR_FILENO);
  if (!key && !options.launch.tty) {
    return fail(Kind::prereq, "auth.no-terminal", "signing in needs a terminal",
                "run `" + command + "` in one, or pipe a key into `" + command + " --with-api-key`");
  }
  if (key) options.method = "api_key";
  if (args.has("device")) options.method = "device";
  SCC_TRY(const app::SignInResult result, app::sign_in(env.host, options));
  env.console.note("signed in to " + result.provider + ": a credential is in the volume " + result.volume);
  env.console.envelope("ProviderLogin", result_json(result));
  return 0;
}

Result<int> run_logout(Env& env, const Args& args) {
  SCC_CHECK(check_id(args, "logout"));
  const app::LaunchOptions options = launch_options(args);
  SCC_TRY(plugin::Registry * registry, env.host.registry());
  SCC_CHECK(app::check_known_provider(*registry, options.provider));
  SCC_TRY(const bool yes, confirmed(env, "Remove the sign-in of " + options.provider + "?"));
  if (!yes) return declined();
  SCC_TRY(const app::SignInResult result, app::sign_out(env.host, options));
  env.console.note(result.changed
                       ? "the sign-in of " + result.provider + " is removed from the volume " + result.volume
                       : result.provider + " has no sign-in here");
  json::Value data = result_json(result);
  data["changed"] = result.changed;
  env.console.envelope("ProviderLogout", data);
  return 0;
}

}  // namespace

std::vector<Command> provider_commands() {
  const OptionSpec runtime = {"runtime", 0, "ID", "the container runtime to use"};
  const OptionSpec team = {"team", 't', "TEAM", "the team whose credential volume is meant"};
  const OptionSpec workspace = {"workspace", 0, "", "for the workspace here only"};
  return {
      {"provider show", "print which agent is preferred", "", {}, 0, false, run_show},
      {"provider list",
       "list the agents, with their sign-ins and images",
       "",
       {runtime, team},
       0,
       false,
       run_list},
      {"provider set", "prefer an agent, or ask each time", "ID | ask", {workspace}, 1, false, run_set},
      {"provider unset", "prefer none", "", {workspace}, 0, false, run_unset},
      {"provider login",
       "sign in to an agent's vendor, inside a sandbox",
       "ID",
       {{"device", 0, "", "with a code that is typed in a browser anywhere"},
        {"with-api-key", 0, "", "keep the API key that comes on standard input"},
        runtime,
        team},
       1,
       false,
       run_login},
      {"provider logout",
       "remove the sign-in from the credential volume",
       "ID",
       {runtime, team},
       1,
       false,
       run_logout},
  };
}

}  // namespace scc::cli
