// SPDX-License-Identifier: Apache-2.0
// What a computed configuration says about one item. `why` asks it, and asks again after each change that it
// thinks of. Private to core/policy. No I/O.
#pragma once

#include "policy/compute.h"

namespace scc::policy {

struct Verdict {
  std::string verdict;  ///< allowed, blocked, denied, ignored, disabled, not requested
  std::string reason;
  std::string code;
  std::string source;
  std::string rule;
  std::string requested_by;
  std::string entry;
  bool allowed() const { return verdict == "allowed"; }
};

/// The one spelling of an item of this kind; the text itself where there is none.
std::string canonical_item(const Layers& layers, const model::Effective& effective, std::string_view item,
                           std::string_view kind);
Verdict judge(const Layers& layers, const model::Effective& effective, const std::string& item,
              std::string_view kind);
/// plugin, mcp_server, host, provider or image; what the records know first, then the look of the text.
std::string guess_kind(const Layers& layers, const model::Effective& effective, std::string_view item);

}  // namespace scc::policy
