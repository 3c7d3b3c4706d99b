// SPDX-License-Identifier: Apache-2.0
// The list of error ids as the compiler sees it. Whether it fits the sources is the contract test's question.
#include <algorithm>
#include <array>
#include <string_view>

#include <gtest/gtest.h>

#include "base/error.h"

namespace scc {
namespace {

struct Listed {
  std::string_view id;
  std::string_view kinds;
  std::string_view meaning;
};

constexpr std::array kListed{
#define SCC_ERROR_ID(id, kinds, meaning) Listed{id, kinds, meaning},
#include "base/error_ids.def"
#undef SCC_ERROR_ID
};

TEST(ErrorIds, AreSortedAndUniqueAndSaySomething) {
  const auto out_of_order = std::adjacent_find(kListed.begin(), kListed.end(),
                                               [](const Listed& a, const Listed& b) { return a.id >= b.id; });
  EXPECT_EQ(out_of_order, kListed.end()) << out_of_order->id;
  for (const Listed& one : kListed) {
    EXPECT_FALSE(one.kinds.empty()) << one.id;
    EXPECT_GT(one.meaning.size(), 8U) << one.id;
  }
}

}  // namespace
}  // namespace scc
