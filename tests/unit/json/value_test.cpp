// SPDX-License-Identifier: Apache-2.0
#include "json/value.h"

#include <gtest/gtest.h>

#include "base/str.h"

namespace scc::json {
namespace {

TEST(Parse, ReadsAndWritesCanonically) {
  const auto value = parse(R"({"b":[1,2.5,true,null,"x\u0001"],"a":{"z":-9223372036854775808}})");
  ASSERT_TRUE(value) << value.error().message;
  EXPECT_EQ(dump(*value), R"({"a":{"z":-9223372036854775808},"b":[1,2.5,true,null,"x\u0001"]})");
}

TEST(Parse, RefusesDuplicateKeysWithPointer) {
  const auto value = parse(R"({"a":[{"k":1,"k":2}]})");
  ASSERT_FALSE(value);
  EXPECT_EQ(value.error().id, "json.duplicate-key");
  EXPECT_NE(value.error().message.find("/a/0/k"), std::string::npos) << value.error().message;
}

TEST(Parse, BoundsDepthAndSize) {
  const std::string deep(100'000, '[');
  const auto value = parse(deep);
  ASSERT_FALSE(value);
  EXPECT_EQ(value.error().id, "json.limit");
  EXPECT_EQ(parse("[1,2,3]", {4, 8}).error().id, "json.limit");
}

TEST(Parse, NamesLineAndColumn) {
  const auto value = parse("{\n  \"a\": nope}");
  ASSERT_FALSE(value);
  EXPECT_EQ(value.error().id, "json.syntax");
  EXPECT_NE(value.error().message.find("line 2"), std::string::npos) << value.error().message;
}

TEST(Parse, RefusesTrailingTextCommentsAndBadUtf8) {
  EXPECT_FALSE(parse("{} x"));
  EXPECT_FALSE(parse("{/*c*/}"));
  EXPECT_FALSE(parse("\"\xff\""));
  EXPECT_FALSE(parse(""));
}

// RapidJSON takes a NUL for the end of the text: what is behind it would be hashed and signed, and not read.
TEST(Parse, RefusesWhatAnEndMarkWouldHide) {
  using namespace std::string_view_literals;
  for (const std::string_view text : {"{}\0"sv, "{}\0{\"a\":1}"sv, "1\0002"sv, "[1]\n\0junk"sv, "\0"sv}) {
    const auto value = parse(text);
    ASSERT_FALSE(value) << str::printable(text);
    EXPECT_EQ(value.error().id, "json.syntax");
  }
}

TEST(Pointer, FollowsRfc6901) {
  const auto value = parse(R"({"a/b":{"~":[10,{"k":"v"}]}})");
  ASSERT_TRUE(value);
  EXPECT_EQ(value->str("/a~1b/~0/1/k"), "v");
  EXPECT_EQ(value->integer("/a~1b/~0/0"), 10);
  EXPECT_EQ(value->at("/a~1b/~0/2"), nullptr);
  EXPECT_EQ(value->at("/a~1b/~0/x"), nullptr);
}

}  // namespace
}  // namespace scc::json
