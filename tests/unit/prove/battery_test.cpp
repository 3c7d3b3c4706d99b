// SPDX-License-Identifier: Apache-2.0
#include "prove/battery.h"

#include <algorithm>
#include <set>

#include <gtest/gtest.h>

#include "base/str.h"

namespace scc::prove {
namespace {

Targets targets() {
  Targets out;
  out.label = "abc123";
  out.stand_in = "172.18.0.2";
  out.peer = "172.18.0.3";
  out.open = "172.17.0.2";
  out.host_v4 = {"192.168.7.9", "172.17.0.1"};
  out.host_v6 = {"fd00::2"};
  out.host_link = "fe80::5";
  out.port = 40123;
  out.engine_sockets = {"/var/run/engine.sock"};
  return out;
}

std::vector<Probe> all() {
  std::vector<Probe> out = raw_probes(targets());
  for (Probe& probe : proxy_probes(targets())) out.push_back(std::move(probe));
  return out;
}

const Probe* find(const std::vector<Probe>& probes, const std::string& name) {
  const auto found =
      std::find_if(probes.begin(), probes.end(), [&](const Probe& probe) { return probe.name == name; });
  return found != probes.end() ? &*found : nullptr;
}

TEST(Battery, NamesAreUniqueAndEveryProbeButTheControlHasAClass) {
  std::set<std::string> names;
  for (const Probe& probe : all()) {
    EXPECT_TRUE(names.insert(probe.name).second) << probe.name;
    EXPECT_EQ(probe.klass.empty(), probe.expect == Expect::answered) << probe.name;
    EXPECT_FALSE(probe.what.empty()) << probe.name;
  }
}

/// One line, at most eight words with the id, and nothing in it that would end the line.
TEST(Battery, EveryProbeIsALineThatTheProgramCanRead) {
  for (const Probe& probe : all()) {
    EXPECT_EQ(probe.words.find('\n'), std::string::npos) << probe.name;
    EXPECT_LE(str::split(probe.words, '\t').size(), 7U) << probe.name;
    EXPECT_LT(probe.words.size(), 16'000U) << probe.name;
  }
}

TEST(Battery, HoldsWhatTheIssueAsksFor) {
  const auto probes = all();
  for (const char* name : {"raw/tcp",
                           "raw/udp",
                           "raw/udp-443",
                           "raw/icmp",
                           "env/unset",
                           "host/gateway",
                           "host/tcp-192.168.7.9",
                           "host/udp-172.17.0.1",
                           "dns/engine",
                           "dns/resolver",
                           "dns/udp-53",
                           "dns/tcp-53",
                           "dns/tls-853",
                           "ipv6/link-local",
                           "host/tcp6-1",
                           "route/internet6",
                           "metadata/link-local",
                           "metadata/ipv6",
                           "sandbox/other",
                           "sandbox/open",
                           "engine/socket-1",
                           "literal/decimal",
                           "literal/hex",
                           "literal/octal",
                           "literal/mapped",
                           "literal/bracket",
                           "name/private",
                           "name/flipping",
                           "name/mixed",
                           "http/plain",
                           "port/22",
                           "trick/nul",
                           "trick/control",
                           "trick/trailing-dot",
                           "trick/case",
                           "trick/idn",
                           "smuggling/both-lengths",
                           "proxy/manager",
                           "names/desktop",
                           "names/resolvers",
                           "orphan/tcp"}) {
    EXPECT_NE(find(probes, name), nullptr) << name;
  }
}

/// What nobody of ours holds is looked up in the sandbox, and asked of the proxy only after the near walls.
TEST(Battery, NoPacketIsMeantForAnAddressOfSomebodyElse) {
  const std::vector<std::string> foreign = {"169.254.169.254", "169.254.170.2", "100.100.100.200",
                                            "203.0.113.7",     "2001:db8::7",   "fd00:ec2::254"};
  for (const Probe& probe : all()) {
    for (const std::string& address : foreign) {
      if (probe.words.find(address) == std::string::npos) continue;
      const bool looked_up =
          str::starts_with(probe.words, "route\t") || str::starts_with(probe.words, "way\t");
      EXPECT_TRUE(looked_up || probe.stage == Stage::distant) << probe.name;
    }
  }
  const Names names = names_of(targets());
  for (const Probe& probe : all()) {
    for (const std::string& name : {names.metadata, names.metadata6}) {
      const bool asked_for = probe.words.find("%20" + name) != std::string::npos;
      EXPECT_TRUE(!asked_for || probe.stage == Stage::distant) << probe.name;
    }
  }
}

/// On a network with its proxy a sandbox has one interface by right, and maybe a route to nobody.
TEST(Battery, KnowsWhatASandboxOnANetworkOfItsOwnHasByRight) {
  Targets inside = targets();
  inside.inside = "10.213.0.3/29";
  const auto there = raw_probes(inside);
  const auto here = raw_probes(targets());
  EXPECT_EQ(there.size(), here.size());
  EXPECT_EQ(find(there, "route/internet")->words, "way\t10.213.0.3/29\t203.0.113.7\t40123");
  EXPECT_EQ(find(here, "route/internet")->words, "route\t203.0.113.7");
  EXPECT_EQ(find(there, "metadata/ipv6")->words, find(here, "metadata/ipv6")->words);
  EXPECT_EQ(find(there, "namespace/interfaces")->words, "interfaces\t1");
  EXPECT_EQ(find(there, "dns/engine")->words, "answer\t127.0.0.11\tcanary-abc123.invalid");
  EXPECT_EQ(find(there, "dns/engine")->stage, Stage::distant);
}

TEST(Battery, WritesAnAddressInEverySpelling) {
  const auto probes = all();
  const auto words = [&](const char* name) { return find(probes, name)->words; };
  EXPECT_NE(words("literal/decimal").find("CONNECT%202886860802:443%20"), std::string::npos);
  EXPECT_NE(words("literal/hex").find("%200xac120002:443"), std::string::npos);
  EXPECT_NE(words("literal/octal").find("%20025404400002:443"), std::string::npos);
  EXPECT_NE(words("literal/dotted-octal").find("%200254.022.00.02:443"), std::string::npos);
  EXPECT_NE(words("literal/short").find("%20172.1179650:443"), std::string::npos);
}

TEST(Battery, EscapesWhatIsNoPlainCharacter) {
  EXPECT_EQ(request_words(std::string("a\0b\t%\n\xd0 c", 9)), "http\ta%00b%09%25%0a%d0%20c");
}

TEST(Battery, EveryNameThatIsAllowedIsInTheZone) {
  const auto lines = zone(targets());
  for (const std::string& allowed : allowed_names(targets())) {
    const std::string name = allowed.substr(0, allowed.find(':'));
    EXPECT_TRUE(std::any_of(lines.begin(), lines.end(), [&](const std::string& line) {
      return str::starts_with(line, name + "=") || str::starts_with(line, name + "~");
    })) << name;
  }
}

}  // namespace
}  // namespace scc::prove
