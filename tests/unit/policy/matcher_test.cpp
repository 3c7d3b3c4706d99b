// SPDX-License-Identifier: Apache-2.0
// The glob matcher: its rules by example, against a reference on random input, and that patterns end which
// make a backtracking matcher explode.
#include "policy/matcher.h"

#include <gtest/gtest.h>

#include "unit/policy/random.h"

namespace scc::policy {
namespace {

/// The textbook definition, exponential in the worst case and plain to read. `p` and `t` are folded.
bool reference(std::string_view p, std::string_view t) {
  if (p.empty()) return t.empty();
  if (p[0] == '*') return reference(p.substr(1), t) || (!t.empty() && reference(p, t.substr(1)));
  if (t.empty()) return false;
  if (p[0] == '?') return reference(p.substr(1), t.substr(1));
  if (p[0] == '[') {
    const std::size_t first = p.size() > 1 && p[1] == '!' ? 2 : 1;
    const std::size_t close = p.find(']', first + 1);
    if (close != std::string_view::npos && first < p.size()) {
      bool in = false;
      for (std::size_t i = first; i < close; ++i) {
        if (i + 2 < close && p[i + 1] == '-') {
          in = in || (p[i] <= t[0] && t[0] <= p[i + 2]);
          i += 2;
        } else {
          in = in || p[i] == t[0];
        }
      }
      return in == (first == 1) && reference(p.substr(close + 1), t.substr(1));
    }
  }
  return p[0] == t[0] && reference(p.substr(1), t.substr(1));
}

bool match(std::string_view pattern, std::string_view text) {
  return Glob(pattern).matches(text);
}

TEST(Matcher, FollowsTheRules) {
  EXPECT_TRUE(match("safety", "safety"));
  EXPECT_TRUE(match("  Saf* ", "SAFETY\t"));
  EXPECT_FALSE(match("saf", "safety"));
  EXPECT_TRUE(match("*", "anything/with/slashes"));
  EXPECT_TRUE(match("a*/c", "a/b/c"));
  EXPECT_TRUE(match("to?l", "tool"));
  EXPECT_FALSE(match("to?l", "tooll"));
  EXPECT_FALSE(match("to?l", "tol"));
  EXPECT_TRUE(match("t[!o]x", "tax"));
  EXPECT_FALSE(match("t[!o]x", "tox"));
  EXPECT_TRUE(match("[]]x", "]x"));
  EXPECT_TRUE(match("[!]]x", "ax"));
  EXPECT_FALSE(match("[!]]x", "]x"));
  EXPECT_FALSE(match("[z-a]", "m"));
  EXPECT_TRUE(match("[!z-a]", "m"));
  EXPECT_TRUE(match("[abc", "[abc"));
  EXPECT_TRUE(match("[", "["));
  EXPECT_TRUE(match("[!", "[!"));
  EXPECT_TRUE(match("[^a]", "^"));
  EXPECT_TRUE(match("[^a]", "a"));
  EXPECT_FALSE(match("[^a]", "b"));
  EXPECT_TRUE(match("a\\*", "a\\bc"));
  EXPECT_FALSE(match("a\\*", "a*"));
  EXPECT_TRUE(match("[a-]", "-"));
  EXPECT_TRUE(match("[-a]", "-"));
  EXPECT_TRUE(match("**a**", "xax"));
}

TEST(Matcher, NothingMatchesAnEmptyTextOrPattern) {
  EXPECT_FALSE(match("*", ""));
  EXPECT_FALSE(match("*", "  "));
  EXPECT_FALSE(match("", ""));
  EXPECT_FALSE(match(" ", "a"));
  EXPECT_FALSE(GlobList({"", " "}).matches("a"));
}

TEST(Matcher, AnchorsDoNotOverlap) {
  EXPECT_FALSE(match("ab*ba", "aba"));
  EXPECT_TRUE(match("ab*ba", "abba"));
  EXPECT_FALSE(match("a*b*c", "ac"));
  EXPECT_FALSE(match("*ab*ab*", "abb"));
}

TEST(Matcher, APatternWithoutMarketplaceLooksAtTheName) {
  const GlobList list({"*-beta", "safety", "*@my-*", "x@core"});
  EXPECT_EQ(list.find_plugin("tool-BETA@core"), 0U);
  EXPECT_EQ(list.find_plugin("x@my-beta"), 2U);
  EXPECT_EQ(list.find_plugin("Safety@other"), 1U);
  EXPECT_EQ(list.find_plugin("X@Core"), 3U);
  EXPECT_EQ(list.find_plugin("y@core"), std::nullopt);
  EXPECT_EQ(GlobList({"x*"}).find_plugin("a@x"), std::nullopt);
}

TEST(Matcher, TheFirstInListOrderIsReported) {
  const GlobList list({"b*", "beta", "*"});
  EXPECT_EQ(list.find("beta"), 0U);
  EXPECT_EQ(list.find("alpha"), 2U);
  EXPECT_EQ(GlobList({"beta", "b*"}).find("BETA"), 0U);
  EXPECT_EQ(GlobList({"z", "z"}).find("z"), 0U);
}

TEST(MatcherProperty, EqualsTheReference) {
  testing::Random random("matcher equals the reference");
  int hits = 0;
  for (int i = 0; i < 20 * testing::kCases; ++i) {
    const std::string pattern = random.text("aabbc***??[[]]!-^\\/", 10);
    const std::string text = random.text("aaabbbc[]!-^\\/", 10);
    const bool expected = !pattern.empty() && !text.empty() && reference(pattern, text);
    hits += expected ? 1 : 0;
    ASSERT_EQ(match(pattern, text), expected) << '\'' << pattern << "' on '" << text << '\'';
  }
  EXPECT_GT(hits, testing::kCases / 2);
}

TEST(MatcherProperty, LongSegmentsEqualTheReference) {
  testing::Random random("long segments equal the reference");
  int hits = 0;
  for (int i = 0; i < testing::kCases; ++i) {
    // Segments of 17 to 200 units, built from the text so that near misses are common.
    const std::string text = random.text("ab", 300) + "b";
    std::string middle = text.substr(random.below(text.size()), 17 + random.below(184));
    for (std::size_t k = random.below(4); k > 0; --k)
      middle[random.below(middle.size())] = random.chance(70) ? '?' : 'a';
    const std::string pattern = "*" + middle + (random.chance(50) ? "*" : "*b");
    const bool expected = reference(pattern, text);
    hits += expected ? 1 : 0;
    ASSERT_EQ(match(pattern, text), expected) << '\'' << pattern << "' on '" << text << '\'';
  }
  EXPECT_GT(hits, testing::kCases / 10);
}

TEST(Matcher, HostileGlobsEnd) {
  // A backtracking matcher needs longer than the universe lasts for each of these; growth is timed in the
  // benchmark of the policy.
  std::string stars;
  for (int i = 0; i < 200; ++i) stars += "*a";
  const std::string text(1000000, 'a');
  for (const std::string& pattern : {stars + "*b", stars + "*b*", "*" + std::string(500, 'a') + "b*",
                                     "*" + std::string(60, '?') + "b*c*"}) {
    EXPECT_FALSE(Glob(pattern).matches(text)) << pattern.substr(0, 20);
    EXPECT_EQ(Glob(pattern).matches(text + "b"), pattern.find('c') == std::string::npos)
        << pattern.substr(0, 20);
  }
}

}  // namespace
}  // namespace scc::policy
