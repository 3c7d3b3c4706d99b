// SPDX-License-Identifier: Apache-2.0
// scc-check in a real container: the evidence of a good sandbox, the dialogue byte by byte over pipes, and
// what the agent finds when it starts.
#include <algorithm>
#include <fstream>
#include <iterator>
#include <random>
#include <string>

#include "engine_test.h"

namespace scc::test {
namespace {

using Handshake = EngineTest;
namespace fs = std::filesystem;

const json::Value* mount_at(const json::Value& evidence, const std::string& target) {
  const json::Value* found = nullptr;
  for (const json::Value& mount : evidence.at("/mounts")->items()) {
    if (mount.str("/target") == target) found = &mount;
  }
  return found;
}

TEST_F(Handshake, EvidenceOfAGoodSandbox) {
  Box box;
  ASSERT_TRUE(box.started) << box.error;
  const std::string uid = std::to_string(Stage::get().uid);
  Child child(box.checked({"/opt/scc/bin/probe", "exit", "0"}, {"-i", "-e", "CANARY=do-not-show"},
                          {"--expect-uid", uid, "--expect-gid", uid, "--socket", "/var/run/docker.sock",
                           "--readonly", "/opt/scc/bin/probe", "--readonly", "/opt/scc/bin"}));
  const std::string line = child.read_until("\n");
  ASSERT_EQ(line.rfind("\x1eSCC-EVIDENCE {", 0), 0U) << line << child.err;
  EXPECT_EQ(line.find('\r'), std::string::npos);
  EXPECT_EQ(line.find("do-not-show"), std::string::npos) << "values of the environment stay inside";
  const auto parsed = json::parse(std::string_view(line).substr(line.find('{')));
  ASSERT_TRUE(parsed.has_value());
  const json::Value& evidence = *parsed;
  EXPECT_EQ(evidence.str("/schema"), "scc.evidence/1");
  EXPECT_EQ(evidence.str("/nonce"), kNonce);
  EXPECT_TRUE(evidence.at("/passed")->as_bool()) << line;
  EXPECT_TRUE(evidence.at("/failed")->items().empty());
  for (const char* set : {"effective", "permitted", "inheritable", "bounding", "ambient"}) {
    EXPECT_EQ(evidence.str(std::string("/capabilities/") + set), "0000000000000000") << set;
  }
  EXPECT_EQ(evidence.integer("/no_new_privs"), 1);
  EXPECT_EQ(evidence.integer("/seccomp/mode_before"), 2);
  EXPECT_EQ(evidence.integer("/seccomp/filters"), evidence.integer("/seccomp/filters_before") + 1);
  EXPECT_EQ(std::to_string(evidence.integer("/uid")), uid);
  EXPECT_TRUE(evidence.at("/rootfs/read_only")->as_bool());
  EXPECT_EQ(evidence.str("/rootfs/create_error"), "EROFS");
  EXPECT_EQ(evidence.str("/sockets/0/error"), "ENOENT");
  EXPECT_EQ(evidence.str("/readonly/0/kind"), "file");
  EXPECT_TRUE(evidence.at("/readonly/0/protected")->as_bool());
  EXPECT_EQ(evidence.str("/hostname"), "scc-test");
  EXPECT_EQ(evidence.str("/cwd"), "/ws");
  EXPECT_FALSE(evidence.at("/tty")->as_bool());
  const json::Value* workspace = mount_at(evidence, "/ws");
  ASSERT_NE(workspace, nullptr);
  EXPECT_FALSE(workspace->at("/read_only")->as_bool());
  EXPECT_TRUE(mount_at(evidence, "/opt/scc/bin")->at("/read_only")->as_bool());
  EXPECT_EQ(mount_at(evidence, "/run/scc")->str("/fstype"), "tmpfs");
  EXPECT_TRUE(mount_at(evidence, "/run/scc")->at("/noexec")->as_bool());
  const json::Array& names = evidence.at("/environment/names")->items();
  EXPECT_TRUE(
      std::any_of(names.begin(), names.end(), [](const auto& name) { return name.as_string() == "CANARY"; }));
  RecordProperty("duration_us", std::to_string(evidence.integer("/duration_us")));
  EXPECT_TRUE(child.send(go_frame()));
  EXPECT_EQ(child.wait(), 0) << child.err;
}

TEST_F(Handshake, BytesBehindTheFrameAreTheAgents) {
  Box box;
  ASSERT_TRUE(box.started) << box.error;
  std::mt19937 random(42);
  std::string bytes(300000, '\0');
  std::generate(bytes.begin(), bytes.end(), [&random] { return static_cast<char>(random()); });
  Child child(box.checked({"probe", "copy"}, {"-i", "-e", "PATH=/nonexistent:/opt/scc/bin"}));
  ASSERT_TRUE(read_evidence(child).is_object()) << child.err;
  // One write: the frame and the agent's bytes may arrive in one read of the checker.
  ASSERT_TRUE(child.send(go_frame() + bytes));
  child.close_stdin();
  EXPECT_EQ(child.wait(), 0) << child.err;
  EXPECT_TRUE(child.out == bytes) << child.out.size();
}

TEST_F(Handshake, AckMarksWhereTheAgentsOutputBegins) {
  Box box;
  ASSERT_TRUE(box.started) << box.error;
  Child child(box.checked({"/opt/scc/bin/probe", "state"}));
  ASSERT_TRUE(read_evidence(child).is_object()) << child.err;
  ASSERT_TRUE(child.send(go_frame(R"("go":true,"ack":true)")));
  EXPECT_EQ(child.wait(), 0) << child.err;
  EXPECT_EQ(child.out, "\x1eSCC-EXEC\nblocked 0 ignored 0 files 0 umask 22\n");
}

TEST_F(Handshake, SecretsArriveThroughALargeFrame) {
  Box box;
  ASSERT_TRUE(box.started) << box.error;
  std::string secrets = R"({"name":"api-key","value_base64":"c2stdGVzdC0xMjM="})";
  for (int i = 0; i < 11; ++i) {
    secrets +=
        R"(,{"name":"big-)" + std::to_string(i) + R"(","value_base64":")" + std::string(87380, 'A') + "\"}";
  }
  const std::string frame = go_frame(R"("go":true,"secrets":[)" + secrets + "]");
  ASSERT_GT(frame.size(), 900000U);
  Child child(box.checked({"/opt/scc/bin/probe", "cat", "/run/scc/secrets/api-key"}));
  ASSERT_TRUE(read_evidence(child).is_object()) << child.err;
  ASSERT_TRUE(child.send(frame));
  EXPECT_EQ(child.wait(), 0) << child.err;
  EXPECT_EQ(child.out, "sk-test-123");
  EXPECT_EQ(run(box.exec({"/opt/scc/bin/probe", "mode", "/run/scc/secrets/api-key"})).out,
            "400 " + std::to_string(Stage::get().uid) + "\n");
  EXPECT_EQ(run(box.exec({"/opt/scc/bin/probe", "mode", "/run/scc/secrets"})).out,
            "700 " + std::to_string(Stage::get().uid) + "\n");
  EXPECT_EQ(run(box.exec({"/opt/scc/bin/probe", "mode", "/run/scc/secrets/big-10"})).code, 0);
}

TEST_F(Handshake, SecretsGoNowhereButToMemory) {
  Deviation deviation;
  // A volume where the tmpfs should be, owned by the agent.
  const fs::path disk = Stage::get().root / "disk";
  fs::create_directories(disk);
  fs::permissions(disk, fs::perms(0700));
  ASSERT_EQ(chown(disk.c_str(), Stage::get().uid, Stage::get().uid), 0);
  deviation.drop = {"--tmpfs"};
  deviation.add = {"-v", disk.string() + ":/run/scc"};
  Box box(deviation);
  ASSERT_TRUE(box.started) << box.error;
  Child child(box.checked({"/opt/scc/bin/probe", "mark", "/ws/ran"}));
  ASSERT_TRUE(read_evidence(child).is_object()) << child.err;
  child.send(go_frame(R"("go":true,"secrets":[{"name":"api-key","value_base64":"c2stdGVzdC0xMjM="}])"));
  EXPECT_EQ(child.wait(), 125);
  EXPECT_NE(child.err.find("scc-check: /run/scc is not a tmpfs"), std::string::npos) << child.err;
  EXPECT_FALSE(fs::exists(box.workspace / "ran"));
  EXPECT_FALSE(fs::exists(disk / "secrets" / "api-key"));
}

TEST_F(Handshake, AnyOtherAnswerStartsNothing) {
  Box box;
  ASSERT_TRUE(box.started) << box.error;
  struct Case {
    const char* what;
    std::string answer;
    const char* message;
  };
  const std::string good = go_frame();
  const Case cases[] = {
      {"nothing", "", "closed the connection"},
      {"cut short", good.substr(0, good.size() - 1), "closed the connection"},
      {"go:false", go_frame(R"("go":false)"), "refused the launch"},
      {"another nonce", go_frame(R"("go":true)", "another-nonce-0123456789"), "another nonce"},
      {"a prefix of the nonce", go_frame(R"("go":true)", "0123456789abcdef"), "another nonce"},
      {"not a frame", "go ahead, please, whoever you are\n", "malformed (header)"},
      {"wrong end", good.substr(0, good.size() - 1) + "x", "malformed (payload)"},
      {"unknown member", go_frame(R"("go":true,"shell":true)"), "malformed (payload)"},
  };
  for (const Case& test : cases) {
    Child child(box.checked({"/opt/scc/bin/probe", "mark", "/ws/ran"}));
    ASSERT_TRUE(read_evidence(child).is_object()) << child.err;
    child.send(test.answer);
    child.close_stdin();
    EXPECT_EQ(child.wait(), 125) << test.what;
    EXPECT_NE(child.err.find("scc-check: "), std::string::npos) << test.what;
    EXPECT_NE(child.err.find(test.message), std::string::npos) << test.what << ": " << child.err;
    EXPECT_EQ(child.out, "") << test.what;
    EXPECT_FALSE(fs::exists(box.workspace / "ran")) << test.what;
  }
  // The same command with the right answer does run: the marker above could have appeared.
  Child child(box.checked({"/opt/scc/bin/probe", "mark", "/ws/ran"}));
  ASSERT_TRUE(read_evidence(child).is_object());
  child.send(good);
  EXPECT_EQ(child.wait(), 0) << child.err;
  EXPECT_TRUE(fs::exists(box.workspace / "ran"));
}

TEST_F(Handshake, SilenceEndsAtTheDeadline) {
  Box box;
  ASSERT_TRUE(box.started) << box.error;
  Child child(box.checked({"/opt/scc/bin/probe", "mark", "/ws/ran"}, {"-i"}, {"--deadline-ms", "150"}));
  ASSERT_TRUE(read_evidence(child).is_object()) << child.err;
  child.send(go_frame().substr(0, 20));
  EXPECT_EQ(child.wait(), 125);
  EXPECT_NE(child.err.find("deadline"), std::string::npos) << child.err;
  EXPECT_FALSE(fs::exists(box.workspace / "ran"));
}

TEST_F(Handshake, ExitCodesAreTheAgents) {
  Box box;
  ASSERT_TRUE(box.started) << box.error;
  EXPECT_EQ(box.run_checked({"/opt/scc/bin/probe", "exit", "0"}).code, 0);
  EXPECT_EQ(box.run_checked({"/opt/scc/bin/probe", "exit", "3"}).code, 3);
  EXPECT_EQ(box.run_checked({"/opt/scc/bin/probe", "die", "9"}).code, 137);
}

TEST_F(Handshake, ProgramsThatCannotRunAreTold) {
  Box box;
  ASSERT_TRUE(box.started) << box.error;
  const fs::path script = box.workspace / "no-interpreter";
  std::ofstream(script) << "\x7f not a program\n";
  fs::permissions(script, fs::perms(0755));
  struct Case {
    const char* program;
    int code;
    const char* message;
  };
  for (const Case& test :
       {Case{"no-such-program", 127, "scc-check: not found: \"no-such-program\""},
        Case{"/no/such/program", 127, "scc-check: not found: \"/no/such/program\""},
        Case{"/etc/hostname", 126, "scc-check: cannot run \"/etc/hostname\": Permission denied"},
        Case{"/ws", 126, "scc-check: cannot run \"/ws\": Permission denied"},
        Case{"./no-interpreter", 126, "scc-check: cannot run \"./no-interpreter\": Exec format"}}) {
    const Outcome outcome = box.run_checked({test.program});
    EXPECT_EQ(outcome.code, test.code) << test.program;
    EXPECT_NE(outcome.err.find(test.message), std::string::npos) << outcome.err;
  }
}

// Same uid, same container: without care an earlier agent could take over the checker of a later exec.
TEST_F(Handshake, NoOtherProcessCanEnterTheChecker) {
  Box box;
  ASSERT_TRUE(box.started) << box.error;
  Child checker(box.checked({"/opt/scc/bin/probe", "exit", "0"}));
  const json::Value evidence = read_evidence(checker);
  ASSERT_TRUE(evidence.is_object()) << checker.err;
  const Outcome outcome =
      run(box.exec({"/opt/scc/bin/probe", "attach", std::to_string(evidence.integer("/pid"))}));
  EXPECT_EQ(outcome.out, "attach EPERM\nmem EACCES\nenviron EACCES\n");
  // An agent's own processes are open to it; the test would see an unprotected checker.
  Child agent(box.checked({"/opt/scc/bin/probe", "signals"}));
  const json::Value other = read_evidence(agent);
  agent.send(go_frame());
  ASSERT_EQ(agent.read_until("ready\n"), "ready\n") << agent.err;
  const Outcome open = run(box.exec({"/opt/scc/bin/probe", "attach", std::to_string(other.integer("/pid"))}));
  EXPECT_NE(open.out.find("environ DONE\n"), std::string::npos) << open.out;
  checker.send(go_frame());
  EXPECT_EQ(checker.wait(), 0);
}

TEST_F(Handshake, EvidenceVerbPrintsAndRunsNothing) {
  Box box;
  ASSERT_TRUE(box.started) << box.error;
  const Outcome good = run(box.exec({"/opt/scc/bin/scc-check", "evidence"}));
  EXPECT_EQ(good.code, 0) << good.err;
  const auto parsed = json::parse(good.out);
  ASSERT_TRUE(parsed.has_value()) << good.out;
  EXPECT_TRUE(parsed->at("/passed")->as_bool());
  const Outcome bad = run(box.exec({"/opt/scc/bin/scc-check", "evidence", "--expect-uid", "4242"}));
  EXPECT_EQ(bad.code, 125);
  EXPECT_NE(bad.err.find("scc-check: this sandbox fails: uid"), std::string::npos) << bad.err;
}

}  // namespace
}  // namespace scc::test
