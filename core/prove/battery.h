// SPDX-License-Identifier: Apache-2.0
// The attack battery of `scc prove` (spec: runtime.md §8) as data: what is tried from inside the sandbox, and
// which control shows that the same attempt works where no wall is. Pure: equal inputs give equal lines.
//
// No packet leaves for an address that is not ours. The raw attempts go to listeners of this run (hop limit
// 1); an address that nobody of ours holds is looked up in the sandbox's routing table only. What the proxy
// is asked to reach in its place (Stage::distant) is asked only after the same walls held for our own
// addresses.
#pragma once

#include <string>
#include <vector>

namespace scc::prove {

/// Where the run's own listeners are.
struct Targets {
  std::string label;     ///< random; part of every name, so that a name in the record is this run's
  std::string stand_in;  ///< IPv4 address of the stand-in internet, which is also the proxy's name server
  std::string peer;      ///< of another container beside it
  std::string open;      ///< of a container of the policy "open"; empty: there is none
  std::vector<std::string> host_v4;  ///< every address of this machine
  std::vector<std::string> host_v6;  ///< without link-local ones
  std::string host_link;             ///< one link-local address of this machine, without scope; empty: none
  int port = 0;                      ///< on which all of these listen, TCP and UDP
  std::vector<std::string> engine_sockets;
  std::string inside;  ///< "10.213.0.2/29", the sandbox on a network with its proxy; empty: it has no network
  std::string proxy;   ///< ADDRESS:PORT there
};

enum class Stage { near, distant, orphaned };  ///< orphaned: the proxy was killed

enum class Expect {
  unreached,  ///< nothing answers
  refused,    ///< the proxy says no, and has not tried
  answered,   ///< a control: the stand-in answers
  contained,  ///< each answer is the allowed name's or a refusal
};

struct Probe {
  std::string name;   ///< stable: "raw/tcp", "name/loopback"
  std::string klass;  ///< whose control must have worked
  std::string what;   ///< for people
  std::string words;  ///< operation and arguments of scc-probe, between tabs
  Stage stage = Stage::near;
  Expect expect = Expect::unreached;
};

/// Names that the stand-in resolves, and that the policy of the run lets through.
struct Names {
  std::string web, loopback, loopback6, mapped, zero, privately, host, mixed, flip, metadata, metadata6;
};
Names names_of(const Targets& targets);
/// The rules of the run: "name" or "name:port".
std::vector<std::string> allowed_names(const Targets& targets);
/// What the stand-in is told about names: arguments of `scc-probe serve`.
std::vector<std::string> zone(const Targets& targets);

/// What every sandbox is tried with.
std::vector<Probe> raw_probes(const Targets& targets);
/// What the proxy of an enforced one is asked.
std::vector<Probe> proxy_probes(const Targets& targets);

/// The request of CONNECT, and any bytes, as scc-probe reads them.
std::string connect_words(const std::string& target, const std::string& host = {});
std::string request_words(const std::string& bytes);

}  // namespace scc::prove
