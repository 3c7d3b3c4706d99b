// SPDX-License-Identifier: Apache-2.0
#include "../src/arguments.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace scc::codex {
namespace {

using testing::ElementsAre;

constexpr const char* kBypass = "--dangerously-bypass-approvals-and-sandbox";

std::vector<std::string> argv(const ArgvInput& input) {
  return make_argv(input).argv;
}

TEST(Arguments, InteractiveWithTheBypassOfTheSandbox) {
  const Argv out = make_argv({false, "", true, {}});
  EXPECT_THAT(out.argv, ElementsAre("codex", kBypass));
  EXPECT_TRUE(out.bypasses);
}

TEST(Arguments, NoBypassWithoutThePolicy) {
  const Argv out = make_argv({false, "", false, {"exec", "hello"}});
  EXPECT_THAT(out.argv, ElementsAre("codex", "exec", "hello"));
  EXPECT_FALSE(out.bypasses);
}

TEST(Arguments, UserArgumentsAreVerbatim) {
  EXPECT_THAT(argv({false, "", true, {"exec", "--json", "a b", "", "--", "resume"}}),
              ElementsAre("codex", kBypass, "exec", "--json", "a b", "", "--", "resume"));
}

TEST(Arguments, ResumesTheLatestConversationOfTheDirectory) {
  EXPECT_THAT(argv({true, "", true, {}}),
              ElementsAre("codex", kBypass, "resume", "--last", "--include-non-interactive"));
  EXPECT_THAT(argv({true, "", true, {"-m", "exec", "and now?"}}),
              ElementsAre("codex", kBypass, "resume", "--last", "--include-non-interactive", "-m", "exec",
                          "and now?"));
}

TEST(Arguments, ResumesAConversationByItsId) {
  EXPECT_THAT(argv({true, "0190-c", true, {"go on"}}),
              ElementsAre("codex", kBypass, "resume", "0190-c", "go on"));
  EXPECT_THAT(
      argv({true, "0190-c", true, {"-c", "model=\"x\"", "exec", "--json", "go on"}}),
      ElementsAre("codex", kBypass, "-c", "model=\"x\"", "exec", "resume", "0190-c", "--json", "go on"));
}

TEST(Arguments, ResumesHeadless) {
  EXPECT_THAT(argv({true, "", true, {"exec", "go on"}}),
              ElementsAre("codex", kBypass, "exec", "resume", "--last", "go on"));
  EXPECT_THAT(argv({true, "", true, {"e", "go on"}}),
              ElementsAre("codex", kBypass, "e", "resume", "--last", "go on"));
}

TEST(Arguments, WhatTheUserContinuesIsNotContinuedTwice) {
  EXPECT_THAT(argv({true, "0190-c", true, {"resume", "--last"}}),
              ElementsAre("codex", kBypass, "resume", "--last"));
  EXPECT_THAT(argv({true, "", true, {"fork", "x"}}), ElementsAre("codex", kBypass, "fork", "x"));
  EXPECT_THAT(argv({true, "", true, {"exec", "--color", "never", "resume", "x", "p"}}),
              ElementsAre("codex", kBypass, "exec", "--color", "never", "resume", "x", "p"));
}

TEST(Arguments, OtherCommandsGetNothing) {
  EXPECT_THAT(argv({true, "", true, {"mcp", "list"}}), ElementsAre("codex", "mcp", "list"));
  EXPECT_THAT(argv({true, "", true, {"--help"}}).back(), "--help");
}

TEST(Arguments, AQuestionThatNamesACommandIsAQuestion) {
  const UserArguments read = read_arguments({"resume the work on the parser"});
  EXPECT_EQ(read.command, "");
  EXPECT_FALSE(read.continues);
}

TEST(Arguments, PermissionsThatTheUserChose) {
  for (const std::vector<std::string>& user :
       std::vector<std::vector<std::string>>{{"-s", "read-only"},
                                             {"--sandbox=read-only"},
                                             {"-sread-only"},
                                             {"-a", "on-request"},
                                             {"--ask-for-approval", "never"},
                                             {"--approve-for-me"}}) {
    const Argv out = make_argv({false, "", true, user});
    EXPECT_EQ(out.argv.size(), user.size() + 1) << user[0];
    EXPECT_FALSE(out.bypasses) << user[0];
  }
  EXPECT_TRUE(make_argv({false, "", true, {"--search"}}).bypasses);
  EXPECT_TRUE(make_argv({false, "", true, {"--", "-s"}}).bypasses);
}

TEST(Arguments, ABypassOfTheUserIsABypass) {
  for (const char* name : {kBypass, "--yolo"}) {
    const Argv out = make_argv({false, "", true, {"exec", name, "p"}});
    EXPECT_THAT(out.argv, ElementsAre("codex", "exec", name, "p"));
    EXPECT_TRUE(out.bypasses);
    try {
      static_cast<void>(make_argv({false, "", false, {"exec", name, "p"}}));
      FAIL() << name;
    } catch (const sdk::Failure& failure) {
      EXPECT_EQ(failure.code, "codex.bypass-denied");
      EXPECT_EQ(failure.status, SCC_E_POLICY);
    }
  }
}

}  // namespace
}  // namespace scc::codex
