// SPDX-License-Identifier: Apache-2.0
#include "prove/listener.h"

#include <arpa/inet.h>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <fcntl.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>
#include <poll.h>
#include <thread>
#include <unistd.h>

#include <sys/socket.h>
#include <sys/un.h>

namespace scc::prove {

namespace {

constexpr int kTries = 32;

auto cannot(const std::string& what) {
  return fail(os::errno_error(what, "a socket of scc prove", errno));
}

/// IPv6 only: the IPv4 side has sockets of its own, which also work where IPv6 is off.
os::Fd bound(int family, int type, int port) {
  os::Fd fd(::socket(family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!fd) return fd;
  const int on = 1;
  int done = 0;
  if (family == AF_INET6) {
    struct sockaddr_in6 at {};
    at.sin6_family = AF_INET6;
    at.sin6_port = htons(static_cast<std::uint16_t>(port));
    ::setsockopt(fd.get(), IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on);
    done = ::bind(fd.get(), reinterpret_cast<const struct sockaddr*>(&at), sizeof at);  // NOLINT: bind(2)
  } else {
    struct sockaddr_in at {};
    at.sin_family = AF_INET;
    at.sin_port = htons(static_cast<std::uint16_t>(port));
    done = ::bind(fd.get(), reinterpret_cast<const struct sockaddr*>(&at), sizeof at);  // NOLINT: bind(2)
  }
  if (done != 0 || (type == SOCK_STREAM && ::listen(fd.get(), 64) != 0)) fd.reset();
  return fd;
}

os::Fd unix_socket(const std::filesystem::path& path) {
  struct sockaddr_un at {};
  at.sun_family = AF_UNIX;
  if (path.native().size() >= sizeof at.sun_path) {
    errno = ENAMETOOLONG;
    return {};
  }
  std::memcpy(at.sun_path, path.c_str(), path.native().size());
  os::Fd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (fd && (::bind(fd.get(), reinterpret_cast<const struct sockaddr*>(&at), sizeof at) != 0 ||  // NOLINT
             ::listen(fd.get(), 64) != 0)) {
    fd.reset();
  }
  return fd;
}

int port_of(const os::Fd& fd) {
  struct sockaddr_in at {};
  socklen_t size = sizeof at;
  if (::getsockname(fd.get(), reinterpret_cast<struct sockaddr*>(&at), &size) != 0) return 0;  // NOLINT
  return ntohs(at.sin_port);
}

}  // namespace

struct Listener::Loop {
  std::vector<os::Fd> streams;
  std::vector<os::Fd> datagrams;
  os::Fd wake_read;
  os::Fd wake_write;
  std::string answer;
  std::thread thread;

