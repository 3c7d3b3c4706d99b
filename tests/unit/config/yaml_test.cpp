// SPDX-License-Identifier: Apache-2.0
#include "config/yaml.h"

#include <random>

#include <gtest/gtest.h>

#include "config/project_file.h"

namespace scc::config {
namespace {

std::string yaml(std::string_view text) {
  const auto value = parse_yaml(text);
  return value ? json::dump(*value) : value.error().id + " " + value.error().message;
}
std::string repeat(std::string_view piece, std::size_t bytes) {
  std::string out;
  while (out.size() + piece.size() <= bytes) out += piece;
  return out;
}

TEST(Yaml, ScalarsFollowTheCoreSchema) {
  EXPECT_EQ(yaml("a: yes\nb: on\nc: Off\nd: n\n"), R"({"a":"yes","b":"on","c":"Off","d":"n"})");
  EXPECT_EQ(yaml("a: true\nb: False\nc: tRue"), R"({"a":true,"b":false,"c":"tRue"})");
  EXPECT_EQ(yaml("a: 012\nb: 0o17\nc: 0x1F\nd: -3\ne: +4\nf: -0x1\ng: 0b1\nh: 1_0\ni: 1:30"),
            R"({"a":12,"b":15,"c":31,"d":-3,"e":4,"f":"-0x1","g":"0b1","h":"1_0","i":"1:30"})");
  EXPECT_EQ(yaml("a: 1.5\nb: .5\nc: 3.\nd: 1e3\ne: ."), R"({"a":1.5,"b":0.5,"c":3.0,"d":1000.0,"e":"."})");
  EXPECT_EQ(yaml("a: ~\nb:\nc: null\nd: ''\ne: 'null'"), R"({"a":null,"b":null,"c":null,"d":"","e":"null"})");
  EXPECT_EQ(yaml("a: 'true'\nb: \"1\"\nc: |\n  1\nd: 2020-01-01"),
            R"({"a":"true","b":"1","c":"1\n","d":"2020-01-01"})");
  EXPECT_EQ(yaml("a: \"\\x41\\u00e9\\U0001F600\""), "{\"a\":\"A\xC3\xA9\xF0\x9F\x98\x80\"}");
}

TEST(Yaml, ReadsWhatPeopleWrite) {
  EXPECT_EQ(yaml("# comment\n---\nlist:\n  - a\n  - {b: [1, two]}\nmap:\n  x: y # z\n...\n"),
            R"({"list":["a",{"b":[1,"two"]}],"map":{"x":"y"}})");
  EXPECT_EQ(yaml("\xEF\xBB\xBF"
                 "a: 1\r\nb: 2\r\n"),
            R"({"a":1,"b":2})");
  for (const char* empty : {"", "  \n", "null", "~", "---\n", "# only a comment\n"})
    EXPECT_EQ(yaml(empty), "null");
}

TEST(Yaml, RefusesWhatIsOutsideTheSubset) {
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"a: &x 1", "yaml.refused line 1, column 4: anchors"},
      {"&a a: b", "yaml.refused line 1, column 1: anchors"},
      {"- &a", "yaml.refused line 1, column 3: anchors"},
      {"a: *x", "yaml.syntax line 1, column 4"},
      {"a: 1\n<<: {b: 1}", "yaml.refused line 2, column 1: merge keys"},
      {"a: !foo x", "yaml.refused line 1, column 4: tags"},
      {"a: !!str 1", "yaml.refused line 1, column 4: tags"},
      {"a: ! 12", "yaml.refused line 1, column 4: tags"},
      {"a: ! '12'", "yaml.refused line 1, column 4: tags"},
      {"!!map {a: 1}", "yaml.refused line 1, column 1: tags"},
      {"!", "yaml.refused line 1, column 1: tags"},
      {"a: 1\n---\nb: 2", "yaml.refused line 2, column 1: a second document"},
      {"a: 1\n---\n", "yaml.refused line 2, column 1: a second document"},
      {"a: 1\n...\nb", "yaml.refused line 3, column 1: a second document"},
      {"[a] b", "yaml.refused line 1, column 5: a second document"},
      {"%YAML 1.1\n---\na: 1", "yaml.refused line 1, column 1: directives"},
      {"a: 1\nb: 2\na: 3", "yaml.duplicate-key line 3, column 1"},
      {"a: {b: 1, b: 2}", "yaml.duplicate-key line 1, column 11"},
      {"? [a]\n: b", "yaml.refused line 1, column 3: a key"},
      {"{a: 1}: 2", "yaml.refused line 1, column 1: a key"},
      {"~: 1", "yaml.refused line 1, column 1: a key"},
      {"a: .inf", "yaml.refused line 1, column 4"},
      {"a: .nan", "yaml.refused line 1, column 4"},
      {"a: 99999999999999999999", "yaml.refused line 1, column 4: the number"},
      {"a: 1e999", "yaml.refused line 1, column 4: the number"},
      {"a: \"\\0\"", "yaml.refused line 1, column 4: a NUL"},
      {"a: \x04 b: c", "yaml.refused line 1, column 4: a character"},
      {std::string("a: \0b", 5), "yaml.refused line 1, column 4: a character"},
      {"a: \x1b[2J", "yaml.refused line 1, column 4: a character"},
      {"a: \xC2\x9B", "yaml.refused line 1, column 4: a character"},
      {"a: \xff", "yaml.syntax is not UTF-8"},
      {"\xFF\xFE\x61\x00", "yaml.syntax is not UTF-8"},
      {"a: [1", "yaml.syntax line 1"},
      {"a: 'x", "yaml.syntax line 1"},
      {"a: b: c", "yaml.syntax line 1, column 5"},
      {"a:\n\t- b", "yaml.syntax line 2"},
  };
  for (const auto& [text, expected] : cases) {
    EXPECT_EQ(yaml(text).substr(0, expected.size()), expected) << testing::PrintToString(text);
  }
}

