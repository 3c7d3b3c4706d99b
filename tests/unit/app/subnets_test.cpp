// SPDX-License-Identifier: Apache-2.0
// A block that nothing touches, from the same place for the same seed.
#include "app/subnets.h"

#include <set>

#include <gtest/gtest.h>

namespace scc::app::detail {
namespace {

constexpr std::uint32_t kPool = 0x0AD50000;

TEST(Subnets, RoutesAreReadWithoutTheDefaultOne) {
  const auto blocks = blocks_of_routes(
      "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT\n"
      "eth0\t00000000\t010200C0\t0003\t0\t0\t0\t00000000\t0\t0\t0\n"
      "docker0\t000011AC\t00000000\t0001\t0\t0\t0\t0000FFFF\t0\t0\t0\n");
  ASSERT_EQ(blocks.size(), 1U);
  EXPECT_EQ(blocks[0].address, 0xAC110000U);
  EXPECT_EQ(blocks[0].mask, 0xFFFF0000U);
}

TEST(Subnets, TheSameSeedBeginsAtTheSamePlace) {
  const std::string first = pick_subnet({}, "/home/u/repo");
  EXPECT_EQ(pick_subnet({}, "/home/u/repo"), first);
  EXPECT_NE(pick_subnet({}, "/home/u/other"), first);
  EXPECT_EQ(first.substr(0, 7), "10.213.");
  EXPECT_EQ(first.substr(first.size() - 3), "/29");
}

TEST(Subnets, WhatIsTakenIsPassedOver) {
  // All but one block, given as the halves beside it: one block of the pool stays free.
  std::vector<Block> taken;
  for (std::uint32_t bits = 17; bits <= 29; ++bits) {
    const std::uint32_t mask = ~std::uint32_t{0} << (32 - bits);
    taken.push_back({kPool | (std::uint32_t{1} << (32 - bits)), mask});
  }
  EXPECT_EQ(pick_subnet(taken, "any"), "10.213.0.0/29");
  taken.push_back({kPool, 0xFFFFFFFE});
  EXPECT_EQ(pick_subnet(taken, "any"), "");
  EXPECT_EQ(pick_subnet({{0x0A000000, 0xFF000000}}, "any"), "") << "a network around the whole pool";
}

}  // namespace
}  // namespace scc::app::detail
