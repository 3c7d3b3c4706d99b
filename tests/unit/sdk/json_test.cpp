// SPDX-License-Identifier: Apache-2.0
#include <limits>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <scc/sdk/testing.hpp>

namespace scc::sdk {
namespace {

using ::testing::ElementsAre;
using testing::FakeHost;
using ::testing::HasSubstr;
using testing::parsed;

std::string quoted(std::string_view s) {
  return JsonWriter().value(s).take();
}

TEST(JsonWriter, EscapesEverythingThatBreaksJson) {
  EXPECT_EQ(quoted("a\"b\\c/"), R"("a\"b\\c/")");
  EXPECT_EQ(quoted(std::string_view("\0\n\x1f\x7f", 4)), R"("\u0000\u000a\u001f\u007f")");
  EXPECT_EQ(quoted("é€😀"), "\"é€😀\"");
}

TEST(JsonWriter, ReplacesWhatIsNotUtf8) {
  const std::string mark = "\xEF\xBF\xBD";
  EXPECT_EQ(quoted("a\xff"), "\"a" + mark + "\"");
  EXPECT_EQ(quoted("\xc0\x80"), "\"" + mark + mark + "\"");             // overlong
  EXPECT_EQ(quoted("\xed\xa0\x80"), "\"" + mark + mark + mark + "\"");  // a surrogate
  EXPECT_EQ(quoted("\xf4\x90\x80\x80").size(), 2 + 4 * mark.size());    // beyond Unicode
  EXPECT_EQ(quoted("\xe2\x82"), "\"" + mark + mark + "\"");             // cut off
}

TEST(JsonWriter, WritesNestedDocuments) {
  JsonWriter w;
  w.begin_object().member("a", 1).member("b", true).member("c", "x").key("d").begin_array();
  w.value(1.5).value(std::numeric_limits<double>::quiet_NaN()).null().begin_object().end_object().end_array();
  w.member("e", std::vector<std::string>{})
      .member("f", StringMap{{"k", "v"}})
      .member("g", std::optional<int>());
  w.member_if("h", std::string()).member_if("i", std::optional<int>(2)).key("j").raw("[0]").end_object();
  EXPECT_EQ(w.str(),
            R"({"a":1,"b":true,"c":"x","d":[1.5,null,null,{}],"e":[],"f":{"k":"v"},"g":null,"i":2,"j":[0]})");
}

TEST(JsonWriter, KeepsTheEndsOfItsIntegers) {
  JsonWriter w;
  w.begin_array()
      .value(std::numeric_limits<std::int64_t>::min())
      .value(std::numeric_limits<std::uint64_t>::max());
  EXPECT_EQ(w.end_array().str(), "[-9223372036854775808,18446744073709551615]");
}

class JsonTest : public ::testing::Test {
 protected:
  Json parse(std::string_view text) { return host_.host().parse(text); }
  FakeHost host_;
};

TEST_F(JsonTest, ReadsByPointer) {
  const Json j =
      parse(R"({"s":"x","n":7,"d":1.5,"t":true,"l":["a","b"],"m":{"k":"v"},"a/b":{"~c":1},"z":null})");
  EXPECT_EQ(j.str("/s"), "x");
  EXPECT_EQ(j.integer("/n"), 7);
  EXPECT_DOUBLE_EQ(j.number("/d"), 1.5);
  EXPECT_TRUE(j.flag("/t"));
  EXPECT_THAT(j.strings("/l"), ElementsAre("a", "b"));
  EXPECT_EQ(j.map("/m"), (StringMap{{"k", "v"}}));
  EXPECT_EQ(j.integer("/a~1b/~0c"), 1);
  EXPECT_EQ(j.child("/m").str("/k"), "v");
  EXPECT_EQ(j.items("/l").at(1).str(), "b");
  EXPECT_EQ(j.members("/a~1b").at(0).first, "~c");
  EXPECT_EQ(j.members("/a~1b").at(0).second.integer(), 1);
}

TEST_F(JsonTest, AbsentAndNullGiveTheFallback) {
  const Json j = parse(R"({"z":null})");
  EXPECT_EQ(j.str("/z", "f"), "f");
  EXPECT_EQ(j.str("/gone/deep", "f"), "f");
  EXPECT_TRUE(j.flag("/z", true));
  EXPECT_FALSE(j.maybe_flag("/z").has_value());
  EXPECT_TRUE(j.strings("/gone").empty());
  EXPECT_FALSE(j.has("/z"));
}

TEST_F(JsonTest, AnotherTypeIsAFailureWithItsPointer) {
  const Json j = parse(R"({"a":{"b":[1,"x"]}})");
  const auto failure = [](auto&& body) {
    try {
      body();
    } catch (const Failure& f) {
      EXPECT_EQ(f.status, SCC_E_CONFIG);
      return f.message;
    }
    return std::string("nothing thrown");
  };
  EXPECT_EQ(failure([&] { static_cast<void>(j.str("/a/b")); }), "/a/b is not a string");
  EXPECT_EQ(failure([&] { static_cast<void>(j.child("/a").strings("/b")); }), "/a/b/0 is not a string");
  EXPECT_EQ(failure([&] { static_cast<void>(j.flag("")); }), "value is not a boolean");
  EXPECT_EQ(failure([&] { static_cast<void>(j.require_str("/c")); }), "the document has no /c");
}

TEST_F(JsonTest, PassesAPartOn) {
  const std::string text = R"({"a":[1,2.5,"x",{"b~/c":null,"t":false}]})";
  EXPECT_EQ(parse(text).dump(), text);
  EXPECT_EQ(parse(text).child("/a/3").dump(), R"({"b~/c":null,"t":false})");
}

TEST_F(JsonTest, ReleasesItsDocument) {
  {
    const Json copy = parse("[1]").items().at(0);
    EXPECT_EQ(host_.open_documents, 1);
    EXPECT_EQ(copy.integer(), 1);
  }
  EXPECT_EQ(host_.open_documents, 0);
}

TEST_F(JsonTest, WithoutTheServiceOnlyAnEmptyConfigurationWorks) {
  host_.absent = {SCC_HOST_JSON};
  EXPECT_EQ(parse("{}").str("/x", "f"), "f");
  EXPECT_THROW(static_cast<void>(parse(R"({"a":1})")), Failure);
}

TEST(FakeParser, RefusesWhatIsNotJson) {
  testing::Value v;
  for (const char* bad : {"", "{", "[1,]", "{\"a\":1,}", "{\"a\":1,\"a\":2}", "\"\\x\"", "\"\n\"", "01x",
                          "nul", "1 2", "\"\\ud800\"", "{a:1}"}) {
    EXPECT_FALSE(testing::parse(bad, v)) << bad;
  }
  EXPECT_EQ(parsed(R"("\u00e9\ud83d\ude00")").string, "é😀");
}

}  // namespace
}  // namespace scc::sdk
