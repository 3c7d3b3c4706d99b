// SPDX-License-Identifier: Apache-2.0
#include "audit/event.h"

#include <gmock/gmock.h>

#include "audit/redact.h"
#include "guard/audit.h"

namespace scc::audit {
namespace {

using ::testing::HasSubstr;
using Words = std::vector<std::string>;

Words redacted(const Words& words) {
  return redact_argv(words);
}

TEST(Redaction, SecretsOfACommandLineAreHidden) {
  EXPECT_EQ(redacted({"git", "push", "https://me:pw@h.example/r.git"}).back(), "https://***@h.example/r.git");
  EXPECT_EQ(redacted({"curl", "-u", "me:pw", "https://h.example"})[2], "***");
  EXPECT_EQ(redacted({"curl", "-ume:pw"})[1], "-u***");
  EXPECT_EQ(redacted({"curl", "--user=me:pw"})[1], "--user=***");
  EXPECT_EQ(redacted({"/usr/bin/curl", "-d", "x=1"})[2], "***");
  EXPECT_EQ(redacted({"curl", "-H", "Authorization: Bearer abc"})[2], "Authorization: ***");
  EXPECT_EQ(redacted({"curl", "-H", "X-Api-Token: abc"})[2], "X-Api-Token: ***");
  EXPECT_EQ(redacted({"curl", "https://h.example/?token=abc&page=2"})[1],
            "https://h.example/?token=***&page=2");
  EXPECT_EQ(redacted({"git", "-c", "http.extraHeader=Authorization: Basic YWJj"})[2],
            "http.extraHeader=Authorization: ***");
  EXPECT_EQ(redacted({"rsync", "--password", "hunter2"})[2], "***");
  EXPECT_EQ(redacted({"ssh", "API_KEY=hunter2"})[1], "API_KEY=***");
  EXPECT_EQ(redacted({"git", "commit", "-m", "use ghp_0123456789abcdefghij"})[3], "***");
  EXPECT_EQ(redacted({"ssh", "q9W8e7R6t5Y4u3I2o1P0a9S8d7F6g5H4"})[1], "***");
}

TEST(Redaction, WhatIsNoSecretStays) {
  const Words plain{"git",
                    "push",
                    "-u",
                    "origin",
                    "feature/x",
                    "-d",
                    "4b825dc642cb6eb9a060e54bf8d69288fbee4904",
                    "--author=A <a@h.example>",
                    "https://h.example/r.git"};
  EXPECT_EQ(redacted(plain), plain);
}

TEST(SandboxLine, IsReadAsTheGuardWritesIt) {
  safety::Verdict verdict;
  verdict.decision = safety::Decision::block;
  verdict.rule = "git.force_push";
  const auto read = read_sandbox_line(guard::audit_line(
      {"git", "argv", {"git", "push", "-f", "a\"b\\c\n\x01", "\xff\xc3\x28", "\xe2\x82\xac"}, "00ff"},
      verdict));
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(read->event_type, "safety.check");
  EXPECT_EQ(read->source, "sandbox");
  EXPECT_EQ(read->severity, "warning");
  EXPECT_EQ(read->subject, "git");
  EXPECT_EQ(read->metadata.at("decision"), "block");
  EXPECT_EQ(read->metadata.at("matched_rule"), "git.force_push");
  EXPECT_EQ(read->metadata.at("id"), "00ff");
  ASSERT_EQ(read->argv.size(), 6U);
  EXPECT_EQ(read->argv[3], "a\"b\\c\n\x01");
  EXPECT_EQ(read->argv[4], "\xef\xbf\xbd\xef\xbf\xbd(");
  EXPECT_EQ(read->argv[5], "\xe2\x82\xac");
  EXPECT_TRUE(event_body(*read));
}

TEST(SandboxLine, ALongCommandIsCutAndFits) {
  const Words many(3000, "0123456789");
  const auto read = read_sandbox_line(guard::audit_line({"git", "argv", many, ""}, {}));
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(read->metadata.at("cut"), "true");
  const std::string huge = guard::audit_line({"git", "argv", {"git", std::string(100'000, 'x')}, ""}, {});
  EXPECT_LE(huge.size(), kMaxSandboxLine);
  EXPECT_TRUE(read_sandbox_line(huge));
}

TEST(SandboxLine, AnythingElseIsRefused) {
  const std::string good =
      R"({"v":1,"tool":"git","layer":"argv","decision":"allow","rule":"","id":"","cwd":"/","argv":["git"]})";
  ASSERT_TRUE(read_sandbox_line(good));
  const auto with = [&](const std::string& what, const std::string& other) {
    std::string out = good;
    return out.replace(out.find(what), what.size(), other);
  };
  for (const std::string& bad : std::vector<std::string>{
           "", "x", "[]", "{}", good + good, with("\"v\":1", "\"v\":2"), with("\"git\"", "\"g i t\""),
           with("\"argv\",", "\"elsewhere\","), with("\"allow\"", "\"maybe\""), with("[\"git\"]", "[]"),
           with("[\"git\"]", "\"git\""), with("\"rule\":\"\"", "\"rule\":\"\\u001b[31m\""),
           with("\"v\":1", "\"v\":1,\"v\":1"), with("\"/\"", "\"\xff\""), good + std::string(9000, ' ')}) {
    EXPECT_FALSE(read_sandbox_line(bad)) << bad.substr(0, 100);
  }
}

TEST(SandboxLine, HasNoSayInNumberTimeAndSource) {
  const auto read = read_sandbox_line(
      R"({"v":1,"tool":"git","layer":"argv","decision":"allow","rule":"","id":"","cwd":"/","argv":["git"],)"
      R"("seq":7,"source":"host","occurred_at":"1999-01-01T00:00:00Z","event_type":"launch.ended","session":"x"})");
  ASSERT_TRUE(read);
  const json::Value body = event_body(*read).value();
  EXPECT_EQ(body.str("/source"), "sandbox");
  EXPECT_EQ(body.str("/event_type"), "safety.check");
  EXPECT_EQ(body.str("/session"), "");
  EXPECT_GT(body.str("/occurred_at"), "2026");
  EXPECT_FALSE(body.has("/seq"));
}

}  // namespace
}  // namespace scc::audit
