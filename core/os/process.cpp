// SPDX-License-Identifier: Apache-2.0
// Children by posix_spawn in their own process group, served by one poll loop until they have ended. The
// group is always killed before its leader is reaped: while the leader is a zombie its number cannot be taken
// by a stranger, and nothing that a finished command left behind lives on.
#include "os/process.h"

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <fcntl.h>
#include <optional>
#include <poll.h>
#include <spawn.h>
#include <unistd.h>

#include <sys/wait.h>
#if defined(__linux__)
#include <sys/syscall.h>
#endif

#include "base/str.h"
#include "os/internal.h"

namespace scc::os {

namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

// How long output is still read when the process itself is gone but a descendant keeps the pipe.
constexpr milliseconds kDrain{300};

struct Pipe {
  Fd read;
  Fd write;
};

Result<Pipe> make_pipe() {
  int ends[2] = {-1, -1};
#if defined(__linux__)
  if (::pipe2(ends, O_CLOEXEC) != 0) return fail(errno_error("pipe for", "a child process", errno));
#else
  if (::pipe(ends) != 0) return fail(errno_error("pipe for", "a child process", errno));
  ::fcntl(ends[0], F_SETFD, FD_CLOEXEC);
  ::fcntl(ends[1], F_SETFD, FD_CLOEXEC);
#endif
  Pipe made{Fd{ends[0]}, Fd{ends[1]}};
  // Never 0-2: dup2 in the child would overwrite one end with the other.
  for (Fd* end : {&made.read, &made.write}) {
    if (end->get() > 2) continue;
    const int moved = ::fcntl(end->get(), F_DUPFD_CLOEXEC, 3);
    if (moved < 0) return fail(errno_error("pipe for", "a child process", errno));
    *end = Fd{moved};
  }
  return made;
}

tl::unexpected<Error> not_found(const std::string& name) {
  return fail(Kind::prereq, "process.not-found", "program " + str::printable(name) + " was not found",
              "install it, or check PATH");
}

bool executable_file(const stdfs::path& path) {
  struct stat info {};
  return ::stat(path.c_str(), &info) == 0 && S_ISREG(info.st_mode) && ::access(path.c_str(), X_OK) == 0;
}

// Writing to a child that closed its stdin must not raise SIGPIPE in the host.
class BlockSigpipe {
 public:
  BlockSigpipe() {
    sigset_t pending;
    ::sigpending(&pending);
    was_pending_ = ::sigismember(&pending, SIGPIPE) == 1;
    ::sigemptyset(&set_);
    ::sigaddset(&set_, SIGPIPE);
    ::pthread_sigmask(SIG_BLOCK, &set_, &old_);
  }
  BlockSigpipe(const BlockSigpipe&) = delete;
  BlockSigpipe& operator=(const BlockSigpipe&) = delete;
  ~BlockSigpipe() {
    sigset_t pending;
    ::sigpending(&pending);
    if (!was_pending_ && ::sigismember(&pending, SIGPIPE) == 1) {
      int seen = 0;
      ::sigwait(&set_, &seen);
    }
    ::pthread_sigmask(SIG_SETMASK, &old_, nullptr);
  }

 private:
  sigset_t set_{};
  sigset_t old_{};
  bool was_pending_ = false;
};

class SpawnPlan {
 public:
  SpawnPlan() {
    ::posix_spawn_file_actions_init(&actions_);
    ::posix_spawnattr_init(&attributes_);
  }
  SpawnPlan(const SpawnPlan&) = delete;
  SpawnPlan& operator=(const SpawnPlan&) = delete;
  ~SpawnPlan() {
    ::posix_spawn_file_actions_destroy(&actions_);
    ::posix_spawnattr_destroy(&attributes_);
  }

  void descriptors(int in, int out, int err, const std::string& cwd) {
    ::posix_spawn_file_actions_addchdir_np(&actions_, cwd.c_str());
    if (in >= 0) {
      ::posix_spawn_file_actions_adddup2(&actions_, in, 0);
    } else {
      ::posix_spawn_file_actions_addopen(&actions_, 0, "/dev/null", O_RDONLY, 0);
    }
    ::posix_spawn_file_actions_adddup2(&actions_, out, 1);
    ::posix_spawn_file_actions_adddup2(&actions_, err, 2);
#if defined(__linux__)
    ::posix_spawn_file_actions_addclosefrom_np(&actions_, 3);
#endif
  }

