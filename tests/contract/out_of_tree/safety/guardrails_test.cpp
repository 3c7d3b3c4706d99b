// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <scc/sdk/testing.hpp>

namespace {
using namespace scc::sdk::testing;

class Guardrails : public testing::Test {
 protected:
  FakeHost host_;
  SafetyDriver check_{host_, "guardrails", R"({"config":{"protected_contexts":["prod","live"]}})"};
};

TEST_F(Guardrails, BlocksWhatDestroys) {
  ASSERT_TRUE(check_.created.ok()) << check_.created.message;
  EXPECT_EQ(check_.evaluate({"terraform", "destroy"}).rule, "guardrails.terraform_destroy");
  EXPECT_EQ(check_.evaluate({"/usr/bin/terraform", "-chdir=x", "destroy"}).decision, SCC_BLOCK);
  EXPECT_EQ(check_.evaluate({"terraform", "apply", "-destroy"}).decision, SCC_BLOCK);
  EXPECT_EQ(check_.evaluate({"terraform", std::string("\0", 1)}).decision, SCC_BLOCK);
  EXPECT_EQ(check_.evaluate({"terraform", "plan"}).decision, SCC_NO_OPINION);
  EXPECT_EQ(check_.evaluate({"terraform", "plan", "-destroy"}).decision, SCC_NO_OPINION);
}

TEST_F(Guardrails, BlocksDeletionsInProtectedContexts) {
  EXPECT_EQ(check_.evaluate({"kubectl", "--context", "prod", "delete", "pod", "x"}).rule,
            "guardrails.kubectl_delete");
  EXPECT_EQ(check_.evaluate({"kubectl", "delete", "pod", "x", "--context=live"}).decision, SCC_BLOCK);
  EXPECT_EQ(check_.evaluate({"kubectl", "delete", "pod", "x"}).decision, SCC_BLOCK);
  EXPECT_EQ(check_.evaluate({"kubectl", "--context", "test", "delete", "pod", "x"}).decision, SCC_NO_OPINION);
  EXPECT_EQ(check_.evaluate({"kubectl", "get", "pods"}).decision, SCC_NO_OPINION);
}
}  // namespace
