// SPDX-License-Identifier: Apache-2.0
// `scc safety check|explain|rules`: what the safety engine says of a command, without running it.
#include <cstdio>

#include "app/safety.h"
#include "cli/command.h"

namespace scc::cli {

namespace {

constexpr std::size_t kMostLine = std::size_t{1} << 20U;

app::ExplainRequest request_of(const Args& args) {
  app::ExplainRequest out;
  out.workspace = args.get("workspace");
  out.team = args.get("team");
  return out;
}

/// --policy FILE, else --effective (or `effective`): what applies here, else the one without configuration.
Result<app::SafetyPolicy> policy_of(Env& env, const Args& args, bool effective) {
  if (args.has("policy")) {
    os::stdfs::path path = args.get("policy");
    if (path.is_relative()) path = env.host.env.cwd / path;
    return app::safety_policy_file(path);
  }
  if (effective || args.has("effective")) return app::safety_policy_here(env.host, request_of(args));
  return app::safety_policy_default();
}

void print_verdict(ui::Console& console, const safety::Verdict& verdict) {
  const auto row = [&](std::string_view what, const std::string& value) {
    if (!value.empty()) console.line("  " + std::string(what) + std::string(8 - what.size(), ' ') + value);
  };
  console.line(std::string(safety::to_string(verdict.decision)) +
               (verdict.rule.empty() ? "" : "  " + verdict.rule));
  if (verdict.decision == safety::Decision::allow) return;
  row("because", verdict.reason);
  row("at", verdict.at);
  row("instead", verdict.hint);
}

/// A line of standard input without its end; false: no more. Longer than kMostLine: cut, which is no JSON any
/// more.
bool read_line(std::string* out) {
  out->clear();
  bool some = false;
  for (int c = std::fgetc(stdin); c != EOF; c = std::fgetc(stdin)) {
    some = true;
    if (c == '\n') return true;
    if (out->size() < kMostLine) out->push_back(static_cast<char>(c));
  }
  return some;
}

Result<int> check_stream(Env& env, const app::SafetyPolicy& policy) {
  std::string line;
  std::size_t number = 0;
  std::size_t first_bad = 0;
  while (read_line(&line)) {
    ++number;
    if (line.find_first_not_of(" \t\r") == std::string::npos) continue;
    bool valid = true;
    env.console.record(json::dump(app::answer_question(line, policy, &valid)));
    if (!valid && first_bad == 0) first_bad = number;
  }
  if (std::fflush(stdout) != 0) {
    return fail(Kind::tool, "safety.output", "the answers could not be written",
                "look at where standard output goes");
  }
  if (first_bad != 0) {
    // Every line has its answer on stdout; an envelope after them would be one document too many.
    std::fprintf(stderr, "scc: line %zu is no question: give {\"id\", \"command\" or \"argv\"}\n", first_bad);
    return exit_code(Kind::usage);
  }
  return 0;
}

Result<int> run_check(Env& env, const Args& args) {
  if (args.has("stdin") == !args.rest.empty()) {
    return fail(Kind::usage, "cli.usage", "check what?",
                "run `scc safety check -- COMMAND...`, or with --stdin and one JSON object a line");
  }
  SCC_TRY(const app::SafetyPolicy policy, policy_of(env, args, false));
  if (args.has("stdin")) return check_stream(env, policy);
  const safety::Verdict verdict = app::judge_words(args.rest, policy);
  print_verdict(env.console, verdict);
  env.console.envelope("SafetyCheck", app::verdict_json(verdict));
  return 0;
}

Result<int> run_explain(Env& env, const Args& args) {
  if (args.rest.empty()) {
    return fail(Kind::usage, "cli.usage", "explain what?",
                "run `scc safety explain -- COMMAND...`; a whole shell line is one quoted word");
  }
  SCC_TRY(const app::SafetyPolicy policy, policy_of(env, args, true));
  const safety::Verdict verdict = app::judge_words(args.rest, policy);
  print_verdict(env.console, verdict);
  const std::string network = policy.document.str("/network/policy", "unknown");
  env.console.line("  policy  action " + std::string(safety::to_string(policy.policy.action)) + ", network " +
                   network + ", from " + policy.policy.source);
  json::Value data = app::verdict_json(verdict);
  data["policy"] = policy.document;
  env.console.envelope("SafetyExplain", data);
  return 0;
}

Result<int> run_rules(Env& env, const Args& args) {
  SCC_TRY(const app::SafetyPolicy policy, policy_of(env, args, true));
  const json::Value data = app::safety_rules(policy);
  std::vector<std::vector<std::string>> rows;
  for (const json::Value& one : data.at("/rules")->items())
    rows.push_back({one.str("/id"), one.str("/level"), one.str("/summary")});
  for (const json::Value& one : data.at("/org_rules")->items()) {
    rows.push_back({one.str("/id", "org." + one.str("/program")), one.str("/verdict"), one.str("/message")});
  }
  for (const json::Value& one : data.at("/checks")->items())
    rows.push_back({one.str("/id"), "check", "a plugin's; library " + one.str("/sha256").substr(0, 12)});
  env.console.table({"RULE", "HERE", "WHAT IT IS FOR"}, rows);
  env.console.envelope("SafetyRules", data);
  return 0;
}

}  // namespace

std::vector<Command> safety_commands() {
  const OptionSpec policy = {"policy", 0, "FILE", "judge by this scc.safety-policy/1 document"};
  const OptionSpec effective = {"effective", 0, "",
                                "judge by the policy that applies here; the built-in one without it"};
  const OptionSpec workspace = {"workspace", 0, "PATH", "the repository; the one here without it"};
  const OptionSpec team = {"team", 't', "TEAM", "the team; the selected one without it"};
  return {
      {"safety check",
       "say whether the guard would allow, warn of or block commands",
       "[-- COMMAND...]",
       {{"stdin", 0, "", "read one JSON object a line: id, command or argv, policy"},
        policy,
        effective,
        workspace,
        team},
       0,
       true,
       run_check},
      {"safety explain",
       "say what the guard would do with a command here, and why",
       "-- COMMAND...",
       {policy, workspace, team},
       0,
       true,
       run_explain},
      {"safety rules",
       "list the rules and what applies here",
       "",
       {policy, workspace, team},
       0,
       false,
       run_rules},
  };
}

}  // namespace scc::cli