TEST(Yaml, IsBounded) {
  std::string deep;
  for (int i = 0; i < 16; ++i) deep += "[";
  EXPECT_TRUE(parse_yaml(deep + std::string(16, ']')));
  EXPECT_EQ(parse_yaml("[" + deep + std::string(17, ']')).error().id, "yaml.limit");
  std::string block;
  for (std::size_t i = 0; i < 300; ++i) block += std::string(i, ' ') + "a:\n";
  EXPECT_EQ(parse_yaml(block).error().id, "yaml.limit");
  EXPECT_EQ(parse_yaml(std::string((64U << 10U) + 1, ' ')).error().id, "yaml.limit");
  EXPECT_TRUE(parse_yaml("k: " + std::string((64U << 10U) - 3, 'x')));
}

TEST(Yaml, BillionLaughsEndAtTheFirstAnchor) {
  std::string text = "a: &a [x, x]\n";
  for (char c = 'b'; c < 'z'; ++c) {
    const std::string before(1, static_cast<char>(c - 1));
    text += std::string(1, c) + ": &" + c + " [*" + before + ", *" + before + "]\n";
  }
  EXPECT_EQ(parse_yaml(text).error().id, "yaml.refused");
}

TEST(Yaml, RepeatedPiecesNeitherCrashNorHang) {
  for (const char* piece : {"[",      "{",           "- ",  "? ",   "a: ",  "&a ", "!a ",   "*a ",
                            "[a, ",   "{a: ",        "\"",  "'",    "| ",   "a\n", "- a\n", "\n",
                            "#",      " ",           "\t",  "? ? ", "[? ",  "{? ", ":",     " - \n",
                            "--- \n", "!",           "&",   "}",    "]",    ",",   "[]",    "{},",
                            "!<a> ",  "x: |\n  a\n", "!2 ", "!}",   "? - ", "- ? "}) {
    for (const std::size_t size : {std::size_t{7}, std::size_t{100}, std::size_t{64} << 10U}) {
      static_cast<void>(parse_yaml(repeat(piece, size)));
    }
  }
}

TEST(Yaml, RandomMutationsNeverCrash) {
  const std::vector<std::string> seeds = {
      std::string(project_template()),
      "additional_plugins: [a@b, 'c@d']\nsession: {timeout_hours: 8, auto_resume: no}\n",
      "additional_mcp_servers:\n  - name: x\n    type: http\n    url: \"https://a/\\u00e9\"\n    args: |\n   "
      "   y\n",
      "a: >-\n  b\n\n  c\n? d\n: - e\n  - {f: g, h: [i, j]}\n...\n"};
  const std::vector<std::string> pieces = {
      "!",  "!!", "!<", "&", "*", "<<: ", "? ",   ": ",           "- ",       "[",     "]",     "{",
      "}",  ",",  "|",  ">", "'", "\"",   "\\",   "\\u",          "%",        "---\n", "...\n", "#",
      "\t", "\n", "\r", " ", "~", "0x",   ".inf", "\xEF\xBB\xBF", "\xC3\xA9", "\x04",  "@",     "`"};
  const unsigned seed = 20261123;
  RecordProperty("seed", static_cast<int>(seed));
  std::printf("seed %u\n", seed);
  std::mt19937 random(seed);
  const auto pick = [&random](std::size_t n) { return static_cast<std::size_t>(random() % n); };
  int accepted = 0;
  for (int round = 0; round < 10'000; ++round) {
    std::string text = seeds[pick(seeds.size())];
    if (text.size() > 200) text = text.substr(pick(text.size() - 200), 200);
    for (std::size_t edits = 1 + pick(8); edits > 0; --edits) {
      const std::size_t at = pick(text.size() + 1);
      switch (pick(4)) {
        case 0:
          text.insert(at, pieces[pick(pieces.size())]);
          break;
        case 1:
          text.erase(at, 1 + pick(5));
          break;
        case 2:
          if (at < text.size()) text[at] = static_cast<char>(random() & 0xFFU);
          break;
        default:
          text.insert(at, text.substr(pick(text.size() + 1), pick(20)));
      }
    }
    const auto value = parse_yaml(text);
    if (!value) {
      EXPECT_EQ(value.error().kind, Kind::config) << testing::PrintToString(text);
      continue;
    }
    ++accepted;
    // What was accepted is JSON: it survives the writer and the reader.
    const auto again = json::parse(json::dump(*value));
    ASSERT_TRUE(again) << testing::PrintToString(text) << json::dump(*value);
    EXPECT_EQ(json::dump(*again), json::dump(*value)) << testing::PrintToString(text);
  }
  EXPECT_GT(accepted, 500) << "the mutations are too wild to test what is accepted";
}

}  // namespace
}  // namespace scc::config
