// SPDX-License-Identifier: Apache-2.0
// An exec in a scripted engine with the host's ends as pipes or a pseudo-terminal.
#pragma once

#include <array>
#include <atomic>
#include <csignal>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <thread>

#include "fixture.h"
#include "session/attach.h"
#include "session/host_io.h"

namespace scc::session {

struct Pipe {
  Pipe() {
    std::array<int, 2> fds{};
    if (::pipe2(fds.data(), O_CLOEXEC) != 0) throw std::runtime_error("pipe2 failed");
    read = os::Fd(fds[0]);
    write = os::Fd(fds[1]);
  }
  std::string read_all() const {
    std::string out;
    std::array<char, 65536> buffer{};
    for (ssize_t n = 0; (n = ::read(read.get(), buffer.data(), buffer.size())) > 0;) {
      out.append(buffer.data(), static_cast<std::size_t>(n));
    }
    return out;
  }
  os::Fd read;
  os::Fd write;
};

/// Bytes that show any loss, repetition or reordering.
inline std::string pattern(std::size_t size) {
  std::string out;
  out.reserve(size + 16);
  for (std::size_t i = 0; out.size() < size; ++i) out += std::to_string(i) + "\n";
  out.resize(size);
  return out;
}

class AttachTest : public ScriptedTest {
 protected:
  AttachTest() {
    // A signal that comes when nobody watches any more must not end the test program.
    for (const int signal : {SIGINT, SIGTERM, SIGHUP, SIGQUIT}) {
      ::signal(signal, [](int) {});
    }
    target.sandbox_id = "c1";
    target.argv = {"agent"};
    target.workdir = "/w";
    target.uid = 1000;
    target.gid = 1000;
    target.nonce = "nonce-0123456789";
    target.token = "token";
    target.checks =
        json::Object{{"sockets", json::Array{"/s.sock"}}, {"readonly", json::Array{"/etc/passwd"}}};
    target.mounts = *test::make_plan().at("/sandbox/mounts");
    options.in = in.read.get();
    options.out = out.write.get();
    options.err = err.write.get();
    options.handshake_ms = 10'000;
  }
  /// One exec whose other end is `script`.
  void expect_exec(test::ExecScript script) {
    runtime.expect("exec_open", json::Value(), "c1");
    runtime.scripts.push_back(std::move(script));
  }
  /// The same behind a well-behaved checker.
  void expect_agent(test::ExecScript agent) {
    expect_exec([this, agent = std::move(agent)](test::ExecPeer& peer) {
      go = test::checker_handshake(peer, test::good_evidence(peer, target.mounts));
      // A signal before the host has read the acknowledgement would cancel the launch instead.
      EXPECT_TRUE(test::ExecPeer::eventually([this] { return started.load(); }));
      agent(peer);
    });
  }
  /// Expects the second exec that carries a signal in.
  void expect_forward(int signal) {
    expect_exec([signal, this](test::ExecPeer& peer) {
      const auto argv = peer.request().strings_at("/argv");
      EXPECT_THAT(
          argv, ::testing::ElementsAre("/opt/scc/bin/scc-signal", "signal", "token", std::to_string(signal)));
      EXPECT_EQ(peer.request().integer("/user/uid"), 1000);
      EXPECT_FALSE(peer.request().flag("/tty"));
      forwarded = signal;
    });
  }
  Result<AttachOutcome> run() {
    started = false;
    AttachHooks hooks;
    hooks.on_started = [this](const json::Value&) { started = true; };
    hooks.on_settled = [this] { ++settled; };
    auto outcome = attach_exec(target, deps(), options, hooks);
    EXPECT_EQ(settled, started ? 1 : 0);
    settled = 0;
    return outcome;
  }
  Error run_error() {
    auto outcome = run();
    EXPECT_FALSE(outcome);
    return outcome ? Error{} : outcome.error();
  }
  void signal_host(int signal) const { ::pthread_kill(main_thread, signal); }

  ExecTarget target;
  AttachOptions options;
  Pipe in;
  Pipe out;
  Pipe err;
  json::Value go;
  std::atomic<bool> started{false};
  int settled = 0;
  std::atomic<int> forwarded{0};
  pthread_t main_thread = ::pthread_self();
};

}  // namespace scc::session