  int spawn(pid_t* pid, const std::string& program, char* const* argv, char* const* envp) {
    sigset_t none;
    sigset_t all;
    ::sigemptyset(&none);
    ::sigfillset(&all);
    ::posix_spawnattr_setsigmask(&attributes_, &none);
    ::posix_spawnattr_setsigdefault(&attributes_, &all);
    ::posix_spawnattr_setpgroup(&attributes_, 0);
    unsigned flags = POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP;
#if defined(__APPLE__)
    flags |= POSIX_SPAWN_CLOEXEC_DEFAULT;
#endif
    ::posix_spawnattr_setflags(&attributes_, static_cast<short>(flags));
    return ::posix_spawn(pid, program.c_str(), &actions_, &attributes_, argv, envp);
  }

 private:
  posix_spawn_file_actions_t actions_{};
  posix_spawnattr_t attributes_{};
};

// A started child; killed with its group and reaped on every way out.
class Child {
 public:
  explicit Child(pid_t pid) : pid_(pid) {
#if defined(__linux__) && defined(SYS_pidfd_open)
    pidfd_ = Fd{static_cast<int>(::syscall(SYS_pidfd_open, pid, 0))};
#endif
  }
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;
  ~Child() {
    static_cast<void>(finish());
  }

  int pidfd() const noexcept {
    return pidfd_.get();
  }
  bool ended() const noexcept {
    siginfo_t info{};
    return ::waitid(P_PID, static_cast<id_t>(pid_), &info, WEXITED | WNOHANG | WNOWAIT) != 0 ||
           info.si_pid != 0;
  }
  /// Kills what is left of the group, reaps, and returns the exit code.
  int finish() noexcept {
    if (done_) return code_;
    ::kill(-pid_, SIGKILL);
    int status = 0;
    while (::waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
    }
    done_ = true;
    code_ = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
    return code_;
  }

 private:
  pid_t pid_;
  Fd pidfd_;
  bool done_ = false;
  int code_ = 0;
};

// The pipes of a running child and the loop that serves them.
struct Session {
  const ProcessRequest& request;
  Pipe in, out, err;
  ProcessResult result;
  std::string_view unsent;
  std::string name;

  Status take(bool is_stderr) {
    Fd& fd = is_stderr ? err.read : out.read;
    char buffer[16384];
    const ssize_t n = ::read(fd.get(), buffer, sizeof buffer);
    if (n < 0 && (errno == EINTR || errno == EAGAIN)) return {};
    if (n <= 0) {
      fd.reset();
      return {};
    }
    const std::string_view bytes{buffer, static_cast<std::size_t>(n)};
    if (request.on_output) {
      if (request.on_output(is_stderr, bytes)) return {};
      return fail(Kind::cancelled, "process.stopped", name + " was stopped while it wrote");
    }
    std::string& sink = is_stderr ? result.err : result.out;
    if (sink.size() + bytes.size() > request.max_output) {
      return fail(Kind::tool, "process.output-limit",
                  name + " wrote more than " + std::to_string(request.max_output) + " bytes");
    }
    sink += bytes;
    return {};
  }

  void feed() {
    const ssize_t n = ::write(in.write.get(), unsent.data(), unsent.size());
    if (n > 0) unsent.remove_prefix(static_cast<std::size_t>(n));
    if ((n < 0 && errno != EINTR && errno != EAGAIN) || unsent.empty()) in.write.reset();
  }

  Status serve(const Child& child) {
    const auto deadline = Clock::now() + request.timeout;
    std::optional<Clock::time_point> drain_end;
    for (;;) {
      const auto now = Clock::now();
      if (!drain_end && child.ended()) drain_end = now + kDrain;
      if (drain_end && ((!out.read && !err.read) || now >= *drain_end)) return {};
      if (request.cancelled && request.cancelled()) {
        return fail(Kind::cancelled, "process.cancelled", name + " was cancelled");
      }
      if (now >= deadline) {
        return fail(Kind::tool, "process.timeout",
                    name + " did not end within " + std::to_string(request.timeout.count()) + " ms");
      }
      auto wait =
          std::chrono::duration_cast<milliseconds>(std::min(deadline, drain_end.value_or(deadline)) - now);
      if (request.cancelled) wait = std::min(wait, milliseconds{50});
      if (child.pidfd() < 0) wait = std::min(wait, milliseconds{20});
      // Once it has ended its pidfd is always ready: leave it out while draining.
      SCC_CHECK(wait_once(drain_end ? -1 : child.pidfd(), wait));
    }
  }

