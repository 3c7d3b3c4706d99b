// SPDX-License-Identifier: Apache-2.0
// What the sources of sandbox/ gather, taken over by a test: they are short-lived programs that free nothing
// themselves.
#pragma once

#include <cstdlib>
#include <string>
#include <vector>

#include "sandbox/evidence.h"

namespace scc::test {

/// The texts of the list, which is empty then; "overflow" at the end of one that did not hold them all.
inline std::vector<std::string> taken(FindList& list) {
  std::vector<std::string> out;
  for (std::size_t i = 0; i < list.count; ++i) {
    out.emplace_back(list.items[i]);
    std::free(list.items[i]);  // NOLINT: C's allocation
  }
  if (list.overflow) out.emplace_back("overflow");
  list = {};
  return out;
}

}  // namespace scc::test
