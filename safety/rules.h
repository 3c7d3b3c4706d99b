// SPDX-License-Identifier: Apache-2.0
// The catalogue of rules (rules.def).
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "safety/verdict.h"

namespace scc::safety {

enum class Rule : std::uint8_t {
#define SCC_RULE(name, id, level, loss, hint) name,
#include "safety/rules.def"
#undef SCC_RULE
};

struct RuleInfo {
  std::string_view id;
  Decision level;  ///< without a policy of its own
  std::string_view loss;
  std::string_view hint;
};

std::span<const RuleInfo> rules() noexcept;
const RuleInfo& info(Rule rule) noexcept;
/// The index of an id in rules(), or -1.
int find_rule(std::string_view id) noexcept;

/// Calls `found(rule index)` for each rule that a key of the older form names: "block_reset_hard" one,
/// "block_clean" and the other two group keys several. False when it names none.
template <class Found>
bool for_legacy_key(std::string_view key, Found found);

/// The key of the older form that names this rule alone: "block_force_push", "block_network_curl". Empty for
/// an id without a dot.
std::string legacy_key(std::string_view id);

/// The rule ids of a group key ("block_checkout_restore"), or none.
std::span<const Rule> legacy_group(std::string_view key) noexcept;

template <class Found>
bool for_legacy_key(std::string_view key, Found found) {
  const std::span<const Rule> group = legacy_group(key);
  for (const Rule rule : group) found(static_cast<std::size_t>(rule));
  if (!group.empty()) return true;
  if (!key.starts_with("block_")) return false;
  for (std::size_t i = 0; i < rules().size(); ++i) {
    if (legacy_key(rules()[i].id) == key) {
      found(i);
      return true;
    }
  }
  return false;
}

}  // namespace scc::safety
