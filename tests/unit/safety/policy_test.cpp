// SPDX-License-Identifier: Apache-2.0
// The policy document: what loosens, what tightens, and that whatever is wrong with it blocks.
#include <gtest/gtest.h>

#include "safety/engine.h"
#include "safety/risk.h"

namespace scc::safety {
namespace {

Decision under(std::string_view policy, std::string_view line) {
  return evaluate_line(line, read_policy(policy)).decision;
}

TEST(Policy, ActionAndRules) {
  EXPECT_EQ(under(R"({"schema":1,"action":"block"})", "git push -f"), Decision::block);
  EXPECT_EQ(under(R"({"schema":1,"action":"warn"})", "git push -f"), Decision::warn);
  EXPECT_EQ(under(R"({"schema":1,"action":"allow"})", "git push -f"), Decision::allow);
  EXPECT_EQ(under(R"({"schema":1,"action":"allow","rules":{"git.force_push":"block"}})", "git push -f"),
            Decision::block);
  EXPECT_EQ(under(R"({"schema":1,"rules":{"git.force_push":"allow"}})", "git push -f"), Decision::allow);
  EXPECT_EQ(under(R"({"schema":1,"rules":{"git.tag_delete":"block"}})", "git tag -d v1"), Decision::block);
  EXPECT_EQ(under(R"({"schema":1,"rules":{"git.reset_hard":"warn"}})", "git reset --hard"), Decision::warn);
}

TEST(Policy, ALoosenedRuleDoesNotHideAnother) {
  const char* policy = R"({"schema":1,"rules":{"block_force_push":false}})";
  EXPECT_EQ(under(policy, "git push -f"), Decision::allow);
  EXPECT_EQ(under(policy, "git push -f; git reset --hard"), Decision::block);
  EXPECT_EQ(under(policy, "git push -f --mirror"), Decision::block);
}

TEST(Policy, GroupKeysExpand) {
  const char* policy =
      R"({"schema":1,"rules":{"block_checkout_restore":false,"block_clean":false,"block_stash_destructive":false}})";
  for (const char* line : {"git checkout -- x", "git checkout -f", "git restore x", "git switch -f x",
                           "git clean -fd", "git stash drop", "git stash clear"}) {
    EXPECT_EQ(under(policy, line), Decision::allow) << line;
  }
  EXPECT_EQ(under(policy, "git reset --hard"), Decision::block);
}

TEST(Policy, NetworkDecides) {
  const auto net = [](const char* mode, const char* hosts = "") {
    return std::string(R"({"schema":1,"network":{"policy":")") + mode + "\"" + hosts + "}}";
  };
  EXPECT_EQ(under(net("open"), "curl https://h"), Decision::allow);
  EXPECT_EQ(under(net("open"), "ssh h"), Decision::allow);
  EXPECT_EQ(under(net("web-egress-enforced"), "curl https://h"), Decision::allow);
  EXPECT_EQ(under(net("web-egress-enforced"), "curl --noproxy '*' https://h"), Decision::block);
  EXPECT_EQ(under(net("web-egress-enforced"), "curl --socks5-h x https://h"), Decision::block);
  EXPECT_EQ(under(net("web-egress-enforced"), "ssh h"), Decision::block);
  EXPECT_EQ(under(net("web-egress-enforced"), "git clone git@h:x/y"), Decision::block);
  EXPECT_EQ(under(net("web-egress-enforced"), "git clone https://h/x"), Decision::allow);
  EXPECT_EQ(under(net("open"), "git clone git@h:x/y"), Decision::allow);
  EXPECT_EQ(under(net("locked-down-web"), "curl https://h"), Decision::block);
  EXPECT_EQ(under(net("locked-down-web"), "curl http://localhost:1"), Decision::allow);
  const std::string some = net("web-egress-enforced", R"(,"allow_hosts":["*.good.example","one.example"])");
  EXPECT_EQ(under(some, "curl https://a.good.example/x"), Decision::allow);
  EXPECT_EQ(under(some, "curl https://one.example:8443/x"), Decision::allow);
  EXPECT_EQ(under(some, "curl https://good.example.evil/x"), Decision::block);
  EXPECT_EQ(under(some, "curl https://one.example@evil/x"), Decision::block);
  EXPECT_EQ(
      under(R"({"schema":1,"network":{"policy":"open"},"rules":{"network.curl":"block"}})", "curl https://h"),
      Decision::block);
}

TEST(Policy, OrganisationRules) {
  const char* policy = R"({"schema":1,"org_rules":[
    {"program":"terraform","subcommand":"destroy","verdict":"block","message":"ask the platform team"},
    {"id":"org.delete","program":"kubectl","subcommand":"delete","flags":["--context=prod"],"verdict":"block"},
    {"program":"npm","subcommand":"publish","verdict":"warn"},
    {"program":"rm","flags":["-f","-r"],"verdict":"warn"},
    {"program":"git","subcommand":"push","verdict":"allow"}]})";
  const Verdict verdict = evaluate_line("cd x && sudo terraform destroy -auto-approve", read_policy(policy));
  EXPECT_EQ(verdict.decision, Decision::block);
  EXPECT_EQ(verdict.rule, "org.terraform");
  EXPECT_EQ(verdict.reason, "ask the platform team");
  EXPECT_EQ(under(policy, "terraform plan"), Decision::allow);
  EXPECT_EQ(under(policy, "kubectl --context=prod delete pod x"), Decision::block);
  EXPECT_EQ(under(policy, "kubectl --context=dev delete pod x"), Decision::allow);
  EXPECT_EQ(under(policy, "npm publish"), Decision::warn);
  EXPECT_EQ(under(policy, "rm -rf x"), Decision::warn);
  // A lenient rule of the organisation does not take back a block.
  EXPECT_EQ(under(policy, "git push -f"), Decision::block);
}

