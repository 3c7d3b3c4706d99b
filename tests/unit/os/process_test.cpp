// SPDX-License-Identifier: Apache-2.0
#include "os/process.h"

#include <csignal>
#include <fcntl.h>

#include "os/tty.h"
#include "unit/os/scratch.h"

namespace scc::os {
namespace {

using namespace std::chrono_literals;
using test::eventually;

ProcessRequest shell(const std::string& script) {
  ProcessRequest request;
  request.argv = {"sh", "-c", script};
  request.env = {{"PATH", "/usr/bin:/bin"}};
  return request;
}

class Process : public test::Scratch {};

TEST_F(Process, CollectsBothStreamsAndTheExitCode) {
  auto result = run(shell("echo out; echo err >&2; exit 7")).value();
  EXPECT_EQ(result.out, "out\n");
  EXPECT_EQ(result.err, "err\n");
  EXPECT_EQ(result.exit_code, 7);
  EXPECT_EQ(run(shell("kill -TERM $$")).value().exit_code, 128 + SIGTERM);
}

TEST_F(Process, PassesArgumentsInputDirectoryAndEnvironmentVerbatim) {
  ProcessRequest request;
  request.argv = {"/bin/sh", "-c", "printf '%s|' \"$@\"; pwd; cat; env", "sh", "a b", "$(x)", "", "'\n"};
  request.env = {{"ONLY", "this"}};
  request.cwd = dir;
  request.input = "stdin";
  const auto result = run(request).value();
  EXPECT_EQ(result.out.find("a b|$(x)||'\n|" + dir.native() + "\nstdin"), 0U) << result.out;
  EXPECT_NE(result.out.find("ONLY=this"), std::string::npos);
  EXPECT_EQ(result.out.find("HOME="), std::string::npos);
}

TEST_F(Process, LargeInputAndOutputDoNotDeadlock) {
  ProcessRequest request = shell("cat");
  request.input = std::string(3'000'000, 'x');
  request.max_output = 4'000'000;
  EXPECT_EQ(run(request).value().out, request.input);
}

TEST_F(Process, AChildThatDoesNotReadItsInputDoesNotKillUs) {
  ProcessRequest request = shell("exit 3");
  request.input = std::string(3'000'000, 'x');
  EXPECT_EQ(run(request).value().exit_code, 3);
}

TEST_F(Process, MissingProgramsAreTyped) {
  ProcessRequest request;
  request.argv = {"surely-no-such-program"};
  request.env = {{"PATH", "/usr/bin:/bin"}};
  EXPECT_EQ(run(request).error().id, "process.not-found");
  EXPECT_EQ(run(request).error().kind, Kind::prereq);
  request.argv = {(dir / "none").native()};
  EXPECT_EQ(run(request).error().id, "process.not-found");
  request.argv = {dir.native()};
  EXPECT_EQ(run(request).error().id, "process.not-found");
  request.argv = {};
  EXPECT_EQ(run(request).error().id, "process.not-found");
  request.argv = {"sh"};
  request.env = {};
  EXPECT_FALSE(run(request));
  // A program in the current directory is never found by a relative PATH entry.
  write("sh", "#!/bin/sh\nexit 0\n");
  ::chmod((dir / "sh").c_str(), 0755);
  request.env = {{"PATH", ".::"}};
  request.cwd = dir;
  EXPECT_FALSE(run(request));
  request.argv = {"/bin/true"};
  request.cwd = dir / "none";
  EXPECT_EQ(run(request).error().kind, Kind::not_found);
  request.cwd.clear();
  request.argv.emplace_back("a\0b", 3);
  EXPECT_EQ(run(request).error().id, "process.nul");
}

TEST_F(Process, TheDeadlineKillsGrandchildren) {
  ProcessRequest request = shell("sleep 300 & echo $! > " + (dir / "pid").native() + "; echo late >&2; wait");
  request.timeout = 400ms;
  const auto result = run(request);
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().id, "process.timeout");
  ASSERT_EQ(result.error().context.size(), 1U);
  EXPECT_NE(result.error().context[0].find("late"), std::string::npos);
  const pid_t pid = std::stoi(test::slurp(dir / "pid"));
  EXPECT_TRUE(eventually([&] { return ::kill(pid, 0) != 0; }) || [&] {
    // A container's PID 1 may not reap: a zombie is as good as gone.
    return test::slurp("/proc/" + std::to_string(pid) + "/stat").find(") Z") != std::string::npos;
  }());
}

TEST_F(Process, ADescendantThatKeepsThePipeDoesNotHoldUsUp) {
  ProcessRequest request = shell("sleep 300 & echo $! ; exit 4");
  request.timeout = 60s;
  const auto before = std::chrono::steady_clock::now();
  const auto result = run(request).value();
  EXPECT_EQ(result.exit_code, 4);
  EXPECT_LT(std::chrono::steady_clock::now() - before,
            30s);  // far from a bar: only that it did not wait for it
  const std::string stat = "/proc/" + std::to_string(std::stoi(result.out)) + "/stat";
  EXPECT_TRUE(eventually([&] {
    const std::string text = test::slurp(stat);
    return text.empty() || text.find(") Z") != std::string::npos;
  }));
}

TEST_F(Process, OutputIsLimited) {
  ProcessRequest request = shell("yes");
  request.max_output = 10'000;
  EXPECT_EQ(run(request).error().id, "process.output-limit");
  request = shell("yes >&2");
  request.max_output = 10'000;
  EXPECT_EQ(run(request).error().id, "process.output-limit");
}

TEST_F(Process, StreamsAndStopsOnRequest) {
  std::string seen;
  ProcessRequest request = shell("echo a; echo b >&2");
  request.on_output = [&](bool is_stderr, std::string_view bytes) {
    seen += (is_stderr ? "E:" : "O:") + std::string{bytes};
    return true;
  };
  const auto result = run(request).value();
  EXPECT_NE(seen.find("O:a\n"), std::string::npos);
  EXPECT_NE(seen.find("E:b\n"), std::string::npos);
  EXPECT_EQ(result.out, "");
  request = shell("yes");
  request.on_output = [](bool, std::string_view) { return false; };
  EXPECT_EQ(run(request).error().id, "process.stopped");
}

TEST_F(Process, CanBeCancelled) {
  ProcessRequest request = shell("sleep 300");
  request.timeout = 60s;
  int polls = 0;
  request.cancelled = [&] { return ++polls > 2; };
  const auto error = run(request).error();
  EXPECT_EQ(error.kind, Kind::cancelled);
}

TEST_F(Process, StdoutCanGoToADescriptor) {
  const Fd file{::open((dir / "out").c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600)};
  ProcessRequest request = shell("echo direct");
  request.stdout_fd = file.get();
  EXPECT_EQ(run(request).value().out, "");
  EXPECT_EQ(test::slurp(dir / "out"), "direct\n");
}

TEST_F(Process, ChildrenGetNoDescriptorsOfOurs) {
  const int leak = ::open("/dev/null", O_RDONLY);  // no O_CLOEXEC on purpose
  const auto result = run(shell("ls /proc/self/fd | wc -l")).value();
  ::close(leak);
  EXPECT_EQ(result.out, "4\n");  // 0, 1, 2 and the directory that ls reads
}

TEST_F(Process, BlockedAndIgnoredSignalsAreResetInChildren) {
  ::signal(SIGPIPE, SIG_IGN);
  const auto events = SignalEvents::watch({SIGTERM, SIGINT, SIGWINCH}).value();
  const auto result = run(shell("grep -E 'Sig(Blk|Ign)' /proc/self/status")).value();
  ::signal(SIGPIPE, SIG_DFL);
  EXPECT_EQ(result.out.find("SigBlk:\t0000000000000000\nSigIgn:\t"), 0U) << result.out;
  // glibc itself leaves 32 and 33 (its own cancellation signals) ignored in what posix_spawn starts.
  EXPECT_EQ(std::stoull(result.out.substr(result.out.rfind('\t')), nullptr, 16) & 0x7fffffffU, 0U)
      << result.out;
  EXPECT_EQ(run(shell("kill -TERM $$; exit 1")).value().exit_code, 128 + SIGTERM);
}

}  // namespace
}  // namespace scc::os
