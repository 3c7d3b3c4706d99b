// SPDX-License-Identifier: Apache-2.0
// What must hold of every blocked command: no wrapper, no quoting, no nesting and no compound takes the block
// away; and of every harmless one, that wrapping it does not make it worse. Hook and guard agree on equal
// argv.
#include <fstream>
#include <random>

#include <gtest/gtest.h>

#include "json/value.h"
#include "safety/engine.h"

namespace scc::safety {
namespace {

using Words = std::vector<std::string>;

const std::vector<Words>& blocked() {
  static const std::vector<Words> kAll{
      {"git", "push", "--force"},           {"git", "push", "origin", "+main"},
      {"git", "reset", "--hard", "HEAD~1"}, {"git", "clean", "-fdx"},
      {"git", "-C", "x", "stash", "clear"}, {"git", "branch", "-D", "a b"},
      {"git", "checkout", "--", "it's"},    {"curl", "https://h/x?a=b&c"},
      {"git", "-c", "alias.x=push -f", "x"}};
  return kAll;
}

const std::vector<Words>& harmless() {
  static const std::vector<Words> kAll{
      {"git", "status"}, {"git", "push", "origin", "main"}, {"git", "commit", "-m", "a; git push -f"},
      {"make", "-j2"},   {"echo", "git push --force"},      {"curl", "http://localhost:1"}};
  return kAll;
}

std::string single(const std::string& word) {
  std::string out = "'";
  for (const char c : word) out += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return out + "'";
}
std::string twice(const std::string& word) {
  std::string out = "\"";
  for (const char c : word)
    out += std::string("\"\\$`").find(c) != std::string::npos ? std::string("\\") + c : std::string(1, c);
  return out + "\"";
}
std::string escaped(const std::string& word) {
  std::string out;
  for (const char c : word) out += std::string("\\") + c;
  return out;
}
std::string ansi(const std::string& word) {
  static const char* kHex = "0123456789abcdef";
  std::string out = "$'";
  for (const char c : word) {
    out += "\\x";
    out += kHex[static_cast<unsigned char>(c) >> 4U];
    out += kHex[static_cast<unsigned char>(c) & 15U];
  }
  return out + "'";
}
std::string mixed(const std::string& word, std::mt19937& random) {
  std::string out;
  for (const char c : word) {
    const std::string one(1, c);
    switch (random() % 4) {
      case 0:
        out += single(one);
        break;
      case 1:
        out += twice(one);
        break;
      case 2:
        out += escaped(one);
        break;
      default:
        out += ansi(one);
        break;
    }
  }
  return out;
}

template <class Quote>
std::string joined(const Words& words, Quote quote) {
  std::string out;
  for (const std::string& word : words) out += (out.empty() ? "" : " ") + quote(word);
  return out;
}

const std::vector<std::string>& prefixes() {
  static const std::vector<std::string> kAll{"sudo ",
                                             "sudo -u x ",
                                             "env ",
                                             "env A=1 ",
                                             "env -i ",
                                             "A=1 ",
                                             "command ",
                                             "exec ",
                                             "nice ",
                                             "nice -n 5 ",
                                             "nohup ",
                                             "time ",
                                             "time -p ",
                                             "timeout 5 ",
                                             "timeout -k 1 5 ",
                                             "stdbuf -oL ",
                                             "setsid ",
                                             "ionice -c3 ",
                                             "chrt 1 ",
                                             "taskset 1 ",
                                             "chroot / ",
                                             "flock /l ",
                                             "strace -f ",
                                             "unshare -r ",
                                             "xargs ",
                                             "busybox ",
                                             "doas ",
                                             "unbuffer ",
                                             "! ",
                                             "coproc ",
                                             "2>/dev/null ",
                                             "find . -exec ",
                                             "ssh-agent ",
                                             "runuser -u x -- "};
  return kAll;
}

const std::vector<std::pair<std::string, std::string>>& frames() {
  static const std::vector<std::pair<std::string, std::string>> kAll{{"true; ", ""},
                                                                     {"true && ", ""},
                                                                     {"false || ", ""},
                                                                     {"true | ", ""},
                                                                     {"true & ", ""},
                                                                     {"( ", " )"},
                                                                     {"{ ", "; }"},
                                                                     {"if true; then ", "; fi"},
                                                                     {"if ", "; then :; fi"},
                                                                     {"for i in 1; do ", "; done"},
                                                                     {"while ", "; do :; done"},
                                                                     {"case x in x) ", ";; esac"},
                                                                     {"f() { ", "; }; f"},
                                                                     {"echo $( ", " )"},
                                                                     {"echo \"$( ", " )\""},
                                                                     {"x=$( ", " )"},
                                                                     {"cat <(", ")"},
                                                                     {"", " > out"},
                                                                     {"", " 2>&1 | tee log"},
                                                                     {"", " &"},
                                                                     {"", " # end"},
                                                                     {"echo a\n", ""},
                                                                     {"[[ x ]] && ", ""},
                                                                     {"trap - INT; ", ""}};
  return kAll;
}

const std::vector<std::string>& shells() {
  static const std::vector<std::string> kAll{"sh -c ",
                                             "bash -c ",
                                             "bash -lc ",
                                             "bash -xec ",
                                             "sudo sh -c ",
                                             "eval ",
                                             "bash -o pipefail -c ",
                                             "su -c ",
                                             "script -qc ",
                                             "trap ",
                                             "watch ",
                                             "env -S ",
                                             "bash <<< ",
                                             "dash -c ",
                                             "/bin/bash -c "};
  return kAll;
}

TEST(Property, QuotingIsNoDisguise) {
  std::mt19937 random(1);
  for (const Words& words : blocked()) {
    const Verdict plain = evaluate_argv(words, Policy{});
    ASSERT_EQ(plain.decision, Decision::block) << words[1];
    std::vector<std::string> spellings{joined(words, single), joined(words, twice), joined(words, escaped),
                                       joined(words, ansi)};
    for (int i = 0; i < 20; ++i)
      spellings.push_back(joined(words, [&](const std::string& word) { return mixed(word, random); }));
    for (const std::string& text : spellings) {
      const Verdict verdict = evaluate_line(text, Policy{});
      EXPECT_EQ(verdict.decision, Decision::block) << text;
      EXPECT_EQ(verdict.rule, plain.rule) << text;
    }
  }
}

TEST(Property, WrappersAndFramesKeepABlock) {
  for (const Words& words : blocked()) {
    const std::string plain = joined(words, single);
    for (const std::string& prefix : prefixes()) {
      EXPECT_EQ(evaluate_line(prefix + plain, Policy{}).decision, Decision::block) << prefix + plain;
      for (const std::string& other : prefixes()) {
        if (prefix[0] == '!' || prefix[0] == 'c' || other[0] == '!' || other[0] == '2' || other == "A=1 " ||
            other[0] == 't' || other == "coproc ")
          continue;
        EXPECT_EQ(evaluate_line(prefix + other + plain, Policy{}).decision, Decision::block)
            << prefix + other + plain;
      }
    }
    for (const auto& [before, after] : frames()) {
      const std::string text = before + plain + after;
      EXPECT_EQ(evaluate_line(text, Policy{}).decision, Decision::block) << text;
      for (const auto& [outer, end] : frames()) {
        EXPECT_EQ(evaluate_line(outer + text + end, Policy{}).decision, Decision::block)
            << outer + text + end;
        if (after == " # end") break;  // a comment swallows what follows
      }
    }
    for (const std::string& shell : shells()) {
      std::string text = plain;
      for (int depth = 0; depth < 4; ++depth) {
        text = shell + single(text);
        EXPECT_EQ(evaluate_line(text, Policy{}).decision, Decision::block) << text;
      }
    }
  }
}

TEST(Property, WhatIsHarmlessStaysHarmless) {
  for (const Words& words : harmless()) {
    const std::string plain = joined(words, single);
    EXPECT_EQ(evaluate_argv(words, Policy{}).decision, Decision::allow) << plain;
    for (const std::string prefix :
         {"sudo ", "env A=1 ", "timeout 5 ", "nice ", "time ", "! ", "2>/dev/null "}) {
      EXPECT_EQ(evaluate_line(prefix + plain, Policy{}).decision, Decision::allow) << prefix << plain;
    }
    for (const auto& [before, after] : frames())
      EXPECT_EQ(evaluate_line(before + plain + after, Policy{}).decision, Decision::allow)
          << before << plain << after;
    for (const std::string shell : {"sh -c ", "bash -lc ", "eval "})
      EXPECT_EQ(evaluate_line(shell + single(plain), Policy{}).decision, Decision::allow) << shell << plain;
  }
}

TEST(Property, LineAndArgvAgree) {
  std::ifstream in(std::string(SCC_SOURCE_DIR) + "/tests/data/safety/adversaries.jsonl");
  std::string text;
  int compared = 0;
  while (std::getline(in, text)) {
    const std::string command = json::parse(text)->str("/command");
    // Lines that are one plain command: their words are the argv.
    if (command.find_first_of("'\"\\$`;&|<>(){}*?[]#~!\n=") != std::string::npos) continue;
    Words words;
    std::string word;
    for (const char c : command + " ") {
      if (c != ' ')
        word += c;
      else if (!word.empty())
        words.push_back(std::exchange(word, {}));
    }
    if (words.empty() || words[0] == "time" || words[0] == "coproc" || words[0] == "alias" ||
        words[0] == "if")
      continue;
    ++compared;
    const Verdict line = evaluate_line(command, Policy{});
    const Verdict argv = evaluate_argv(words, Policy{});
    EXPECT_EQ(line.decision, argv.decision) << command;
    EXPECT_EQ(line.rule, argv.rule) << command;
  }
  EXPECT_GT(compared, 150);
}

/// Any list of words, quoted, is the same command as the list itself.
TEST(Property, RandomArgvAgrees) {
  std::mt19937 random(7);
  const Words pieces{"git", "push",        "--force", "-f", "reset",  "--hard", "sudo", "env",   "sh",
                     "-c",  "git push -f", "it's",    "\"", "$(x)",   "--",     "-C",   "+a",    "x",
                     "A=1", "curl",        "xargs",   "-D", "branch", "\n",     "eval", "{a,b}", "*"};
  for (int i = 0; i < 20000; ++i) {
    Words words;
    for (std::size_t n = 1 + random() % 6; n > 0; --n) words.push_back(pieces[random() % pieces.size()]);
    const Verdict argv = evaluate_argv(words, Policy{});
    const Verdict line = evaluate_line(joined(words, single), Policy{});
    EXPECT_EQ(line.decision, argv.decision)
        << joined(words, single) << " line " << line.rule << " argv " << argv.rule;
  }
}

// Where nobody can be asked, a name says what it probably is.
TEST(Property, BranchesAreNoPaths) {
  const auto decision = [](const char* name) {
    return evaluate_argv({"git", "checkout", name}, Policy{}).decision;
  };
  for (const char* const name : {"release-1.2.x", "feature/login.page", "HEAD", "HEAD~2", "main", "v1.2"})
    EXPECT_EQ(decision(name), Decision::allow) << name;
  for (const char* const name : {"HEADER.md", "src/login.page", "README.md", "lexer2.x"})
    EXPECT_EQ(decision(name), Decision::block) << name;
}

}  // namespace
}  // namespace scc::safety