TEST(Policy, WhateverIsWrongBlocks) {
  for (const char* policy : {"",
                             "{",
                             "[]",
                             "\"x\"",
                             "null",
                             "{}",
                             R"({"schema":2})",
                             R"({"schema":1,"schema":1})",
                             R"({"schema":1,"action":"WARN"})",
                             R"({"schema":1,"action":null})",
                             R"({"schema":1,"action":["allow"]})",
                             R"({"schema":1,"action":"allow","rules":[]})",
                             R"({"schema":1,"rules":{"git.force_push":false}})",
                             R"({"schema":1,"rules":{"block_force_push":0}})",
                             R"({"schema":1,"rules":{"block_force_push":"false"}})",
                             R"({"schema":1,"network":{"policy":"everything"}})",
                             R"({"schema":1,"network":{"other":1}})",
                             R"({"schema":1,"action":"allow","novel":1})",
                             R"({"schema":1,"action":"allow"} x)",
                             R"({"schema":1,"org_rules":[{"program":"a/b","verdict":"allow"}]})",
                             R"({"schema":1,"org_rules":[{"program":"x"}]})",
                             R"({"schema":1,"snapshots":true})",
                             R"({"schema":1,"snapshots":{"enabled":0}})",
                             R"({"schema":1,"snapshots":{"keep":0}})",
                             R"({"schema":1,"snapshots":{"keep":1.5}})",
                             R"({"schema":1,"snapshots":{"days":9999}})",
                             R"({"schema":1,"snapshots":{"other":1}})",
                             R"({"schema":1,"source":"\ud800"})"}) {
    const Policy read = read_policy(policy);
    EXPECT_TRUE(read.defective()) << policy;
    for (const char* line :
         {"git push -f", "git push", "git commit -m x", "git tag -d x", "curl https://h"}) {
      EXPECT_EQ(evaluate_line(line, read).decision, Decision::block) << policy << " " << line;
    }
    for (const char* line : {"git status", "git log", "ls", "make"})
      EXPECT_EQ(evaluate_line(line, read).decision, Decision::allow) << line;
  }
  const std::string large =
      R"({"schema":1,"action":"allow","source":")" + std::string(kPolicyBytes, 'x') + "\"}";
  EXPECT_TRUE(read_policy(large).defective());
  EXPECT_TRUE(read_policy(std::string(100000, '[')).defective());
}

