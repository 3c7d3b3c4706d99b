// SPDX-License-Identifier: Apache-2.0
#include "workspace/git_config.h"

#include <gtest/gtest.h>

namespace scc::workspace::detail {
namespace {

TEST(GitConfig, ReadsWhatGitReads) {
  const auto entries = parse_git_config(
      "\xEF\xBB\xBF# c\n[core]\n\tbare = false ; c\n  hooksPath = \"a b\"  \n\tflag\n"
      "[remote \"o\\\"x\"]\n\turl = a\\\\b\\\n  c\n[Extensions] worktreeConfig = ON\n[sec.Sub]\nk=v#x\n");
  EXPECT_EQ(config_value(entries, "core", "bare"), "false");
  EXPECT_EQ(config_value(entries, "core", "hookspath"), "a b");
  EXPECT_EQ(config_value(entries, "core", "flag"), "true");
  EXPECT_TRUE(config_true(config_value(entries, "extensions", "worktreeconfig")));
  EXPECT_EQ(config_value(entries, "remote", "url"), std::nullopt);  // has a subsection
  ASSERT_EQ(entries.size(), 6U);
  EXPECT_EQ(entries[3].subsection, "o\"x");
  EXPECT_EQ(entries[3].value, "a\\b  c");
  EXPECT_EQ(entries[5].subsection, "sub");
  EXPECT_EQ(entries[5].value, "v");
}

TEST(GitConfig, TheLastValueCountsAndBooleansVary) {
  const auto entries = parse_git_config("[a]\nk = 1\n[a]\nk = 0\n");
  EXPECT_EQ(config_value(entries, "a", "k"), "0");
  for (const char* yes : {"true", "Yes", "on", "1", "7"}) EXPECT_TRUE(config_true(std::string{yes})) << yes;
  for (const char* no : {"false", "no", "off", "0", "", "x"})
    EXPECT_FALSE(config_true(std::string{no})) << no;
  EXPECT_FALSE(config_true(std::nullopt));
}

TEST(GitConfig, HostileTextEnds) {
  for (const char* text : {"[", "[a", "[a \"", "[a \"x", "[a \"x\\", "=", "a=\"", "a=\\", "[a]\nk", "]]]]",
                           "\\\n\\\n", "[a]k=v[b]k=v"}) {
    parse_git_config(text);
  }
  const std::string_view zero("\0\0[\0]\0=\0", 8);
  parse_git_config(zero);
  std::string many;
  for (int i = 0; i < 20'000; ++i) many += "[a]k=v\n";
  EXPECT_LE(parse_git_config(many).size(), 10'000U);
}

}  // namespace
}  // namespace scc::workspace::detail
