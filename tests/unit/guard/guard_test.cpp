// SPDX-License-Identifier: Apache-2.0
// The parts of the guard that need no sandbox; tests/e2e/guard_test.py has the rest, with the real git.
#include "app/guard.h"

#include <algorithm>
#include <fstream>

#include <gtest/gtest.h>

#include <scc/sdk/sha256.hpp>

#include "guard/git_side.h"
#include "guard/hooks.h"
#include "guard/places.h"
#include "guard/policy_file.h"
#include "os/fs.h"

namespace scc::guard {
namespace {

const std::string* value(const Variables& all, std::string_view name) {
  const auto found = std::find_if(all.begin(), all.end(), [&](const auto& one) { return one.first == name; });
  return found == all.end() ? nullptr : &found->second;
}

TEST(Guard, HashesAsTheHostDoes) {
  for (const std::size_t size : {0U, 1U, 55U, 56U, 63U, 64U, 65U, 119U, 4096U, 100'001U}) {
    const std::string text(size, 'x');
    EXPECT_EQ(sdk::sha256_hex(text), os::sha256_hex(text)) << size;
  }
}

TEST(Guard, TheHostsPolicyCarriesItsOwnDigestAndAnyChangeShows) {
  const std::string text = app::guard_policy_text({});
  EXPECT_EQ(digest_problem(text), "");
  EXPECT_FALSE(safety::read_policy(text).defective()) << safety::read_policy(text).defect;
  EXPECT_NE(digest_problem("{}"), "");
  EXPECT_NE(digest_problem(text + " "), "");
  EXPECT_NE(digest_problem(text.substr(0, text.size() / 2)), "");
  std::string other = text;
  other.replace(other.find("\"block\""), 7, "\"allow\"");
  EXPECT_NE(digest_problem(other), "");
}

TEST(Guard, APolicyThatOthersCouldChangeIsNotTrusted) {
  EXPECT_NE(load_policy("/nonexistent/safety.json").defect.find("No such file"), std::string::npos);
  EXPECT_TRUE(load_policy("/tmp").defective());
  // Whole and sound, but on a writable mount.
  const std::string path = testing::TempDir() + "scc-guard-policy.json";
  std::ofstream(path) << app::guard_policy_text({});
  EXPECT_NE(load_policy(path).defect, "");
  os::stdfs::remove(path);
}

TEST(Guard, OnlyPathsOfGuardedToolsAreTakenFromALabel) {
  using Paths = std::vector<std::string>;
  EXPECT_EQ(app::guarded_paths("/usr/bin/git /usr/lib/git-core/git  /usr/bin/curl"),
            (Paths{"/usr/bin/git", "/usr/lib/git-core/git", "/usr/bin/curl"}));
  for (const char* label : {"/etc/passwd", "git", "/usr/bin/../bin/git", "/usr/bin/bash", "/home/agent/git",
                            "/opt/scc/bin/git", "/usr//bin/git", ""}) {
    EXPECT_EQ(app::guarded_paths(label), Paths{}) << label;
  }
}

TEST(Guard, ItsOwnSettingIsNoInjectionAndComesLast) {
  const Variables all{{"HOME", "/h"},
                      {"GIT_CONFIG_COUNT", "3"},
                      {"GIT_CONFIG_KEY_0", "user.name"},
                      {"GIT_CONFIG_VALUE_0", "A B"},
                      {"GIT_CONFIG_KEY_1", "core.hooksPath"},
                      {"GIT_CONFIG_VALUE_1", std::string(kHooksDir)},
                      {"GIT_CONFIG_KEY_2", "core.hookspath"},
                      {"GIT_CONFIG_VALUE_2", "/dev/null"}};
  const GitEnvironment environment(all);
  EXPECT_EQ(environment.problem(), "");
  EXPECT_EQ(*value(environment.judged(), "GIT_CONFIG_COUNT"), "2");
  EXPECT_EQ(*value(environment.judged(), "GIT_CONFIG_VALUE_1"), "/dev/null");
  const Variables given = environment.with_hooks();
  EXPECT_EQ(*value(given, "GIT_CONFIG_COUNT"), "3");
  EXPECT_EQ(*value(given, "GIT_CONFIG_VALUE_2"), kHooksDir);
  EXPECT_EQ(GitEnvironment(given).with_hooks(), given);
}

TEST(Guard, RefusesCountsThatItCannotJudge) {
  for (const char* count : {"x", "-1", "129", "99999999999999999999", "1"}) {
    EXPECT_NE(GitEnvironment(Variables{{"GIT_CONFIG_COUNT", count}}).problem(), "") << count;
  }
  EXPECT_EQ(GitEnvironment(Variables{{"GIT_CONFIG_COUNT", ""}}).problem(), "");
}

TEST(Guard, ReadsTheSettingsThatGitHandsToItsChildren) {
  const GitEnvironment environment(
      Variables{{"GIT_CONFIG_PARAMETERS", "'a.b=c d' 'user.name'='it'\\''s' 'x.y'="}});
  EXPECT_EQ(environment.settings(), (Words{"-c", "a.b=c d", "-c", "user.name=it's", "-c", "x.y="}));
  EXPECT_EQ(value(environment.judged(), "GIT_CONFIG_PARAMETERS"), nullptr);
  EXPECT_NE(value(environment.bare(), "GIT_CONFIG_PARAMETERS"), nullptr);
  // What is not in git's form is left to be judged as what it is: an injection.
  for (const char* bad : {"a.b=c", "'a.b", "'a'x"}) {
    const GitEnvironment other(Variables{{"GIT_CONFIG_PARAMETERS", bad}});
    EXPECT_NE(value(other.judged(), "GIT_CONFIG_PARAMETERS"), nullptr) << bad;
  }
}

TEST(Guard, JudgesGitByItsArgvAndSettings) {
  const safety::Policy policy = safety::read_policy(app::guard_policy_text({}));
  const auto decide = [&](const Words& words, const Variables& environment = {}) {
    return judge_git(words, GitEnvironment(environment), policy, false).decision;
  };
  EXPECT_EQ(decide({"git", "push", "origin", "main"}), safety::Decision::allow);
  EXPECT_EQ(decide({"git", "push", "-f"}), safety::Decision::block);
  EXPECT_EQ(decide({"git-push", "--force"}), safety::Decision::block);
  EXPECT_EQ(decide({"git", "status"}, {{"GIT_EXEC_PATH", "/usr/lib/git-core"}}), safety::Decision::allow);
  EXPECT_EQ(decide({"git", "push"}, {{"GIT_EXEC_PATH", "/tmp/evil"}}), safety::Decision::block);
  EXPECT_EQ(decide({"git", "push"}, {{"GIT_CONFIG_PARAMETERS", "'core.hooksPath=/dev/null'"}}),
            safety::Decision::block);
  EXPECT_EQ(decide({"git", "commit"}, {{"GIT_CONFIG_PARAMETERS", "'user.name'='x'"}}),
            safety::Decision::allow);
  // Here is no real git to ask for aliases: what is unknown is blocked.
  EXPECT_EQ(decide({"git", "no-such-verb"}), safety::Decision::block);
}

TEST(Guard, KnowsTheStepsOfGitsOwnCommands) {
  EXPECT_TRUE(step_of_git({"git", "stash"}, {"git", "reset", "--hard", "-q"}));
  EXPECT_TRUE(step_of_git({"git", "-c", "a=b", "worktree", "add"}, {"git", "reset", "--hard"}));
  EXPECT_FALSE(step_of_git({"git", "push"}, {"git", "reset", "--hard"}));
  EXPECT_FALSE(step_of_git({}, {"git", "reset", "--hard"}));
  EXPECT_FALSE(step_of_git({"git", "stash"}, {"git", "push", "--force"}));
  EXPECT_EQ(verb_of({"git-push", "x"}), "push");
  EXPECT_EQ(verb_of({"git", "--version"}), "");
}

TEST(Guard, IsAHookForTheNamesThatAreInstalled) {
  EXPECT_TRUE(is_hook_name("pre-push"));
  EXPECT_TRUE(is_hook_name("reference-transaction"));
  EXPECT_FALSE(is_hook_name("push-to-checkout"));
  EXPECT_FALSE(is_hook_name("scc-guard"));
}

}  // namespace
}  // namespace scc::guard
