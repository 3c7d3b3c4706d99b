// SPDX-License-Identifier: Apache-2.0
// The JSON writer and the bounded readers that scc-check's evidence goes through.
#include "sandbox/text.h"

#include <cerrno>
#include <cstdlib>
#include <fcntl.h>
#include <string>
#include <unistd.h>

#include <gtest/gtest.h>

namespace {

std::string json_of(const char* value) {
  TextBuffer out = {};
  JsonWriter writer = {&out, false};
  json_text(&writer, nullptr, value);
  std::string result(out.data, out.size);
  text_free(&out);
  return result;
}

TEST(JsonText, EscapesQuotesBackslashesAndControlCharacters) {
  EXPECT_EQ(json_of("a\"b\\c"), R"("a\"b\\c")");
  EXPECT_EQ(json_of("\x1b[2J\n\x7f"), R"("\u001b[2J\u000a\u007f")");
  EXPECT_EQ(json_of(""), R"("")");
  EXPECT_EQ(json_of(nullptr), "null");
}

TEST(JsonText, KeepsValidUtf8) {
  EXPECT_EQ(json_of("h\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80"),
            "\"h\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80\"");
}

TEST(JsonText, ReplacesEveryByteOfInvalidUtf8) {
  EXPECT_EQ(json_of("a\xff"
                    "b"),
            R"("a\ufffdb")");
  EXPECT_EQ(json_of("\xc0\xaf"), R"("\ufffd\ufffd")") << "overlong";
  EXPECT_EQ(json_of("\xed\xa0\x80"), R"("\ufffd\ufffd\ufffd")") << "surrogate";
  EXPECT_EQ(json_of("\xf4\x90\x80\x80"), R"("\ufffd\ufffd\ufffd\ufffd")") << "above U+10FFFF";
  EXPECT_EQ(json_of("\xe2\x82"), R"("\ufffd\ufffd")") << "cut short by the end";
}

TEST(JsonWriter, SeparatesMembersAndElements) {
  TextBuffer out = {};
  JsonWriter writer = {&out, false};
  json_open(&writer, nullptr, '{');
  json_number(&writer, "n", INT64_MIN);
  json_open(&writer, "list", '[');
  json_bool(&writer, nullptr, true);
  json_bool(&writer, nullptr, false);
  json_close(&writer, ']');
  json_open(&writer, "empty", '{');
  json_close(&writer, '}');
  json_close(&writer, '}');
  EXPECT_EQ(std::string(out.data), R"({"n":-9223372036854775808,"list":[true,false],"empty":{}})");
  text_free(&out);
}

TEST(TextBuffer, StaysFailedOverItsLimit) {
  TextBuffer out = {};
  out.limit = 4;
  text_string(&out, "1234");
  EXPECT_FALSE(out.failed);
  text_string(&out, "5");
  EXPECT_TRUE(out.failed);
  text_string(&out, "");
  EXPECT_TRUE(out.failed);
  text_free(&out);
}

TEST(ReadFile, ReadsProcAndRefusesTooLargeFiles) {
  size_t size = 0;
  char* text = read_file("/proc/self/status", 65536, &size);
  ASSERT_NE(text, nullptr);
  EXPECT_EQ(std::string(text).size(), size);
  free(text);
  errno = 0;
  EXPECT_EQ(read_file("/proc/self/status", 16, &size), nullptr);
  EXPECT_EQ(errno, EFBIG);
  EXPECT_EQ(read_file("/proc/self/no-such-file", 16, &size), nullptr);
  EXPECT_EQ(errno, ENOENT);
}

TEST(Tokens, AcceptOnlyTheAlphabetAndTheBounds) {
  EXPECT_TRUE(is_token("aZ09_-", 1, 64));
  EXPECT_FALSE(is_token("", 1, 64));
  EXPECT_FALSE(is_token("../x", 1, 64));
  EXPECT_FALSE(is_token("a b", 1, 64));
  EXPECT_FALSE(is_token(std::string(65, 'a').c_str(), 1, 64));
  EXPECT_FALSE(is_token("short", 16, 128));
}

TEST(Decimals, AreBounded) {
  uint64_t value = 0;
  EXPECT_TRUE(parse_decimal("18446744073709551615", UINT64_MAX, &value));
  EXPECT_EQ(value, UINT64_MAX);
  EXPECT_FALSE(parse_decimal("18446744073709551616", UINT64_MAX, &value));
  EXPECT_FALSE(parse_decimal("65", 64, &value));
  EXPECT_FALSE(parse_decimal("-1", 64, &value));
  EXPECT_FALSE(parse_decimal("", 64, &value));
  EXPECT_FALSE(parse_decimal("1 ", 64, &value));
}

}  // namespace
