// SPDX-License-Identifier: Apache-2.0
// The parts of the guard that need no sandbox; tests/e2e/guard_test.py has the rest, with the real git.
#include "app/guard.h"

#include <algorithm>
#include <array>
#include <fstream>
#include <unistd.h>

#include <gtest/gtest.h>
#include <sys/wait.h>

#include <scc/sdk/sha256.hpp>

#include "guard/audit.h"
#include "guard/git_side.h"
#include "guard/hooks.h"
#include "guard/places.h"
#include "guard/policy_file.h"
#include "guard/tool_hook.h"
#include "json/value.h"
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
  // What is not in git's form, or says more than -c can, is left to be judged as what it is: an injection.
  for (const char* bad : {"a.b=c", "'a.b", "'a'x", "'credential.https://h/?a=b.helper'='!sh x'"}) {
    const GitEnvironment other(Variables{{"GIT_CONFIG_PARAMETERS", bad}});
    EXPECT_NE(value(other.judged(), "GIT_CONFIG_PARAMETERS"), nullptr) << bad;
  }
}

TEST(Guard, ReadsWhatGitSaysToItsHooks) {
  using Lines = std::vector<Words>;
  EXPECT_EQ(pushed_refs("refs/heads/a 1f refs/heads/b 00\n"),
            (Lines{{"refs/heads/a", "1f", "refs/heads/b", "00"}}));
  EXPECT_EQ(
      pushed_refs("HEAD^{/a message} 1f refs/heads/b 2e\n(delete) 00 refs/heads/c 2e\n"),
      (Lines{{"HEAD^{/a message}", "1f", "refs/heads/b", "2e"}, {"(delete)", "00", "refs/heads/c", "2e"}}));
  EXPECT_EQ(pushed_refs(""), Lines{});
  EXPECT_EQ(changed_refs("00 1f refs/heads/a b\nref:refs/heads/a 1f HEAD"),
            (Lines{{"00", "1f", "refs/heads/a b"}, {"ref:refs/heads/a", "1f", "HEAD"}}));
  for (const char* bad :
       {"x\n", "\n", "a 1f b\n", "a 1f b x\n", "a  b 1f\n", "a 1f b 2e\n\n", "HEAD^{/x\ny} 1f b 2e\n"}) {
    EXPECT_FALSE(pushed_refs(bad)) << bad;
  }
  for (const char* bad : {"x\n", "1f 2e\n", "1f 2e \n", "1f x refs/heads/a\n", " 1f refs/heads/a\n"}) {
    EXPECT_FALSE(changed_refs(bad)) << bad;
  }
}

TEST(Guard, ALeaseIsAnOptionOfThePushAndNoWordOfIt) {
  using safety::Push;
  using safety::push_kind;
  EXPECT_EQ(push_kind("", {"--force-with-lease=main:1f", "origin"}), Push::leased);
  EXPECT_EQ(push_kind("", {"--force-with-l", "origin"}), Push::leased);
  EXPECT_EQ(push_kind("", {"-n", "--force-with-lease"}), Push::dry);
  EXPECT_EQ(push_kind("push --force-with-lease", {"origin"}), Push::leased);
  EXPECT_EQ(push_kind("", {"origin", "main"}), Push::plain);
  for (const Words& words :
       {Words{"-o", "--force-with-lease"}, Words{"-o", "-n"}, Words{"--", "--dry-run"},
        Words{"--force-with-lease", "--no-force-with-lease"}, Words{"--repo", "--dry-run"}}) {
    EXPECT_EQ(push_kind("", words), Push::plain) << words[0] << words[1];
  }
  for (const char* alias :
       {"push -o '--force-with-lease", "fetch --dry-run", "!git push --dry-run", "push -o \"a --dry-run\""}) {
    EXPECT_EQ(push_kind(alias, {}), Push::plain) << alias;
  }
}

TEST(Guard, OnlyOkMeansThatALineIsInTheLog) {
  EXPECT_EQ(refusal_of("ok"), "");
  EXPECT_EQ(refusal_of("no the disk is full"), "the disk is full");
  for (const char* answer : {"", "no", "no ", "OK", "ok ", "okay"})
    EXPECT_NE(refusal_of(answer), "") << answer;
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
  EXPECT_EQ(decide({"git", "svn", "fetch"}), safety::Decision::block);
}

