// SPDX-License-Identifier: Apache-2.0
// What leads out of a network namespace, from the kernel's own text.
#include "sandbox/network.h"

#include <cstdlib>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "find_list.h"

namespace {

using scc::test::taken;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

TEST(Network, ATableWithoutLinesHasNoRoute) {
  FindList found = {};
  EXPECT_TRUE(routes_of_ipv4("Iface\tDestination\tGateway \tFlags\n", &found));
  EXPECT_THAT(taken(found), IsEmpty());
}

TEST(Network, EveryRouteOfAnotherInterfaceIsFound) {
  FindList found = {};
  EXPECT_TRUE(routes_of_ipv4(
      "Iface\tDestination\tGateway\neth0\t00000000\t010011AC\nlo\t0000007F\t0\neth0\t000011AC\t0\n", &found));
  EXPECT_THAT(taken(found), ElementsAre("eth0", "eth0"));
}

TEST(Network, TextThatIsNoTableIsNotTakenForAnEmptyOne) {
  FindList found = {};
  EXPECT_FALSE(routes_of_ipv4("", &found));
  EXPECT_FALSE(routes_of_ipv6("nonsense\n", &found));
  EXPECT_THAT(taken(found), IsEmpty());
}

TEST(Network, Ipv6RoutesEndWithTheirInterface) {
  const std::string local =
      "00000000000000000000000000000001 80 0 00 0 00000000 00000002 00000000 80200001       lo\n";
  FindList none = {};
  EXPECT_TRUE(routes_of_ipv6(local.c_str(), &none));
  EXPECT_THAT(taken(none), IsEmpty());
  FindList found = {};
  const std::string link =
      "fe800000000000000000000000000000 40 0 00 0 00000100 00000001 00000000 00000001     eth0\n";
  EXPECT_TRUE(routes_of_ipv6((local + link).c_str(), &found));
  EXPECT_THAT(taken(found), ElementsAre("eth0"));
}

TEST(Network, ResolversElsewhereAreFound) {
  FindList found = {};
  resolvers_of(
      "# nameserver 192.0.2.9\nsearch x\nnameserver 127.0.0.11\n nameserver\t192.0.2.53 \nnameserver ::1\n"
      "nameserver 2001:db8::53\nnameserver 127",
      &found);
  EXPECT_THAT(taken(found), ElementsAre("192.0.2.53", "2001:db8::53", "127"));
}

TEST(Network, NothingIsLookedAtUnlessAsked) {
  CheckOptions options = {};
  static NetworkFinding network;
  gather_network(&options, &network);
  EXPECT_FALSE(network.looked);
}

}  // namespace
