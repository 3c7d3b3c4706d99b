// SPDX-License-Identifier: Apache-2.0
// The use cases of `scc safety`: the policy that applies here, and the answer to a question about a command.
// The judging itself is the safety engine's, the same code that guards a sandbox.
#pragma once

#include <string>
#include <string_view>

#include "app/explain.h"
#include "safety/check_wire.h"
#include "safety/engine.h"

namespace scc::app {

struct SafetyPolicy {
  json::Value document;  ///< scc.safety-policy/1
  safety::Policy policy;
  std::vector<safety::CheckLibrary> checks{};  ///< of plugins, where the policy lists any
  os::stdfs::path libexec{};                   ///< where the program is that asks them
};

/// What a sandbox that started here would be guarded by, from what is cached. Kind::prereq safety.check when
/// a check of a plugin is missing.
Result<SafetyPolicy> safety_policy_here(Host& host, const ExplainRequest& request);
/// A document in a file. Kind::config safety.policy when it cannot be read or trusted.
Result<SafetyPolicy> safety_policy_file(const os::stdfs::path& path);
/// Without any configuration: blocks, and guards the network tools.
SafetyPolicy safety_policy_default();

/// {"decision", "rule", "reason", "hint", "at", "depth"}.
json::Value verdict_json(const safety::Verdict& verdict);

/// One question of `scc safety check --stdin`: {"id", "command" | "argv", "policy"?, "aliases"?}. Never
/// fails: what cannot be read is blocked by the rule "input.invalid", and `*valid` is cleared.
json::Value answer_question(std::string_view line, const SafetyPolicy& fallback, bool* valid);
/// argv as typed after "--": one word with blanks or operators in it is a whole shell line.
safety::Verdict judge_words(const std::vector<std::string>& words, const SafetyPolicy& policy);

/// The catalogue with what the policy makes of each rule: {"rules": [...], "org_rules": [...]}.
json::Value safety_rules(const SafetyPolicy& policy);

}  // namespace scc::app
