// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <scc/sdk/testing.hpp>

namespace {
using namespace scc::sdk::testing;

TEST(Demo, GreetsTheWorkspace) {
  FakeHost host;
  ProviderDriver provider(host, "cppdemo", R"({"config":{"greeting":"hi"}})");
  ASSERT_TRUE(provider.created.ok()) << provider.created.message;
  const Outcome out =
      provider.plan_launch(R"({"workspace":{"target":"/w"},"session":{"id":"s"},"agent_args":["x"]})");
  ASSERT_TRUE(out.ok()) << out.message;
  EXPECT_EQ(out.document.strings("/argv"), (std::vector<std::string>{"/bin/echo", "hi", "/w", "x"}));
}

TEST(Demo, TellsWhatTheRequestLacks) {
  FakeHost host;
  ProviderDriver provider(host, "cppdemo", "{}");
  EXPECT_EQ(provider.plan_launch("{}").status, SCC_E_CONFIG);
}
}  // namespace
