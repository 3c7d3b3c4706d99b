// SPDX-License-Identifier: Apache-2.0
#include "audit/collector.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "base/str.h"
#include "os/thread.h"

namespace scc::audit {

namespace {

constexpr int kBacklog = 128;

Error no_collector(const os::stdfs::path& directory, const std::string& what, int code) {
  return {Kind::prereq,
          "audit.collector",
          "the audit collector of the session cannot be opened: " +
              os::errno_error(what, directory, code).message,
          "the state directory must be on a file system with unix sockets",
          {}};
}

/// Bound below a descriptor: a socket's address is short, the path of a state directory may not be.
os::Fd listen_at(const os::Fd& directory) {
  os::Fd fd(::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!fd) return fd;
  struct sockaddr_un address {};
  address.sun_family = AF_UNIX;
  const std::string path =
      "/proc/self/fd/" + std::to_string(directory.get()) + "/" + std::string(kSocketName);
  std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
  ::unlinkat(directory.get(), std::string(kSocketName).c_str(), 0);
  const bool open = ::bind(fd.get(), reinterpret_cast<struct sockaddr*>(&address), sizeof address) ==
                        0 &&  // NOLINT: socket interface
                    // The agent's uid need not be this one.
                    ::fchmodat(directory.get(), std::string(kSocketName).c_str(), 0666, 0) == 0 &&
                    ::listen(fd.get(), kBacklog) == 0;
  if (!open) fd.reset();
  return fd;
}

}  // namespace

Result<std::unique_ptr<Collector>> Collector::open(const os::stdfs::path& directory, Log log,
                                                   std::string session, Tell tell, CollectorLimits limits) {
  SCC_CHECK(os::make_dirs(directory));
  SCC_TRY(os::FileLock lock, os::FileLock::acquire(directory.native() + ".lock", 0));
  if (::chmod(directory.c_str(), 0755) != 0) return fail(no_collector(directory, "chmod", errno));
  os::Fd folder(::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  if (!folder) return fail(no_collector(directory, "open", errno));
  os::Fd listener = listen_at(folder);
  if (!listener) return fail(no_collector(directory, "listen in", errno));
  os::Fd wake(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC));
  if (!wake) return fail(no_collector(directory, "make an event for", errno));
  return std::unique_ptr<Collector>(
      new Collector(std::move(lock), std::move(folder), std::move(listener),  // NOLINT
                    std::move(wake), std::move(log), std::move(session), std::move(tell), limits));
}

Collector::Collector(os::FileLock lock, os::Fd directory, os::Fd listener, os::Fd wake, Log log,
                     std::string session, Tell tell, CollectorLimits limits)
    : lock_(std::move(lock)),
      directory_(std::move(directory)),
      listener_(std::move(listener)),
      wake_(std::move(wake)),
      log_(std::move(log)),
      session_(std::move(session)),
      tell_(std::move(tell)),
      limits_(limits),
      tokens_(limits.burst),
      refilled_(Clock::now()) {
  thread_ = os::thread_without_signals([this] { run(); });
}

Collector::~Collector() {
  ending_ = true;
  const std::uint64_t one = 1;
  static_cast<void>(!::write(wake_.get(), &one, sizeof one));
  thread_.join();
  ::unlinkat(directory_.get(), std::string(kSocketName).c_str(), 0);
}

void Collector::refill() {
  const Clock::time_point now = Clock::now();
  const std::chrono::duration<double> passed = now - refilled_;
  refilled_ = now;
  tokens_ = std::min<double>(limits_.burst, tokens_ + passed.count() * limits_.per_second);
}

/// Until the next token where there is none, or until the first client has been idle too long.
int Collector::wait_ms() const {
  if (tokens_ < 1) return std::max(1, static_cast<int>(1000 / std::max(1U, limits_.per_second)));
  return clients_.empty() ? -1 : static_cast<int>(limits_.idle_ms);
}

void Collector::accept_some() {
  while (clients_.size() < limits_.clients) {
    os::Fd fd(::accept4(listener_.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
    if (!fd) return;
    struct ucred peer {};
    socklen_t size = sizeof peer;
    Client client;
    if (::getsockopt(fd.get(), SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0) {
      client.pid = std::to_string(peer.pid);
      client.uid = std::to_string(peer.uid);
    }
    client.fd = std::move(fd);
    client.until = Clock::now() + std::chrono::milliseconds(limits_.idle_ms);
    clients_.push_back(std::move(client));
  }
}

bool Collector::full() const noexcept {
  return taken_ >= limits_.lines || bytes_ >= limits_.bytes;
}

/// Empty: `event` is what was sent. Else why it is refused; "-": nothing was sent.
std::string Collector::line_of(Client& client, Event& event) {
  std::array<char, kMaxSandboxLine + 1> buffer{};
  const ssize_t got = ::recv(client.fd.get(), buffer.data(), buffer.size(), MSG_DONTWAIT);
  if (got < 0 && (errno == EAGAIN || errno == EINTR)) return "-";
  client.until = Clock::now();  // one line a connection
  if (got <= 0) return "-";
  auto read = read_sandbox_line({buffer.data(), static_cast<std::size_t>(got)});
  if (!read) return read.error().message;
  if (full()) return "this session has written all the lines that it may";
  bytes_ += got;
  event = *std::move(read);
  event.session = session_;
  event.metadata["pid"] = client.pid;
  event.metadata["uid"] = client.uid;
  return {};
}

std::vector<Collector::Pending> Collector::receive(const std::vector<bool>& readable) {
  std::vector<Pending> out;
  for (std::size_t i = 0; i < readable.size() && tokens_ >= 1; ++i) {
    if (!readable[i]) continue;
    Event event;
    const std::string why = line_of(clients_[i], event);
    if (why == "-") continue;
    tokens_ -= 1;  // also for what is refused: garbage costs the sender, too
    if (why.empty()) {
      out.push_back({i, std::move(event)});
      continue;
    }
    ++refused_;
    answer(clients_[i], "no " + why);
  }
  return out;
}

void Collector::tell_once(bool failed, const std::string& text) {
  if (failed == failing_) return;
  failing_ = failed;
  if (tell_) tell_(text);
}

void Collector::commit(std::vector<Pending> batch) {
  if (batch.empty()) return;
  std::vector<Event> events;
  events.reserve(batch.size());
  for (Pending& one : batch) events.push_back(std::move(one.event));
  const Status done = log_.append(events);
  if (done) {
    taken_ += static_cast<std::int64_t>(events.size());
    tell_once(false, "the audit log can be written again");
  } else {
    refused_ += static_cast<std::int64_t>(events.size());
    tell_once(true, "commands that must be audited are blocked in the sandbox: " + done.error().message);
  }
  for (const Pending& one : batch) answer(clients_[one.client], done ? "ok" : "no " + done.error().message);
  if (full() && !told_full_ && tell_) {
    told_full_ = true;
    tell_(
        "the sandbox has written all the audit lines that a session may; its guarded commands are blocked "
        "from now on");
  }
}

void Collector::answer(Client& client, const std::string& text) {
  constexpr std::size_t kMostAnswer = 1024;
  static_cast<void>(
      ::send(client.fd.get(), text.data(), std::min(text.size(), kMostAnswer), MSG_DONTWAIT | MSG_NOSIGNAL));
}

void Collector::close_old() {
  const Clock::time_point now = Clock::now();
  clients_.erase(
      std::remove_if(clients_.begin(), clients_.end(), [&](const Client& one) { return one.until <= now; }),
      clients_.end());
}

void Collector::run() {
  for (bool last = false; !last;) {
    refill();
    const bool may_read = tokens_ >= 1;
    std::vector<struct pollfd> fds{{wake_.get(), POLLIN, 0},
                                   {clients_.size() < limits_.clients ? listener_.get() : -1, POLLIN, 0}};
    for (const Client& client : clients_) fds.push_back({may_read ? client.fd.get() : -1, POLLIN, 0});
    if (::poll(fds.data(), fds.size(), wait_ms()) < 0 && errno != EINTR) return;
    last = ending_;
    refill();
    std::vector<bool> readable;
    for (std::size_t i = 2; i < fds.size(); ++i) readable.push_back(fds[i].revents != 0);
    commit(receive(readable));
    close_old();
    if (fds[1].revents != 0) accept_some();
  }
}

}  // namespace scc::audit
