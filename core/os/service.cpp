// SPDX-License-Identifier: Apache-2.0
// fork and exec by hand: the death signal and LISTEN_PID can only be set between the two. The child calls
// async-signal-safe functions only.
#include "os/service.h"

#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <ctime>
#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#if defined(__linux__)
#include <sys/prctl.h>
#include <sys/syscall.h>
#endif

#include "base/str.h"
#include "os/internal.h"

namespace scc::os {

namespace {

constexpr std::string_view kPrefix = "service-";
constexpr std::size_t kMaxWritten = std::size_t{64} << 10U;
constexpr int kBacklog = 64;
constexpr std::chrono::milliseconds kGrace{2'000};
constexpr std::time_t kFreshSeconds = 60;  // between the directory's making and its lock
constexpr int kFirstFd = 3;                // SD_LISTEN_FDS_START

/// What services of dead processes left: their directories' locks are free.
void remove_stale(const stdfs::path& base) {
  std::error_code code;
  for (stdfs::directory_iterator it(base, code), end; !code && it != end; it.increment(code)) {
    if (!str::starts_with(it->path().filename().native(), kPrefix)) continue;
    const Fd dir(::open(it->path().c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    struct stat info {};
    if (!dir || ::fstat(dir.get(), &info) != 0 || info.st_uid != ::geteuid()) continue;
    if (std::time(nullptr) - info.st_mtime < kFreshSeconds) continue;
    if (::flock(dir.get(), LOCK_EX | LOCK_NB) == 0) static_cast<void>(remove_tree(it->path()));
  }
}

/// A new directory of this user alone, below the one that no workspace may contain.
Result<stdfs::path> make_directory(const stdfs::path& base) {
  SCC_CHECK(make_dirs(base));
  remove_stale(base);
  std::string pattern = (base / (std::string(kPrefix) + "XXXXXX")).native();
  if (::mkdtemp(pattern.data()) == nullptr) return fail(errno_error("make a directory in", base, errno));
  return stdfs::path(pattern);
}

/// Everything the child needs, made before the fork.
struct Launch {
  std::string program;
  std::string cwd;
  std::vector<std::string> env;
  std::vector<char*> argv;
  std::vector<char*> envp;
  char* pid_digits = nullptr;  ///< the place of the number in LISTEN_PID
  int listener = -1;
  int output = -1;
  int failure = -1;  ///< takes errno when the program could not be started
  pid_t parent = -1;
};

constexpr std::size_t kDigits = 10;

void write_pid(char* digits, pid_t pid) noexcept {
  char reversed[kDigits];
  std::size_t size = 0;
  do {
    reversed[size++] = static_cast<char>('0' + pid % 10);
    pid /= 10;
  } while (pid != 0 && size < kDigits);
  for (std::size_t i = 0; i < size; ++i) digits[i] = reversed[size - 1 - i];
  digits[size] = '\0';
}

void reset_signals() noexcept {
  struct sigaction action {};
  action.sa_handler = SIG_DFL;
  for (int sig = 1; sig < NSIG; ++sig) ::sigaction(sig, &action, nullptr);
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
}

[[noreturn]] void give_up(int failure) noexcept {
  const int code = errno;
  static_cast<void>(!::write(failure, &code, sizeof code));
  ::_exit(127);
}

[[noreturn]] void run_child(Launch& launch) noexcept {
  reset_signals();
#if defined(__linux__)
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
#endif
  if (::getppid() != launch.parent) ::_exit(127);  // it died before the line above
  ::setpgid(0, 0);                                 // Ctrl-C at the terminal is not meant for it
  if (::chdir(launch.cwd.c_str()) != 0) give_up(launch.failure);
  const int null = ::open("/dev/null", O_RDONLY);
  // All of these are above 3 (see above_listen), so that no dup2 overwrites what the next one needs.
  if (null < 0 || ::dup2(null, 0) < 0 || ::dup2(launch.output, 1) < 0 || ::dup2(launch.output, 2) < 0 ||
      ::dup2(launch.listener, kFirstFd) < 0) {
    give_up(launch.failure);
  }
#if defined(__linux__) && defined(SYS_close_range)
  constexpr unsigned kCloseOnExec = 4;  // CLOSE_RANGE_CLOEXEC
  ::syscall(SYS_close_range, kFirstFd + 1, ~0U, kCloseOnExec);
#endif
  write_pid(launch.pid_digits, ::getpid());
  ::execve(launch.program.c_str(), launch.argv.data(), launch.envp.data());
  give_up(launch.failure);
}

/// The descriptor, moved above the numbers that the child fills.
Status above_listen(Fd& fd) {
  if (fd.get() > kFirstFd + 1) return {};
  const int moved = ::fcntl(fd.get(), F_DUPFD_CLOEXEC, kFirstFd + 2);
  if (moved < 0) return fail(errno_error("duplicate a descriptor for", "a service", errno));
  fd = Fd{moved};
  return {};
}

struct Ends {
  Fd read;
  Fd write;
};

Result<Ends> make_ends() {
  int ends[2] = {-1, -1};
  if (::pipe(ends) != 0) return fail(errno_error("pipe for", "a service", errno));
  Ends made{Fd{ends[0]}, Fd{ends[1]}};
  ::fcntl(ends[0], F_SETFD, FD_CLOEXEC);
  ::fcntl(ends[1], F_SETFD, FD_CLOEXEC);
  SCC_CHECK(above_listen(made.read));
  SCC_CHECK(above_listen(made.write));
  return made;
}

/// Forks, and waits until the program runs or could not be started.
Result<pid_t> start_child(Launch& launch, Ends& failure) {
  launch.parent = ::getpid();
  launch.failure = failure.write.get();
  const pid_t pid = ::fork();
  if (pid < 0) return fail(errno_error("start", launch.program, errno));
  if (pid == 0) run_child(launch);
  failure.write.reset();
  int code = 0;
  ssize_t n = 0;
  do {
    n = ::read(failure.read.get(), &code, sizeof code);
  } while (n < 0 && errno == EINTR);
  if (n == 0) return pid;
  ::waitpid(pid, nullptr, 0);
  return fail(errno_error("start", launch.program, n == sizeof code ? code : EIO));
}

}  // namespace

Status Service::make_socket(const stdfs::path& base) {
  SCC_TRY(directory_, make_directory(base));
  lock_ = Fd(::open(directory_.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  if (!lock_ || ::flock(lock_.get(), LOCK_EX | LOCK_NB) != 0) {
    return fail(errno_error("lock", directory_, errno));
  }
  socket_ = directory_ / "socket";
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  const std::string& path = socket_.native();
  if (path.size() >= sizeof address.sun_path) {
    return fail(Kind::prereq, "service.path", "the path of a socket is too long: " + str::printable(path),
                "set SCC_RUNTIME_DIR to a shorter directory");
  }
  path.copy(address.sun_path, path.size());
  listener_ = Fd(::socket(AF_UNIX, SOCK_STREAM, 0));
  if (!listener_) return fail(errno_error("make", socket_, errno));
  ::fcntl(listener_.get(), F_SETFD, FD_CLOEXEC);
  SCC_CHECK(above_listen(listener_));
  if (::bind(listener_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 ||
      ::chmod(path.c_str(), 0600) != 0 || ::listen(listener_.get(), kBacklog) != 0) {
    return fail(errno_error("listen on", socket_, errno));
  }
  return {};
}

Result<std::unique_ptr<Service>> Service::start(const ServiceRequest& request) {
  ProcessRequest process;
  process.argv = request.argv;
  process.env = request.env;
  process.cwd = request.cwd.empty() ? stdfs::path("/") : request.cwd;
  SCC_CHECK(detail::check_strings(process));
  Launch launch;
  SCC_TRY(launch.program, detail::find_program(process));
  launch.cwd = process.cwd.native();
  process.env["LISTEN_FDS"] = "1";
  process.env.erase("LISTEN_FDNAMES");
  process.env["LISTEN_PID"] = std::string(kDigits, '0');
  for (const auto& [name, value] : process.env) launch.env.push_back(name + "=" + value);
  launch.argv = detail::pointers(process.argv);
  launch.envp = detail::pointers(launch.env);
  for (std::string& item : launch.env) {
    if (str::starts_with(item, "LISTEN_PID=")) launch.pid_digits = item.data() + item.find('=') + 1;
  }

  std::unique_ptr<Service> service(new Service);
  SCC_CHECK(service->make_socket(request.base));
  SCC_TRY(Ends output, make_ends());
  SCC_TRY(Ends failure, make_ends());
  // Both ends: a program that says more than anyone reads must not wait for a reader.
  ::fcntl(output.read.get(), F_SETFL, O_NONBLOCK);
  ::fcntl(output.write.get(), F_SETFL, O_NONBLOCK);
  launch.listener = service->listener_.get();
  launch.output = output.write.get();
  SCC_TRY(service->pid_, start_child(launch, failure));
  service->listener_.reset();  // the program's alone: with it ends the socket
  service->output_ = std::move(output.read);
  return service;
}

bool Service::running() noexcept {
  siginfo_t info{};
  return pid_ > 0 && ::waitid(P_PID, static_cast<id_t>(pid_), &info, WEXITED | WNOHANG | WNOWAIT) == 0 &&
         info.si_pid == 0;
}

std::string Service::output() const {
  char buffer[4096];
  ssize_t n = 0;
  while (output_ && (n = ::read(output_.get(), buffer, sizeof buffer)) > 0) {
    if (written_.size() < kMaxWritten) written_.append(buffer, static_cast<std::size_t>(n));
  }
  return written_;
}

Service::~Service() {
  if (pid_ > 0) {
    ::kill(pid_, SIGTERM);
    const auto deadline = std::chrono::steady_clock::now() + kGrace;
    while (running()) {
      if (std::chrono::steady_clock::now() >= deadline) ::kill(pid_, SIGKILL);
      static_cast<void>(::poll(nullptr, 0, 5));
    }
    while (::waitpid(pid_, nullptr, 0) < 0 && errno == EINTR) {
    }
  }
  if (!directory_.empty()) static_cast<void>(remove_tree(directory_));
}

}  // namespace scc::os