TEST(Guard, OnlyAPersonAnswersTheInteractiveModesThatLoseWork) {
  const safety::Policy policy = safety::read_policy(app::guard_policy_text({}));
  const auto decide = [&](const Words& words, bool answered) {
    return judge_git(words, GitEnvironment(Variables{}), policy, false, nullptr, answered).decision;
  };
  for (const Words& words : {Words{"git", "clean", "-id"}, Words{"git", "checkout", "-p"},
                             Words{"git", "restore", "--patch"}, Words{"git-checkout", "-p", "HEAD"}}) {
    EXPECT_EQ(decide(words, false), safety::Decision::allow) << words[1];
    EXPECT_EQ(decide(words, true), safety::Decision::block) << words[1];
  }
  for (const Words& words :
       {Words{"git", "add", "-p"}, Words{"git", "add", "-i"}, Words{"git", "stash", "-p"},
        Words{"git", "restore", "-pS"}, Words{"git", "clean", "-n"}, Words{"git", "commit", "-F", "-"}})
    EXPECT_EQ(decide(words, true), safety::Decision::allow) << words[1];
}

/// What an agent sends before it runs a line.
std::string tool_call(const std::string& line, const std::string& tool = "Bash") {
  json::Value call;
  call["session_id"] = "s";
  call["hook_event_name"] = "PreToolUse";
  call["tool_name"] = tool;
  call["tool_input"]["command"] = line;
  call["tool_input"]["description"] = "a \"quoted\" one";
  return json::dump(call);
}

std::optional<ToolCall> read(const std::string& text, const char* dialect = "claude") {
  std::string problem;
  std::optional<ToolCall> out = read_tool_call(text, dialect, &problem);
  EXPECT_EQ(out.has_value(), problem.empty()) << text;
  return out;
}

TEST(ToolHook, ReadsTheLineOfEachDialect) {
  for (const char* dialect : {"claude", "codex"}) {
    EXPECT_EQ(read(tool_call("git push\n\t\"x\" \xc3\xa9"), dialect)->line, "git push\n\t\"x\" \xc3\xa9");
    EXPECT_EQ(read(R"({"tool_name":"Read","tool_input":{"file_path":"/x"}})", dialect)->line, std::nullopt);
    EXPECT_EQ(read(tool_call("ls", "SomeNewShell"), dialect)->line, "ls")
        << "a command is judged, whatever takes it";
  }
  EXPECT_EQ(read(R"({"tool_name":"Bash","cwd":"/w","tool_input":{"command":"ls"}})")->cwd, "/w");
  EXPECT_EQ(read(tool_call("*** Begin Patch", "apply_patch"), "codex")->line, std::nullopt);
}

TEST(ToolHook, WhatIsNoToolCallIsNotOne) {
  for (const char* text :
       {"", "{", "null", "[]", "\"Bash\"", "{}", R"({"tool_name":"Bash"})",
        R"({"tool_name":7,"tool_input":{}})", R"({"tool_name":"","tool_input":{"command":"ls"}})",
        R"({"tool_name":"Bash","tool_input":"ls"})", R"({"tool_name":"Bash","tool_input":{}})",
        R"({"tool_name":"Bash","tool_input":{"command":["ls"]}})",
        R"({"tool_name":"Bash","tool_input":{"command":"a","command":"b"}})",
        R"({"tool_name":"Bash","tool_input":{"command":"ls"}} x)"}) {
    for (const char* dialect : {"claude", "codex"}) EXPECT_FALSE(read(text, dialect)) << text;
  }
  EXPECT_FALSE(read(tool_call("ls"), "other"));
  EXPECT_FALSE(is_dialect(""));
}

