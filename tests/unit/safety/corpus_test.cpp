// SPDX-License-Identifier: Apache-2.0
// Every row of tests/data/safety gets the verdict that it wants.
#include <fstream>

#include <gtest/gtest.h>

#include "json/value.h"
#include "safety/engine.h"

namespace scc::safety {
namespace {

struct Row {
  std::string where;
  json::Value json;
};

std::vector<Row> rows(const std::string& file) {
  std::vector<Row> out;
  std::ifstream in(std::string(SCC_SOURCE_DIR) + "/tests/data/safety/" + file);
  std::string line;
  for (int number = 1; std::getline(in, line); ++number) {
    auto value = json::parse(line);
    EXPECT_TRUE(value) << file << ":" << number;
    if (value) out.push_back({file + ":" + std::to_string(number), std::move(*value)});
  }
  return out;
}

Verdict judge(const json::Value& row) {
  Policy policy;
  if (const json::Value* own = row.at("/policy")) policy = read_inline_policy(json::dump(*own));
  Context context;
  context.git_aliases = row.map_at("/aliases");
  if (row.has("/command")) return evaluate_line(row.str("/command"), policy, context);
  return evaluate_argv(row.strings_at("/argv"), policy, context);
}

class Corpus : public testing::TestWithParam<const char*> {};

TEST_P(Corpus, EveryRowGetsItsVerdict) {
  const std::vector<Row> all = rows(GetParam());
  ASSERT_GT(all.size(), 300U);
  for (const Row& row : all) {
    const Verdict verdict = judge(row.json);
    const std::string want = row.json.str("/want");
    const std::string got = to_string(verdict.decision);
    EXPECT_TRUE(want == got || (want == "pass" && got != "block"))
        << row.where << ": wants " << want << ", got " << got << " " << verdict.rule << "\n"
        << json::dump(row.json);
    if (row.json.has("/rule")) {
      EXPECT_EQ(verdict.rule, row.json.str("/rule")) << row.where << json::dump(row.json);
    }
    if (got == "block") {
      EXPECT_FALSE(verdict.reason.empty()) << row.where;
      EXPECT_TRUE(find_rule(verdict.rule) >= 0 || verdict.rule.rfind("org.", 0) == 0)
          << row.where << " " << verdict.rule;
    }
  }
}
INSTANTIATE_TEST_SUITE_P(Safety, Corpus, testing::Values("commands.jsonl", "adversaries.jsonl"),
                         [](const auto& one) { return std::string(one.param).substr(0, 8); });

}  // namespace
}  // namespace scc::safety
