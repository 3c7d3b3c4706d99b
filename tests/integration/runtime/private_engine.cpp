// SPDX-License-Identifier: Apache-2.0
#include "integration/runtime/private_engine.h"

#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <dirent.h>
#include <fcntl.h>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <string_view>
#include <thread>
#include <unistd.h>

#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <sys/wait.h>

namespace scc::test {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;

/// A daemon listens before it has found its sandboxes again, and answers after that.
bool answers(const fs::path& socket_path) {
  const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const timeval patience{60, 0};
  setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  socket_path.native().copy(address.sun_path, sizeof address.sun_path - 1);
  constexpr std::string_view kPing = "GET /_ping HTTP/1.0\r\nHost: engine\r\n\r\n";
  char byte = 0;
  const bool answered = connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0 &&
                        send(fd, kPing.data(), kPing.size(), MSG_NOSIGNAL) > 0 && recv(fd, &byte, 1, 0) == 1;
  close(fd);
  return answered;
}

/// The processes whose command line or environment names a directory: all that an engine there has started.
std::vector<pid_t> processes_of(const fs::path& root) {
  std::vector<pid_t> found;
  for (const auto& entry : fs::directory_iterator("/proc")) {
    const std::string name = entry.path().filename();
    if (name.find_first_not_of("0123456789") != std::string::npos) continue;
    std::ifstream file(entry.path() / "cmdline", std::ios::binary);
    const std::string line{std::istreambuf_iterator<char>(file), {}};
    const auto pid = static_cast<pid_t>(std::stol(name));
    if (line.find(root.native()) != std::string::npos && pid != getpid()) found.push_back(pid);
  }
  return found;
}

/// Small filesystems for an ordinary user, who cannot mount one: DIR/48 and DIR/256, as large as they are
/// called.
constexpr const char* kDisks = "SCC_TEST_DISKS";

/// What is mounted below a directory, deepest first.
std::vector<std::string> mounts_below(const fs::path& root) {
  std::vector<std::string> found;
  std::ifstream file("/proc/self/mountinfo");
  for (std::string line; std::getline(file, line);) {
    std::size_t at = 0;
    for (int i = 0; i < 4; ++i) at = line.find(' ', at) + 1;
    const std::string path = line.substr(at, line.find(' ', at) - at);
    if (path.rfind(root.native(), 0) == 0) found.insert(found.begin(), path);
  }
  return found;
}

}  // namespace

bool PrivateEngine::possible(const std::string& runtime) {
  if (geteuid() != 0) return runtime == "podman" && std::getenv(kDisks) != nullptr;
  return runtime == "docker" || runtime == "podman";
}

