// SPDX-License-Identifier: Apache-2.0
// The agent in the foreground: pipes with backpressure both ways, readers that go away, terminals, signals.
#include "attach_fixture.h"
#include "os/tty.h"
#include "support/pty.h"

namespace scc::session {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr std::size_t kMuch = std::size_t{6} << 20U;

class PumpTest : public AttachTest {
 protected:
  /// Reads a pipe to its end beside the pump, from when `begin` says so.
  std::thread reader(Pipe& pipe, std::string& into, std::function<bool()> begin = nullptr) {
    return std::thread([&pipe, &into, begin = std::move(begin)] {
      if (begin) {
        EXPECT_TRUE(test::ExecPeer::eventually(begin));
      }
      into = pipe.read_all();
    });
  }
  AttachOutcome finish(std::thread& thread) {
    auto outcome = run();
    out.write.reset();
    err.write.reset();
    if (thread.joinable()) thread.join();
    EXPECT_TRUE(outcome) << explain(outcome.error());
    return outcome.value_or(AttachOutcome{});
  }
};

TEST_F(PumpTest, CarriesStreamsApartAndPassesTheExitCode) {
  ASSERT_EQ(::write(in.write.get(), "question", 8), 8);
  in.write.reset();
  std::string asked;
  expect_agent([&](test::ExecPeer& peer) {
    asked = peer.read_to_end();  // ends: the half-close came through
    peer.out("answer");
    peer.err("warning");
    peer.out("!");
    peer.exit(3);
  });
  std::thread none;
  const AttachOutcome outcome = finish(none);
  EXPECT_EQ(outcome.exit_code, 3);
  EXPECT_EQ(outcome.signal, 0);
  EXPECT_EQ(asked, "question");
  EXPECT_EQ(out.read_all(), "answer!");
  EXPECT_EQ(err.read_all(), "warning");
}

TEST_F(PumpTest, EndsWithTheAgentAlthoughStdinStaysOpen) {
  expect_agent([](test::ExecPeer& peer) { peer.exit(0); });
  std::thread none;
  EXPECT_EQ(finish(none).exit_code, 0);
}

TEST_F(PumpTest, SlowReaderStopsTheAgentAndLosesNothing) {
  const std::string all = pattern(kMuch);
  std::atomic<bool> blocked{false};
  std::atomic<std::size_t> sent{0};
  expect_agent([&](test::ExecPeer& peer) {
    constexpr std::size_t kStep = 8192;
    while (sent + kStep <= all.size()) {
      const std::string next = all.substr(sent, kStep);
      // Blocked for good: nobody reads the host's stdout yet, so only a bounded host stops taking.
      for (int tries = 0; !peer.try_out(next); ++tries) {
        if (tries > 200) blocked = true;
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
      }
      sent += kStep;
    }
    peer.out(all.substr(sent));
    peer.exit(5);
  });
  std::string got;
  std::size_t at_block = 0;
  std::thread thread = reader(out, got, [&] {
    at_block = sent;
    return blocked.load();
  });
  EXPECT_EQ(finish(thread).exit_code, 5);
  EXPECT_LT(at_block, std::size_t{3} << 20U) << "the host buffered without bound";
  EXPECT_TRUE(got == all) << got.size() << " of " << all.size();
}

TEST_F(PumpTest, AgentThatDoesNotReadStopsTheWriterAndLosesNothing) {
  const std::string all = pattern(kMuch);
  std::atomic<std::size_t> written{0};
  std::thread writer([&] {
    while (written < all.size()) {
      const ssize_t n =
          ::write(in.write.get(), all.data() + written, std::min<std::size_t>(8192, all.size() - written));
      if (n <= 0) break;
      written += static_cast<std::size_t>(n);
    }
    in.write.reset();
  });
  std::string got;
  std::size_t at_block = 0;
  expect_agent([&](test::ExecPeer& peer) {
    std::size_t last = SIZE_MAX;
    EXPECT_TRUE(test::ExecPeer::eventually([&] {  // no progress between two looks: blocked
      std::this_thread::sleep_for(std::chrono::milliseconds(100));
      return std::exchange(last, written.load()) == written.load() && written > 0;
    }));
    at_block = written;
    got = peer.read_to_end();
  });
  EXPECT_EQ(finish(writer).exit_code, 0);
  EXPECT_LT(at_block, std::size_t{3} << 20U) << "the host buffered without bound";
  EXPECT_TRUE(got == all) << got.size() << " of " << all.size();
}

TEST_F(PumpTest, BothWaysAtOnce) {
  const std::string all = pattern(kMuch);
  std::thread writer([&] {
    std::size_t pos = 0;
    while (pos < all.size()) {
      const ssize_t n = ::write(in.write.get(), all.data() + pos, all.size() - pos);
      if (n <= 0) break;
      pos += static_cast<std::size_t>(n);
    }
    in.write.reset();
  });
  expect_agent([](test::ExecPeer& peer) {  // cat
    for (std::string bytes; !(bytes = peer.read_exactly(10'000)).empty();) peer.out(bytes);
  });
  std::string got;
  std::thread thread = reader(out, got);
  EXPECT_EQ(finish(thread).exit_code, 0);
  writer.join();
  EXPECT_TRUE(got == all) << got.size() << " of " << all.size();
}

TEST_F(PumpTest, ReaderThatGoesAwayIsToldToTheAgentAsABrokenPipe) {
  out.read.reset();
  bool all_sent = false;
  expect_agent([&](test::ExecPeer& peer) {
    peer.out(pattern(kMuch));
    peer.err("still here");  // this one ignores the signal, and what it says is drained
    all_sent = true;
    peer.exit(7);
  });
  expect_forward(SIGPIPE);
  std::string said;
  std::thread thread = reader(err, said);
  EXPECT_EQ(finish(thread).exit_code, 7);
  EXPECT_TRUE(all_sent);
  EXPECT_EQ(said, "still here");
  EXPECT_EQ(forwarded, SIGPIPE);
}

TEST_F(PumpTest, AgentThatClosesItsStdinIsNotTheEnd) {
  const std::string much = pattern(kMuch);
  const IgnoreSigpipe no_sigpipe;  // for the writer below; the pump has its own
  std::thread writer([&] {
    for (std::size_t pos = 0; pos < much.size();) {
      const ssize_t n = ::write(in.write.get(), much.data() + pos, much.size() - pos);
      if (n <= 0) break;
      pos += static_cast<std::size_t>(n);
    }
  });
  expect_agent([](test::ExecPeer& peer) {
    peer.close_input();
    peer.out("done");
    peer.exit(4);
  });
  const auto outcome = run();
  ASSERT_TRUE(outcome) << explain(outcome.error());
  EXPECT_EQ(outcome->exit_code, 4);
  in.read.reset();  // ends the writer, as the end of scc would
  writer.join();
}

TEST_F(PumpTest, RegularFilesAsStdinAndStdout) {
  const stdfs::path source = home.path() / "in";
  const stdfs::path sink = home.path() / "out";
  ASSERT_TRUE(os::write_file_atomic(source, pattern(300'000)));
  const os::Fd from(::open(source.c_str(), O_RDONLY | O_CLOEXEC));
  const os::Fd to(::open(sink.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
  ASSERT_EQ(::write(to.get(), "head\n", 5), 5);  // a reopened file would begin at 0 again
  options.in = from.get();
  options.out = to.get();
  expect_agent([](test::ExecPeer& peer) { peer.out(peer.read_to_end()); });
  std::thread none;
  EXPECT_EQ(finish(none).exit_code, 0);
  EXPECT_TRUE(os::read_file(sink).value() == "head\n" + pattern(300'000));
}

TEST_F(PumpTest, DescriptorsKeepTheirFlags) {
  expect_agent([](test::ExecPeer& peer) { peer.out("x"); });
  std::thread none;
  finish(none);
  EXPECT_EQ(::fcntl(options.in, F_GETFL) & O_NONBLOCK, 0);
}

TEST_F(PumpTest, KilledForMemoryIsTold) {
  expect_agent([](test::ExecPeer& peer) { peer.exit(137); });
  runtime.expect("sandbox_inspect", json::Value(json::Object{{"oom_killed", true}}));
  std::thread none;
  const AttachOutcome outcome = finish(none);
  EXPECT_EQ(outcome.exit_code, 137);
  EXPECT_TRUE(outcome.oom_killed);
  EXPECT_THAT(notes, ElementsAre(HasSubstr("memory")));
}

TEST_F(PumpTest, AgentsOwn126And127PassThrough) {
  expect_agent([](test::ExecPeer& peer) {
    peer.err("sh: 1: nope: not found\n");
    peer.exit(127);
  });
  std::thread none;
  EXPECT_EQ(finish(none).exit_code, 127);
  EXPECT_THAT(notes, IsEmpty());
}

TEST_F(PumpTest, InterruptIsForwardedAndTheAgentDecides) {
  expect_agent([this](test::ExecPeer& peer) {
    signal_host(SIGINT);
    EXPECT_TRUE(test::ExecPeer::eventually([&] { return forwarded == SIGINT; }));
    peer.out("caught");
    peer.exit(130);
  });
  expect_forward(SIGINT);
  std::thread none;
  const AttachOutcome outcome = finish(none);
  EXPECT_EQ(outcome.exit_code, 130);
  EXPECT_EQ(outcome.signal, 0);
  EXPECT_EQ(out.read_all(), "caught");
}

TEST_F(PumpTest, ThirdInterruptEndsAnAgentThatDoesNotCare) {
  expect_agent([this](test::ExecPeer& peer) {
    for (int i = 1; i <= 3; ++i) {
      forwarded = 0;
      signal_host(SIGINT);
      if (i == 3) break;
      EXPECT_TRUE(test::ExecPeer::eventually([&] { return forwarded == SIGINT; }));
    }
    peer.read_to_end();
  });
  expect_forward(SIGINT);
  expect_forward(SIGINT);
  std::thread none;
  const AttachOutcome outcome = finish(none);
  EXPECT_EQ(outcome.signal, SIGINT);
  EXPECT_EQ(outcome.exit_code, 130);
}

TEST_F(PumpTest, TerminationIsForwardedAndGivesGrace) {
  expect_agent([this](test::ExecPeer& peer) {
    signal_host(SIGTERM);
    EXPECT_TRUE(test::ExecPeer::eventually([&] { return forwarded == SIGTERM; }));
    peer.out("last words");
    peer.exit(0);
  });
  expect_forward(SIGTERM);
  std::thread none;
  const AttachOutcome outcome = finish(none);
  EXPECT_EQ(outcome.signal, SIGTERM);
  EXPECT_EQ(outcome.exit_code, 143);
  EXPECT_EQ(out.read_all(), "last words");
}

TEST_F(PumpTest, TerminationOfADeafAgentEndsWithTheGrace) {
  options.term_grace_ms = 50;
  expect_agent([this](test::ExecPeer& peer) {
    signal_host(SIGTERM);
    peer.read_to_end();
  });
  expect_forward(SIGTERM);
  std::thread none;
  EXPECT_EQ(finish(none).exit_code, 143);
}

TEST_F(PumpTest, HangupEndsTheSessionWithoutATerminal) {
  expect_agent([this](test::ExecPeer& peer) {
    signal_host(SIGHUP);
    peer.read_to_end();
  });
  expect_forward(SIGHUP);
  std::thread none;
  EXPECT_EQ(finish(none).exit_code, 129);
}

TEST_F(PumpTest, SecondTerminationDoesNotWaitForTheGrace) {
  expect_agent([this](test::ExecPeer& peer) {
    signal_host(SIGTERM);
    EXPECT_TRUE(test::ExecPeer::eventually([&] { return forwarded == SIGTERM; }));
    signal_host(SIGTERM);
    peer.read_to_end();
  });
  expect_forward(SIGTERM);
  std::thread none;
  EXPECT_EQ(finish(none).exit_code, 143);
}

TEST_F(PumpTest, SignalEndsTheWaitForAReaderThatNeverComes) {
  std::shared_ptr<test::ExecShared> shared;
  std::atomic<bool> known{false};
  expect_agent([&](test::ExecPeer& peer) {
    shared = peer.shared();
    known = true;
    peer.out(pattern(200'000));  // more than the pipe takes
    peer.exit(9);
  });
  std::thread killer([&] {
    EXPECT_TRUE(test::ExecPeer::eventually([&] { return known && shared->end_seen; }));
    signal_host(SIGINT);  // Ctrl-C when the agent is gone already: its code counts
  });
  const auto outcome = run();
  killer.join();
  ASSERT_TRUE(outcome) << explain(outcome.error());
  EXPECT_EQ(outcome->exit_code, 9);
}

class PtyTest : public PumpTest {
 protected:
  PtyTest() {
    target.tty = true;
    options.in = options.out = options.err = pty.slave();
  }
  test::Pty pty{30, 100};
};

TEST_F(PtyTest, RawModeWhileTheAgentRunsAndRestoredAfter) {
  const struct termios before = pty.modes();
  std::string keys;
  bool raw = false;
  expect_agent([&](test::ExecPeer& peer) {
    EXPECT_TRUE(test::ExecPeer::eventually([&] { return pty.raw(); }));
    raw = pty.raw();
    pty.type("a\x03\x1a");  // Ctrl-C and Ctrl-Z are the agent's
    keys = peer.read_exactly(3);
    peer.out("\x1b[31mred\r\n");
    peer.exit(0);
  });
  std::thread none;
  const AttachOutcome outcome = finish(none);
  EXPECT_EQ(outcome.exit_code, 0);
  EXPECT_TRUE(raw);
  EXPECT_EQ(keys, "a\x03\x1a");
  EXPECT_EQ(pty.read_until("red\r\n"), "\x1b[31mred\r\n");
  EXPECT_EQ(pty.modes().c_lflag, before.c_lflag);
  EXPECT_EQ(pty.modes().c_oflag, before.c_oflag);
  EXPECT_TRUE(runtime.requests.at(0).flag("/tty"));
  EXPECT_EQ(runtime.requests.at(0).integer("/rows"), 30);
  EXPECT_EQ(go.integer("/cols"), 100);
}

TEST_F(PtyTest, NoTerminalModesBeforeTheEvidence) {
  bool raw = true;
  expect_exec([&](test::ExecPeer& peer) {
    raw = pty.raw();
    peer.out("garbage");
  });
  EXPECT_EQ(run_error().id, "check.protocol");
  EXPECT_FALSE(raw);
  EXPECT_FALSE(pty.raw());
}

TEST_F(PtyTest, WindowChangesReachTheExec) {
  expect_agent([this](test::ExecPeer& peer) {
    EXPECT_TRUE(test::ExecPeer::eventually([&] { return pty.raw(); }));
    pty.resize(50, 132);
    signal_host(SIGWINCH);  // not our controlling terminal
    EXPECT_TRUE(test::ExecPeer::eventually([&] {
      const auto sizes = peer.sizes();
      return !sizes.empty() && sizes.back() == std::pair(50U, 132U);
    }));
  });
  std::thread none;
  EXPECT_EQ(finish(none).exit_code, 0);
}

TEST_F(PtyTest, ClosedTerminalEndsTheSession) {
  expect_agent([this](test::ExecPeer& peer) {
    EXPECT_TRUE(test::ExecPeer::eventually([&] { return pty.raw(); }));
    pty.close_master();
    peer.read_to_end();
  });
  expect_forward(SIGHUP);
  std::thread none;
  const AttachOutcome outcome = finish(none);
  EXPECT_EQ(outcome.signal, SIGHUP);
  EXPECT_EQ(outcome.exit_code, 129);
}

TEST_F(PtyTest, ClosedTerminalEndsTheSessionOfAnAgentThatNeverReads) {
  expect_agent([this](test::ExecPeer&) {
    EXPECT_TRUE(test::ExecPeer::eventually([&] { return pty.raw(); }));
    // More than the buffers on the way hold; the agent takes none of it.
    ASSERT_EQ(::fcntl(pty.master(), F_SETFL, O_NONBLOCK), 0);
    const std::string keys(4096, 'x');
    struct pollfd entry {
      pty.master(), POLLOUT, 0
    };
    while (::poll(&entry, 1, 500) == 1) {
      [[maybe_unused]] const ssize_t taken = ::write(pty.master(), keys.data(), keys.size());
    }
    pty.close_master();
    EXPECT_TRUE(test::ExecPeer::eventually([this] { return forwarded == SIGHUP; }));
  });
  expect_forward(SIGHUP);
  std::thread none;
  EXPECT_EQ(finish(none).signal, SIGHUP);
}

TEST_F(PtyTest, KilledAgentLeavesASaneTerminal) {
  expect_agent([](test::ExecPeer& peer) {
    peer.out("\x1b[?25l\x1b[?1006h");
    peer.exit(137);
  });
  runtime.expect("sandbox_inspect", json::Value(json::Object{{"oom_killed", false}}));
  std::thread none;
  EXPECT_EQ(finish(none).exit_code, 137);
  EXPECT_THAT(pty.read_until("\x1b[0m"), HasSubstr("\x1b[?25h"));
  EXPECT_FALSE(pty.raw());
}

TEST_F(PtyTest, PipeModeWhenStdoutIsNoTerminal) {
  options.out = out.write.get();
  expect_agent([](test::ExecPeer& peer) { peer.out("plain"); });
  std::thread none;
  EXPECT_EQ(finish(none).exit_code, 0);
  EXPECT_FALSE(runtime.requests.at(0).flag("/tty"));
  EXPECT_EQ(out.read_all(), "plain");
}

}  // namespace
}  // namespace scc::session
