// SPDX-License-Identifier: Apache-2.0
// The layout of every struct of the plugin ABI as text: one line a member, "table.member @offset type". Gate
// G1 of docs/abi.md compares it with abi_layout_1.txt, which may only grow (ABI-4).
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace scc::contract {

struct Layout {
  std::vector<std::string> lines;  ///< in the order of the members
  std::vector<std::string>
      errors;  ///< a member that the list in abi_layout.cpp forgot, or names out of order
};

Layout abi_layout();

/// What to tell about `current` against `golden`: empty when equal, else one line a difference. An appended
/// member is told apart from a change.
std::vector<std::string> compare_layouts(const std::vector<std::string>& golden,
                                         const std::vector<std::string>& current);

}  // namespace scc::contract
