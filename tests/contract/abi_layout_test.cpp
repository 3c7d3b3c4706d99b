// SPDX-License-Identifier: Apache-2.0
// Gate G1: the layout of the ABI equals the committed one. When it fails with "appended", add the lines to
// abi_layout_1.txt and raise SCC_ABI_MINOR in the same commit; "broken" is never right within a major.
#include "abi_layout.h"

#include <filesystem>
#include <fstream>
#include <regex>
#include <set>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace scc::contract {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

std::vector<std::string> golden() {
  std::vector<std::string> lines;
  std::ifstream in(std::string(SCC_SOURCE_DIR) + "/tests/contract/abi_layout_1.txt");
  for (std::string line; std::getline(in, line);) {
    if (!line.empty() && line[0] != '#') lines.push_back(line);
  }
  return lines;
}

TEST(AbiLayout, ListsEveryMember) {
  EXPECT_THAT(abi_layout().errors, IsEmpty());
}

TEST(AbiLayout, EqualsTheCommittedOne) {
  const std::vector<std::string> was = golden();
  const std::vector<std::string> is = abi_layout().lines;
  ASSERT_FALSE(was.empty());
  EXPECT_THAT(compare_layouts(was, is), IsEmpty()) << [&] {
    std::string all = "the layout now:\n";
    for (const std::string& line : is) all += line + "\n";
    return all;
  }();
}

TEST(AbiLayout, KnowsEveryStructOfTheHeaders) {
  std::set<std::string> listed;
  for (const std::string& line : abi_layout().lines) listed.insert(line.substr(0, line.find('.')));
  std::set<std::string> declared;
  const std::regex end_of_struct("^\\} (\\w+);");
  for (const auto& entry :
       std::filesystem::directory_iterator(std::string(SCC_SOURCE_DIR) + "/sdk/include/scc")) {
    std::ifstream in(entry.path());
    for (std::string line; std::getline(in, line);) {
      std::smatch match;
      if (std::regex_search(line, match, end_of_struct)) declared.insert(match[1]);
    }
  }
  EXPECT_EQ(listed, declared);
}

// The gate itself: what it must catch, it catches.
TEST(AbiLayout, TellsAppendingFromBreaking) {
  const std::vector<std::string> was = {"a.x @0 int32_t", "a.y @4 int32_t", "b.z @0 void*"};
  EXPECT_THAT(compare_layouts(was, was), IsEmpty());
  EXPECT_THAT(compare_layouts(was, {"a.x @0 int32_t", "a.y @4 int32_t", "a.n @8 void*", "b.z @0 void*"}),
              ElementsAre("appended: a.n @8 void*"));
  EXPECT_THAT(compare_layouts(was, {"a.x @0 int32_t", "a.y @4 int32_t"}),
              ElementsAre("broken: vanished: b.z @0 void*"));
  EXPECT_THAT(compare_layouts(was, {"a.y @0 int32_t", "a.x @4 int32_t", "b.z @0 void*"}),
              ElementsAre("broken: changed: a.x @0 int32_t -> a.y @0 int32_t",
                          "broken: changed: a.y @4 int32_t -> a.x @4 int32_t"));
}

}  // namespace
}  // namespace scc::contract
