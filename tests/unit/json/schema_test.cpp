// SPDX-License-Identifier: Apache-2.0
#include "json/schema.h"

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

}  // namespace
}  // namespace scc::json
