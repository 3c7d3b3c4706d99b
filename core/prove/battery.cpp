// SPDX-License-Identifier: Apache-2.0
// Names, and what goes past the proxy.
#include "prove/battery.h"

#include <algorithm>

namespace scc::prove {

namespace {

constexpr const char* kSuffix = ".scc-prove.example";  // RFC 2606
constexpr std::size_t kMostAddresses = 24;

std::string name_of(const Targets& targets, const std::string& first) {
  return first + "." + targets.label + kSuffix;
}

class Maker {
 public:
  explicit Maker(const Targets& targets) : targets_(targets) {}
  void add(std::string name, std::string klass, std::string what, std::string words,
           Stage stage = Stage::near) {
    out_.push_back({std::move(name), std::move(klass), std::move(what), std::move(words), stage});
  }
  /// A way to an address that nobody of ours holds. On a network of its own a route may lead to nobody.
  void way(std::string name, std::string what, const std::string& address, bool v6 = false) {
    const bool looks = targets_.inside.empty() || v6;
    add(std::move(name), v6 ? "route6" : "route", std::move(what),
        looks ? "route\t" + address
              : "way\t" + targets_.inside + "\t" + address + "\t" + std::to_string(targets_.port));
  }
  std::vector<Probe> take() { return std::move(out_); }

