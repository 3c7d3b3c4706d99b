// SPDX-License-Identifier: Apache-2.0
// The probe's parent half: re-executes this program, gives it a deadline, and turns its end into an error
// that says what the plugin did and where.
#include "plugin/probe.h"

#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstring>
#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <sys/wait.h>

#include "base/str.h"
#include "os/fs.h"
#include "plugin/interfaces.h"

namespace scc::plugin {

namespace {

using Clock = std::chrono::steady_clock;

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr std::chrono::milliseconds kWallLimit{20'000};
#else
constexpr std::chrono::milliseconds kWallLimit{3'000};
#endif
constexpr std::size_t kMaxResult = std::size_t{256} << 10U;
constexpr std::size_t kMaxNoise = std::size_t{4} << 10U;
// Raised when the probe looks at more than before, so that old results do not count.
constexpr int kProbeRevision = 1;

struct Pipe {
  os::Fd read;
  os::Fd write;
};

Result<Pipe> make_pipe() {
  std::array<int, 2> ends{-1, -1};
  if (pipe2(ends.data(), O_CLOEXEC) != 0) return fail(os::errno_error("pipe", "probe", errno));
  return Pipe{os::Fd(ends[0]), os::Fd(ends[1])};
}

struct Child {
  pid_t pid = -1;
  os::Fd result;
  os::Fd noise;
};

/// After fork: only async-signal-safe calls until exec.
[[noreturn]] void become_probe(int memfd, int result, int noise, int null) {
  setpgid(0, 0);
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
  // Away from 3 and 4 first, so that no dup2 below overwrites a source.
  const int library = fcntl(memfd, F_DUPFD, 10);
  const int out = fcntl(result, F_DUPFD, 10);
  const int chatter = fcntl(noise, F_DUPFD, 10);
  const int nothing = fcntl(null, F_DUPFD, 10);
  if (library < 0 || out < 0 || chatter < 0 || nothing < 0) _exit(126);
  dup2(nothing, 0);
  dup2(chatter, 1);
  dup2(chatter, 2);
  dup2(library, 3);
  dup2(out, 4);
  if (close_range(5, ~0U, 0) != 0) {
    for (int fd = 5; fd < 1'024; ++fd) close(fd);
  }
  static_cast<void>(!chdir("/"));
  static char name[] = "scc";
  static char verb[] = "__probe";
  static char* argv[] = {name, verb, nullptr};
#if defined(__SANITIZE_ADDRESS__)
  // The leak checker forks and traces, which the child's filter forbids.
  static char no_leaks[] = "ASAN_OPTIONS=detect_leaks=0";
  static char* envp[] = {no_leaks, nullptr};
#else
  static char* envp[] = {nullptr};
#endif
  execve("/proc/self/exe", argv, envp);
  _exit(127);
}

Result<Child> start_child(int memfd) {
  SCC_TRY(Pipe result, make_pipe());
  SCC_TRY(Pipe noise, make_pipe());
  const os::Fd null(open("/dev/null", O_RDWR | O_CLOEXEC));
  if (!null) return fail(os::errno_error("open", "/dev/null", errno));
  const pid_t pid = fork();
  if (pid < 0) return fail(os::errno_error("fork", "probe", errno));
  if (pid == 0) become_probe(memfd, result.write.get(), noise.write.get(), null.get());
  setpgid(pid, pid);
  return Child{pid, std::move(result.read), std::move(noise.read)};
}

/// Reads what is there; false at the end of the pipe.
bool drain(int fd, std::string& out, std::size_t limit) {
  std::array<char, 4'096> buffer{};
  const ssize_t n = read(fd, buffer.data(), buffer.size());
  if (n < 0) return errno == EINTR || errno == EAGAIN;
  if (n == 0) return false;
  if (out.size() < limit) out.append(buffer.data(), static_cast<std::size_t>(n));
  return true;
}

struct Outcome {
  std::string lines;
  std::string noise;
  bool timed_out = false;
  int status = 0;
};

Outcome watch(const Child& child) {
  Outcome out;
  const auto deadline = Clock::now() + kWallLimit;
  std::array<pollfd, 2> fds{pollfd{child.result.get(), POLLIN, 0}, pollfd{child.noise.get(), POLLIN, 0}};
  while (fds[0].fd >= 0 || fds[1].fd >= 0) {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(deadline - Clock::now()).count();
    if (left <= 0) {
      out.timed_out = true;
      break;
    }
    const int ready = poll(fds.data(), fds.size(), static_cast<int>(left));
    if (ready < 0 && errno != EINTR) break;
    if (ready <= 0) continue;
    if (fds[0].revents != 0 && !drain(fds[0].fd, out.lines, kMaxResult)) fds[0].fd = -1;
    if (fds[1].revents != 0 && !drain(fds[1].fd, out.noise, kMaxNoise)) fds[1].fd = -1;
  }
  // Also after a normal end: nothing of the group may stay.
  kill(-child.pid, SIGKILL);
  while (waitpid(child.pid, &out.status, 0) < 0 && errno == EINTR) {
  }
  return out;
}

struct Report {
  std::string stage = "starting";
  json::Value done;
  json::Value refused;
  std::string denied;
};

Report read_report(const std::string& lines) {
  Report report;
  for (const std::string& line : str::split(lines, '\n')) {
    if (line.empty()) continue;
    const Result<json::Value> doc = json::parse(line);
    if (!doc) continue;  // the plugin wrote to our descriptor, or died in the middle of a line
    if (doc->has("/stage")) report.stage = str::printable(doc->str("/stage"));
    if (const json::Value* done = doc->at("/done")) report.done = *done;
    if (const json::Value* refused = doc->at("/refused")) report.refused = *refused;
    if (doc->has("/denied")) report.denied = str::printable(doc->str("/denied"));
  }
  return report;
}

std::string tail_of(const std::string& noise) {
  const std::string text = str::printable(std::string(str::trim(std::string_view(noise).substr(0, 300))));
  return text.empty() ? std::string{} : " (it wrote: " + text + ")";
}

tl::unexpected<Error> probe_error(std::string_view id, std::string message, std::string hint = {}) {
  return fail(
      Kind::prereq, std::string(id), std::move(message),
      hint.empty() ? "report this to the plugin's author; other plugins are not affected" : std::move(hint));
}

Result<json::Value> judge(const Outcome& outcome) {
  const Report report = read_report(outcome.lines);
  if (!report.denied.empty()) {
    return probe_error("plugin.probe-refused", "called " + report.denied + " while " + report.stage +
                                                   "; plugins ask the host for such things");
  }
  if (report.refused.is_object()) {
    return probe_error(report.refused.str("/id", "plugin.probe-refused"),
                       str::printable(report.refused.str("/message")) + " (while " + report.stage + ")");
  }
  const bool cpu_limit = WIFSIGNALED(outcome.status) && WTERMSIG(outcome.status) == SIGXCPU;
  if (outcome.timed_out || cpu_limit) {
    return probe_error("plugin.probe-timeout", "did not finish " + report.stage + " within " +
                                                   std::to_string(kWallLimit.count() / 1'000) + " s");
  }
  if (!report.done.is_object()) {
    if (WIFEXITED(outcome.status) && WEXITSTATUS(outcome.status) == 127) {
      return probe_error("plugin.probe-refused", "the probe could not be started", "is /proc mounted?");
    }
    const std::string how =
        WIFSIGNALED(outcome.status)
            ? "was killed by signal " + std::to_string(WTERMSIG(outcome.status)) + " (" +
                  strsignal(WTERMSIG(outcome.status)) + ")"
            : "ended its process with code " + std::to_string(WEXITSTATUS(outcome.status));
    return probe_error("plugin.probe-crash", how + " while " + report.stage + tail_of(outcome.noise));
  }
  if (!outcome.noise.empty()) {
    return probe_error("plugin.probe-refused", "writes to stdout or stderr" + tail_of(outcome.noise));
  }
  return report.done;
}

}  // namespace

std::string probe_abi() {
  return std::to_string(SCC_ABI_MAJOR) + "." + std::to_string(SCC_ABI_MINOR) + "-" +
         std::to_string(kProbeRevision);
}

Result<json::Value> run_probe(int memfd) {
  SCC_TRY(const Child child, start_child(memfd));
  return judge(watch(child));
}

}  // namespace scc::plugin
