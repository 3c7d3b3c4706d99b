// SPDX-License-Identifier: Apache-2.0
// Sandboxes that answer the handshake wrongly, on purpose or not: no GO, no secret, no agent.
#include "attach_fixture.h"

namespace scc::session {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

class HandshakeTest : public AttachTest {
 protected:
  HandshakeTest() { target.secrets = {{"api-key", "s3cret"}}; }
  /// An exec that says `bytes` and then wants to read a GO frame.
  void expect_says(std::string bytes, int exit_code = 0) {
    expect_exec([this, bytes = std::move(bytes), exit_code](test::ExecPeer& peer) {
      peer.out(bytes);
      peer.exit(exit_code);
      got = peer.read_to_end();
    });
  }
  void expect_evidence(const std::function<void(json::Value&)>& spoil) {
    expect_exec([this, spoil](test::ExecPeer& peer) {
      json::Value evidence = test::good_evidence(peer, target.mounts);
      spoil(evidence);
      test::send_evidence(peer, evidence);
      got = peer.read_to_end();
    });
  }
  std::string got = "?";  ///< what the host sent; read after run()
};

TEST_F(HandshakeTest, SendsSecretsOnlyInsideTheGoFrame) {
  expect_agent([](test::ExecPeer& peer) { peer.exit(0); });
  ASSERT_TRUE(run());
  EXPECT_EQ(go.str("/nonce"), "nonce-0123456789");
  EXPECT_TRUE(go.flag("/go"));
  EXPECT_TRUE(go.flag("/ack"));
  EXPECT_EQ(go.str("/secrets/0/name"), "api-key");
  EXPECT_EQ(go.str("/secrets/0/value_base64"), "czNjcmV0");
  EXPECT_THAT(json::dump(runtime.requests.at(0)), Not(HasSubstr("s3cret")));
  EXPECT_THAT(runtime.requests.at(0).strings_at("/argv"),
              ElementsAre("/opt/scc/bin/scc-check", "run", "--token", "token", "--nonce", "nonce-0123456789",
                          "--expect-uid", "1000", "--expect-gid", "1000", "--socket", "/s.sock", "--readonly",
                          "/etc/passwd", "--", "agent"));
}

TEST_F(HandshakeTest, AllowRootOnlyWhenPlanned) {
  target.allow_root = true;
  expect_agent([](test::ExecPeer&) {});
  ASSERT_TRUE(run());
  EXPECT_THAT(runtime.requests.at(0).strings_at("/argv"), ::testing::Contains("--allow-root"));
}

TEST_F(HandshakeTest, WrongFirstByte) {
  expect_says("hello\n");
  const Error error = run_error();
  EXPECT_EQ(error.id, "check.protocol");
  EXPECT_EQ(error.kind, Kind::prereq);
  EXPECT_THAT(error.message, HasSubstr("hello"));
  EXPECT_EQ(got, "");
}

TEST_F(HandshakeTest, WrongSecondWord) {
  expect_says("\x1eSCC-GOSSIP {}\n");
  EXPECT_EQ(run_error().id, "check.protocol");
  EXPECT_EQ(got, "");
}

TEST_F(HandshakeTest, HugeLineIsCutOff) {
  expect_exec([this](test::ExecPeer& peer) {
    peer.out("\x1eSCC-EVIDENCE ");
    const std::string chunk(1U << 16U, 'x');
    for (int i = 0; i < 64; ++i) peer.out(chunk);  // the host hangs up long before the end
    got = peer.read_to_end();
  });
  EXPECT_EQ(run_error().id, "check.protocol");
  EXPECT_EQ(got, "");
}

TEST_F(HandshakeTest, NoJsonAndDuplicateKeysAndDepth) {
  expect_says("\x1eSCC-EVIDENCE not json\n");
  EXPECT_EQ(run_error().id, "check.protocol");
  expect_says("\x1eSCC-EVIDENCE {\"passed\":false,\"passed\":true}\n");
  EXPECT_EQ(run_error().id, "check.protocol");
  expect_says("\x1eSCC-EVIDENCE " + std::string(1000, '[') + "\n");
  EXPECT_EQ(run_error().id, "check.protocol");
}

TEST_F(HandshakeTest, OutputBehindTheEvidence) {
  expect_exec([this](test::ExecPeer& peer) {
    peer.out("\x1eSCC-EVIDENCE " + json::dump(test::good_evidence(peer, target.mounts)) + "\nmore");
    got = peer.read_to_end();
  });
  EXPECT_EQ(run_error().id, "check.protocol");
  EXPECT_EQ(got, "");
}

TEST_F(HandshakeTest, WrongNonce) {
  expect_evidence([](json::Value& evidence) { evidence["nonce"] = "nonce-9876543210"; });
  const Error error = run_error();
  EXPECT_EQ(error.id, "verify.failed");
  EXPECT_EQ(error.kind, Kind::prereq);
  EXPECT_EQ(exit_code(error.kind), 5);
  EXPECT_EQ(got, "");
}

TEST_F(HandshakeTest, CheckerSaysNo) {
  expect_evidence([](json::Value& evidence) {
    evidence["passed"] = false;
    evidence["capabilities"]["effective"] = "0000000000000400";
  });
  const Error error = run_error();
  EXPECT_EQ(error.id, "verify.failed");
  EXPECT_THAT(error.message, HasSubstr("cap-effective"));
  EXPECT_EQ(got, "");
}

TEST_F(HandshakeTest, CheckerSaysYesButTheFactsSayNo) {
  expect_evidence([](json::Value& evidence) {
    evidence["mounts"].array().push_back(
        json::Object{{"target", "/var/run/engine.sock"}, {"fstype", "tmpfs"}, {"read_only", false}});
  });
  const Error error = run_error();
  EXPECT_EQ(error.id, "verify.failed");
  EXPECT_THAT(error.message, HasSubstr("mount:/var/run/engine.sock"));
  EXPECT_EQ(got, "");
}

TEST_F(HandshakeTest, PlannedReadOnlyMountThatIsWritable) {
  expect_evidence([](json::Value& evidence) {
    for (json::Value& mount : evidence["mounts"].array()) mount["read_only"] = mount.str("/target") == "/";
  });
  EXPECT_THAT(run_error().message, HasSubstr("mount:/etc/passwd"));
  EXPECT_EQ(got, "");
}

TEST_F(HandshakeTest, TruncatedEvidence) {
  expect_exec([](test::ExecPeer& peer) {
    peer.out("\x1eSCC-EVIDENCE {\"schema\":");
    peer.err("scc-check: cannot read /proc/self/status\n");
    peer.exit(125);
  });
  const Error error = run_error();
  EXPECT_EQ(error.id, "check.refused");
  EXPECT_THAT(error.message, HasSubstr("cannot read /proc"));
}

TEST_F(HandshakeTest, CheckerMissing) {
  expect_exec([](test::ExecPeer& peer) {
    peer.err("exec: no such file or directory\n");
    peer.exit(127);
  });
  const Error error = run_error();
  EXPECT_EQ(error.id, "check.missing");
  EXPECT_THAT(error.message, HasSubstr("no such file"));
}

TEST_F(HandshakeTest, SilenceEndsAtTheDeadline) {
  options.handshake_ms = 50;
  expect_exec([this](test::ExecPeer& peer) { got = peer.read_to_end(); });
  const Error error = run_error();
  EXPECT_EQ(error.id, "check.protocol");
  EXPECT_THAT(error.message, HasSubstr("in time"));
  EXPECT_EQ(got, "");
}

TEST_F(HandshakeTest, SlowDripOfBytesEndsAtTheDeadlineToo) {
  options.handshake_ms = 100;
  expect_exec([](test::ExecPeer& peer) {
    peer.out("\x1eSCC-EVIDENCE ");
    while (peer.try_out("x")) {  // one byte after the other, for as long as the host listens
      std::this_thread::sleep_for(std::chrono::milliseconds(2));
    }
  });
  EXPECT_EQ(run_error().id, "check.protocol");
}

TEST_F(HandshakeTest, AgentMissingInTheImage) {
  for (const int code : {126, 127}) {
    expect_exec([this, code](test::ExecPeer& peer) {
      test::send_evidence(peer, test::good_evidence(peer, target.mounts));
      test::read_go(peer);
      peer.err("scc-check: agent: not found\n");
      peer.exit(code);
    });
    const Error error = run_error();
    EXPECT_EQ(error.id, "agent.missing");
    EXPECT_EQ(exit_code(error.kind), 5);
    EXPECT_THAT(error.message, HasSubstr("agent: not found"));
    EXPECT_THAT(error.hint, HasSubstr("scc image build"));
  }
}

TEST_F(HandshakeTest, WrongAcknowledgement) {
  expect_exec([this](test::ExecPeer& peer) {
    test::send_evidence(peer, test::good_evidence(peer, target.mounts));
    test::read_go(peer);
    peer.out("\x1eSCC-EXIT\n");
    peer.read_to_end();
  });
  EXPECT_EQ(run_error().id, "check.protocol");
}

TEST_F(HandshakeTest, CancelledWhileWaiting) {
  expect_exec([this](test::ExecPeer& peer) {
    cancel = true;
    got = peer.read_to_end();
  });
  EXPECT_EQ(run_error().id, "launch.cancelled");
  EXPECT_EQ(got, "");
}

TEST_F(HandshakeTest, SignalWhileWaitingCancels) {
  expect_exec([this](test::ExecPeer& peer) {
    signal_host(SIGINT);
    got = peer.read_to_end();
  });
  const Error error = run_error();
  EXPECT_EQ(error.kind, Kind::cancelled);
  EXPECT_EQ(got, "");
}

TEST_F(HandshakeTest, BadSecretsNeverReachAnExec) {
  target.secrets = {{"API_KEY", "x"}};
  EXPECT_EQ(run_error().id, "secret.name");
  target.secrets = {{"a", ""}};
  EXPECT_EQ(run_error().id, "secret.size");
  target.secrets = {{"a", std::string(65'537, 'x')}};
  EXPECT_EQ(run_error().id, "secret.size");
  target.secrets.assign(33, {"a", "x"});
  EXPECT_EQ(run_error().id, "secret.count");
}

TEST_F(HandshakeTest, OutputRightBehindTheAcknowledgementIsTheAgents) {
  expect_exec([this](test::ExecPeer& peer) {
    test::send_evidence(peer, test::good_evidence(peer, target.mounts));
    test::read_go(peer);
    peer.err("early stderr\n");
    peer.out("\x1eSCC-EXEC\nfirst bytes\n");
    peer.exit(3);
  });
  const auto outcome = run();
  ASSERT_TRUE(outcome) << explain(outcome.error());
  EXPECT_EQ(outcome->exit_code, 3);
  out.write.reset();
  err.write.reset();
  EXPECT_EQ(out.read_all(), "first bytes\n");
  EXPECT_EQ(err.read_all(), "early stderr\n");
}

}  // namespace
}  // namespace scc::session
