// SPDX-License-Identifier: Apache-2.0
#include "app/safety.h"

#include <algorithm>
#include <cctype>
#include <utility>

#include "app/choices.h"
#include "app/launch.h"
#include "app/resolve.h"
#include "app/safety_checks.h"
#include "base/str.h"
#include "policy/safety_policy.h"

namespace scc::app {

namespace {

constexpr std::string_view kRulesHint =
    "run `scc safety rules` for the ids, and see docs/safety.md for the document";

json::Value refused(const json::Value& id, std::string_view why) {
  json::Value out;
  out["id"] = id;
  out["decision"] = "block";
  out["rule"] = "input.invalid";
  out["reason"] = std::string(why);
  out["hint"] = "";
  out["at"] = "";
  out["depth"] = 0;
  return out;
}

bool texts(const json::Value& list) {
  return list.is_array() && std::all_of(list.items().begin(), list.items().end(),
                                        [](const json::Value& one) { return one.is_string(); });
}

/// Names of aliases are compared without case, as git does.
safety::Context context_of(const json::Value& question) {
  safety::Context out;
  const json::Value* aliases = question.at("/aliases");
  if (aliases == nullptr) return out;
  out.git_aliases_known = true;
  for (const auto& [name, value] : question.map_at("/aliases")) {
    std::string lower = name;
    for (char& c : lower) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    out.git_aliases.emplace(std::move(lower), value);
  }
  return out;
}

/// The rules, then the checks of plugins, as the guard does it.
safety::Verdict judge_line(const std::string& line, const SafetyPolicy& policy, safety::Context context) {
  std::vector<safety::Command> commands;
  if (!policy.checks.empty()) context.commands = &commands;
  safety::Verdict verdict = safety::evaluate_line(line, policy.policy, context);
  return ask_checks(policy.libexec, policy.checks, std::move(verdict), commands, line, policy.policy);
}
safety::Verdict judge_argv(const std::vector<std::string>& argv, const SafetyPolicy& policy,
                           safety::Context context) {
  std::vector<safety::Command> commands;
  if (!policy.checks.empty()) context.commands = &commands;
  safety::Verdict verdict = safety::evaluate_argv(argv, policy.policy, context);
  return ask_checks(policy.libexec, policy.checks, std::move(verdict), commands, safety::joined(argv),
                    policy.policy);
}

}  // namespace

SafetyPolicy safety_policy_default() {
  SafetyPolicy out;
  out.document["schema"] = 1;
  out.document["action"] = "block";
  out.document["source"] = "default";
  out.policy = safety::read_policy(json::dump(out.document));
  return out;
}

Result<SafetyPolicy> safety_policy_here(Host& host, const ExplainRequest& request) {
  GovernOptions asked;
  asked.team = request.team;
  asked.provider = request.provider;
  asked.freshness = Freshness::cache_only;
  LaunchOptions options;
  options.workspace = request.workspace;
  options.allow_suspicious = true;
  auto resolved = resolve_workspace(host, options);
  if (!resolved && !request.workspace.empty()) return fail(std::move(resolved).error());
  if (resolved) {
    asked.workspace = resolved->workspace.root;
    asked.git = &resolved->git;
  }
  SCC_TRY(const Governance governance, govern(host, asked));
  SafetyPolicy out;
  std::map<std::string, std::string> libraries;
  if (!governance.effective.safety_net.checks.empty()) {
    SCC_CHECK(apply_machine_plugin_policy(host));
    SCC_TRY(const plugin::Registry* registry, host.registry());
    SCC_TRY(const std::vector<CheckInput> found, find_checks(*registry, governance.effective));
    for (const CheckInput& check : found) libraries.emplace(check.ref.id, check.sha256);
    SCC_TRY(out.checks, host_checks(*registry, governance.effective));
    out.libexec = host.paths.libexec;
  }
  out.document = policy::safety_policy(governance.effective, libraries);
  out.policy = safety::read_policy(json::dump(out.document));
  return out;
}

Result<SafetyPolicy> safety_policy_file(const os::stdfs::path& path) {
  SCC_TRY(const std::string text, os::read_file(path, safety::kPolicyBytes));
  SafetyPolicy out;
  out.policy = safety::read_policy(text);
  if (out.policy.defective()) {
    return fail(Kind::config, "safety.policy", str::printable(path.native()) + ": " + out.policy.defect,
                std::string(kRulesHint));
  }
  SCC_TRY(out.document, json::parse(text));
  return out;
}

json::Value verdict_json(const safety::Verdict& verdict) {
  json::Value out;
  out["decision"] = safety::to_string(verdict.decision);
  out["rule"] = verdict.rule;
  out["reason"] = verdict.reason;
  out["hint"] = verdict.hint;
  out["at"] = str::printable(verdict.at);
  out["depth"] = verdict.depth;
  return out;
}

json::Value answer_question(std::string_view line, const SafetyPolicy& fallback, bool* valid) {
  const auto question = json::parse(line);
  const json::Value none;
  if (!question || !question->is_object())
    return *valid = false, refused(none, "this line is not one JSON object");
  const json::Value* id = question->at("/id");
  const json::Value& name = id == nullptr ? none : *id;
  const json::Value* command = question->at("/command");
  const json::Value* argv = question->at("/argv");
  const bool one = (command != nullptr) != (argv != nullptr);
  if (!one || (command != nullptr && !command->is_string()) || (argv != nullptr && !texts(*argv))) {
    return *valid = false, refused(name, "give either \"command\", a text, or \"argv\", a list of texts");
  }
  const json::Value* own = question->at("/policy");
  const safety::Policy policy =
      own == nullptr ? safety::Policy() : safety::read_inline_policy(json::dump(*own));
  const SafetyPolicy inline_policy{{}, policy};
  const SafetyPolicy& judged_by = own == nullptr ? fallback : inline_policy;
  const safety::Verdict verdict =
      command != nullptr ? judge_line(command->as_string(), judged_by, context_of(*question))
                         : judge_argv(question->strings_at("/argv"), judged_by, context_of(*question));
  json::Value out = verdict_json(verdict);
  out["id"] = name;
  return out;
}

safety::Verdict judge_words(const std::vector<std::string>& words, const SafetyPolicy& policy) {
  return words.size() == 1 ? judge_line(words[0], policy, {}) : judge_argv(words, policy, {});
}

json::Value safety_rules(const SafetyPolicy& policy) {
  json::Value out;
  out["rules"].array();
  const std::span<const safety::RuleInfo> all = safety::rules();
  for (std::size_t i = 0; i < all.size(); ++i) {
    if (all[i].id == "org") continue;
    json::Value one;
    one["id"] = all[i].id;
    one["policy_key"] = safety::legacy_key(all[i].id);
    one["default"] = safety::to_string(all[i].level);
    one["level"] = safety::to_string(policy.policy.decide(static_cast<safety::Rule>(i), all[i].level));
    one["summary"] = all[i].loss;
    one["hint"] = all[i].hint;
    out["rules"].array().push_back(std::move(one));
  }
  const json::Value* own = policy.document.at("/org_rules");
  out["org_rules"] = own == nullptr ? json::Value(json::Array()) : *own;
  const json::Value* checks = policy.document.at("/checks");
  out["checks"] = checks == nullptr ? json::Value(json::Array()) : *checks;
  out["action"] = safety::to_string(policy.policy.action);
  out["source"] = policy.policy.source;
  return out;
}

}  // namespace scc::app
