// SPDX-License-Identifier: Apache-2.0
// The rules of the safety engine as components, so that whoever lists or asks safety checks finds them beside
// a vendor's: `git` is everything about git, files and the shell around them, `network` the network tools.
// The guard of a sandbox has the same engine compiled in.
#include <string>
#include <string_view>
#include <vector>

#include <scc/sdk/plugin.hpp>

#include "builtin/builtin.h"
#include "safety/engine.h"

namespace scc::builtin {

namespace {

bool of_network(std::string_view rule) {
  return rule.starts_with("network.");
}

template <bool kNetwork>
class Rules {
 public:
  sdk::SafetyRules rules() const {
    sdk::SafetyRules out;
    for (const safety::RuleInfo& one : safety::rules()) {
      if (of_network(one.id) != kNetwork) continue;
      sdk::SafetyRule rule;
      rule.id = std::string(one.id);
      rule.policy_key = safety::legacy_key(one.id);
      if (rule.policy_key.empty()) rule.policy_key = rule.id;
      rule.default_value = safety::to_string(one.level);
      rule.summary = std::string(one.loss);
      out.rules.push_back(std::move(rule));
    }
    return out;
  }

  /// Without a policy of an organisation: blocks, and guards the network tools.
  sdk::Verdict evaluate(const sdk::Command& command) const {
    std::vector<std::string> argv;
    argv.reserve(command.size());
    for (std::size_t i = 0; i < command.size(); ++i) argv.emplace_back(command[i]);
    const safety::Verdict verdict = safety::evaluate_argv(argv, safety::Policy());
    if (verdict.rule.empty() || of_network(verdict.rule) != kNetwork) return {};
    const scc_decision decision = verdict.decision == safety::Decision::block  ? SCC_BLOCK
                                  : verdict.decision == safety::Decision::warn ? SCC_WARN
                                                                               : SCC_ALLOW;
    return {decision, verdict.rule, verdict.reason};
  }
};

constexpr scc_component kComponents[] = {sdk::safety<Rules<false>>("git"),
                                         sdk::safety<Rules<true>>("network")};
constexpr scc_plugin_v1 kPlugin = {sizeof(scc_plugin_v1),
                                   SCC_ABI_MAJOR,
                                   SCC_ABI_MINOR,
                                   "builtin-safety",
                                   SCC_VERSION,
                                   kComponents,
                                   sizeof(kComponents) / sizeof(kComponents[0]),
                                   sizeof(scc_component),
                                   nullptr};

}  // namespace

const scc_plugin_v1& safety_plugin() {
  return kPlugin;
}

}  // namespace scc::builtin
