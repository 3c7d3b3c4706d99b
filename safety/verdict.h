// SPDX-License-Identifier: Apache-2.0
// What the engine answers. Decisions are ordered: the greatest one of everything found in a command wins.
#pragma once

#include <cstdint>
#include <string>
#include <utility>

namespace scc::safety {

enum class Decision : std::uint8_t { allow = 0, warn = 1, block = 2 };

constexpr const char* to_string(Decision decision) {
  return decision == Decision::block ? "block" : decision == Decision::warn ? "warn" : "allow";
}

struct Verdict {
  Decision decision = Decision::allow;
  std::string rule;    ///< "git.force_push"; empty when nothing matched
  std::string reason;  ///< what would be lost, for people
  std::string hint;    ///< how to reach the goal safely; may be empty
  std::string at;      ///< the token that decided; may be empty
  unsigned depth = 0;  ///< 0: typed; n: found n levels inside sh -c, eval, xargs, ...
};

/// The greater decision; of equal ones the first that has a rule.
inline Verdict worse(Verdict one, Verdict other) {
  const bool second = other.decision > one.decision || (other.decision == one.decision && one.rule.empty());
  return second ? std::move(other) : std::move(one);
}

}  // namespace scc::safety
