// SPDX-License-Identifier: Apache-2.0
// What goes to third parties' checks and what comes back.
#include <algorithm>

#include <gtest/gtest.h>

#include "safety/check_wire.h"

namespace scc::safety {
namespace {

using std::string_literals::operator""s;

std::vector<std::string> met(std::string_view line) {
  std::vector<Command> commands;
  Context context;
  context.commands = &commands;
  evaluate_line(line, Policy{}, context);
  std::vector<std::string> out;
  for (const Command& one : commands) out.push_back(std::to_string(one.depth) + " " + joined(one.argv));
  return out;
}

TEST(Commands, AreMetWhereverTheyStand) {
  const std::vector<std::string> all =
      met("cd x && terraform destroy; if true; then kubectl get pods; fi; (sh -c 'kubectl delete pod x')");
  for (const char* one : {"0 cd x", "0 terraform destroy", "0 kubectl get pods"})
    EXPECT_NE(std::find(all.begin(), all.end(), one), all.end()) << one;
  EXPECT_TRUE(std::any_of(all.begin(), all.end(), [](const std::string& one) {
    return one.ends_with("kubectl delete pod x") && one[0] != '0';
  }));
}

TEST(Commands, SayWhatNobodyKnows) {
  const std::vector<std::string> all = met("terraform $HOW");
  ASSERT_EQ(all.size(), 1U);
  EXPECT_NE(all[0].find('\0'), std::string::npos);
}

TEST(Commands, AreBounded) {
  std::string line;
  for (int i = 0; i < 6000; ++i) line += "a;";
  EXPECT_LE(met(line).size(), 4096U);
}

CheckQuestion question() {
  return {{{"guardrails", "/opt/x.so", std::string(64, 'a'), R"({"a":1})"}, {"other", "/y", "", ""}},
          "/work",
          "raw \xff line",
          {{{"git", "push", "a\0b"s, ""}, 0}, {{}, 7}, {{std::string(100'000, 'x')}, 1}}};
}

TEST(Question, ComesBackAsItWas) {
  const CheckQuestion asked = question();
  CheckQuestion read;
  ASSERT_TRUE(unpack(pack(asked), &read));
  ASSERT_EQ(read.checks.size(), 2U);
  EXPECT_EQ(read.checks[0].id, "guardrails");
  EXPECT_EQ(read.checks[0].path, "/opt/x.so");
  EXPECT_EQ(read.checks[0].config, R"({"a":1})");
  EXPECT_EQ(read.cwd, "/work");
  EXPECT_EQ(read.raw, asked.raw);
  ASSERT_EQ(read.commands.size(), 3U);
  for (std::size_t i = 0; i < 3; ++i) {
    EXPECT_EQ(read.commands[i].argv, asked.commands[i].argv);
    EXPECT_EQ(read.commands[i].depth, asked.commands[i].depth);
  }
}

TEST(Question, IsWholeOrNone) {
  CheckQuestion small = question();
  small.commands.pop_back();
  const std::string text = pack(small);
  for (std::size_t size = 0; size < text.size(); ++size) {
    CheckQuestion read;
    EXPECT_FALSE(unpack(std::string_view(text).substr(0, size), &read)) << size;
  }
  CheckQuestion read;
  EXPECT_FALSE(unpack(text + "x", &read));
  // A count that no text of this size can hold.
  EXPECT_FALSE(unpack("\xff\xff\xff\xff", &read));
}

std::string finding(Decision decision, const std::string& rule) {
  return pack_running("one") + pack_running("two") +
         pack_finding("two", {decision, rule, "because", "git", 2});
}

TEST(Answer, BecomesAVerdict) {
  const Policy policy;
  const Verdict block = verdict_of_answer(finding(Decision::block, "acme.rule"), true, policy);
  EXPECT_EQ(block.decision, Decision::block);
  EXPECT_EQ(block.rule, "acme.rule");
  EXPECT_EQ(block.reason, "because");
  EXPECT_EQ(block.at, "git");
  EXPECT_EQ(block.depth, 2U);
  EXPECT_FALSE(block.hint.empty());
  EXPECT_EQ(verdict_of_answer(finding(Decision::block, ""), true, policy).rule, "two");
  EXPECT_EQ(verdict_of_answer(finding(Decision::warn, "acme.rule"), true, policy).decision, Decision::warn);
  const Verdict allow = verdict_of_answer(finding(Decision::allow, "acme.rule"), true, policy);
  EXPECT_EQ(allow.decision, Decision::allow);
  EXPECT_TRUE(allow.rule.empty());
}

TEST(Answer, IsWhatThePolicyMakesOfIt) {
  const Policy softer = read_policy(R"({"schema":1,"rules":{"acme.rule":"warn"}})");
  EXPECT_EQ(verdict_of_answer(finding(Decision::block, "acme.rule"), true, softer).decision, Decision::warn);
  EXPECT_EQ(verdict_of_answer(finding(Decision::block, "acme.more"), true, softer).decision, Decision::block);
  const Policy warns = read_policy(R"({"schema":1,"action":"warn"})");
  EXPECT_EQ(verdict_of_answer(finding(Decision::block, "acme.rule"), true, warns).decision, Decision::warn);
}

TEST(Answer, ThatIsNoneBlocksAndNamesTheCheck) {
  const Policy policy;
  const std::string whole = finding(Decision::allow, "acme.rule");
  for (std::size_t size = 0; size < whole.size(); ++size) {
    const Verdict cut = verdict_of_answer(std::string_view(whole).substr(0, size), true, policy);
    EXPECT_EQ(cut.decision, Decision::block) << size;
    EXPECT_EQ(cut.rule, "guard.check_failed") << size;
  }
  EXPECT_EQ(verdict_of_answer(whole, false, policy).decision, Decision::block)
      << "it was killed after its answer";
  EXPECT_EQ(verdict_of_answer(whole + whole, true, policy).decision, Decision::block);
  EXPECT_NE(verdict_of_answer(pack_running("one"), false, policy).reason.find("one died"), std::string::npos);
  const Verdict told = verdict_of_answer(pack_running("one") + pack_problem("one: it failed"), true, policy);
  EXPECT_EQ(told.decision, Decision::block);
  EXPECT_NE(told.reason.find("one: it failed"), std::string::npos);
}

TEST(ChecksOfAPolicy, AreReadOrRefused) {
  const std::string digest(64, 'b');
  const Policy policy =
      read_policy(R"({"schema":1,"checks":[{"id":"a","sha256":")" + digest +
                  R"(","config":{"k": [1, "}"]}},{"sha256":")" + digest + R"(","id":"b"}]})");
  ASSERT_FALSE(policy.defective()) << policy.defect;
  ASSERT_EQ(policy.checks.size(), 2U);
  EXPECT_EQ(policy.checks[0].id, "a");
  EXPECT_EQ(policy.checks[0].sha256, digest);
  EXPECT_EQ(policy.checks[0].config, R"({"k": [1, "}"]})");
  EXPECT_EQ(policy.checks[1].config, "{}");
  for (const std::string& bad :
       {R"({"schema":1,"checks":{}})"s, R"({"schema":1,"checks":["a"]})"s,
        R"({"schema":1,"checks":[{"id":"a"}]})"s, R"({"schema":1,"checks":[{"id":"a","sha256":"x"}]})"s,
        R"({"schema":1,"checks":[{"id":"a","sha256":")" + digest + R"(","config":[]}]})",
        R"({"schema":1,"checks":[{"id":"a","sha256":")" + digest + R"(","more":1}]})",
        R"({"schema":1,"checks":[{"id":"","sha256":")" + digest + R"("}]})"}) {
    EXPECT_TRUE(read_policy(bad).defective()) << bad;
  }
}

TEST(Worse, IsTheGreaterDecision) {
  const Verdict allow;
  const Verdict warn{Decision::warn, "a.warn", "", "", "", 0};
  const Verdict block{Decision::block, "a.block", "", "", "", 0};
  const Verdict other{Decision::block, "b.block", "", "", "", 0};
  EXPECT_EQ(worse(allow, warn).rule, "a.warn");
  EXPECT_EQ(worse(block, warn).rule, "a.block");
  EXPECT_EQ(worse(block, other).rule, "a.block");
  EXPECT_EQ(worse(warn, allow).rule, "a.warn");
}

}  // namespace
}  // namespace scc::safety
