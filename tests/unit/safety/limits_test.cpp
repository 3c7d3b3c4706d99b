// SPDX-License-Identifier: Apache-2.0
// Hostile input: too long, too deep, too many commands, NUL bytes, text that no shell takes. The engine
// answers with a block and comes back; that it does so in bounded time is the work budget's affair, not a
// clock's.
#include <gtest/gtest.h>

#include "safety/engine.h"

namespace scc::safety {
namespace {

Verdict line(const std::string& text) {
  return evaluate_line(text, Policy{});
}

std::string repeat(std::string_view text, std::size_t times) {
  std::string out;
  for (std::size_t i = 0; i < times; ++i) out += text;
  return out;
}

TEST(Limits, Length) {
  EXPECT_EQ(line("echo " + std::string(70000, 'x')).rule, "shell.too_complex");
  EXPECT_EQ(line("echo " + std::string(60000, 'x')).decision, Decision::allow);
  EXPECT_EQ(line(repeat("true;", 13000)).rule, "shell.too_complex");
}

TEST(Limits, Depth) {
  EXPECT_EQ(line(repeat("(", 5000) + "git push -f" + repeat(")", 5000)).decision, Decision::block);
  EXPECT_EQ(line(repeat("$(", 5000) + "git push -f" + repeat(")", 5000)).decision, Decision::block);
  EXPECT_EQ(line(repeat("{ ", 5000) + "git push -f").decision, Decision::block);
  EXPECT_EQ(line(repeat("${a:-", 5000) + "git push -f").decision, Decision::block);
  EXPECT_EQ(line(repeat("if ", 5000) + "git push -f").decision, Decision::block);
  EXPECT_EQ(line(repeat("eval ", 5000) + "git push -f").decision, Decision::block);
  EXPECT_EQ(line(repeat("sudo ", 5000) + "git push -f").decision, Decision::block);
  EXPECT_EQ(line(repeat("sudo ", 12) + "git push -f").rule, "git.force_push");
}

TEST(Limits, Multiplication) {
  EXPECT_EQ(line("git push " + repeat("{a,b}", 60) + " -f").decision, Decision::block);
  EXPECT_EQ(line("a=1;a=2;a=3;a=4; git push " + repeat("$a", 200) + " -f").decision, Decision::block);
  std::string nested = "git push -f";
  for (int i = 0; i < 30; ++i) nested = "x=$(" + nested + ")";
  EXPECT_EQ(line(nested).decision, Decision::block);
}

// What was said is not said again for every shell: 2^200 of it would be no answer at all.
TEST(Limits, Repetition) {
  std::string many;
  for (int i = 0; i < 30; ++i) many += "export V" + std::to_string(i) + "=1; ";
  EXPECT_EQ(line(many + repeat("bash -c true; ", 200)).decision, Decision::allow);
  EXPECT_EQ(line(many + repeat("bash -c true; ", 200) + "git push -f").rule, "git.force_push");
  std::string values = "for x in";
  for (int i = 0; i < 256; ++i) values += " v" + std::to_string(i);
  EXPECT_EQ(line(values + "; do true $x " + repeat("$x ", 20000) + "; done").rule, "shell.too_complex");
  EXPECT_EQ(line(values + "; do true $x " + repeat("a ", 10000) + "; done").decision, Decision::allow);
  EXPECT_EQ(line(repeat("v=$(echo a); ", 2000)).rule, "shell.too_complex");
  EXPECT_EQ(line(":(){ :|:& };:").decision, Decision::allow);  // the limit of processes is for that
}

TEST(Limits, LinesThatManyNamesRead) {
  std::string names;
  for (int i = 0; i < 7000; ++i) names += "a" + std::to_string(i) + " ";
  std::string lines;
  for (int i = 0; i < 2000; ++i) lines += std::to_string(i) + "\n";
  EXPECT_EQ(line("while read " + names + "; do :; done <<E\n" + lines + "E").rule, "shell.too_complex");
  EXPECT_EQ(line("while read a; do git log $a; done <<E\n" + lines + "E").rule, "shell.too_complex");
  EXPECT_EQ(line("while read a; do mkdir -p $a; done <<E\n" + lines + "E").decision, Decision::allow);
}

TEST(Limits, OddBytes) {
  EXPECT_EQ(line(std::string("git push -f\0", 12)).decision, Decision::block);
  EXPECT_EQ(evaluate_argv({"git", std::string("st\0atus", 7)}, Policy{}).decision, Decision::block);
  EXPECT_EQ(line("git push \xff\xfe -f").decision, Decision::block);
  EXPECT_EQ(evaluate_argv({"git", "commit", "-m", "\xff\xfe"}, Policy{}).decision, Decision::allow);
}

TEST(Limits, NothingAtAll) {
  EXPECT_EQ(line("").decision, Decision::allow);
  EXPECT_EQ(evaluate_argv({}, Policy{}).decision, Decision::allow);
  EXPECT_EQ(evaluate_argv({""}, Policy{}).decision, Decision::allow);
  EXPECT_EQ(evaluate_argv({"git", ""}, Policy{}).decision, Decision::block);
}

TEST(Limits, ArgumentsAreNeverReadAgain) {
  for (const char* text : {"it's", "a; git push --force", "$(git push -f)", "`git push -f`", "| sh", "\"",
                           "x\n\ngit push -f", "#"}) {
    EXPECT_EQ(evaluate_argv({"git", "commit", "-m", text}, Policy{}).decision, Decision::allow) << text;
    EXPECT_EQ(evaluate_argv({"git", "push", "-o", text, "--force"}, Policy{}).rule, "git.force_push") << text;
    EXPECT_EQ(evaluate_argv({"echo", text}, Policy{}).decision, Decision::allow) << text;
  }
}

}  // namespace
}  // namespace scc::safety