  void answer_stream(int fd) const {
    const os::Fd peer(::accept4(fd, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
    if (peer) static_cast<void>(::send(peer.get(), answer.data(), answer.size(), MSG_NOSIGNAL));
  }
  void answer_datagram(int fd) const {
    std::array<char, 512> buffer{};
    struct sockaddr_storage from {};
    socklen_t size = sizeof from;
    auto* address = reinterpret_cast<struct sockaddr*>(&from);  // NOLINT: recvfrom(2)
    if (::recvfrom(fd, buffer.data(), buffer.size(), 0, address, &size) < 0) return;
    static_cast<void>(::sendto(fd, answer.data(), answer.size(), MSG_NOSIGNAL | MSG_DONTWAIT, address, size));
  }
  void run() const {
    std::vector<struct pollfd> fds{{wake_read.get(), POLLIN, 0}};
    for (const os::Fd& fd : streams) fds.push_back({fd.get(), POLLIN, 0});
    for (const os::Fd& fd : datagrams) fds.push_back({fd.get(), POLLIN, 0});
    for (;;) {
      if (::poll(fds.data(), fds.size(), -1) < 0 && errno != EINTR) return;
      if (fds[0].revents != 0) return;
      for (std::size_t i = 1; i < fds.size(); ++i) {
        if (fds[i].revents == 0) continue;
        i <= streams.size() ? answer_stream(fds[i].fd) : answer_datagram(fds[i].fd);
      }
    }
  }
};

Listener::Listener(std::unique_ptr<Loop> loop, int port) : loop_(std::move(loop)), port_(port) {}

Listener::Listener(Listener&&) noexcept = default;

Listener::~Listener() {
  if (!loop_) return;
  loop_->wake_write.reset();
  if (loop_->thread.joinable()) loop_->thread.join();
}

Result<Listener> Listener::open(const std::string& token, const std::filesystem::path& socket) {
  auto loop = std::make_unique<Loop>();
  loop->answer = "scc-prove " + token + "\n";
  int port = 0;
  for (int i = 0; i < kTries && port == 0; ++i) {
    loop->streams.clear();
    loop->datagrams.clear();
    os::Fd first = bound(AF_INET, SOCK_STREAM, 0);
    if (!first) return cannot("open");
    const int wanted = port_of(first);
    os::Fd second = bound(AF_INET, SOCK_DGRAM, wanted);
    if (!second) continue;
    loop->streams.push_back(std::move(first));
    loop->datagrams.push_back(std::move(second));
    // A machine without IPv6 has none to listen on.
    if (os::Fd six = bound(AF_INET6, SOCK_STREAM, wanted)) loop->streams.push_back(std::move(six));
    if (os::Fd six = bound(AF_INET6, SOCK_DGRAM, wanted)) loop->datagrams.push_back(std::move(six));
    port = wanted;
  }
  if (port == 0) return cannot("bind");
  os::Fd local = unix_socket(socket);
  if (!local) return cannot("bind");
  loop->streams.push_back(std::move(local));
  std::array<int, 2> pipe{};
  if (::pipe2(pipe.data(), O_CLOEXEC) != 0) return cannot("open");
  loop->wake_read = os::Fd(pipe[0]);
  loop->wake_write = os::Fd(pipe[1]);
  sigset_t all;
  sigset_t old;
  ::sigfillset(&all);  // signals are the main thread's
  ::pthread_sigmask(SIG_BLOCK, &all, &old);
  loop->thread = std::thread([raw = loop.get()] { raw->run(); });
  ::pthread_sigmask(SIG_SETMASK, &old, nullptr);
  return Listener(std::move(loop), port);
}

Result<MachineAddresses> machine_addresses() {
  struct ifaddrs* list = nullptr;
  if (::getifaddrs(&list) != 0) return fail(os::errno_error("read", "this machine's addresses", errno));
  MachineAddresses out;
  for (const struct ifaddrs* at = list; at != nullptr; at = at->ifa_next) {
    if (at->ifa_addr == nullptr || (at->ifa_flags & IFF_UP) == 0 || (at->ifa_flags & IFF_LOOPBACK) != 0)
      continue;
    std::array<char, INET6_ADDRSTRLEN> text{};
    if (at->ifa_addr->sa_family == AF_INET) {
      const auto* v4 = reinterpret_cast<const struct sockaddr_in*>(at->ifa_addr);  // NOLINT
      ::inet_ntop(AF_INET, &v4->sin_addr, text.data(), text.size());
      out.v4.emplace_back(text.data());
    } else if (at->ifa_addr->sa_family == AF_INET6) {
      const auto* v6 = reinterpret_cast<const struct sockaddr_in6*>(at->ifa_addr);  // NOLINT
      ::inet_ntop(AF_INET6, &v6->sin6_addr, text.data(), text.size());
      if (IN6_IS_ADDR_LINKLOCAL(&v6->sin6_addr)) {
        if (out.link.empty()) out.link = text.data();
      } else {
        out.v6.emplace_back(text.data());
      }
    }
  }
  ::freeifaddrs(list);
  return out;
}

}  // namespace scc::prove
