// SPDX-License-Identifier: Apache-2.0
#include "base/str.h"

#include <gtest/gtest.h>

#include "base/shell.h"

namespace scc::str {
namespace {

TEST(Str, ColoursAreTakenOut) {
  EXPECT_EQ(without_csi("\x1b[91mnpm\x1b[0m\x1b[91m ERR! x\x1b[0m"), "npm ERR! x");
  EXPECT_EQ(without_csi("a\x1b[2Kb\x1b"), "ab\x1b");
  EXPECT_EQ(without_csi("cut \x1b[3"), "cut ");
}

TEST(Printable, KeepsTextAndEscapesControl) {
  EXPECT_EQ(printable("feature/größe 日本"), "feature/größe 日本");
  EXPECT_EQ(printable("a\x1b[31mb\n"), "a\\x1b[31mb\\x0a");
  EXPECT_EQ(printable("x\xE2\x80\xAEy"), "x\\u{202e}y");  // right-to-left override
  EXPECT_EQ(printable("\xff\x7f"), "\\xff\\x7f");
  EXPECT_EQ(printable("\xC2\x9B"), "\\x9b");  // C1: a terminal may read it as CSI
}

TEST(ShellWord, IsQuotedOnlyWhereThatIsNeeded) {
  EXPECT_EQ(shell_word("/home/u/.config/scc"), "/home/u/.config/scc");
  EXPECT_EQ(shell_word(""), "''");
  EXPECT_EQ(shell_word("-rf"), "'-rf'");
  EXPECT_EQ(shell_word("a b"), "'a b'");
  EXPECT_EQ(shell_word("it's $(x)"), "'it'\\''s $(x)'");
}

TEST(Utf8, RefusesWhatRfc3629Refuses) {
  EXPECT_TRUE(valid_utf8("é日"));
  EXPECT_FALSE(valid_utf8("\xC0\x80"));          // overlong
  EXPECT_FALSE(valid_utf8("\xED\xA0\x80"));      // surrogate
  EXPECT_FALSE(valid_utf8("\xF4\x90\x80\x80"));  // above U+10FFFF
  EXPECT_FALSE(valid_utf8("\xE2\x82"));          // cut
}

TEST(Encoding, HexAndBase64) {
  EXPECT_EQ(hex(std::string_view("\x00\xff", 2)), "00ff");
  EXPECT_EQ(base64(""), "");
  EXPECT_EQ(base64("f"), "Zg==");
  EXPECT_EQ(base64("fo"), "Zm8=");
  EXPECT_EQ(base64("foobar"), "Zm9vYmFy");
}

TEST(Glob, StarsStayInsideOneComponent) {
  EXPECT_TRUE(glob_component("/a/*/c.json", "/a/b/c.json"));
  EXPECT_FALSE(glob_component("/a/*/c.json", "/a/b/x/c.json"));
  EXPECT_TRUE(glob_component("*", "abc"));
  EXPECT_FALSE(glob_component("*", "a/b"));
  EXPECT_FALSE(glob_component("abc", "abcd"));
}

TEST(Nearest, SuggestsWithinTwoEdits) {
  EXPECT_EQ(nearest("strat", {"start", "stop"}), "start");
  EXPECT_EQ(nearest("zzzzzz", {"start", "stop"}), "");
}

}  // namespace
}  // namespace scc::str
