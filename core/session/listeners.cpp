// SPDX-License-Identifier: Apache-2.0
#include "session/listeners.h"

#include <algorithm>
#include <arpa/inet.h>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstdint>
#include <cstring>
#include <ifaddrs.h>
#include <memory>
#include <netinet/in.h>
#include <optional>
#include <poll.h>
#include <unistd.h>
#include <utility>

#include <sys/socket.h>

namespace scc::session {

namespace {

constexpr std::size_t kMostListeners = 128;
constexpr int kBacklog = 256;
constexpr int kReachMs = 200;

using Address = struct sockaddr_storage;

socklen_t size_of(const Address& address) {
  return static_cast<socklen_t>(address.ss_family == AF_INET ? sizeof(struct sockaddr_in)
                                                             : sizeof(struct sockaddr_in6));
}

const struct sockaddr* raw(const Address& address) {
  return reinterpret_cast<const struct sockaddr*>(&address);  // NOLINT: the socket interface
}

os::Fd new_socket(int family) {
  return os::Fd(::socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
}

/// On every address of the family; port 0: any.
os::Fd listen_everywhere(int family, in_port_t port) {
  os::Fd fd = new_socket(family);
  if (!fd) return fd;
  Address any{};
  any.ss_family = static_cast<sa_family_t>(family);
  if (family == AF_INET6) {
    const int on = 1;
    static_cast<void>(::setsockopt(fd.get(), IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on));
    reinterpret_cast<struct sockaddr_in6&>(any).sin6_port = port;  // NOLINT: the socket interface
  } else {
    reinterpret_cast<struct sockaddr_in&>(any).sin_port = port;  // NOLINT: the socket interface
  }
  if (::bind(fd.get(), raw(any), size_of(any)) != 0 || ::listen(fd.get(), kBacklog) != 0) fd.reset();
  return fd;
}

in_port_t port_of(const os::Fd& fd) {
  struct sockaddr_in address {};
  socklen_t size = sizeof address;
  if (::getsockname(fd.get(), reinterpret_cast<struct sockaddr*>(&address), &size) != 0) return 0;  // NOLINT
  return address.sin_port;
}

/// This machine's addresses, with the port; not those of loopback and link.
std::vector<Address> own_addresses(in_port_t port) {
  struct ifaddrs* list = nullptr;
  if (::getifaddrs(&list) != 0) return {};
  const std::unique_ptr<struct ifaddrs, decltype(&::freeifaddrs)> freed(list, &::freeifaddrs);
  std::vector<Address> out;
  for (const struct ifaddrs* entry = list; entry != nullptr; entry = entry->ifa_next) {
    if (entry->ifa_addr == nullptr) continue;
    Address address{};
    if (entry->ifa_addr->sa_family == AF_INET) {
      auto& v4 = reinterpret_cast<struct sockaddr_in&>(address);  // NOLINT: the socket interface
      std::memcpy(&v4, entry->ifa_addr, sizeof v4);
      v4.sin_port = port;
      if ((ntohl(v4.sin_addr.s_addr) >> 24U) == 127U) continue;
    } else if (entry->ifa_addr->sa_family == AF_INET6) {
      auto& v6 = reinterpret_cast<struct sockaddr_in6&>(address);  // NOLINT: the socket interface
      std::memcpy(&v6, entry->ifa_addr, sizeof v6);
      v6.sin6_port = port;
      if (IN6_IS_ADDR_LOOPBACK(&v6.sin6_addr) || IN6_IS_ADDR_LINKLOCAL(&v6.sin6_addr)) continue;
    } else {
      continue;
    }
    out.push_back(address);
  }
  return out;
}

std::string text_of(const Address& address) {
  std::array<char, INET6_ADDRSTRLEN> text{};
  if (address.ss_family == AF_INET) {
    const auto& v4 = reinterpret_cast<const struct sockaddr_in&>(address);  // NOLINT: the socket interface
    ::inet_ntop(AF_INET, &v4.sin_addr, text.data(), text.size());
    return std::string(text.data()) + ":" + std::to_string(ntohs(v4.sin_port));
  }
  const auto& v6 = reinterpret_cast<const struct sockaddr_in6&>(address);  // NOLINT: the socket interface
  ::inet_ntop(AF_INET6, &v6.sin6_addr, text.data(), text.size());
  return "[" + std::string(text.data()) + "]:" + std::to_string(ntohs(v6.sin6_port));
}

/// Nothing for what is no IPv4 network.
std::optional<std::pair<std::uint32_t, std::uint32_t>> network_of(const std::string& inside) {
  const std::size_t slash = inside.find('/');
  struct in_addr address {};
  unsigned bits = 0;
  if (slash == std::string::npos) return std::nullopt;
  const char* const end = inside.data() + inside.size();
  const auto [after, code] = std::from_chars(inside.data() + slash + 1, end, bits);
  if (code != std::errc{} || after != end || bits == 0 || bits > 31) return std::nullopt;
  if (::inet_pton(AF_INET, inside.substr(0, slash).c_str(), &address) != 1) return std::nullopt;
  const std::uint32_t mask = 0xFFFFFFFFU << (32U - bits);
  return std::pair{ntohl(address.s_addr) & mask, mask};
}

bool within(const Address& address, std::pair<std::uint32_t, std::uint32_t> network) {
  if (address.ss_family != AF_INET) return false;
  const auto& v4 = reinterpret_cast<const struct sockaddr_in&>(address);  // NOLINT: the socket interface
  return (ntohl(v4.sin_addr.s_addr) & network.second) == network.first;
}

bool reachable(const Address& address) {
  const os::Fd fd = new_socket(address.ss_family);
  if (!fd) return false;
  if (::connect(fd.get(), raw(address), size_of(address)) == 0) return true;
  if (errno != EINPROGRESS) return false;
  struct pollfd ready = {fd.get(), POLLOUT, 0};
  int error = 0;
  socklen_t size = sizeof error;
  return ::poll(&ready, 1, kReachMs) == 1 &&
         ::getsockopt(fd.get(), SOL_SOCKET, SO_ERROR, &error, &size) == 0 && error == 0;
}

/// What this machine's own attempts left waiting.
void drop_waiting(const os::Fd& listener) {
  for (;;) {
    const os::Fd waiting(::accept4(listener.get(), nullptr, nullptr, SOCK_CLOEXEC));
    if (!waiting) return;
  }
}

}  // namespace

Result<Listeners> Listeners::open() {
  Listeners out;
  os::Fd v4 = listen_everywhere(AF_INET, 0);
  const in_port_t port = v4 ? port_of(v4) : 0;
  if (port != 0) {
    out.sockets_.push_back(std::move(v4));
    // A machine without IPv6 has nothing to be reached at; one where the port is taken has it at another.
    if (os::Fd v6 = listen_everywhere(AF_INET6, port)) out.sockets_.push_back(std::move(v6));
  }
  for (const Address& address : own_addresses(port)) {
    if (port == 0 || out.addresses_.size() == kMostListeners) continue;
    if (reachable(address)) out.addresses_.push_back(text_of(address));
    for (const os::Fd& listener : out.sockets_) drop_waiting(listener);
  }
  std::sort(out.addresses_.begin(), out.addresses_.end());
  out.addresses_.erase(std::unique(out.addresses_.begin(), out.addresses_.end()), out.addresses_.end());
  if (!out.addresses_.empty()) return out;
  return fail(
      Kind::prereq, "verify.listeners",
      "no listener on an address of this machine can be reached from itself, so it cannot be shown that "
      "the sandbox reaches none",
      "use the transport that needs none: scc config set network.enforced.transport socket");
}

Status host_stays_out(const std::string& inside) {
  const auto network = network_of(inside);
  if (!network) return fail(Kind::internal, "verify.host-address", "no network of the sandbox: " + inside);
  for (const Address& address : own_addresses(0)) {
    if (!within(address, *network)) continue;
    const std::string text = text_of(address);
    return fail(Kind::prereq, "verify.host-address",
                "this machine has the address " + text.substr(0, text.rfind(':')) +
                    " in the sandbox's network " + inside +
                    ", which must hold nobody but the proxy; the agent was not started",
                "see who gave it away: ip address show; then take it away or stop the sandbox: scc stop");
  }
  return {};
}

}  // namespace scc::session
