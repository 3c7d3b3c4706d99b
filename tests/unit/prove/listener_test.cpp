// SPDX-License-Identifier: Apache-2.0
#include "prove/listener.h"

#include <arpa/inet.h>
#include <array>
#include <netinet/in.h>
#include <unistd.h>

#include <gtest/gtest.h>
#include <sys/socket.h>

namespace scc::prove {
namespace {

std::string ask(int type, int port) {
  const os::Fd fd(::socket(AF_INET, type | SOCK_CLOEXEC, 0));
  struct sockaddr_in at {};
  at.sin_family = AF_INET;
  at.sin_port = htons(static_cast<std::uint16_t>(port));
  at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (::connect(fd.get(), reinterpret_cast<const struct sockaddr*>(&at), sizeof at) != 0)
    return "";  // NOLINT
  if (type == SOCK_DGRAM && ::send(fd.get(), "x", 1, 0) != 1) return "";
  std::array<char, 64> buffer{};
  const ssize_t n = ::recv(fd.get(), buffer.data(), buffer.size(), 0);
  return n > 0 ? std::string(buffer.data(), static_cast<std::size_t>(n)) : "";
}

TEST(Listener, AnswersWithItsTokenAndEndsAtOnce) {
  const auto folder = os::make_temp_dir("/tmp", "scc-listener-");
  ASSERT_TRUE(folder);
  int port = 0;
  {
    auto listener = Listener::open("token", *folder / "x.sock");
    ASSERT_TRUE(listener) << listener.error().message;
    port = listener->port();
    EXPECT_EQ(ask(SOCK_STREAM, port), "scc-prove token\n");
    EXPECT_EQ(ask(SOCK_DGRAM, port), "scc-prove token\n");
    EXPECT_FALSE(Listener::open("token", *folder / "x.sock")) << "the socket is there already";
  }
  EXPECT_EQ(ask(SOCK_STREAM, port), "");
  EXPECT_TRUE(os::remove_tree(*folder));
}

}  // namespace
}  // namespace scc::prove
