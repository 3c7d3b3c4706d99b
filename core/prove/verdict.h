// SPDX-License-Identifier: Apache-2.0
// What a finding of scc-probe means. Pure. A refusal counts only beside a control that worked: otherwise the
// attempt itself may be broken, and the verdict is inconclusive, which is no pass.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "prove/battery.h"

namespace scc::prove {

/// A line of scc-probe: id, kind, value, text.
struct Finding {
  std::string kind;   ///< reached, none, status, broken
  std::string value;  ///< of status
  std::string text;
};
/// nullopt for a line that is not of the form.
std::optional<std::pair<std::string, Finding>> parse_finding(std::string_view line);

enum class Verdict { refused, escaped, reachable, skipped, inconclusive };
std::string_view to_string(Verdict verdict) noexcept;

struct Outcome {
  std::string name;
  std::string what;
  Verdict verdict = Verdict::inconclusive;
  std::string observed;
  std::string why;  ///< of skipped and inconclusive
};

/// Class -> what its control saw. A class that is missing had none that worked.
using Controls = std::map<std::string, std::string>;

/// `claimed`: the policy promises isolation; where it does not, what is reached is reachable, not escaped.
Outcome judge(const Probe& probe, const std::optional<Finding>& finding, const Controls& controls,
              bool claimed);

/// A line of the stand-in's record, and whether the policy lets it arrive. Queries for allowed names, and
/// connections of the proxy to port 443, do; the peer's own are controls.
bool record_line_allowed(std::string_view line, const Targets& targets, bool has_proxy);

}  // namespace scc::prove
