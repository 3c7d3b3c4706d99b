// SPDX-License-Identifier: Apache-2.0
// A real server on a unix socket or on loopback whose answers are scripted byte by byte; one thread, one
// connection after another. It ends by itself: a connection that stays silent is closed after ten seconds.
#pragma once

#include <arpa/inet.h>
#include <atomic>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <netinet/in.h>
#include <poll.h>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <unistd.h>

#include <sys/socket.h>
#include <sys/un.h>

namespace scc::net::test {

/// A directory that goes with the test.
class TempDir {
 public:
  TempDir() {
    std::string pattern = (std::filesystem::temp_directory_path() / "scc-net-XXXXXX").string();
    if (mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("mkdtemp");
    path_ = pattern;
  }
  ~TempDir() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  TempDir(const TempDir&) = delete;
  TempDir& operator=(const TempDir&) = delete;
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

/// The server's end of one connection.
class Peer {
 public:
  explicit Peer(int fd) : fd_(fd) {}
  ~Peer() { close(); }
  Peer(const Peer&) = delete;
  Peer& operator=(const Peer&) = delete;

  /// One request with its body (content-length or chunked text as it came); empty at the end.
  std::string request() {
    while (true) {
      const auto head = seen_.find("\r\n\r\n");
      if (head != std::string::npos) {
        const auto end = body_end(head + 4);
        if (end != std::string::npos) {
          const std::string whole = seen_.substr(0, end);
          seen_.erase(0, end);
          return whole;
        }
      }
      if (!more()) return {};
    }
  }
  /// Everything up to the peer's half close.
  std::string rest() {
    while (more()) {
    }
    return std::exchange(seen_, {});
  }
  /// At least `size` bytes.
  std::string take(std::size_t size) {
    while (seen_.size() < size && more()) {
    }
    const std::string out = seen_.substr(0, size);
    seen_.erase(0, out.size());
    return out;
  }
  bool send(std::string_view bytes) const {
    while (!bytes.empty()) {
      const auto sent = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (sent <= 0) return false;
      bytes.remove_prefix(static_cast<std::size_t>(sent));
    }
    return true;
  }
  /// Waits until the client goes away.
  void wait_closed() {
    while (more()) {
    }
  }
  void close() {
    if (fd_ >= 0) ::close(fd_);
    fd_ = -1;
  }

 private:
  bool more() {
    pollfd entry{fd_, POLLIN, 0};
    if (poll(&entry, 1, 10'000) <= 0) return false;
    char buffer[65536];
    const auto size = recv(fd_, buffer, sizeof buffer, 0);
    if (size <= 0) return false;
    seen_.append(buffer, static_cast<std::size_t>(size));
    return true;
  }
  std::size_t body_end(std::size_t start) const {
    const auto head = seen_.substr(0, start);
    if (head.find("Transfer-Encoding: chunked") != std::string::npos) {
      const auto end = seen_.find("\r\n0\r\n\r\n", start - 2);
      return end == std::string::npos ? end : end + 7;
    }
    const auto length = head.find("Content-Length: ");
    const auto size =
        length == std::string::npos ? 0 : std::strtoull(head.c_str() + length + 16, nullptr, 10);
    return seen_.size() >= start + size ? start + size : std::string::npos;
  }

  int fd_;
  std::string seen_;
};

class RawServer {
 public:
  using Script = std::function<void(Peer&)>;
  enum class Over { unix_socket, loopback };

  explicit RawServer(Script script, Over over = Over::unix_socket) : script_(std::move(script)) {
    over == Over::unix_socket ? listen_unix() : listen_loopback();
    if (listen(fd_, 8) != 0) throw std::runtime_error("listen");
    thread_ = std::thread([this] { serve(); });
  }
  ~RawServer() {
    stopping_ = true;
    shutdown(fd_, SHUT_RDWR);
    thread_.join();
    ::close(fd_);
  }
  RawServer(const RawServer&) = delete;
  RawServer& operator=(const RawServer&) = delete;

  const std::string& url() const { return url_; }
  int connections() const { return connections_; }

 private:
  void listen_unix() {
    fd_ = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const std::string path = (dir_.path() / "s").string();
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path.copy(address.sun_path, sizeof address.sun_path - 1);
    if (bind(fd_, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0)
      throw std::runtime_error("bind");
    url_ = "unix://" + path;
  }
  void listen_loopback() {
    fd_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    auto* raw = reinterpret_cast<sockaddr*>(&address);
    if (bind(fd_, raw, size) != 0 || getsockname(fd_, raw, &size) != 0) throw std::runtime_error("bind");
    url_ = "tcp://127.0.0.1:" + std::to_string(ntohs(address.sin_port));
  }
  void serve() {
    while (!stopping_) {
      const int fd = accept4(fd_, nullptr, nullptr, SOCK_CLOEXEC);
      if (fd < 0) return;
      ++connections_;
      Peer peer(fd);
      script_(peer);
    }
  }

  TempDir dir_;
  Script script_;
  int fd_ = -1;
  std::string url_;
  std::atomic<bool> stopping_{false};
  std::atomic<int> connections_{0};
  std::thread thread_;
};

}  // namespace scc::net::test
