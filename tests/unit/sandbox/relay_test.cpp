// SPDX-License-Identifier: Apache-2.0
// The relay carries every byte, hands on an end in one direction only, and has room for a fixed number.
#include "sandbox/relay.h"

#include <arpa/inet.h>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <filesystem>
#include <memory>
#include <netinet/in.h>
#include <string>
#include <thread>
#include <unistd.h>
#include <vector>

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>

#include "sandbox/ask_proxy.h"

namespace {

std::uint16_t port_of(int fd) {
  sockaddr_in address{};
  socklen_t size = sizeof address;
  EXPECT_EQ(::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size), 0);
  return ntohs(address.sin_port);
}

void block(int fd) {
  const timeval limit{5, 0};
  ::setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
  ::setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
  ::fcntl(fd, F_SETFL, ::fcntl(fd, F_GETFL) & ~O_NONBLOCK);
}

std::string read_all(int fd) {
  std::string out;
  char buffer[4096];
  for (;;) {
    const ssize_t got = ::read(fd, buffer, sizeof buffer);
    if (got <= 0) return out;
    out.append(buffer, static_cast<std::size_t>(got));
  }
}

bool send_all(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t sent = ::send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent <= 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(sent));
  }
  return true;
}

/// A relay from a port of loopback to a unix socket, and the listener behind it.
class Carried : public ::testing::Test {
 protected:
  void SetUp() override {
    char name[] = "/tmp/scc-relay-XXXXXX";
    ASSERT_NE(::mkdtemp(name), nullptr);
    folder_ = name;
    path_ = folder_ + "/p.sock";
    server_ = relay_listen_unix(path_.c_str());
    ASSERT_GE(server_, 0);
    block(server_);
    const int listener = relay_listen_tcp(0);
    ASSERT_GE(listener, 0);
    port_ = port_of(listener);
    relay_ = std::make_unique<Relay>();
    relay_start(relay_.get(), listener, RelayTarget{path_.c_str(), 0, 0});
    thread_ = std::thread([this] {
      while (!stop_) relay_step(relay_.get(), -1, 10);
      relay_stop(relay_.get());
    });
  }
  void TearDown() override {
    stop_ = true;
    thread_.join();
    if (server_ >= 0) ::close(server_);
    std::filesystem::remove_all(folder_);
  }
  int connect() const {
    const RelayTarget target{nullptr, port_, 0};
    const int fd = relay_connect(&target);
    EXPECT_GE(fd, 0);
    block(fd);
    return fd;
  }
  int accept() const {
    const int fd = ::accept(server_, nullptr, nullptr);
    if (fd < 0) ADD_FAILURE() << std::strerror(errno);
    block(fd);
    return fd;
  }

  std::string folder_;
  std::string path_;
  int server_ = -1;
  std::uint16_t port_ = 0;
  std::unique_ptr<Relay> relay_;
  std::atomic<bool> stop_{false};
  std::thread thread_;
};

TEST_F(Carried, EveryByteInBothDirections) {
  const int client = connect();
  const int far = accept();
  std::string bytes(3'000'000, '\0');
  for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<char>(i * 7 + i / 251);
  std::thread writer([&] {
    EXPECT_TRUE(send_all(client, bytes));
    ::shutdown(client, SHUT_WR);
  });
  std::thread echo([&] {
    const std::string got = read_all(far);
    EXPECT_EQ(got == bytes, true);
    EXPECT_TRUE(send_all(far, got));
    ::close(far);
  });
  EXPECT_EQ(read_all(client) == bytes, true);
  writer.join();
  echo.join();
  ::close(client);
}

TEST_F(Carried, AnEndInOneDirectionLeavesTheOther) {
  const int client = connect();
  const int far = accept();
  ASSERT_TRUE(send_all(client, "question"));
  ::shutdown(client, SHUT_WR);
  EXPECT_EQ(read_all(far), "question");
  ASSERT_TRUE(send_all(far, "answer"));  // long after the question's end
  ::close(far);
  EXPECT_EQ(read_all(client), "answer");
  ::close(client);
}

TEST_F(Carried, WhoIsNotThereEndsTheConnection) {
  ::close(server_);
  server_ = -1;
  ::unlink(path_.c_str());
  const int client = connect();
  EXPECT_EQ(read_all(client), "");
  ::close(client);
}

