// SPDX-License-Identifier: Apache-2.0
// scc-check's command line: nothing unknown, repeated or half-given gets through.
#include "sandbox/options.h"

#include <cstdlib>
#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace {

class Line {
 public:
  explicit Line(std::vector<std::string> words) : words_(std::move(words)) {
    words_.insert(words_.begin(), "scc-check");
    for (std::string& word : words_) argv_.push_back(word.data());
    argv_.push_back(nullptr);
    problem = parse_check_options(static_cast<int>(words_.size()), argv_.data(), &options, &subject);
  }
  Line(const Line&) = delete;
  Line& operator=(const Line&) = delete;
  ~Line() {
    free(options.sockets);
    free(options.readonly);
    free(options.unreachable);
  }

  CheckOptions options = {};
  const char* subject = nullptr;
  const char* problem = nullptr;

 private:
  std::vector<std::string> words_;
  std::vector<char*> argv_;
};

TEST(CheckOptions, ReadsARun) {
  const Line line({"run",
                   "--token",
                   "t",
                   "--nonce",
                   "0123456789abcdef",
                   "--expect-uid",
                   "1000",
                   "--expect-gid",
                   "100",
                   "--socket",
                   "/a",
                   "--socket",
                   "/b",
                   "--readonly",
                   "/c",
                   "--deadline-ms",
                   "250",
                   "--",
                   "cmd",
                   "--token",
                   "x"});
  ASSERT_EQ(line.problem, nullptr) << line.problem;
  EXPECT_STREQ(line.options.token, "t");
  EXPECT_EQ(line.options.expect_uid, 1000);
  EXPECT_EQ(line.options.expect_gid, 100);
  EXPECT_EQ(line.options.socket_count, 2U);
  EXPECT_STREQ(line.options.sockets[1], "/b");
  EXPECT_EQ(line.options.readonly_count, 1U);
  EXPECT_EQ(line.options.deadline_ms, 250U);
  EXPECT_TRUE(line.options.handshake);
  EXPECT_FALSE(line.options.allow_root);
  EXPECT_STREQ(line.options.command[0], "cmd");
  EXPECT_STREQ(line.options.command[1], "--token");
}

TEST(CheckOptions, DefaultsCheckNothingAway) {
  const Line line({"evidence"});
  ASSERT_EQ(line.problem, nullptr);
  EXPECT_TRUE(line.options.evidence_only);
  EXPECT_FALSE(line.options.allow_root);
  EXPECT_EQ(line.options.expect_uid, -1);
  EXPECT_EQ(line.options.deadline_ms, 10000U);
}

TEST(CheckOptions, RefusesWrongLines) {
  const std::string nonce = "0123456789abcdef";
  const std::vector<std::vector<std::string>> lines = {
      {},
      {"go"},
      {"run"},
      {"run", "--token", "t", "--nonce", nonce},
      {"run", "--token", "t", "--nonce", nonce, "--"},
      {"run", "--token", "t", "--nonce", nonce, "--", ""},
      {"run", "--token", "t", "--", "cmd"},
      {"run", "--nonce", nonce, "--", "cmd"},
      {"run", "--token", "t", "--token", "u", "--nonce", nonce, "--", "cmd"},
      {"run", "--token", "../t", "--nonce", nonce, "--", "cmd"},
      {"run", "--token", "t", "--nonce", "short", "--", "cmd"},
      {"run", "--token", "t", "--nonce", nonce, "--expect-uid", "x", "--", "cmd"},
      {"run", "--token", "t", "--nonce", nonce, "--expect-uid", "4294967295", "--", "cmd"},
      {"run", "--token", "t", "--nonce", nonce, "--expect-uid", "1", "--expect-uid", "2", "--", "cmd"},
      {"run", "--token", "t", "--nonce", nonce, "--socket", "relative", "--", "cmd"},
      {"run", "--token", "t", "--nonce", nonce, "--deadline-ms", "10001", "--", "cmd"},
      {"run", "--token", "t", "--nonce", nonce, "--deadline-ms", "0", "--", "cmd"},
      {"run", "--token", "t", "--nonce", nonce, "--allow-rot", "--", "cmd"},
      {"run", "--token", "t", "--nonce", nonce, "cmd"},
      {"evidence", "--", "cmd"},
      {"evidence", "--proxy", "10.0.0.2:3128"},
      {"evidence", "--unreachable", "10.0.0.1:1"},
      {"evidence", "--isolated", "--address", "10.0.0.3/29"},
      {"evidence", "--address", "10.0.0.3/29", "--address", "10.0.0.4/29"},
      {"evidence", "--address", ""},
      {"evidence", "--expect-uid"},
  };
  for (const std::vector<std::string>& words : lines) {
    const Line line(words);
    EXPECT_NE(line.problem, nullptr) << (words.empty() ? "(empty)" : words.back());
  }
}

}  // namespace