 private:
  const Targets& targets_;
  std::vector<Probe> out_;
};

void add_stand_in(Maker& make, const Targets& t) {
  const std::string port = std::to_string(t.port);
  make.add("raw/tcp", "tcp", "TCP past the proxy", "tcp\t" + t.stand_in + "\t" + port);
  make.add("raw/udp", "udp", "UDP past the proxy", "udp\t" + t.stand_in + "\t" + port);
  make.add("raw/udp-443", "udp", "UDP to port 443 (QUIC)", "udp\t" + t.stand_in + "\t443");
  make.add("raw/icmp", "icmp", "an ICMP echo", "icmp\t" + t.stand_in);
  make.add("env/unset", "tcp", "HTTPS with the proxy's variables ignored", "tcp\t" + t.stand_in + "\t443");
  make.way("route/internet", "a route to an address of the internet (203.0.113.7)", "203.0.113.7");
  make.way("route/internet6", "a route to an IPv6 address (2001:db8::7)", "2001:db8::7", true);
  make.add("namespace/interfaces", "interfaces",
           t.inside.empty() ? "an interface besides the loopback" : "an interface besides that to the proxy",
           t.inside.empty() ? "interfaces" : "interfaces\t1");
}

void add_dns(Maker& make, const Targets& t) {
  const auto canary = [&](const std::string& way) { return name_of(t, "canary-" + way); };
  make.add("dns/resolver", "resolver", "a random name by way of resolv.conf",
           "resolv\t" + t.stand_in + "\t" + canary("resolver"));
  if (t.inside.empty()) {
    make.add("dns/engine", "bound", "the engine's own resolver (127.0.0.11)", "bound\t127.0.0.11");
  } else {  // some engines have one on every network; it must not know anybody to ask
    make.add("dns/engine", "dns", "the engine's own resolver (127.0.0.11)",
             "answer\t127.0.0.11\tcanary-" + t.label + ".invalid", Stage::distant);
  }
  make.add("dns/udp-53", "dns", "a name server over UDP", "dns\tudp\t" + t.stand_in + "\t" + canary("udp"));
  make.add("dns/tcp-53", "dns-tcp", "a name server over TCP",
           "dns\ttcp\t" + t.stand_in + "\t" + canary("tcp"));
  make.add("dns/tls-853", "tcp", "a name server over TLS", "tcp\t" + t.stand_in + "\t853");
}

void add_machine(Maker& make, const Targets& t) {
  const std::string port = std::to_string(t.port);
  make.add("host/gateway", "gateway", "this machine behind the gateway", "gateway\t" + port);
  make.add("host/names", "hosts", "addresses that /etc/hosts names", "hosts\t" + port);
  for (std::size_t i = 0; i < t.host_v4.size() && i < kMostAddresses; ++i) {
    const std::string& at = t.host_v4[i];
    make.add("host/tcp-" + at, "tcp", "this machine at " + at, "tcp\t" + at + "\t" + port);
    make.add("host/udp-" + at, "udp", "this machine at " + at + ", UDP", "udp\t" + at + "\t" + port);
    if (i == 0) make.add("host/icmp-" + at, "icmp", "an ICMP echo of this machine", "icmp\t" + at);
  }
  for (std::size_t i = 0; i < t.host_v6.size() && i < kMostAddresses; ++i) {
    make.add("host/tcp6-" + std::to_string(i + 1), "ipv6", "this machine at " + t.host_v6[i],
             "tcp\t" + t.host_v6[i] + "\t" + port);
  }
  make.add("ipv6/link-local", "ipv6", "this machine's link-local address on every interface",
           "link6\t" + port + "\t" + (t.host_link.empty() ? "fe80::1" : t.host_link));
}

void add_neighbours(Maker& make, const Targets& t) {
  const std::string port = std::to_string(t.port);
  make.add("sandbox/other", "tcp", "another container", "tcp\t" + t.peer + "\t" + port);
  if (!t.open.empty()) {
    make.add("sandbox/open", "tcp", "a container of the policy open", "tcp\t" + t.open + "\t" + port);
  }
  const char* metadata[][2] = {{"metadata/link-local", "169.254.169.254"},
                               {"metadata/tasks", "169.254.170.2"},
                               {"metadata/carrier", "100.100.100.200"}};
  for (const auto& [name, address] : metadata) {
    make.way(name, std::string("a route to the metadata address ") + address, address);
  }
  make.way("metadata/ipv6", "a route to the metadata address fd00:ec2::254", "fd00:ec2::254", true);
  for (std::size_t i = 0; i < t.engine_sockets.size() && i < kMostAddresses; ++i) {
    make.add("engine/socket-" + std::to_string(i + 1), "unix", "the engine's socket " + t.engine_sockets[i],
             "unix\t" + t.engine_sockets[i]);
  }
}

}  // namespace

Names names_of(const Targets& t) {
  return {name_of(t, "web"),  name_of(t, "loopback"), name_of(t, "loopback6"), name_of(t, "mapped"),
          name_of(t, "zero"), name_of(t, "private"),  name_of(t, "machine"),   name_of(t, "mixed"),
          name_of(t, "flip"), name_of(t, "metadata"), name_of(t, "metadata6")};
}

std::vector<std::string> allowed_names(const Targets& t) {
  const Names n = names_of(t);
  std::vector<std::string> out = {n.web,   n.loopback, n.loopback6, n.mapped,   n.zero,
                                  n.mixed, n.flip,     n.metadata,  n.metadata6};
  const std::string port = ":" + std::to_string(t.port);
  for (const std::string& name : {n.privately, n.host, n.loopback}) out.push_back(name + port);
  return out;
}

std::vector<std::string> zone(const Targets& t) {
  const Names n = names_of(t);
  const std::string machine = t.host_v4.empty() ? "127.0.0.1" : t.host_v4.front();
  return {n.web + "=own",
          n.loopback + "=127.0.0.1",
          n.loopback6 + "=own,::1",
          n.mapped + "=own,::ffff:127.0.0.1",
          n.zero + "=0.0.0.0",
          n.privately + "=" + (t.open.empty() ? machine : t.open),
          n.host + "=" + machine,
          n.mixed + "=own,127.0.0.1",
          n.flip + "~own,127.0.0.1",
          n.metadata + "=169.254.169.254",
          n.metadata6 + "=own,fd00:ec2::254",
          "ptr=" + n.web};
}

std::vector<Probe> raw_probes(const Targets& targets) {
  Maker make(targets);
  add_stand_in(make, targets);
  add_dns(make, targets);
  add_machine(make, targets);
  add_neighbours(make, targets);
  return make.take();
}

}  // namespace scc::prove
