// SPDX-License-Identifier: Apache-2.0
#include "safety/risk.h"

#include <algorithm>
#include <array>

#include "safety/rules.h"

namespace scc::safety {

namespace {

constexpr std::array kRules{
#define SCC_RISK_RULE(name) Rule::name,
#define SCC_RISK_VERB(verb, word, when)
#include "safety/risks.def"
#undef SCC_RISK_RULE
#undef SCC_RISK_VERB
};

struct Verb {
  std::string_view verb;
  std::string_view word;
  Risk when;
};
constexpr std::array kVerbs{
#define SCC_RISK_RULE(name)
#define SCC_RISK_VERB(verb, word, when) Verb{verb, word, Risk::when},
#include "safety/risks.def"
#undef SCC_RISK_RULE
#undef SCC_RISK_VERB
};

/// The word itself, or what git takes for the option: "--am".
bool says(std::string_view argument, std::string_view word) {
  const bool shortened = argument.starts_with("--") && argument.size() > 3 && word.starts_with(argument);
  return argument == word || shortened;
}

}  // namespace

Risk risk_of(std::string_view rule, std::string_view verb,
             const std::vector<std::string>& arguments) noexcept {
  const auto same = [&](Rule one) { return info(one).id == rule; };
  if (std::any_of(kRules.begin(), kRules.end(), same)) return Risk::always;
  Risk out = Risk::none;
  for (const Verb& one : kVerbs) {
    if (one.verb != verb) continue;
    const bool taken = one.word.empty() ||
                       std::any_of(arguments.begin(), arguments.end(),
                                   [&](const std::string& argument) { return says(argument, one.word); });
    if (taken) out = std::max(out, one.when);
  }
  return out;
}

}  // namespace scc::safety
