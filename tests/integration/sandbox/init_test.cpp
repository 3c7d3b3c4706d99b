// SPDX-License-Identifier: Apache-2.0
// scc-init as process 1: it reaps, ends on time, carries the filter, and delivers signals to the right
// process only.
#include <chrono>
#include <string>

#include "engine_test.h"

namespace scc::test {
namespace {

using Init = EngineTest;
namespace fs = std::filesystem;

std::string state_of(const Box& box, const std::string& what) {
  std::string out = run({"docker", "inspect", "--format", "{{.State." + what + "}}", box.name}).out;
  while (!out.empty() && out.back() == '\n') out.pop_back();
  return out;
}

Outcome send_signal(const Box& box, const std::string& token, const std::string& number) {
  return run(box.exec({"/opt/scc/bin/scc-init", "signal", token, number}));
}

// Starts a verb through the checker and waits until it says "ready".
void start_ready(Child& child) {
  ASSERT_TRUE(read_evidence(child).is_object()) << child.err;
  ASSERT_TRUE(child.send(go_frame()));
  ASSERT_EQ(child.read_until("ready\n"), "ready\n") << child.err;
}

TEST_F(Init, ReapsOrphans) {
  Box box;
  ASSERT_TRUE(box.started) << box.error;
  ASSERT_EQ(box.run_checked({"/opt/scc/bin/probe", "orphans", "200"}).code, 0);
  std::string out;
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(10);
  while (out != "zombies 0\n" && std::chrono::steady_clock::now() < deadline) {
    out = run(box.exec({"/opt/scc/bin/probe", "zombies"})).out;
  }
  EXPECT_EQ(out, "zombies 0\n");
}

TEST_F(Init, StopsAtOnceWhenAlone) {
  Box box;
  ASSERT_TRUE(box.started) << box.error;
  ASSERT_EQ(run({"docker", "stop", "-t", "20", box.name}).code, 0);
  EXPECT_EQ(state_of(box, "ExitCode"), "0") << "137 would be the engine's kill";
  EXPECT_EQ(run({"docker", "logs", box.name}).out, "");
}

TEST_F(Init, TellsProcessesAndStopsWhenTheyEnd) {
  Box box;
  ASSERT_TRUE(box.started) << box.error;
  Child child(box.checked({"/opt/scc/bin/probe", "signals"}));
  start_ready(child);
  ASSERT_EQ(run({"docker", "stop", "-t", "20", box.name}).code, 0);
  child.wait();
  EXPECT_EQ(child.out, "got 15\n");
  EXPECT_EQ(state_of(box, "ExitCode"), "0");
}

TEST_F(Init, KillsWhatStaysAfterTheGrace) {
  Box box;
  ASSERT_TRUE(box.started) << box.error;
  Child child(box.checked({"/opt/scc/bin/probe", "stubborn"}));
  start_ready(child);
  // The engine's own kill would come after 30 s, past the patience of `wait`.
  ASSERT_EQ(run({"docker", "stop", "-t", "60", box.name}).code, 0);
  EXPECT_EQ(child.wait(), 137);
  EXPECT_EQ(state_of(box, "ExitCode"), "0");
}

TEST_F(Init, RefusesToBeAnyOtherProcess) {
  Box box;
  ASSERT_TRUE(box.started) << box.error;
  const Outcome outcome = run(box.exec({"/opt/scc/bin/scc-init"}));
  EXPECT_EQ(outcome.code, 2);
  EXPECT_NE(outcome.err.find("must be process 1"), std::string::npos) << outcome.err;
  EXPECT_EQ(run(box.exec({"/opt/scc/bin/scc-init", "--grace-ms", "x"})).code, 2);
  EXPECT_EQ(run(box.exec({"/opt/scc/bin/scc-init", "signal", "t"})).code, 2);
}

TEST_F(Init, CarriesTheFilterItself) {
  Box box;
  ASSERT_TRUE(box.started) << box.error;
  const std::string status = run(box.exec({"/opt/scc/bin/probe", "cat", "/proc/1/status"})).out;
  const std::string plain = run(box.exec({"/opt/scc/bin/probe", "cat", "/proc/self/status"})).out;
  ASSERT_NE(plain.find("Seccomp_filters:\t1\n"), std::string::npos) << plain;
  EXPECT_NE(status.find("Seccomp_filters:\t2\n"), std::string::npos) << status;
}

TEST_F(Init, SignalReachesTheExec) {
  Box box;
  ASSERT_TRUE(box.started) << box.error;
  Child child(box.checked({"/opt/scc/bin/probe", "signals"}));
  const std::string token = box.token;
  start_ready(child);
  EXPECT_EQ(send_signal(box, "t-unknown", "2").code, 1);
  EXPECT_EQ(send_signal(box, "../t", "2").code, 2);
  EXPECT_EQ(send_signal(box, token, "0").code, 2);
  EXPECT_EQ(send_signal(box, token, "-9").code, 2);
  const Outcome sent = send_signal(box, token, "2");
  EXPECT_EQ(sent.code, 0) << sent.err;
  EXPECT_EQ(child.wait(), 0);
  EXPECT_EQ(child.out, "got 2\n");
  const Outcome gone = send_signal(box, token, "15");
  EXPECT_EQ(gone.code, 1);
  EXPECT_NE(gone.err.find("gone"), std::string::npos) << gone.err;
}

// A process id that was given to another process since has another start time.
TEST_F(Init, SignalSparesAProcessThatOnlyHasTheNumber) {
  Box box;
  ASSERT_TRUE(box.started) << box.error;
  Child child(box.checked({"/opt/scc/bin/probe", "signals"}));
  const std::string token = box.token;
  start_ready(child);
  const std::string path = "/run/scc/exec/" + token + ".pid";
  const std::string record = run(box.exec({"/opt/scc/bin/probe", "cat", path})).out;
  const std::string pid = record.substr(0, record.find(' '));
  ASSERT_FALSE(pid.empty());
  ASSERT_EQ(run(box.exec({"/opt/scc/bin/probe", "store", path}), pid + " 1\n").code, 0);
  const Outcome spared = send_signal(box, token, "2");
  EXPECT_EQ(spared.code, 1) << spared.err;
  ASSERT_EQ(run(box.exec({"/opt/scc/bin/probe", "store", path}), record).code, 0);
  EXPECT_EQ(send_signal(box, token, "10").code, 0);
  EXPECT_EQ(child.wait(), 0);
  EXPECT_EQ(child.out, "got 10\n") << "signal 2 never arrived";
}

}  // namespace
}  // namespace scc::test