PrivateEngine::PrivateEngine(const std::string& runtime, std::size_t megabytes) : runtime_(runtime) {
  if (geteuid() != 0) {
    root_ = fs::path(std::getenv(kDisks)) / std::to_string(megabytes);
    fs::create_directories(root_ / "run");
    start();
    return;
  }
  std::string pattern = (fs::temp_directory_path() / "scc-engine-XXXXXX").string();
  if (mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("mkdtemp");
  root_ = pattern;
  const std::string size = "mode=0711,size=" + std::to_string(megabytes) + "m";
  if (mount("scc-engine", root_.c_str(), "tmpfs", 0, size.c_str()) != 0) throw std::runtime_error("mount");
  fs::create_directories(root_ / "run");
  start();
}

std::vector<std::string> PrivateEngine::argv() const {
  const std::string data = (root_ / "data").string();
  const std::string run = (root_ / "run").string();
  const std::string socket = "unix://" + (root_ / "sock").string();
  if (runtime_ == "docker") {
    // In a network namespace of its own: a daemon that is told to have no bridge takes away the machine's.
    return {"unshare",
            "--net",
            "dockerd",
            "--data-root",
            data,
            "--exec-root",
            run,
            "--pidfile",
            run + "/pid",
            "--host",
            socket,
            "--bridge=none",
            "--iptables=false",
            "--ip6tables=false",
            "--ip-forward=false",
            "--ip-masq=false",
            "--storage-driver=overlay2"};
  }
  // As the plugin itself starts it where both versions of cgroups are mounted.
  std::vector<std::string> argv = {"podman", "--root", data, "--runroot", run, "--tmpdir", run + "/libpod"};
  std::ifstream groups("/proc/self/cgroup");
  const std::string text{std::istreambuf_iterator<char>(groups), {}};
  if (text.find("0::") != std::string::npos && text.find(":memory:") != std::string::npos) {
    argv.insert(argv.end(), {"--runtime", "runc", "--cgroup-manager", "cgroupfs"});
  }
  // The driver that works on any filesystem.
  if (geteuid() != 0) argv.insert(argv.end(), {"--storage-driver", "vfs"});
  argv.insert(argv.end(), {"system", "service", "--time=0", socket});
  return argv;
}

void PrivateEngine::start() {
  std::error_code ignored;
  fs::remove(root_ / "sock", ignored);
  fs::remove(root_ / "run/pid", ignored);
  // Docker's containerd dies with it, but where nobody collects it, it would be taken for one that still
  // runs.
  fs::remove(root_ / "run/containerd/containerd.pid", ignored);
  const std::vector<std::string> words = argv();
  std::vector<char*> pointers;
  for (const std::string& word : words) pointers.push_back(const_cast<char*>(word.c_str()));
  pointers.push_back(nullptr);
  const std::string log = root_.string() + ".log";
  pid_ = fork();
  if (pid_ == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    setpgid(0, 0);
    const int fd = open(log.c_str(), O_CREAT | O_WRONLY | O_APPEND, 0600);
    dup2(fd, 1);
    dup2(fd, 2);
    execvp(pointers[0], pointers.data());
    _exit(127);
  }
  for (int i = 0; i < 600; ++i) {
    if (answers(root_ / "sock")) return;
    std::this_thread::sleep_for(100ms);
  }
  std::ifstream file(log);
  throw std::runtime_error("the private engine did not start: " +
                           std::string(std::istreambuf_iterator<char>(file), {}));
}

void PrivateEngine::kill_hard() {
  kill(pid_, SIGKILL);
  waitpid(pid_, nullptr, 0);
  pid_ = -1;
}

sdk::StringMap PrivateEngine::env() const {
  return {{runtime_ == "docker" ? "DOCKER_HOST" : "CONTAINER_HOST", "unix://" + (root_ / "sock").string()}};
}

void PrivateEngine::stop_sandboxes() {
  // Monitors and shims name the directory; what runs in a sandbox goes with its cgroup's init, whose parent
  // they are.
  for (int round = 0; round < 50; ++round) {
    const auto left = processes_of(root_);
    if (left.empty()) return;
    for (const pid_t pid : left) kill(pid, round < 10 ? SIGTERM : SIGKILL);
    std::this_thread::sleep_for(100ms);
  }
}

PrivateEngine::~PrivateEngine() {
  if (pid_ > 0) {
    kill(pid_, SIGTERM);
    for (int i = 0; i < 100 && waitpid(pid_, nullptr, WNOHANG) == 0; ++i) std::this_thread::sleep_for(100ms);
    kill(pid_, SIGKILL);
  }
  stop_sandboxes();
  if (geteuid() != 0) {
    // The process that holds the user namespace names no directory. The filesystem goes with its mount
    // namespace.
    std::ifstream file(root_ / "run/libpod/pause.pid");
    if (pid_t pause = 0; file >> pause && pause > 1) kill(pause, SIGKILL);
    return;
  }
  for (const std::string& path : mounts_below(root_)) umount2(path.c_str(), MNT_DETACH);
  std::error_code ignored;
  fs::remove_all(root_, ignored);
  fs::remove(root_.string() + ".log", ignored);
}

}  // namespace scc::test
