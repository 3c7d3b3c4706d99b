// SPDX-License-Identifier: Apache-2.0
#include "json/schema.h"

#include <atomic>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

namespace scc::json {
namespace {

TEST(Schema, NamesThePointerAndTheKeyword) {
  const auto document = parse(R"({"type":"object","required":["id"],
      "properties":{"id":{"type":"string","pattern":"^[a-z]+$"},"n":{"type":"integer","minimum":1}}})");
  ASSERT_TRUE(document);
  const auto schema = Schema::compile(*document);
  ASSERT_TRUE(schema);
  EXPECT_TRUE(schema->check(*parse(R"({"id":"abc","n":1})")));
  const auto missing = schema->check(*parse("{}"));
  ASSERT_FALSE(missing);
  EXPECT_NE(missing.error().message.find("required"), std::string::npos);
  const auto bad = schema->check(*parse(R"({"id":"abc","n":0})"));
  ASSERT_FALSE(bad);
  EXPECT_NE(bad.error().message.find("/n"), std::string::npos) << bad.error().message;
  EXPECT_FALSE(schema->check(*parse(R"({"id":"ABC"})")));
}

TEST(Schema, PatternPropertiesBesideForbiddenOnesAreSafe) {
  // Without the care that compile() takes RapidJSON overflows a buffer here; the sanitizer lane sees it.
  const auto schema = Schema::compile(*parse(R"({"properties":{"k":{"type":"integer"}},
      "patternProperties":{"^a":{"type":"object","required":["x"]}},"additionalProperties":false})"));
  ASSERT_TRUE(schema);
  EXPECT_TRUE(schema->check(*parse(R"({"a":{"x":1},"ab":{"x":{"z":[{"q":2}]}},"ac":{"x":[]},"k":1})")));
  EXPECT_TRUE(schema->check(*parse("{}")));
  EXPECT_FALSE(schema->check(*parse(R"({"a":{"x":1},"ab":{}})")));
  EXPECT_FALSE(schema->check(*parse(R"({"a":{"x":1},"b":{"x":1}})")));
  EXPECT_FALSE(schema->check(*parse(R"({"a":1})")));
  EXPECT_FALSE(schema->check(*parse(R"({"a":{"x":1},"k":"1"})")));
}

TEST(Schema, OneThatSeveralThreadsUseAtOnceGivesEachItsOwnAnswer) {
  const auto schema =
      Schema::compile(*parse(R"j({"properties":{"at":{"pattern":"^(unix:///|tcp://|https://)"}}})j"));
  ASSERT_TRUE(schema);
  const auto good = parse(R"({"at":"unix:///run/user/1000/scc/service.sock"})");
  const auto bad = parse(R"({"at":"http://unix.example/"})");
  constexpr int kThreads = 4;
  constexpr int kRounds = 50'000;
  std::atomic<int> wrong{0};
  std::vector<std::thread> threads;
  for (int thread = 0; thread < kThreads; ++thread) {
    threads.emplace_back([&] {
      for (int i = 0; i < kRounds; ++i) {
        wrong += (schema->check(*good) ? 0 : 1) + (schema->check(*bad) ? 1 : 0);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(wrong, 0);
}

}  // namespace
}  // namespace scc::json
