// SPDX-License-Identifier: Apache-2.0
// `scc egress log|explain|suggest`: what sandboxes asked of the web, why a host is allowed or not, and what
// would change that.
#include <chrono>
#include <thread>

#include "app/egress.h"
#include "cli/command.h"
#include "session/store.h"

namespace scc::cli {

namespace {

constexpr auto kFollowPause = std::chrono::milliseconds(300);

app::ExplainRequest request_of(const Args& args) {
  return {args.get("workspace"), args.get("team"), args.get("provider")};
}

std::string event_line(const egress::Event& event) {
  std::string where = event.host;
  if (event.port != 0) where += ":" + std::to_string(event.port);
  return event.time + "  " + event.verdict + (event.verdict == "deny" ? "   " : "  ") + event.method + "  " +
         where + "  " + event.rule;
}

auto broken(const std::string& session, const egress::Checked& checked) {
  return fail(Kind::policy, "egress.chain",
              "the record of session " + session + " is not what was recorded: " + checked.problem,
              "what stands before that line is intact; keep a copy of the file");
}

/// Is the session's process still there to write? A record without a session in the store is over.
bool goes_on(Env& env, const std::string& session) {
  const auto stored = session::SessionStore(env.host.paths).read(session);
  return stored && stored->open() && session::process_lives(stored->pid, stored->pid_started);
}

/// Prints what is new until the session ends.
Result<int> follow(Env& env, const std::string& session, bool denied) {
  std::int64_t shown = 0;
  for (;;) {
    const bool more = goes_on(env, session);  // asked first: what is written until then is read below
    SCC_TRY(const egress::Checked checked,
            egress::read_record(env.host.paths, session, [&](const egress::Event& event) {
              if (event.seq <= shown) return;
              shown = event.seq;
              if (!denied || event.verdict == "deny") env.console.line(event_line(event));
            }));
    if (!checked.intact) return broken(session, checked);
    if (!more) return 0;
    std::this_thread::sleep_for(kFollowPause);
  }
}

Result<int> run_log(Env& env, const Args& args) {
  const bool denied = args.has("denied");
  if (args.has("follow") && env.console.json()) {
    return fail(Kind::usage, "cli.usage", "--follow prints lines as they come, --json one document",
                "leave out one of the two");
  }
  SCC_TRY(const std::string session, app::egress_session(env.host, args.get("session")));
  if (args.has("follow")) return follow(env, session, denied);
  json::Array events;
  SCC_TRY(const egress::Checked checked,
          egress::read_record(env.host.paths, session, [&](const egress::Event& event) {
            if (denied && event.verdict != "deny") return;
            if (env.console.json()) {
              events.push_back(event.to_json());
            } else {
              env.console.line(event_line(event));
            }
          }));
  if (!checked.intact) return broken(session, checked);
  json::Value data;
  data["session"] = session;
  data["count"] = checked.head.seq;
  data["head"] = checked.head.hash;
  data["denied_only"] = denied;
  data["events"] = std::move(events);
  env.console.note("session " + session + ": " + std::to_string(checked.head.seq) +
                   " decisions, chain intact");
  env.console.envelope("EgressLog", data);
  return 0;
}

void print_changes(Env& env, const std::vector<policy::Change>& changes, const std::string& title) {
  if (changes.empty()) return;
  env.console.line(title);
  for (const policy::Change& change : changes)
    env.console.line("  " + change.text + "  (" + change.who + ")");
}

void print_answer(Env& env, const app::EgressAnswer& answer) {
  env.console.line(answer.host + ":" + std::to_string(answer.port) + ": " +
                   (answer.decision.allow ? "allowed" : "denied"));
  env.console.line("  because  " + answer.decision.text);
  env.console.line("  rule     " + answer.decision.rule);
  env.console.line("  owner    " + answer.decision.owner);
  env.console.line("  policy   " + answer.policy);
  print_changes(env, answer.changes, "what would allow it:");
  print_changes(env, answer.organisation, "what only the organisation can do:");
}

Result<int> run_egress_explain(Env& env, const Args& args) {
  if (args.positional.empty()) {
    return fail(Kind::usage, "cli.usage", "explain which host?", "run `scc egress explain HOST[:PORT]`");
  }
  SCC_TRY(const app::EgressAnswer answer,
          app::explain_egress(env.host, request_of(args), args.positional[0]));
  print_answer(env, answer);
  if (answer.decision.allow && answer.decision.reason == "allowed") {
    env.console.hint(
        "nothing was looked up: a name that leads to a private or local address is refused when it is used");
  }
  env.console.envelope("EgressExplain", app::to_json(answer));
  return 0;
}

Result<int> run_suggest(Env& env, const Args& args) {
  SCC_TRY(const std::string session, app::egress_session(env.host, args.get("session")));
  SCC_TRY(const auto suggestions, app::suggest_egress(env.host, request_of(args), session));
  json::Array list;
  for (const app::Suggestion& one : suggestions) {
    json::Value item = app::to_json(one.answer);
    item["count"] = one.count;
    list.push_back(std::move(item));
    env.console.line(one.answer.host + ":" + std::to_string(one.answer.port) + "  refused " +
                     std::to_string(one.count) + (one.count == 1 ? " time" : " times") +
                     (one.answer.decision.allow ? ", allowed by now" : ""));
    if (one.answer.decision.allow) continue;
    print_changes(env, one.answer.changes, "  one of these would allow it:");
    print_changes(env, one.answer.organisation, "  only the organisation can allow it:");
    if (one.answer.changes.empty() && one.answer.organisation.empty()) {
      env.console.line("  nothing here can allow it: " + one.answer.decision.text);
    }
  }
  if (suggestions.empty()) env.console.note("session " + session + ": no host was refused");
  json::Value data;
  data["session"] = session;
  data["refused"] = std::move(list);
  env.console.envelope("EgressSuggest", data);
  return 0;
}

}  // namespace

std::vector<Command> egress_commands() {
  const OptionSpec session = {"session", 0, "SESSION", "an id or a name; the last one without it"};
  const OptionSpec workspace = {"workspace", 0, "PATH", "the repository; the one here without it"};
  const OptionSpec team = {"team", 't', "TEAM", "the team; the selected one without it"};
  const OptionSpec provider = {"provider", 0, "ID", "the agent"};
  return {
      {"egress log",
       "show what a sandbox asked of the web, and what was answered",
       "",
       {session,
        {"denied", 0, "", "only what was refused"},
        {"follow", 'f', "", "go on until the session ends"}},
       0,
       false,
       run_log},
      {"egress explain",
       "say whether a host may be reached from here, by which rule, and what would change it",
       "HOST[:PORT]",
       {workspace, team, provider},
       1,
       false,
       run_egress_explain},
      {"egress suggest",
       "the smallest changes that would allow what a session was refused",
       "",
       {session, workspace, team, provider},
       0,
       false,
       run_suggest},
  };
}

}  // namespace scc::cli
