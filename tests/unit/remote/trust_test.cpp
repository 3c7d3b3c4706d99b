// SPDX-License-Identifier: Apache-2.0
// Trust of fetched team documents: decision table rows 96-102, URL forms, and globs against a slow model of
// themselves on random input.
#include "remote/trust.h"

#include <chrono>
#include <random>

#include <gmock/gmock.h>

namespace scc::remote {
namespace {

using testing::HasSubstr;
using Codes = std::vector<TrustCode>;

TrustInput input(std::string url, std::vector<std::string> patterns, bool allow = true) {
  TrustInput in;
  in.grant.allow_additional_marketplaces = allow;
  in.grant.marketplace_source_patterns = std::move(patterns);
  in.marketplaces = {{"ours", Marketplace::Type::github, std::move(url)}};
  in.org_aliases = {"core"};
  in.implicit_aliases = {"built-in"};
  return in;
}

Codes codes(const TrustInput& in) {
  Codes out;
  for (const auto& violation : check_trust(in)) out.push_back(violation.code);
  return out;
}

TEST(Trust, DecisionTable) {
  EXPECT_EQ(codes(input("github.com/acme/p", {"**"}, false)), Codes{TrustCode::not_allowed});  // 96
  EXPECT_EQ(codes(input("github.com/acme/p", {"github.com/acme/**"})), Codes{});               // 97
  EXPECT_EQ(codes(input("github.com/evil/p", {"github.com/acme/**"})),
            Codes{TrustCode::untrusted_source});                                         // 98
  EXPECT_EQ(codes(input("github.com/acme/p", {"https://github.com/acme/*"})), Codes{});  // 99
  TrustInput directory = input("/etc", {"**"});
  directory.marketplaces[0].type = Marketplace::Type::directory;
  EXPECT_EQ(codes(directory), Codes{TrustCode::directory});  // 100
  TrustInput collision = input("github.com/acme/p", {"**"});
  collision.marketplaces[0].alias = "core";
  EXPECT_EQ(codes(collision), Codes{TrustCode::alias_collision});  // 101
  collision.marketplaces[0].alias = "Built-In";
  EXPECT_EQ(codes(collision), Codes{TrustCode::alias_collision});
  TrustInput alone;
  alone.grant.inherit_org_marketplaces = false;
  alone.org_aliases = {"core"};
  alone.implicit_aliases = {"built-in"};
  alone.org_default_plugins = {"safety@core", "x@built-in", "plain"};
  const auto violations = check_trust(alone);  // 102
  ASSERT_EQ(violations.size(), 1U);
  EXPECT_EQ(violations[0].code, TrustCode::org_unavailable);
  EXPECT_THAT(violations[0].message, HasSubstr("safety@core"));
  EXPECT_EQ(violations[0].alias, "core");
  alone.grant.inherit_org_marketplaces = true;
  EXPECT_TRUE(check_trust(alone).empty());
}

TEST(Trust, DefaultGrantAndEmptyPatterns) {
  EXPECT_EQ(codes(input("github.com/acme/p", {})), Codes{TrustCode::untrusted_source});
  TrustInput none;
  EXPECT_TRUE(check_trust(none).empty());
  none.marketplaces = {{"a", Marketplace::Type::url, "https://x.example/m"}};
  EXPECT_EQ(codes(none), Codes{TrustCode::not_allowed});
}

TEST(Trust, SourcesThatPretend) {
  for (const char* url :
       {"https://github.com@evil.example/acme/p", "https://github.com/acme/../evil/p",
        "https://github.com/acme/%2e%2e/evil", "https://evil.example/github.com/acme/p",
        "git@github.com@evil.example:acme/p", "https://github.com/acme//p", "https://github.com\\acme/p",
        "https://evil.example#github.com/acme/p", "https://evil.example?github.com/acme/p",
        "https://github.com:8443/acme/p", "https://github.com.evil.example/acme/p", "git@github.com/acme/p",
        "github.com/acme/**", "", "https://github.com/acme/./p"}) {
    EXPECT_EQ(codes(input(url, {"github.com/acme/**"})), Codes{TrustCode::untrusted_source}) << url;
  }
}

TEST(Trust, UrlForms) {
  for (const char* same :
       {"https://github.com/acme/P", "http://GitHub.com/acme/P", "git@github.com:acme/P.git",
        "ssh://git@github.com/acme/P.git", "https://user:pw@github.com/acme/P/", "github.com/acme/P",
        "https://github.com:443/acme/P", "https://github.com./acme/P", "HTTPS://github.com/acme/P"}) {
    EXPECT_EQ(normalise_url(same), "github.com/acme/P") << same;
  }
  EXPECT_EQ(normalise_pattern("https://GitHub.com/acme/*.git"), "github.com/acme/*");
  EXPECT_EQ(normalise_pattern("git@Git.example:acme/**"), "git.example/acme/**");
}

TEST(Glob, Semantics) {
  struct Row {
    const char* pattern;
    const char* text;
    bool match;
  };
  for (const Row& row : {Row{"a/*", "a/b", true},
                         Row{"a/*", "a/b/c", false},
                         Row{"a/**", "a", true},
                         Row{"a/**", "a/b/c", true},
                         Row{"a/**", "ab", false},
                         Row{"a/**/b", "a/b", true},
                         Row{"a/**/b", "a/x/y/b", true},
                         Row{"a/**/b", "a/x/y/c", false},
                         Row{"**/b", "b", true},
                         Row{"**/b", "x/y/b", true},
                         Row{"**", "anything/at/all", true},
                         Row{"**", "", true},
                         Row{"a?c", "abc", true},
                         Row{"a?c", "a/c", false},
                         Row{"A*", "abc", true},
                         Row{"a[!x]c", "abc", true},
                         Row{"a[!x]c", "axc", false},
                         Row{"a[!x]c", "a!c", true},
                         Row{"a[^x]c", "axc", false},
                         Row{"a[b-d]", "ac", true},
                         Row{"a[b-d]", "ae", false},
                         Row{"a[b-]", "a-", true},
                         Row{"a[]x]", "a]", true},
                         Row{"a[x", "a[x", true},
                         Row{"a**b", "axxb", true},
                         Row{"a**b", "a/b", false},
                         Row{"", "", true},
                         Row{"", "a", false},
                         Row{"*", "", true},
                         Row{"a/*/c", "a//c", true},
                         Row{"a.c", "abc", false}}) {
    EXPECT_EQ(glob_match(row.pattern, row.text), row.match) << row.pattern << " " << row.text;
  }
}

/// The definition itself, exponential, for short input without classes.
bool model_segment(std::string_view pattern, std::string_view text) {
  if (pattern.empty()) return text.empty();
  if (pattern[0] == '*') {
    return model_segment(pattern.substr(1), text) ||
           (!text.empty() && model_segment(pattern, text.substr(1)));
  }
  return !text.empty() && (pattern[0] == '?' || pattern[0] == text[0]) &&
         model_segment(pattern.substr(1), text.substr(1));
}
bool model(const std::vector<std::string>& pattern, const std::vector<std::string>& text, std::size_t p,
           std::size_t t) {
  if (p == pattern.size()) return t == text.size();
  if (pattern[p] == "**") {
    return model(pattern, text, p + 1, t) || (t < text.size() && model(pattern, text, p, t + 1));
  }
  return t < text.size() && model_segment(pattern[p], text[t]) && model(pattern, text, p + 1, t + 1);
}

TEST(Glob, AgreesWithItsDefinition) {
  const unsigned seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 random(seed);
  const auto pick = [&](std::string_view from) { return from[random() % from.size()]; };
  int matched = 0;
  for (int i = 0; i < 50'000; ++i) {
    const auto make = [&](std::string_view alphabet, bool stars) {
      std::vector<std::string> out(1 + random() % 4);
      for (auto& segment : out) {
        if (stars && random() % 4 == 0) {
          segment = "**";
          continue;
        }
        for (std::size_t n = random() % 4; n > 0; --n) segment += pick(alphabet);
      }
      return out;
    };
    const auto pattern = make("ab*?", true);
    const auto text = make("ab", false);
    const auto joined = [](const std::vector<std::string>& parts) {
      std::string out = parts[0];
      for (std::size_t n = 1; n < parts.size(); ++n) out += "/" + parts[n];
      return out;
    };
    const bool expected = model(pattern, text, 0, 0);
    matched += expected ? 1 : 0;
    ASSERT_EQ(glob_match(joined(pattern), joined(text)), expected) << joined(pattern) << " " << joined(text);
  }
  EXPECT_GT(matched, 1000);
}

TEST(Glob, HostilePatternsDoNotExplode) {
  std::string stars;
  for (int i = 0; i < 200; ++i) stars += "*a";
  EXPECT_FALSE(glob_match(stars + "b", std::string(4000, 'a')));
  std::string deep = "**";
  std::string text = "a";
  for (int i = 0; i < 300; ++i) {
    deep += "/*a*/**";
    text += "/a";
  }
  EXPECT_FALSE(glob_match(deep + "/b", text));
}

}  // namespace
}  // namespace scc::remote
