// SPDX-License-Identifier: Apache-2.0
#include "../src/arguments.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace scc::claude {
namespace {

using testing::ElementsAre;

ArgvInput input(bool may_bypass, std::vector<std::string> user) {
  ArgvInput out;
  out.workspace = "/w";
  out.may_bypass = may_bypass;
  out.user = std::move(user);
  return out;
}

ArgvInput resumed(const std::string& workspace, std::vector<std::string> user) {
  ArgvInput out = input(false, std::move(user));
  out.workspace = workspace;
  out.resume = true;
  return out;
}

std::string failure_code(const ArgvInput& input) {
  try {
    static_cast<void>(make_argv(input));
  } catch (const sdk::Failure& f) {
    return f.code;
  }
  return "";
}

TEST(Arguments, InteractiveWithTheBypassOfTheSandbox) {
  const Argv argv = make_argv(input(true, {}));
  EXPECT_THAT(argv.argv, ElementsAre("claude", "--add-dir=/w", "--setting-sources", "user",
                                     "--dangerously-skip-permissions"));
  EXPECT_TRUE(argv.bypasses);
}

TEST(Arguments, NoBypassWithoutThePolicy) {
  const Argv argv = make_argv(input(false, {"-p", "hello"}));
  EXPECT_THAT(argv.argv, ElementsAre("claude", "--add-dir=/w", "--setting-sources", "user", "-p", "hello"));
  EXPECT_FALSE(argv.bypasses);
}

TEST(Arguments, UserArgumentsAreVerbatimAndLast) {
  const Argv argv = make_argv(resumed("/w x", {"-p", "a b", "--output-format", "json", "", "--", "-c"}));
  EXPECT_THAT(argv.argv, ElementsAre("claude", "--add-dir=/w x", "--setting-sources", "user", "--continue",
                                     "-p", "a b", "--output-format", "json", "", "--", "-c"));
}

TEST(Arguments, ResumeIsNotGivenTwice) {
  for (const std::vector<std::string>& user : std::vector<std::vector<std::string>>{
           {"-c"}, {"--continue"}, {"--resume", "id"}, {"--resume=id"}, {"-r", "id"}, {"-pc", "x"}}) {
    const Argv argv = make_argv(resumed("/w", user));
    EXPECT_EQ(argv.argv.size(), 4 + user.size()) << user.front();
  }
}

TEST(Arguments, ANewConversationGetsTheSessionsId) {
  ArgvInput in = input(false, {"-p", "x"});
  in.new_conversation = "${session.id}";
  const Argv argv = make_argv(in);
  EXPECT_THAT(argv.argv, ElementsAre("claude", "--add-dir=/w", "--setting-sources", "user",
                                     "--session-id=${session.id}", "-p", "x"));
  EXPECT_EQ(argv.conversation, "${session.id}");
}

TEST(Arguments, AConversationIsContinuedByItsId) {
  ArgvInput in = resumed("/w", {"-p", "x"});
  in.new_conversation = "${session.id}";
  in.conversation = "0190-c";
  const Argv argv = make_argv(in);
  EXPECT_THAT(argv.argv, ElementsAre("claude", "--add-dir=/w", "--setting-sources", "user", "--resume=0190-c",
                                     "-p", "x"));
  EXPECT_EQ(argv.conversation, "0190-c");
  in.conversation.clear();
  EXPECT_EQ(make_argv(in).conversation, "") << "the directory's latest, whichever that is";
}

TEST(Arguments, TheUsersOwnWordsAboutTheConversationWin) {
  for (const bool resume : {false, true}) {
    ArgvInput in = input(false, {"--session-id", "mine"});
    in.resume = resume;
    in.new_conversation = "${session.id}";
    in.conversation = "0190-c";
    EXPECT_EQ(make_argv(in).conversation, "mine");
    EXPECT_EQ(make_argv(in).argv.size(), 6U);
    in.user = {"--session-id=mine"};
    EXPECT_EQ(make_argv(in).conversation, "mine");
    in.user = {"--resume", "other"};
    EXPECT_EQ(make_argv(in).conversation, "");
    EXPECT_EQ(make_argv(in).argv.size(), 6U);
  }
}

TEST(Arguments, AnotherPermissionModeIsRespected) {
  const Argv argv = make_argv(input(true, {"--permission-mode", "plan"}));
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
    const Argv argv = make_argv(input(true, user));
    EXPECT_TRUE(argv.bypasses) << user.front();
    EXPECT_EQ(argv.argv.size(), 4 + user.size()) << user.front();
    EXPECT_EQ(failure_code(input(false, user)), "claude.bypass-denied") << user.front();
  }
}

TEST(Arguments, SettingSourcesBelongToScc) {
  EXPECT_EQ(failure_code(input(true, {"--setting-sources", "project"})), "claude.reserved-argument");
  EXPECT_EQ(failure_code(input(true, {"-p", "x", "--setting-sources=project,user"})),
            "claude.reserved-argument");
  // Behind "--" it is a part of the prompt.
  EXPECT_EQ(failure_code(input(true, {"-p", "--", "--setting-sources"})), "");
}

TEST(Arguments, ReadsHeadless) {
  EXPECT_TRUE(read_arguments({"-p", "x"}).headless);
  EXPECT_TRUE(read_arguments({"--print"}).headless);
  EXPECT_FALSE(read_arguments({"--", "-p"}).headless);
  EXPECT_FALSE(read_arguments({"--model", "opus"}).headless);
}

}  // namespace
}  // namespace scc::claude
