// SPDX-License-Identifier: Apache-2.0
#include "safety/rules.h"

#include <array>

namespace scc::safety {

namespace {

constexpr std::array kRules{
#define SCC_RULE(name, id, level, loss, hint) RuleInfo{id, Decision::level, loss, hint},
#include "safety/rules.def"
#undef SCC_RULE
};

constexpr std::array kCheckoutRestore{Rule::checkout_path, Rule::restore_worktree, Rule::checkout_force,
                                      Rule::switch_force};
constexpr std::array kClean{Rule::clean_force};
constexpr std::array kStash{Rule::stash_drop, Rule::stash_clear};

}  // namespace

std::span<const RuleInfo> rules() noexcept {
  return kRules;
}

const RuleInfo& info(Rule rule) noexcept {
  return kRules[static_cast<std::size_t>(rule)];
}

int find_rule(std::string_view id) noexcept {
  for (std::size_t i = 0; i < kRules.size(); ++i) {
    if (kRules[i].id == id) return static_cast<int>(i);
  }
  return -1;
}

std::string legacy_key(std::string_view id) {
  const std::size_t dot = id.find('.');
  if (dot == std::string_view::npos) return {};
  return (id.starts_with("network.") ? "block_network_" : "block_") + std::string(id.substr(dot + 1));
}

std::span<const Rule> legacy_group(std::string_view key) noexcept {
  if (key == "block_checkout_restore") return kCheckoutRestore;
  if (key == "block_clean") return kClean;
  if (key == "block_stash_destructive") return kStash;
  return {};
}

}  // namespace scc::safety
