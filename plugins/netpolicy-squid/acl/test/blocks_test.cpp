// SPDX-License-Identifier: Apache-2.0
#include "acl/blocks.h"

#include <gmock/gmock.h>

namespace scc_squid {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

Block block(std::string_view text) {
  const auto out = parse_block(text);
  EXPECT_TRUE(out) << text;
  return out.value_or(Block{});
}

std::vector<std::string> left(const std::vector<std::string>& from, const std::vector<std::string>& cut) {
  std::vector<Block> a;
  std::vector<Block> b;
  for (const auto& text : from) a.push_back(block(text));
  for (const auto& text : cut) b.push_back(block(text));
  std::vector<std::string> out;
  for (const Block& one : subtract(a, b)) out.push_back(to_string(one));
  return out;
}

TEST(Blocks, ReadsBlocksAndNothingElse) {
  EXPECT_EQ(to_string(block("10.1.2.3/8")), "10.0.0.0/8");
  EXPECT_EQ(to_string(block("fe80::1")), "fe80::1");
  for (const char* text : {"", "10.0.0.0/", "10.0.0.0/33", "10.0.0.0/-1", "::/129", "10.1", "0x7f.1", "a",
                           "10.0.0.0/8 ", " 10.0.0.0", "10.0.0.0/8\n", "::1%eth0"}) {
    EXPECT_FALSE(parse_block(text)) << text;
  }
}

TEST(Blocks, SubtractsWithoutLosingOrAdding) {
  EXPECT_THAT(left({"10.0.0.0/30"}, {"10.0.0.1"}), ElementsAre("10.0.0.0", "10.0.0.2/31"));
  EXPECT_THAT(left({"10.0.0.0/8"}, {"10.0.0.0/7"}), IsEmpty());
  EXPECT_THAT(left({"10.0.0.0/8"}, {"11.0.0.0/8", "::/0"}), ElementsAre("10.0.0.0/8"));
  EXPECT_THAT(left({"10.0.0.0/8", "10.1.0.0/16", "10.0.0.0/8"}, {}), ElementsAre("10.0.0.0/8"));
  EXPECT_THAT(left({"fc00::/7"}, {"fd00::/8"}), ElementsAre("fc00::/8"));
}

TEST(Blocks, EachAddressIsInExactlyOneHalf) {
  const auto rest = left({"172.16.0.0/12"}, {"172.17.0.0/16", "172.18.5.0/24"});
  for (unsigned second = 16; second < 32; ++second) {
    for (unsigned third = 0; third < 256; third += 5) {
      const std::string address = "172." + std::to_string(second) + "." + std::to_string(third) + ".9";
      const bool cut = second == 17 || (second == 18 && third == 5);
      int hits = 0;
      for (const auto& text : rest) hits += covers(block(text), block(address)) ? 1 : 0;
      EXPECT_EQ(hits, cut ? 0 : 1) << address;
    }
  }
}

}  // namespace
}  // namespace scc_squid
