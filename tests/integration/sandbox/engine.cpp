// SPDX-License-Identifier: Apache-2.0
// See engine.h. The engine's own command line drives the containers: the tests must not share code with the
// host whose partner they test.
#include "engine.h"

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <stdexcept>
#include <unistd.h>
#include <utility>

#include <sys/stat.h>
#include <sys/wait.h>
#include <system_error>

namespace scc::test {

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;

namespace {

[[noreturn]] void fail(const char* what) {
  throw std::system_error(errno, std::generic_category(), what);
}

[[noreturn]] void execute(const Arguments& argv) {
  std::vector<char*> pointers;
  for (const std::string& word : argv) pointers.push_back(const_cast<char*>(word.c_str()));
  pointers.push_back(nullptr);
  execvp(pointers[0], pointers.data());
  _exit(127);
}

void close_fd(int& fd) {
  if (fd >= 0) close(fd);
  fd = -1;
}

void ignore_broken_pipes() {
  static const bool done = [] { return std::signal(SIGPIPE, SIG_IGN) != SIG_ERR; }();
  static_cast<void>(done);
}

}  // namespace

Child::Child(const Arguments& argv, bool tty) {
  ignore_broken_pipes();
  if (tty) {
    // Without a size: the engine's client would send its own at any time, also after the checker has set one.
    pid_ = forkpty(&out_, nullptr, nullptr, nullptr);
    if (pid_ < 0) fail("forkpty");
    if (pid_ == 0) execute(argv);
    in_ = fcntl(out_, F_DUPFD_CLOEXEC, 3);
    return;
  }
  std::array<int, 2> to_child{};
  std::array<int, 2> from_out{};
  std::array<int, 2> from_err{};
  if (pipe2(to_child.data(), O_CLOEXEC) != 0 || pipe2(from_out.data(), O_CLOEXEC) != 0 ||
      pipe2(from_err.data(), O_CLOEXEC) != 0) {
    fail("pipe");
  }
  pid_ = fork();
  if (pid_ < 0) fail("fork");
  if (pid_ == 0) {
    dup2(to_child[0], STDIN_FILENO);
    dup2(from_out[1], STDOUT_FILENO);
    dup2(from_err[1], STDERR_FILENO);
    execute(argv);
  }
  close(to_child[0]);
  close(from_out[1]);
  close(from_err[1]);
  in_ = to_child[1];
  out_ = from_out[0];
  err_ = from_err[0];
}

Child::~Child() {
  close_fd(in_);
  close_fd(out_);
  close_fd(err_);
  if (pid_ > 0) {
    kill(pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
  }
}

void Child::close_stdin() {
  close_fd(in_);
}

// Reads once from whatever is ready; false when both outputs have ended.
bool Child::pump(Clock::time_point deadline) {
  std::array<pollfd, 2> fds = {pollfd{out_, POLLIN, 0}, pollfd{err_, POLLIN, 0}};
  if (out_ < 0 && err_ < 0) return false;
  const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(deadline - Clock::now()).count();
  if (left <= 0 || poll(fds.data(), fds.size(), static_cast<int>(left)) == 0) {
    throw std::runtime_error("a child process said nothing for too long; so far: " + out + err);
  }
  const std::array<std::pair<int*, std::string*>, 2> targets = {std::pair{&out_, &out},
                                                                std::pair{&err_, &err}};
  for (size_t i = 0; i < fds.size(); ++i) {
    if (fds.at(i).revents == 0) continue;
    std::array<char, 65536> chunk;
    const ssize_t got = read(*targets.at(i).first, chunk.data(), chunk.size());
    if (got > 0) {
      targets.at(i).second->append(chunk.data(), static_cast<size_t>(got));
    } else if (got == 0 || errno != EINTR) {
      close_fd(*targets.at(i).first);  // a terminal's end is EIO
    }
  }
  return true;
}

bool Child::send(std::string_view bytes) {
  const auto deadline = Clock::now() + kPatience;
  fcntl(in_, F_SETFL, fcntl(in_, F_GETFL) | O_NONBLOCK);
  while (!bytes.empty()) {
    const ssize_t put = write(in_, bytes.data(), bytes.size());
    if (put > 0) {
      bytes.remove_prefix(static_cast<size_t>(put));
    } else if (errno == EAGAIN) {
      // The child may be waiting for its own output to be read.
      std::array<pollfd, 2> fds = {pollfd{in_, POLLOUT, 0}, pollfd{out_, POLLIN, 0}};
      poll(fds.data(), fds.size(), 1000);
      if ((fds[1].revents & POLLIN) != 0) pump(deadline);
      if (Clock::now() > deadline) throw std::runtime_error("a child process reads nothing");
    } else if (errno != EINTR) {
      return false;
    }
  }
  return true;
}

std::string Child::read_until(std::string_view marker) {
  const auto deadline = Clock::now() + kPatience;
  for (;;) {
    const size_t at = out.find(marker);
    if (at != std::string::npos) {
      std::string taken = out.substr(0, at + marker.size());
      out.erase(0, at + marker.size());
      return taken;
    }
    if (out_ < 0 || !pump(deadline)) return {};
  }
}

int Child::wait() {
  const auto deadline = Clock::now() + kPatience;
  while (pump(deadline)) {
  }
  int status = 0;
  if (waitpid(pid_, &status, 0) != pid_) fail("waitpid");
  pid_ = -1;
  return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

Outcome run(const Arguments& argv, std::string_view input) {
  Child child(argv);
  child.send(input);
  child.close_stdin();
  Outcome outcome;
  outcome.code = child.wait();
  outcome.out = std::move(child.out);
  outcome.err = std::move(child.err);
  return outcome;
}

bool engine_answers() {
  static const bool answers = run({"docker", "version", "--format", "{{.Server.Version}}"}).code == 0;
  return answers;
}

bool engine_required() {
  const char* value = std::getenv("SCC_REQUIRE_ENGINES");
  return value != nullptr && std::string_view(value) == "1";
}

Stage& Stage::get() {
  static Stage stage;
  return stage;
}

Stage::Stage()
    : image("scc-sandbox-test:" + std::to_string(getpid())), uid(geteuid() == 0 ? 1000 : geteuid()) {
  std::string pattern = (fs::temp_directory_path() / "scc-sandbox-XXXXXX").string();
  if (mkdtemp(pattern.data()) == nullptr) fail("mkdtemp");
  root = pattern;
  fs::permissions(root, fs::perms(0755));
  bin = root / "bin";
  for (const char* dir : {"bin", "image/proc", "image/sys", "image/dev", "image/tmp", "image/run",
                          "image/etc", "image/ws", "image/extra", "image/var/run", "image/opt/scc/bin"}) {
    fs::create_directories(root / dir);
  }
  // As the installation has them: executable, and readable for their owner only.
  for (const char* program : {SCC_TEST_INIT, SCC_TEST_CHECK}) {
    const fs::path target = bin / fs::path(program).filename();
    fs::copy_file(program, target);
    fs::permissions(target, fs::perms(0711));
  }
  fs::copy_file(SCC_TEST_PROBE, bin / "probe");
  const std::string archive = (root / "image.tar").string();
  if (run({"tar", "-C", (root / "image").string(), "-cf", archive, "."}).code != 0) fail("tar");
  const Outcome imported = run({"docker", "import", archive, image});
  if (imported.code != 0) throw std::runtime_error("docker import: " + imported.err);
}

Stage::~Stage() {
  run({"docker", "image", "rm", "-f", image});
  std::error_code ignored;
  fs::remove_all(root, ignored);
}

namespace {

// What runtime specification 1.6 asks of every sandbox, one option a row.
std::vector<Arguments> good_options(const Stage& stage, const std::string& user) {
  const std::string id = std::to_string(stage.uid);
  return {{"--cap-drop", "ALL"},
          {"--security-opt", "no-new-privileges"},
          {"--read-only"},
          {"--network", "none"},
          {"--user", user},
          {"--pids-limit", "256"},
          {"--hostname", "scc-test"},
          {"--tmpfs", "/tmp:rw,nosuid,nodev,size=64m"},
          {"--tmpfs", "/run/scc:rw,noexec,nosuid,nodev,size=4m,mode=0700,uid=" + id + ",gid=" + id}};
}

}  // namespace

Box::Box(const Deviation& deviation) : deviation_(deviation) {
  static int counter = 0;
  const Stage& stage = Stage::get();
  const std::string id = std::to_string(getpid()) + "-" + std::to_string(++counter);
  name = "scc-sandbox-test-" + id;
  workspace = stage.root / ("ws-" + id);
  fs::create_directories(workspace);
  if (chown(workspace.c_str(), stage.uid, stage.uid) != 0) fail("chown");
  if (deviation_.user.empty()) deviation_.user = std::to_string(stage.uid) + ":" + std::to_string(stage.uid);
  Arguments argv = {"docker", "run", "-d", "--name", name};
  for (const Arguments& option : good_options(stage, deviation_.user)) {
    bool dropped = false;
    for (const std::string& drop : deviation_.drop) dropped = dropped || drop == option[0];
    if (!dropped) argv.insert(argv.end(), option.begin(), option.end());
  }
  argv.insert(argv.end(), deviation_.add.begin(), deviation_.add.end());
  const std::string binds = ",bind-propagation=rprivate";
  argv.insert(argv.end(),
              {"--mount", "type=bind,source=" + stage.bin.string() + ",target=/opt/scc/bin,readonly" + binds,
               "--mount", "type=bind,source=" + workspace.string() + ",target=/ws" + binds, "--workdir",
               "/ws", "--entrypoint", "/opt/scc/bin/scc-init", stage.image});
  const Outcome outcome = run(argv);
  started = outcome.code == 0;
  error = outcome.err;
}

Box::~Box() {
  run({"docker", "rm", "-f", "-v", name});
  std::error_code ignored;
  fs::remove_all(workspace, ignored);
}

Arguments Box::exec(const Arguments& argv, const Arguments& options) const {
  Arguments full = {"docker", "exec"};
  full.insert(full.end(), options.begin(), options.end());
  full.insert(full.end(), deviation_.exec_add.begin(), deviation_.exec_add.end());
  full.insert(full.end(), {"--user", deviation_.user, name});
  full.insert(full.end(), argv.begin(), argv.end());
  return full;
}

Arguments Box::checked(const Arguments& argv, const Arguments& options, const Arguments& checks) {
  static int counter = 0;
  token = "t-" + std::to_string(++counter);
  Arguments command = {"/opt/scc/bin/scc-check", "run", "--token", token, "--nonce", kNonce};
  command.insert(command.end(), checks.begin(), checks.end());
  command.emplace_back("--");
  command.insert(command.end(), argv.begin(), argv.end());
  return exec(command, options);
}

Outcome Box::run_checked(const Arguments& argv) {
  return run(checked(argv, {"-i"}, {"--no-handshake"}));
}

std::string go_frame(const std::string& members, const std::string& nonce) {
  const std::string payload = R"({"nonce":")" + nonce + "\"," + members + "}";
  std::array<char, 9> length;
  snprintf(length.data(), length.size(), "%08zx", payload.size());
  return std::string("\x1eSCC-GO ") + length.data() + " " + payload + "\n";
}

json::Value read_evidence(Child& child) {
  const std::string prefix = "\x1eSCC-EVIDENCE ";
  const std::string line = child.read_until("\n");
  if (line.compare(0, prefix.size(), prefix) != 0) return {};
  auto parsed = json::parse(std::string_view(line).substr(prefix.size()));
  return parsed ? *parsed : json::Value{};
}

}  // namespace scc::test
