// SPDX-License-Identifier: Apache-2.0
// The dialogue over a terminal: nothing of it is echoed, cut or translated, and the agent finds the terminal
// as the engine made it.
#include <string>

#include "engine_test.h"

namespace scc::test {
namespace {

using Terminal = EngineTest;

std::string between(const std::string& text, const std::string& from, const std::string& to) {
  const size_t start = text.find(from);
  if (start == std::string::npos) return {};
  const size_t end = text.find(to, start);
  return end == std::string::npos ? std::string() : text.substr(start, end - start);
}

TEST_F(Terminal, IsGivenBackExactly) {
  Box box;
  ASSERT_TRUE(box.started) << box.error;
  Child plain(box.exec({"/opt/scc/bin/probe", "termios"}, {"-it"}), true);
  ASSERT_EQ(plain.wait(), 0) << plain.out;
  const std::string expected = between(plain.out, "termios ", " end");
  ASSERT_FALSE(expected.empty()) << plain.out;

  Child child(box.checked({"/opt/scc/bin/probe", "termios"}, {"-it"}), true);
  const json::Value evidence = read_evidence(child);
  ASSERT_TRUE(evidence.is_object()) << child.out;
  EXPECT_TRUE(evidence.at("/tty")->as_bool());
  ASSERT_TRUE(child.send(go_frame(R"("go":true,"ack":true,"rows":17,"cols":61)")));
  ASSERT_EQ(child.wait(), 0) << child.out;
  EXPECT_EQ(child.out.rfind("\x1eSCC-EXEC\ntermios ", 0), 0U)
      << "no echo, no translation before it: " << child.out;
  EXPECT_EQ(between(child.out, "termios ", " end"), expected);
  EXPECT_EQ(between(child.out, "size ", " end"), "size 17 61");
}

TEST_F(Terminal, CarriesFramesLongerThanALine) {
  Box box;
  ASSERT_TRUE(box.started) << box.error;
  // Far more than the 4096 bytes of a line in canonical mode.
  const std::string frame = go_frame(R"("go":true,"ack":true,"secrets":[{"name":"big","value_base64":")" +
                                     std::string(80000, 'Q') + "\"}]");
  Child child(box.checked({"/opt/scc/bin/probe", "ready-line"}, {"-it"}), true);
  ASSERT_TRUE(read_evidence(child).is_object()) << child.out;
  ASSERT_TRUE(child.send(frame));
  ASSERT_EQ(child.read_until("SCC-EXEC\n"), "\x1eSCC-EXEC\n") << child.out;
  ASSERT_EQ(child.read_until("ready\r\n"), "ready\r\n") << "nobody types before the agent is there";
  // Return becomes a line end again, and typing is echoed again: the modes are the agent's.
  ASSERT_TRUE(child.send("hello\r"));
  EXPECT_EQ(child.wait(), 0);
  EXPECT_EQ(child.out, "hello\r\nline:hello\r\n");
}

TEST_F(Terminal, BytesBehindTheFrameAreTheAgents) {
  Box box;
  ASSERT_TRUE(box.started) << box.error;
  Child child(box.checked({"/opt/scc/bin/probe", "line"}, {"-it"}), true);
  ASSERT_TRUE(read_evidence(child).is_object()) << child.out;
  ASSERT_TRUE(child.send(go_frame() + "early\n"));
  EXPECT_EQ(child.wait(), 0);
  EXPECT_NE(child.out.find("line:early\r\n"), std::string::npos) << child.out;
}

TEST_F(Terminal, RefusalsAreReadableToo) {
  Box box;
  ASSERT_TRUE(box.started) << box.error;
  Child child(box.checked({"/opt/scc/bin/probe", "exit", "0"}, {"-it"}), true);
  ASSERT_TRUE(read_evidence(child).is_object()) << child.out;
  ASSERT_TRUE(child.send(go_frame(R"("go":false)")));
  EXPECT_EQ(child.wait(), 125);
  EXPECT_EQ(child.out, "scc-check: the host refused the launch\r\n");
}

}  // namespace
}  // namespace scc::test