/// Runs the hook as the agent does, on standard input.
int hook(const std::string& text, const Words& words = {"scc-guard", "hook", "--format", "claude"}) {
  std::array<int, 2> ends{};
  EXPECT_EQ(pipe(ends.data()), 0);
  const pid_t child = fork();
  if (child == 0) {
    dup2(ends[0], STDIN_FILENO);
    close(ends[0]);
    close(ends[1]);
    _exit(run_tool_hook(words, {}));
  }
  close(ends[0]);
  EXPECT_EQ(write(ends[1], text.data(), text.size()), static_cast<ssize_t>(text.size()));
  close(ends[1]);
  int status = 0;
  waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

TEST(ToolHook, RefusesWhatItCannotReadAndEverythingGuardedWithoutAPolicy) {
  // There is no policy on this machine: what the guard would block then, the hook refuses.
  EXPECT_EQ(hook(tool_call("git commit -m x")), kExitRefused);
  EXPECT_EQ(hook(tool_call("curl --version")), kExitRefused);
  EXPECT_EQ(hook(tool_call("ls -la")), kExitNoObjection);
  EXPECT_EQ(hook(tool_call("git status")), kExitNoObjection);
  EXPECT_EQ(hook(""), kExitRefused);
  EXPECT_EQ(hook("{\"tool_name\":\"Bash\"}"), kExitRefused);
  EXPECT_EQ(hook(std::string(R"({"tool_name":"Bash","tool_input":{"command":"git )") + '\x01' + "\"}}"),
            kExitRefused);
  EXPECT_EQ(hook(tool_call("ls"), {"scc-guard", "hook"}), kExitRefused);
  EXPECT_EQ(hook(tool_call("ls"), {"scc-guard", "hook", "--format", "other"}), kExitRefused);
  EXPECT_EQ(hook(R"({"tool_name":"Bash","cwd":"/nonexistent","tool_input":{"command":"git push"}})"),
            kExitRefused);
}

/// Lines of the corpus that are one plain command, whose words are therefore the argv that the guard gets.
TEST(ToolHook, EqualArgvGetsTheVerdictOfTheGuard) {
  const safety::Policy policy = safety::read_policy(app::guard_policy_text({}));
  const safety::Policy broken = safety::read_policy("{");
  int compared = 0;
  for (const char* file : {"commands.jsonl", "adversaries.jsonl"}) {
    std::ifstream in(std::string(SCC_SOURCE_DIR) + "/tests/data/safety/" + file);
    for (std::string row; std::getline(in, row);) {
      const std::string line = json::parse(row)->str("/command");
      if (!line.starts_with("git ") || line.find_first_of("'\"\\$`;&|<>(){}*?[]#~!\n") != std::string::npos)
        continue;
      Words words;
      for (std::size_t at = 0; at < line.size();) {
        const std::size_t end = std::min(line.find(' ', at), line.size());
        if (end > at) words.push_back(line.substr(at, end - at));
        at = end + 1;
      }
      // With the broken policy a few are enough: every guarded one is blocked.
      const bool few = compared++ % 8 == 0;
      const GitEnvironment none{Variables{}};
      for (const safety::Policy* one : {&policy, &broken}) {
        if (one == &broken && !few) continue;
        const safety::Verdict asked = judge_line(*read(tool_call(line))->line, none, *one);
        const safety::Verdict guard = judge_git(words, none, *one);
        // What may be an alias only the guard in a repository knows.
        if (!safety::git_has(verb_of(words)) && !verb_of(words).empty()) continue;
        EXPECT_EQ(asked.decision, guard.decision) << line << " " << asked.rule << " " << guard.rule;
        EXPECT_EQ(asked.rule, guard.rule) << line;
      }
    }
  }
  EXPECT_GT(compared, 150);
}

TEST(Guard, KnowsTheStepsOfGitsOwnCommands) {
  EXPECT_TRUE(step_of_git({"git", "stash"}, {"git", "reset", "--hard", "-q"}));
  EXPECT_TRUE(step_of_git({"git", "-c", "a=b", "worktree", "add"}, {"git", "reset", "--hard"}));
  EXPECT_TRUE(
      step_of_git({"git", "stash", "push", "-k"}, {"git", "checkout", "--no-overlay", "0123", "--", ":/"}));
  EXPECT_TRUE(step_of_git({"git", "worktree", "add"}, {"git", "branch", "--force", "topic", "HEAD"}));
  EXPECT_TRUE(step_of_git({"git", "merge", "x"}, {"git", "read-tree", "-v", "--reset", "-u", "0123"}));
  EXPECT_FALSE(step_of_git({"git", "merge", "x"}, {"git", "read-tree", "--reset", "-u", "HEAD"}));
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
