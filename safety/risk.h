// SPDX-License-Identifier: Apache-2.0
// Which allowed commands of git deserve a snapshot of the repository first (risks.def).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace scc::safety {

enum class Risk : std::uint8_t {
  none,
  dirty,   ///< where there is work that is in no commit
  always,  ///< commits may lose their branch, too
};

/// `rule`: of the verdict, also where the policy allows it; `verb` and the arguments after it.
Risk risk_of(std::string_view rule, std::string_view verb,
             const std::vector<std::string>& arguments) noexcept;

}  // namespace scc::safety
