// SPDX-License-Identifier: Apache-2.0
#include "../src/arguments.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace scc::claude {
namespace {

using testing::ElementsAre;

std::string failure_code(const ArgvInput& input) {
  try {
    static_cast<void>(make_argv(input));
  } catch (const sdk::Failure& f) {
    return f.code;
  }
  return "";
}

TEST(Arguments, InteractiveWithTheBypassOfTheSandbox) {
  const Argv argv = make_argv({"/w", false, true, {}});
  EXPECT_THAT(argv.argv, ElementsAre("claude", "--add-dir=/w", "--setting-sources", "user",
                                     "--dangerously-skip-permissions"));
  EXPECT_TRUE(argv.bypasses);
}

TEST(Arguments, NoBypassWithoutThePolicy) {
  const Argv argv = make_argv({"/w", false, false, {"-p", "hello"}});
  EXPECT_THAT(argv.argv, ElementsAre("claude", "--add-dir=/w", "--setting-sources", "user", "-p", "hello"));
  EXPECT_FALSE(argv.bypasses);
}

TEST(Arguments, UserArgumentsAreVerbatimAndLast) {
  const Argv argv =
      make_argv({"/w x", true, false, {"-p", "a b", "--output-format", "json", "", "--", "-c"}});
  EXPECT_THAT(argv.argv, ElementsAre("claude", "--add-dir=/w x", "--setting-sources", "user", "--continue",
                                     "-p", "a b", "--output-format", "json", "", "--", "-c"));
}

TEST(Arguments, ResumeIsNotGivenTwice) {
  for (const std::vector<std::string>& user : std::vector<std::vector<std::string>>{
           {"-c"}, {"--continue"}, {"--resume", "id"}, {"--resume=id"}, {"-r", "id"}, {"-pc", "x"}}) {
    const Argv argv = make_argv({"/w", true, false, user});
    EXPECT_EQ(argv.argv.size(), 4 + user.size()) << user.front();
  }
}

TEST(Arguments, AnotherPermissionModeIsRespected) {
  const Argv argv = make_argv({"/w", false, true, {"--permission-mode", "plan"}});
  EXPECT_THAT(argv.argv, ElementsAre("claude", "--add-dir=/w", "--setting-sources", "user",
                                     "--permission-mode", "plan"));
  EXPECT_FALSE(argv.bypasses);
}

TEST(Arguments, ABypassOfTheUserNeedsEvidenceToo) {
  for (const std::vector<std::string>& user :
       std::vector<std::vector<std::string>>{{"--dangerously-skip-permissions"},
                                             {"--allow-dangerously-skip-permissions"},
                                             {"--permission-mode", "bypassPermissions"},
                                             {"--permission-mode=bypassPermissions"}}) {
    const Argv argv = make_argv({"/w", false, true, user});
    EXPECT_TRUE(argv.bypasses) << user.front();
    EXPECT_EQ(argv.argv.size(), 4 + user.size()) << user.front();
    EXPECT_EQ(failure_code({"/w", false, false, user}), "claude.bypass-denied") << user.front();
  }
}

TEST(Arguments, SettingSourcesBelongToScc) {
  EXPECT_EQ(failure_code({"/w", false, true, {"--setting-sources", "project"}}), "claude.reserved-argument");
  EXPECT_EQ(failure_code({"/w", false, true, {"-p", "x", "--setting-sources=project,user"}}),
            "claude.reserved-argument");
  // Behind "--" it is a part of the prompt.
  EXPECT_EQ(failure_code({"/w", false, true, {"-p", "--", "--setting-sources"}}), "");
}

TEST(Arguments, ReadsHeadless) {
  EXPECT_TRUE(read_arguments({"-p", "x"}).headless);
  EXPECT_TRUE(read_arguments({"--print"}).headless);
  EXPECT_FALSE(read_arguments({"--", "-p"}).headless);
  EXPECT_FALSE(read_arguments({"--model", "opus"}).headless);
}

}  // namespace
}  // namespace scc::claude