TEST(Policy, UnknownRuleIdsAreKeptForTheAudit) {
  const Policy read = read_policy(R"({"schema":1,"rules":{"git.novel":"allow","block_wget":false}})");
  EXPECT_FALSE(read.defective());
  EXPECT_EQ(read.unknown, (std::vector<std::string>{"git.novel", "block_wget"}));
}

TEST(Policy, AnInlinePolicyNeedsNoSchema) {
  EXPECT_EQ(evaluate_line("git push -f", read_inline_policy(R"({"action":"warn"})")).decision,
            Decision::warn);
  EXPECT_TRUE(read_inline_policy(R"({"schema":7})").defective());
}

TEST(Policy, SaysHowSnapshotsAreKept) {
  const Policy plain = read_policy(R"({"schema":1})");
  EXPECT_TRUE(plain.snapshots);
  EXPECT_EQ(plain.snapshot_keep, 50U);
  EXPECT_EQ(plain.snapshot_days, 30);
  const Policy own = read_policy(R"({"schema":1,"snapshots":{"enabled":false,"keep":3,"days":2}})");
  EXPECT_FALSE(own.defective()) << own.defect;
  EXPECT_FALSE(own.snapshots);
  EXPECT_EQ(own.snapshot_keep, 3U);
  EXPECT_EQ(own.snapshot_days, 2);
}

TEST(Policy, EveryRuleSaysHowToReachTheGoalSafely) {
  for (const RuleInfo& rule : rules()) {
    EXPECT_FALSE(rule.hint.empty()) << rule.id;
    EXPECT_FALSE(rule.loss.empty()) << rule.id;
  }
  const Policy own = read_policy(
      R"({"schema":1,"org_rules":[{"program":"terraform","subcommand":"destroy","verdict":"block"}]})");
  EXPECT_FALSE(evaluate_line("terraform destroy", own).hint.empty());
}

TEST(Risk, WhatMayRunAndLoseWork) {
  using Words = std::vector<std::string>;
  EXPECT_EQ(risk_of("git.reset_hard", "reset", {"--hard"}), Risk::always);
  EXPECT_EQ(risk_of("git.force_push", "push", {"-f"}), Risk::none);
  for (const char* verb : {"rebase", "merge", "pull", "am", "cherry-pick", "revert", "reset"})
    EXPECT_EQ(risk_of("", verb, {}), Risk::always) << verb;
  EXPECT_EQ(risk_of("", "commit", Words{"-m", "x"}), Risk::none);
  EXPECT_EQ(risk_of("", "commit", Words{"-m", "x", "--amend"}), Risk::always);
  EXPECT_EQ(risk_of("", "commit", Words{"--ame"}), Risk::always);
  EXPECT_EQ(risk_of("", "checkout", Words{"main"}), Risk::dirty);
  EXPECT_EQ(risk_of("", "switch", Words{"main"}), Risk::dirty);
  EXPECT_EQ(risk_of("", "stash", Words{"pop"}), Risk::dirty);
  EXPECT_EQ(risk_of("", "stash", Words{"list"}), Risk::none);
  EXPECT_EQ(risk_of("", "status", {}), Risk::none);
  // A rule that the policy allows is still found, and its risk with it.
  const Policy own = read_policy(R"({"schema":1,"rules":{"git.clean_force":"allow"}})");
  const Verdict verdict = evaluate_line("git clean -fd", own);
  EXPECT_EQ(verdict.decision, Decision::allow);
  EXPECT_EQ(risk_of(verdict.rule, "clean", {"-fd"}), Risk::always);
}

}  // namespace
}  // namespace scc::safety
