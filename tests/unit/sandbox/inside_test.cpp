// SPDX-License-Identifier: Apache-2.0
// A network with nobody but the proxy: what the kernel's tables say, and what is found when a wall is
// missing.
#include "sandbox/inside.h"

#include <arpa/inet.h>
#include <cstdlib>
#include <string>
#include <unistd.h>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>

#include "find_list.h"

namespace {

using scc::test::taken;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

void drop(NetworkFinding& network) {
  for (FindList* list : {&network.interfaces, &network.addresses, &network.routes, &network.resolvers,
                         &network.gateways, &network.answered, &network.reached}) {
    taken(*list);
  }
}

constexpr const char* kHead =
    "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT\n";
constexpr const char* kOwn = "eth0\t0000D50A\t00000000\t0001\t0\t0\t0\tF8FFFFFF\t0\t0\t0   \n";
constexpr const char* kDefault = "eth0\t00000000\t0100D50A\t0003\t0\t0\t0\t00000000\t0\t0\t0   \n";

struct Inside : ::testing::Test {
  std::vector<std::string> routes(const std::string& lines) {
    FindList found = {};
    FindList gateways = {};
    good = routes_of_inside((kHead + lines).c_str(), &inside, &found, &gateways);
    via = taken(gateways);
    return taken(found);
  }
  InsideAddress inside = {0x0AD50003, 0xFFFFFFF8};  // 10.213.0.3/29
  bool good = false;
  std::vector<std::string> via;
};

TEST_F(Inside, AnAddressHasANetwork) {
  InsideAddress parsed = {};
  EXPECT_TRUE(parse_inside("10.213.0.3/29", &parsed));
  EXPECT_EQ(parsed.address, inside.address);
  EXPECT_EQ(parsed.mask, inside.mask);
  for (const char* text : {"10.213.0.3", "10.213.0.3/", "10.213.0.3/0", "10.213.0.3/32", "/29", "x/29",
                           "10.213.0.3/2x", "2001:db8::1/29"}) {
    EXPECT_FALSE(parse_inside(text, &parsed)) << text;
  }
}

TEST_F(Inside, ItsOwnNetworkIsNoWayOut) {
  EXPECT_THAT(routes(kOwn), IsEmpty());
  EXPECT_THAT(via, IsEmpty());
  EXPECT_TRUE(good);
}

TEST_F(Inside, ADefaultRouteToAPlaceInItIsAskedAbout) {
  EXPECT_THAT(routes(std::string(kDefault) + kOwn), IsEmpty());
  EXPECT_THAT(via, ElementsAre("10.213.0.1"));
}

TEST_F(Inside, EveryOtherRouteIsAWayOut) {
  // Through another network's gateway; to another network; to a part of the own one by a gateway.
  for (const char* line : {"eth1\t00000000\t010011AC\t0003\t0\t0\t0\t00000000\t0\t0\t0\n",
                           "eth1\t000011AC\t00000000\t0001\t0\t0\t0\t0000FFFF\t0\t0\t0\n",
                           "eth1\t0000D50A\t0100D50A\t0003\t0\t0\t0\tF8FFFFFF\t0\t0\t0\n",
                           "eth1\t00000000\t00000000\t0001\t0\t0\t0\t00000000\t0\t0\t0\n",
                           "eth1\t00000000\t0300D50A\t0003\t0\t0\t0\t00000000\t0\t0\t0\n"}) {
    EXPECT_THAT(routes(std::string(kOwn) + line), ElementsAre("eth1")) << line;
  }
}

TEST_F(Inside, TextThatIsNoTableIsNotTakenForAnEmptyOne) {
  FindList none = {};
  EXPECT_FALSE(routes_of_inside("", &inside, &none, &none));
  routes("eth0\tnonsense\n");
  EXPECT_FALSE(good);
  EXPECT_FALSE(answered_gateways("", &none, &none));
}

TEST_F(Inside, AGatewayThatHasALinkAddressIsSomebody) {
  static char gateway[] = "10.213.0.1";
  FindList gateways = {};
  gateways.items[gateways.count++] = gateway;
  const std::string head = "IP address       HW type     Flags       HW address            Mask     Device\n";
  FindList answered = {};
  EXPECT_TRUE(answered_gateways(
      (head + "10.213.0.1       0x1         0x0         00:00:00:00:00:00     *        eth0\n" +
       "10.213.0.2       0x1         0x2         02:42:0a:d5:00:02     *        eth0\n")
          .c_str(),
      &gateways, &answered));
  EXPECT_THAT(taken(answered), IsEmpty());
  EXPECT_TRUE(answered_gateways(
      (head + "10.213.0.1       0x1         0x2         02:42:0a:d5:00:01     *        eth0\n").c_str(),
      &gateways, &answered));
  EXPECT_THAT(taken(answered), ElementsAre("10.213.0.1"));
}

/// On the loopback, where everything can be reached: what is live is found, what is refused as well.
TEST_F(Inside, WhatAnswersIsFound) {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  struct sockaddr_in address {};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  ASSERT_EQ(::bind(fd, reinterpret_cast<struct sockaddr*>(&address), size), 0);  // NOLINT
  ASSERT_EQ(::listen(fd, 4), 0);
  ASSERT_EQ(::getsockname(fd, reinterpret_cast<struct sockaddr*>(&address), &size), 0);  // NOLINT
  const std::string live = "127.0.0.1:" + std::to_string(ntohs(address.sin_port));
  const char* targets[] = {live.c_str(), "127.0.0.1:1", "[::1]:1"};
  CheckOptions options = {};
  options.address = "10.213.0.3/29";
  options.unreachable = targets;
  options.unreachable_count = 2;
  NetworkFinding network = {};
  gather_inside(&options, &network);
  EXPECT_THAT(taken(network.reached), ::testing::UnorderedElementsAre(live, "127.0.0.1:1"));
  drop(network);
  ::close(fd);
}

TEST_F(Inside, ATargetThatIsNoneIsNotPassedOver) {
  const char* targets[] = {"nonsense"};
  CheckOptions options = {};
  options.address = "10.213.0.3/29";
  options.unreachable = targets;
  options.unreachable_count = 1;
  NetworkFinding network = {};
  EXPECT_FALSE(gather_inside(&options, &network));
  drop(network);
}

}  // namespace
