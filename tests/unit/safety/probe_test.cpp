// SPDX-License-Identifier: Apache-2.0
// What the engine asks of the repository, and what it believes when nobody answers.
#include <gtest/gtest.h>

#include "safety/engine.h"

namespace scc::safety {
namespace {

class Answers : public Probe {
 public:
  std::optional<bool> is_revision(std::string_view name) const override { return name != "notes"; }
  std::optional<bool> is_other_branch(std::string_view name) const override {
    asked = name;
    return name == "side";
  }
  mutable std::string asked;
};

Decision argv(const std::vector<std::string>& words, const Probe* probe) {
  Context context;
  context.probe = probe;
  return evaluate_argv(words, Policy(), context).decision;
}

TEST(Probe, DecidesWhetherACheckoutNamesAPath) {
  const Answers answers;
  EXPECT_EQ(argv({"git", "checkout", "notes"}, &answers), Decision::block);
  EXPECT_EQ(argv({"git", "checkout", "main.c"}, &answers), Decision::allow);
  EXPECT_EQ(argv({"git", "checkout", "main.c"}, nullptr), Decision::block);
}

TEST(Probe, IsNotAskedWhatOnlyTheRunKnows) {
  const Answers answers;
  Context context;
  context.probe = &answers;
  EXPECT_EQ(evaluate_line("git checkout $BRANCH", Policy(), context).decision, Decision::allow);
  EXPECT_EQ(evaluate_line("git checkout ./$FILE", Policy(), context).decision, Decision::block);
}

TEST(Probe, LetsTheBranchInUseTakeANameThatNothingHas) {
  const Answers answers;
  EXPECT_EQ(argv({"git", "branch", "-M", "main"}, &answers), Decision::allow);
  EXPECT_EQ(argv({"git", "branch", "-M", "side"}, &answers), Decision::block);
  EXPECT_EQ(argv({"git", "branch", "-C", "main"}, &answers), Decision::block);
  EXPECT_EQ(argv({"git", "branch", "-M", "old", "main"}, &answers), Decision::block);
  EXPECT_EQ(argv({"git", "branch", "-M", "main"}, nullptr), Decision::block);
}

TEST(Probe, IsNotAskedForSpellingsThatGitReadsAsAnotherBranch) {
  for (const char* name : {"@{-1}", "-", "side~0", "@", "a b"}) {
    const Answers answers;
    EXPECT_EQ(argv({"git", "branch", "-M", name}, &answers), Decision::block) << name;
    EXPECT_EQ(answers.asked, "") << name;
  }
}

}  // namespace
}  // namespace scc::safety
