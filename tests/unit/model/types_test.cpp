// SPDX-License-Identifier: Apache-2.0
// Times, plugin references, patterns and the small grammars.
#include "model/types.h"

#include <gtest/gtest.h>

#include "model/glob.h"
#include "model/grammar.h"
#include "model/parse.h"

namespace scc::model {
namespace {

TEST(Types, PoliciesKeepTheirNamesAndRank) {
  for (const char* text : {"open", "web-egress-enforced", "locked-down-web"}) {
    ASSERT_TRUE(network_policy(text)) << text;
    EXPECT_EQ(to_string(*network_policy(text)), text);
  }
  EXPECT_LT(*network_policy("open"), *network_policy("web-egress-enforced"));
  EXPECT_LT(*network_policy("web-egress-enforced"), *network_policy("locked-down-web"));
  for (const char* text : {"", "Open", "corp-proxy", "open "}) EXPECT_FALSE(network_policy(text)) << text;
}

TEST(Types, ReadsAndWritesTimes) {
  EXPECT_EQ(parse_time("1970-01-01T00:00:00Z"), 0);
  EXPECT_EQ(parse_time("2027-01-31T00:00:00Z"), 1801353600);
  EXPECT_EQ(parse_time("2027-01-31T01:30:00+01:30"), 1801353600);
  EXPECT_EQ(parse_time("2027-01-30T23:00:00-01:00"), 1801353600);
  EXPECT_EQ(parse_time("2027-01-31t00:00:00.999z"), 1801353600);
  EXPECT_EQ(parse_time("2016-12-31T23:59:60Z"), parse_time("2017-01-01T00:00:00Z"));
  EXPECT_TRUE(parse_time("2024-02-29T00:00:00Z"));
  for (const char* text :
       {"", "2027-01-31", "2027-01-31T00:00:00", "2027-02-29T00:00:00Z", "2027-13-01T00:00:00Z",
        "2027-01-31T24:00:00Z", "2027-01-31T00:60:00Z", "2027-01-31T00:00:61Z", "tomorrow",
        "2027-01-31T00:00:00.Z", "2027-01-31T00:00:00+1:00", "2027-01-31T00:00:00ZZ", " 2027-01-31T00:00:00Z",
        "2027-01-31T00:00:00+25:00"}) {
    EXPECT_FALSE(parse_time(text)) << text;
  }
  for (const std::int64_t seconds : {std::int64_t{0}, std::int64_t{1801353600}, std::int64_t{253402300799}}) {
    EXPECT_EQ(parse_time(format_time(seconds)), seconds);
  }
  EXPECT_EQ(format_time(1801353600), "2027-01-31T00:00:00Z");
  EXPECT_EQ(format_time(INT64_MAX), "9999-12-31T23:59:59Z");
}

TEST(PluginRef, HasOneSpelling) {
  const Strings one{"core"};
  for (const char* text : {"lint@core", "@core/lint", " lint@core\t", "lint", "\n@core/lint "}) {
    const auto ref = normalise_plugin_ref(text, one);
    ASSERT_TRUE(ref) << text << ": " << ref.error().message;
    EXPECT_EQ(*ref, "lint@core");
  }
  EXPECT_EQ(*normalise_plugin_ref("lint", {}), "lint@" SCC_IMPLICIT_MARKETPLACE);
  const auto both = normalise_plugin_ref("lint", {"core", "aux"});
  ASSERT_FALSE(both);
  EXPECT_EQ(both.error().id, "plugin-ref.ambiguous");
  EXPECT_NE(both.error().hint.find("core, aux"), std::string::npos);
}

TEST(PluginRef, RefusesWhatCouldHide) {
  for (const char* text : {"",
                           "  ",
                           "a@@b",
                           "@core",
                           "@core/",
                           "@/lint",
                           "lint@",
                           "@",
                           "a@b@c",
                           "a@b/c",
                           "@b/c@d",
                           "a/b",
                           "a b@core",
                           "l\xC3\xADnt@core",
                           "lint@co\x01re",
                           "..@core",
                           "lint@..",
                           ".@x",
                           "lint@core/",
                           "\xE2\x80\x8Blint@core"}) {
    const auto ref = normalise_plugin_ref(text, {"core"});
    ASSERT_FALSE(ref) << text;
    EXPECT_EQ(ref.error().id, "plugin-ref.invalid") << text;
    EXPECT_EQ(ref.error().message.find('\x01'), std::string::npos);
  }
}

TEST(Glob, FollowsTheRulesOfTheReference) {
  struct Row {
    const char* pattern;
    const char* text;
    bool match;
  };
  for (const Row& row : std::initializer_list<Row>{{"*", "", false},
                                                   {"", "x", false},
                                                   {"*-beta", "tool-BETA", true},
                                                   {" *-Beta ", "tool-beta", true},
                                                   {"to?l", "tooll", false},
                                                   {"t[!o]x", "tax", true},
                                                   {"t[!o]x", "tox", false},
                                                   {"[]]", "]", true},
                                                   {"[z-a]", "m", false},
                                                   {"[abc", "[abc", true},
                                                   {"a*/b", "a/x/y/b", true},
                                                   {"[a-]", "-", true},
                                                   {"x[^a]", "x^", true},
                                                   {"\\*", "*", false},
                                                   {"*.bad.example", "bad.example", false}}) {
    EXPECT_EQ(glob_match(row.pattern, row.text), row.match) << row.pattern << " against " << row.text;
    EXPECT_EQ(GlobList({row.pattern}).matches(row.text), row.match) << row.pattern << " against " << row.text;
  }
  std::string hostile;
  for (int i = 0; i < 2000; ++i) hostile += "*a";
  EXPECT_FALSE(glob_match(hostile + "b", std::string(20000, 'a')));
}

TEST(Glob, ListsReportTheFirstMatchInOrder) {
  const GlobList list({"zzz", "*@my-*", "li*", "lint", "LINT@core"});
  EXPECT_EQ(list.find_plugin("lint@core"), 2U);
  EXPECT_EQ(list.find_plugin("x@my-beta"), 1U);
  EXPECT_EQ(GlobList({"lint", "li*"}).find_plugin("Lint@core"), 0U);
  EXPECT_EQ(GlobList({"*-beta"}).find_plugin("x@my-beta"), std::nullopt);
  EXPECT_EQ(GlobList({"lint@core", "lint"}).find_plugin("lint@core"), 0U);
  EXPECT_FALSE(GlobList({"lint"}).matches("lint@core"));
}

TEST(Grammar, Targets) {
  for (const char* text : {"a.example", ".a.example", "*.a.example", "A.example:443", "10.0.0.1",
                           "10.0.0.0/8", "10.0.0.0/8:443", "::1", "[::1]", "[::1]:443", "fc00::/7",
                           "[fc00::/7]:443", "localhost", "a_b.example", "::ffff:0:0/96"}) {
    EXPECT_TRUE(grammar::target(text)) << text;
  }
  for (const char* text : {"",
                           "*",
                           "*.*",
                           ".",
                           "*.",
                           "a..b",
                           "a.example:",
                           "a.example:0",
                           "a.example:65536",
                           "a b",
                           "https://a.example",
                           "a.example/x",
                           "10.0.0.0/33",
                           "::/129",
                           "300.1.1.1",
                           "1.2.3",
                           "*.1.2.3.4",
                           "0x7f.1",
                           "2130706433",
                           "a.*.example",
                           "*a.example",
                           "a.example.",
                           "[a.example]",
                           "[::1",
                           "[::1]x",
                           "[10.0.0.0/8]",
                           "u@a.example",
                           "-a.example",
                           "b\xC3\xBC"
                           "cher.example"}) {
    EXPECT_FALSE(grammar::target(text)) << text;
  }
}

TEST(Grammar, UrlsHaveOneReading) {
  const auto url = grammar::split_url("https://Mcp.Bad.Example.:8443/x?y#z");
  ASSERT_TRUE(url);
  EXPECT_EQ(url->host, "mcp.bad.example");
  EXPECT_EQ(url->port, 8443);
  EXPECT_FALSE(url->userinfo);
  EXPECT_EQ(grammar::split_url("https://[::1]:5/")->host, "::1");
  EXPECT_TRUE(grammar::split_url("https://ok.example@bad.example/")->userinfo);
  EXPECT_EQ(grammar::split_url("https://ok.example@bad.example/")->host, "bad.example");
  for (const char* text :
       {"https://", "https:///x", "https://a\\b.example", "https://a .example", "https://%61.example",
        "https://2130706433/", "https://0x7f.0.0.1/", "https://127.1/", "https://a.example:x/",
        "ftp://a.example/", "https:/a.example", "a.example", "https://a.example:99999", "https://[::1]x/",
        "https://[::1/", "https://\xC3\xA4.example/", "https://a.example\n/"}) {
    EXPECT_FALSE(grammar::split_url(text)) << text;
  }
  for (const char* text :
       {"https://a.example/x", "http://localhost:3/", "http://127.0.0.2/", "http://[::1]/"}) {
    EXPECT_TRUE(grammar::server_url(text)) << text;
  }
  for (const char* text : {"http://a.example/x", "https://u@a.example/", "https://u:p@a.example",
                           "http://127.evil.example/", "http://localhost.evil.example/"}) {
    EXPECT_FALSE(grammar::server_url(text)) << text;
  }
  EXPECT_TRUE(grammar::git_url("git@git.example:a/b.git"));
  for (const char* text : {"git@git.example", "git@git.example:", "git@-oProxy:x", "git@git.example:-x",
                           "git@a b:x", "git@git.example:../x", "https://t:s@git.example/x"}) {
    EXPECT_FALSE(grammar::git_url(text)) << text;
  }
}

TEST(Grammar, BranchesPathsAndVersions) {
  for (const char* text : {"main", "v3", "feature/x", "release-1.0"})
    EXPECT_TRUE(grammar::branch(text)) << text;
  for (const char* text :
       {"", "-x", "a..b", "a b", "a~1", "a^", "a:b", "/a", "a/", "a//b", ".a", "a/.b", "a.lock", "@{x"}) {
    EXPECT_FALSE(grammar::branch(text)) << text;
  }
  for (const char* text : {"/", "a/b", "/a/..b", "..."}) EXPECT_TRUE(grammar::contained_path(text)) << text;
  for (const char* text : {"..", "a/..", "/../a", "a\\b", "a\nb"})
    EXPECT_FALSE(grammar::contained_path(text)) << text;
  EXPECT_FALSE(grammar::relative_path("/a"));
  EXPECT_TRUE(grammar::triple("1.5.0-dev (no package metadata)"));
  EXPECT_EQ(*grammar::triple("1.5.0+b.7"), (grammar::Triple{1, 5, 0}));
  for (const char* text : {"", "1.2", "1.2.3.4", "v1.2.3", "1.2.x", "99999999999999999999.0.0"}) {
    EXPECT_FALSE(grammar::triple(text)) << text;
  }
  for (const char* text : {">=1.2 <2", "1", "=1.2.3", " 1.0.0-rc.1+b ", "<=2.0"}) {
    EXPECT_TRUE(grammar::version_range(text)) << text;
  }
  for (const char* text :
       {"", " ", "^1.2", "1.2.", "1.0.0-", "=>1", ">=1,<2", "1.2.3.4", ">", "latest", ">=1.x"}) {
    EXPECT_FALSE(grammar::version_range(text)) << text;
  }
}

}  // namespace
}  // namespace scc::model
