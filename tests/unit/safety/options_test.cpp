// SPDX-License-Identifier: Apache-2.0
// The option decoder: prefixes, negation, clusters, values, the end of options, help.
#include "safety/options.h"

#include <gtest/gtest.h>

namespace scc::safety {
namespace {

Parsed push(std::vector<std::string> rest) {
  rest.insert(rest.begin(), {"git", "push"});
  return parse_options(git_options("push"), rest, 2);
}

TEST(Options, PrefixesAndNegation) {
  EXPECT_NE(push({"--mirr"}).flag("mirror"), nullptr);
  EXPECT_EQ(push({"--force", "--no-force"}).flag("force"), nullptr);
  EXPECT_NE(push({"--no-force", "--force"}).flag("force"), nullptr);
  EXPECT_EQ(push({"--no-for"}).flag("mirror"), nullptr);
  EXPECT_NE(push({"--no-ver"}).flag("no-verify"), nullptr);
  EXPECT_EQ(push({"--no-verify", "--verify"}).flag("no-verify"), nullptr);
}

TEST(Options, AnAmbiguousPrefixCountsOnlyAgainstTheCommand) {
  EXPECT_NE(push({"--forc"}).flag("force"), nullptr);
  EXPECT_FALSE(push({"--forc"}).surely("force"));
  const Parsed clean = parse_options("dry-run,n dry-other force,f", {"git", "clean", "--dry"}, 2);
  EXPECT_FALSE(clean.surely("dry-run"));
}

TEST(Options, ClustersAndValues) {
  EXPECT_NE(push({"-vfu"}).flag("force"), nullptr);
  EXPECT_EQ(push({"-of"}).flag("force"), nullptr);
  EXPECT_EQ(push({"-o", "-f"}).flag("force"), nullptr);
  EXPECT_EQ(push({"--push-option", "--force"}).flag("force"), nullptr);
  EXPECT_NE(push({"--push-option=x", "--force"}).flag("force"), nullptr);
  EXPECT_NE(push({"-4f"}).flag("force"), nullptr);
  // A value that must be glued on takes no argument.
  EXPECT_NE(push({"--signed", "--force"}).flag("force"), nullptr);
}

TEST(Options, EndAndHelp) {
  const Parsed ended = push({"origin", "--", "--force", "-h"});
  EXPECT_EQ(ended.flag("force"), nullptr);
  EXPECT_FALSE(ended.help);
  ASSERT_EQ(ended.operands.size(), 3U);
  EXPECT_TRUE(ended.operands[1].after_dashes);
  EXPECT_TRUE(push({"-f", "-h"}).help);
  EXPECT_TRUE(push({"-fh"}).help);
  EXPECT_FALSE(push({"-o", "-h"}).help);
  EXPECT_FALSE(push({"-o", "--help"}).help);
  EXPECT_EQ(push({"--end-of-options", "-f"}).flag("force"), nullptr);
}

TEST(Options, UnknownText) {
  const std::string unknown(1, kUnknown);
  EXPECT_TRUE(push({"--f" + unknown}).dynamic);
  EXPECT_TRUE(push({"-" + unknown}).dynamic);
  EXPECT_FALSE(push({"-o" + unknown}).dynamic);
  EXPECT_FALSE(push({"--repo=" + unknown}).dynamic);
  EXPECT_FALSE(push({unknown}).dynamic);
}

}  // namespace
}  // namespace scc::safety
