// SPDX-License-Identifier: Apache-2.0
// What a sandbox must not reach is really there while it looks, and gone afterwards.
#include "session/listeners.h"

#include <arpa/inet.h>
#include <cerrno>
#include <unistd.h>

#include <gtest/gtest.h>
#include <sys/socket.h>

namespace scc::session {
namespace {

int connect_to(const std::string& target) {
  const std::size_t colon = target.rfind(':');
  struct sockaddr_in address {};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<std::uint16_t>(std::stoi(target.substr(colon + 1))));
  if (::inet_pton(AF_INET, target.substr(0, colon).c_str(), &address.sin_addr) != 1) return -1;
  const os::Fd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  return ::connect(fd.get(), reinterpret_cast<struct sockaddr*>(&address), sizeof address) == 0  // NOLINT
             ? 0
             : errno;
}

TEST(Listeners, AreLiveWhileTheyAreHeld) {
  std::string target;
  {
    const auto open = Listeners::open();
    if (!open) {
      ASSERT_EQ(open.error().id, "verify.listeners");
      GTEST_SKIP() << open.error().message;
    }
    for (const std::string& one : open->addresses()) {
      EXPECT_NE(one.substr(0, 4), "127.");
      EXPECT_NE(one.substr(0, 5), "[fe80");
      if (one.front() != '[') target = one;
    }
    ASSERT_FALSE(target.empty());
    EXPECT_EQ(connect_to(target), 0);
  }
  EXPECT_EQ(connect_to(target), ECONNREFUSED);
}

TEST(Listeners, AreNotAskedWhereThisMachineIsInTheNetwork) {
  EXPECT_TRUE(host_stays_out("203.0.113.3/29"));
  const auto open = Listeners::open();
  if (!open) GTEST_SKIP() << open.error().message;
  for (const std::string& one : open->addresses()) {
    if (one.front() == '[') continue;
    const std::string address = one.substr(0, one.rfind(':'));
    const Status refused = host_stays_out(address + "/29");
    ASSERT_FALSE(refused) << one;
    EXPECT_EQ(refused.error().id, "verify.host-address");
    EXPECT_EQ(refused.error().kind, Kind::prereq);
    EXPECT_NE(refused.error().message.find(address + ' '), std::string::npos) << refused.error().message;
  }
}

TEST(Listeners, NeedANetwork) {
  for (const char* const inside : {"", "192.0.2.3", "192.0.2.3/", "192.0.2.3/0", "192.0.2.3/32",
                                   "192.0.2.3/8x", "2001:db8::1/64", "/29"}) {
    const Status out = host_stays_out(inside);
    ASSERT_FALSE(out) << inside;
    EXPECT_EQ(out.error().id, "verify.host-address");
  }
}

}  // namespace
}  // namespace scc::session