  Status wait_once(int pidfd, milliseconds wait) {
    struct pollfd fds[4] = {{out.read.get(), POLLIN, 0},
                            {err.read.get(), POLLIN, 0},
                            {in.write.get(), POLLOUT, 0},
                            {pidfd, POLLIN, 0}};
    const int ready = ::poll(fds, 4, static_cast<int>(std::min<long>(wait.count() + 1, 3'600'000)));
    if (ready < 0 && errno != EINTR) return fail(errno_error("poll", name, errno));
    if (ready <= 0) return {};
    if (fds[2].revents != 0) feed();
    if (fds[0].revents != 0) SCC_CHECK(take(false));
    if (fds[1].revents != 0) SCC_CHECK(take(true));
    return {};
  }
};

Status open_pipes(Session& session) {
  if (!session.request.input.empty()) {
    SCC_TRY(session.in, make_pipe());
    ::fcntl(session.in.write.get(), F_SETFL, O_NONBLOCK);
    session.unsent = session.request.input;
  }
  if (session.request.stdout_fd < 0) {
    SCC_TRY(session.out, make_pipe());
    ::fcntl(session.out.read.get(), F_SETFL, O_NONBLOCK);
  }
  SCC_TRY(session.err, make_pipe());
  ::fcntl(session.err.read.get(), F_SETFL, O_NONBLOCK);
  return {};
}

}  // namespace

namespace detail {

Result<std::string> find_program(const ProcessRequest& request) {
  if (request.argv.empty() || request.argv[0].empty()) return not_found("");
  const std::string& name = request.argv[0];
  if (name.find('/') != std::string::npos) {
    if (!executable_file(request.cwd.empty() ? stdfs::path{"/"} / name : request.cwd / name)) {
      return not_found(name);
    }
    return name;
  }
  const auto path = request.env.find("PATH");
  if (path == request.env.end()) return not_found(name);
  for (const std::string& dir : str::split(path->second, ':')) {
    if (!stdfs::path{dir}.is_absolute()) continue;  // a relative PATH entry means the directory one is in
    std::string candidate = (stdfs::path{dir} / name).native();
    if (executable_file(candidate)) return candidate;
  }
  return not_found(name);
}

std::vector<char*> pointers(const std::vector<std::string>& items) {
  std::vector<char*> out;
  for (const std::string& item : items) out.push_back(const_cast<char*>(item.c_str()));
  out.push_back(nullptr);
  return out;
}

Status check_strings(const ProcessRequest& request) {
  const auto has_nul = [](const std::string& text) { return text.find('\0') != std::string::npos; };
  for (const std::string& arg : request.argv) {
    if (has_nul(arg)) return fail(Kind::usage, "process.nul", "an argument holds a NUL byte");
  }
  for (const auto& [key, value] : request.env) {
    if (has_nul(key) || has_nul(value) || key.empty() || key.find('=') != std::string::npos) {
      return fail(Kind::usage, "process.env",
                  "environment variable " + str::printable(key) + " is malformed");
    }
  }
  return {};
}

}  // namespace detail

Result<ProcessResult> run(const ProcessRequest& request) {
  SCC_CHECK(detail::check_strings(request));
  const std::string cwd = request.cwd.empty() ? "/" : request.cwd.native();
  std::error_code ec;
  if (!stdfs::is_directory(cwd, ec)) return fail(errno_error("enter", cwd, ec ? ec.value() : ENOTDIR));
  SCC_TRY(const std::string program, detail::find_program(request));
  Session session{request, {}, {}, {}, {}, {}, str::printable(request.argv[0])};
  SCC_CHECK(open_pipes(session));

  std::vector<std::string> env_items;
  for (const auto& [key, value] : request.env) env_items.push_back(key + "=" + value);
  const std::vector<char*> argv = detail::pointers(request.argv);
  const std::vector<char*> envp = detail::pointers(env_items);
  const BlockSigpipe no_sigpipe;
  SpawnPlan plan;
  plan.descriptors(session.in.read.get(), session.out.write ? session.out.write.get() : request.stdout_fd,
                   session.err.write.get(), cwd);
  pid_t pid = -1;
  const int code = plan.spawn(&pid, program, argv.data(), envp.data());
  if (code == ENOENT) return not_found(program);
  if (code != 0) return fail(errno_error("start", program, code));
  Child child{pid};
  session.in.read.reset();
  session.out.write.reset();
  session.err.write.reset();
  if (auto served = session.serve(child); !served) {
    const std::string& err = session.result.err;
    const std::string tail = err.substr(err.size() - std::min<std::size_t>(err.size(), 2048));
    if (tail.empty()) return fail(std::move(served).error());
    return fail(std::move(served).error().with("it wrote: " + str::printable(str::trim(tail))));
  }
  session.result.exit_code = child.finish();
  return std::move(session.result);
}

}  // namespace scc::os
