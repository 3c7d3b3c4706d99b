// SPDX-License-Identifier: Apache-2.0
// `scc unblock` and `scc exceptions ...`: refusals lifted for a time, by this user and on the record.
#include <algorithm>
#include <unistd.h>

#include "app/overrides.h"
#include "base/str.h"
#include "cli/ask.h"
#include "cli/command.h"

namespace scc::cli {

namespace {

json::Value exception_json(const app::StoredException& stored, std::int64_t now) {
  const model::Exception& entry = stored.exception;
  json::Value out;
  out["id"] = entry.id;
  out["scope"] = entry.scope;
  out["store"] = stored.store;
  out["reason"] = entry.reason;
  out["created_at"] = entry.created_at;
  out["expires_at"] = entry.expires_at;
  out["expired"] = config::expired(entry, now);
  out["ticket"] = entry.ticket;
  out["targets"]["plugins"] = json::Value::strings(entry.plugins);
  out["targets"]["mcp_servers"] = json::Value::strings(entry.mcp_servers);
  out["approved"] = stored.approved;
  return out;
}

std::string remaining(const model::Exception& entry, std::int64_t now) {
  const auto end = model::parse_time(entry.expires_at);
  return end ? config::relative_time(*end - now) : "expired";
}

Result<int> run_list(Env& env, const Args& args) {
  SCC_TRY(const app::ExceptionView view, app::all_exceptions(env.host, args.get("workspace")));
  const std::int64_t now = app::Host::now();
  json::Array items;
  std::vector<std::vector<std::string>> rows;
  for (const app::StoredException& stored : view.entries) {
    const bool old = config::expired(stored.exception, now);
    if (!args.has("all") && old != args.has("expired")) continue;
    items.push_back(exception_json(stored, now));
    std::vector<std::string> targets = stored.exception.plugins;
    targets.insert(targets.end(), stored.exception.mcp_servers.begin(), stored.exception.mcp_servers.end());
    rows.push_back({stored.exception.id, stored.store, str::join(targets, " "),
                    remaining(stored.exception, now),
                    stored.exception.reason + (stored.approved ? "" : "  (not approved)")});
  }
  for (const std::string& warning : view.warnings) env.host.warn(warning);
  json::Value data;
  data["exceptions"] = std::move(items);
  env.console.table({"ID", "STORE", "TARGETS", "EXPIRES IN", "REASON"}, rows);
  if (rows.empty()) env.console.note("there are none");
  env.console.envelope("ExceptionList", data);
  return 0;
}

config::TimeBound bound_of(const Args& args) {
  config::TimeBound out;
  if (args.has("ttl")) out.ttl = args.get("ttl");
  if (args.has("expires-at")) out.expires_at = args.get("expires-at");
  if (args.has("until")) out.until = args.get("until");
  return out;
}

int report_created(Env& env, std::string_view kind, const app::CreatedException& created) {
  const std::int64_t now = app::Host::now();
  for (const std::string& warning : created.warnings) env.host.warn(warning);
  env.console.note(created.exception.id + " lifts the refusal for " + remaining(created.exception, now));
  json::Value data = exception_json({created.exception, created.store, true}, now);
  data["file"] = created.file;
  env.console.envelope(kind, data);
  return 0;
}

/// A policy exception is the organisation's to make: only its text is printed.
Result<int> print_policy(Env& env, const Args& args) {
  if (!args.has("id") || !args.has("reason")) {
    return fail(Kind::usage, "cli.usage", "a policy exception needs --id and --reason",
                "run `scc exceptions create --policy --id ID --reason TEXT --allow-plugin REF`");
  }
  SCC_TRY(const std::int64_t end, app::policy_expiry(args.get("expires-at"), app::Host::now()));
  json::Value entry;
  entry["id"] = args.get("id");
  entry["reason"] = args.get("reason");
  entry["expires_at"] = model::format_time(end);
  entry["allow"]["plugins"] = json::Value::strings(args.all("allow-plugin"));
  entry["allow"]["mcp_servers"] = json::Value::strings(args.all("allow-mcp"));
  for (const std::string& line : str::split(json::pretty(entry), '\n')) env.console.line(line);
  env.console.note("nothing was changed: add this to `exceptions` of the organisation's document");
  env.console.envelope("PolicyException", entry);
  return 0;
}

Result<int> run_create(Env& env, const Args& args) {
  if (args.has("policy")) return print_policy(env, args);
  if (!args.has("reason")) {
    return fail(Kind::usage, "cli.usage", "a reason is needed", "add --reason TEXT");
  }
  app::NewOverride wanted;
  wanted.plugins = args.all("allow-plugin");
  wanted.mcp_servers = args.all("allow-mcp");
  wanted.reason = args.get("reason");
  wanted.ticket = args.get("ticket");
  wanted.bound = bound_of(args);
  wanted.shared = args.has("shared");
  wanted.workspace = args.get("workspace");
  SCC_TRY(const app::CreatedException created, app::create_override(env.host, wanted));
  return report_created(env, "ExceptionCreate", created);
}

Result<int> run_unblock(Env& env, const Args& args) {
  if (args.positional.empty()) {
    return fail(Kind::usage, "cli.usage", "which item?",
                "run `scc config explain --field denied` to see what can be unblocked");
  }
  std::string reason = args.get("reason");
  if (reason.empty() && env.assume_yes) {
    return fail(Kind::usage, "cli.usage", "a reason is needed", "add --reason TEXT");
  }
  if (reason.empty()) {
    SCC_TRY(reason, asked(env, "reason", "--reason TEXT"));
  }
  app::Unblock wanted;
  wanted.target = args.positional[0];
  wanted.team = args.get("team");
  wanted.override.reason = reason;
  wanted.override.ticket = args.get("ticket");
  wanted.override.bound = bound_of(args);
  wanted.override.shared = args.has("shared");
  wanted.override.workspace = args.get("workspace");
  SCC_TRY(const app::CreatedException created, app::unblock(env.host, wanted));
  return report_created(env, "Unblock", created);
}

Result<int> run_delete(Env& env, const Args& args) {
  if (args.positional.empty()) {
    return fail(Kind::usage, "cli.usage", "which exception?", "run `scc exceptions list`");
  }
  SCC_TRY(const bool go, confirmed(env, "deleting the exception " + args.positional[0]));
  if (!go) return declined();
  SCC_TRY(const std::vector<std::string> removed,
          app::delete_exception(env.host, args.get("workspace"), args.positional[0]));
  json::Value data;
  data["removed"] = json::Value::strings(removed);
  env.console.note("deleted " + str::join(removed, ", "));
  env.console.envelope("ExceptionDelete", data);
  return 0;
}

Result<int> run_cleanup(Env& env, const Args& args) {
  SCC_TRY(const std::vector<std::string> removed, app::cleanup_exceptions(env.host, args.get("workspace")));
  json::Value data;
  data["removed"] = json::Value::strings(removed);
  env.console.note(removed.empty() ? "nothing has expired" : "removed " + str::join(removed, ", "));
  env.console.envelope("ExceptionCleanup", data);
  return 0;
}

Result<int> run_approve(Env& env, const Args& args) {
  SCC_TRY(const app::ExceptionView view, app::all_exceptions(env.host, args.get("workspace")));
  const std::int64_t now = app::Host::now();
  std::size_t shared = 0;
  for (const app::StoredException& stored : view.entries) {
    if (stored.store != "repo") continue;
    ++shared;
    env.console.note(stored.exception.id + "  " + str::join(stored.exception.plugins, " ") + " " +
                     str::join(stored.exception.mcp_servers, " ") + "  " + remaining(stored.exception, now) +
                     "  " + stored.exception.reason);
  }
  if (shared == 0)
    return fail(Kind::not_found, "exceptions.not-found", "this repository shares no exceptions");
  SCC_TRY(const bool go, confirmed(env, "honouring these as they are now"));
  if (!go) return declined();
  SCC_CHECK(app::approve_shared(env.host, args.get("workspace"), view.repo_sha256));
  json::Value data;
  data["approved"] = static_cast<std::int64_t>(shared);
  env.console.note("approved until the file changes");
  env.console.envelope("ExceptionApprove", data);
  return 0;
}

Result<int> run_reset(Env& env, const Args& args) {
  if (args.has("user") == args.has("repo")) {
    return fail(Kind::usage, "cli.usage", "which store?", "add --user or --repo");
  }
  SCC_TRY(const bool go, confirmed(env, "deleting all exceptions of that store"));
  if (!go) return declined();
  SCC_CHECK(app::reset_exceptions(env.host, args.get("workspace"), args.has("repo")));
  env.console.note("deleted");
  env.console.envelope("ExceptionReset", json::Value(json::Object{}));
  return 0;
}

}  // namespace

std::vector<Command> exception_commands() {
  const OptionSpec workspace = {"workspace", 0, "PATH", "the repository; the one here without it"};
  const OptionSpec ttl = {"ttl", 0, "TIME", "how long: 30m, 8h, 1d; 8h without it"};
  const OptionSpec expires = {"expires-at", 0, "TIME", "until then, like 2027-01-31T18:00:00Z"};
  const OptionSpec until = {"until", 0, "HH:MM", "until then today or tomorrow"};
  const OptionSpec reason = {"reason", 0, "TEXT", "why; it is audited"};
  const OptionSpec ticket = {"ticket", 0, "TEXT", "a ticket's number"};
  const OptionSpec shared = {"shared", 0, "", "in the repository, for those who approve it"};
  return {
      {"unblock",
       "lift a denial for a time",
       "ITEM",
       {reason, ticket, ttl, expires, until, shared, workspace, {"team", 't', "TEAM", "the team"}},
       1,
       false,
       run_unblock},
      {"exceptions list",
       "list exceptions",
       "",
       {{"all", 0, "", "expired ones too"}, {"expired", 0, "", "only expired ones"}, workspace},
       0,
       false,
       run_list},
      {"exceptions create",
       "make an exception, or print one for the organisation's document",
       "",
       {{"allow-plugin", 0, "REF", "a plugin (repeatable)", true},
        {"allow-mcp", 0, "NAME", "an MCP server (repeatable)", true},
        reason,
        ticket,
        ttl,
        expires,
        until,
        shared,
        {"policy", 0, "", "print the entry for the organisation's document"},
        {"id", 0, "ID", "of a policy exception"},
        workspace},
       0,
       false,
       run_create},
      {"exceptions delete", "delete one exception", "ID | PREFIX", {workspace}, 1, false, run_delete},
      {"exceptions cleanup", "remove what has expired", "", {workspace}, 0, false, run_cleanup},
      {"exceptions approve",
       "honour the repository's shared exceptions as they are now",
       "",
       {workspace},
       0,
       false,
       run_approve},
      {"exceptions reset",
       "delete a whole store",
       "",
       {{"user", 0, "", "yours"}, {"repo", 0, "", "the repository's"}, workspace},
       0,
       false,
       run_reset},
  };
}

}  // namespace scc::cli