TEST_F(Carried, MoreThanThereIsRoomForWait) {
  std::vector<int> clients;
  for (int i = 0; i < kRelayConnections + 3; ++i) clients.push_back(connect());
  std::vector<int> servers;
  for (int i = 0; i < kRelayConnections; ++i) servers.push_back(accept());
  const timeval soon{0, 200'000};
  ::setsockopt(server_, SOL_SOCKET, SO_RCVTIMEO, &soon, sizeof soon);
  EXPECT_LT(::accept(server_, nullptr, nullptr), 0) << "one more than there is room for";
  block(server_);
  for (int i = 0; i < 3; ++i) {
    ::close(clients[static_cast<std::size_t>(i)]);
    ::close(servers[static_cast<std::size_t>(i)]);
  }
  for (int i = 0; i < 3; ++i) servers.push_back(accept());
  const int last = servers.back();
  EXPECT_TRUE(send_all(last, "x"));
  for (std::size_t i = 3; i < clients.size(); ++i) ::close(clients[i]);
  for (std::size_t i = 3; i < servers.size(); ++i) ::close(servers[i]);
}

TEST_F(Carried, AskReadsTheStatusThroughTheRelay) {
  std::thread proxy([this] {
    const int far = accept();
    char request[512] = "";
    EXPECT_GT(::read(far, request, sizeof request - 1), 0);
    EXPECT_EQ(std::string(request), "CONNECT a.invalid:443 HTTP/1.1\r\nHost: a.invalid:443\r\n\r\n");
    EXPECT_TRUE(send_all(far, "HTTP/1.1 403 Forbidden\r\n\r\n"));
    ::close(far);
  });
  const RelayTarget target{nullptr, port_, 0};
  EXPECT_EQ(ask_proxy(&target, "a.invalid:443", 10'000), 403);
  proxy.join();
}

TEST_F(Carried, AskTakesNothingElseForAnAnswer) {
  std::thread proxy([this] {
    for (const char* answer : {"SSH-2.0-OpenSSH_9.2\r\n", "HTTP/1.1 4x3 Forbidden\r\n", "HTTP/1.1 4"}) {
      const int far = accept();
      char request[512];
      EXPECT_GT(::read(far, request, sizeof request), 0);
      EXPECT_TRUE(send_all(far, answer));
      ::close(far);
    }
  });
  const RelayTarget target{nullptr, port_, 0};
  EXPECT_EQ(ask_proxy(&target, "a.invalid:443", 10'000), -EPROTO);
  EXPECT_EQ(ask_proxy(&target, "a.invalid:443", 10'000), -EPROTO);
  EXPECT_EQ(ask_proxy(&target, "a.invalid:443", 10'000), -ECONNRESET);
  proxy.join();
}

TEST(Ask, RefusesWhatCannotBeADestination) {
  const RelayTarget target{nullptr, 1, 0};
  for (const char* where : {"", "a b:443", "a\r\nX: y:443"})
    EXPECT_EQ(ask_proxy(&target, where, 100), -EINVAL);
  EXPECT_EQ(ask_proxy(&target, std::string(301, 'a').c_str(), 100), -EINVAL);
}

TEST(Ask, SaysThatNobodyListens) {
  const int listener = relay_listen_tcp(0);
  const RelayTarget target{nullptr, port_of(listener), 0};
  ::close(listener);
  EXPECT_EQ(ask_proxy(&target, "a.invalid:443", 1000), -ECONNREFUSED);
  const RelayTarget absent{"/nonexistent/scc.sock", 0, 0};
  EXPECT_EQ(ask_proxy(&absent, "a.invalid:443", 1000), -ENOENT);
}

TEST(Listen, TheSocketIsItsOwnersAlone) {
  const std::string path = "/tmp/scc-relay-mode-" + std::to_string(::getpid());
  const int fd = relay_listen_unix(path.c_str());
  ASSERT_GE(fd, 0);
  struct stat info {};
  ASSERT_EQ(::lstat(path.c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777U, 0600U);
  ::close(fd);
  ::unlink(path.c_str());
}

TEST(RelayTargets, APortOfOneAddress) {
  RelayTarget target = {};
  EXPECT_TRUE(relay_parse_inet("3128", &target));
  EXPECT_EQ(target.port, 3128);
  EXPECT_EQ(target.address, 0U);
  EXPECT_TRUE(relay_parse_inet("10.213.0.2:3128", &target));
  EXPECT_EQ(target.address, 0x0AD50002U);
  for (const char* text :
       {"", ":", ":1", "0", "65536", "10.0.0.1", "0.0.0.0:1", "10.0.0.1:", "x:1", "::1:1"}) {
    EXPECT_FALSE(relay_parse_inet(text, &target)) << text;
  }
}

}  // namespace
