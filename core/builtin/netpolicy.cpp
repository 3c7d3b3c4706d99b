// SPDX-License-Identifier: Apache-2.0
// The two network policies without a gateway. `open`: the engine's bridge, or a network that the user names;
// it isolates nothing and says so (enforced: false, no checks). `locked-down-web`: no network at all, which
// the container engine itself provides; what was seen from inside is the checker's evidence.
#include <algorithm>
#include <string>
#include <vector>

#include <scc/sdk/plugin.hpp>

#include "builtin/builtin.h"

namespace scc::builtin {

namespace {

using sdk::Json;

constexpr std::size_t kMaxDns = 8;

bool network_name(std::string_view s) {
  const auto plain = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '.' || c == '-';
  };
  if (s.empty() || s.size() > 128 || !std::all_of(s.begin(), s.end(), plain)) return false;
  if (s.front() == '.' || s.front() == '-') return false;
  // Words that engines read as a mode: the host's own network would end every isolation.
  return s != "host" && s != "none" && s != "private" && s != "default";
}

bool address(std::string_view s) {
  return !s.empty() && s.size() <= 45 && std::all_of(s.begin(), s.end(), [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F') || c == '.' || c == ':';
  });
}

/// What both policies share: nothing is created, so nothing is released.
class Passive {
 public:
  sdk::NetAttachment apply(const Json& plan) const {
    sdk::NetAttachment out;
    out.network.mode = plan.str("/network/mode");
    out.network.name = plan.str("/network/name");
    out.dns = plan.strings("/dns");
    return out;
  }
  sdk::NetEvidence verify(const Json& /*attachment*/) const { return {}; }
  void release(const Json& /*attachment*/) const {}
};

class Open : public Passive {
 public:
  sdk::NetPlan plan(const Json& request) const {
    sdk::NetPlan out;
    out.mode = "open";
    out.network.mode = "bridge";
    const std::string name = request.str("/config/network");
    if (!name.empty()) {
      if (!network_name(name)) {
        throw sdk::Failure(SCC_E_CONFIG, "network.name",
                           "\"" + name + "\" is not a network that open can use",
                           "name a network of the engine in network.open.network, not a mode such as host");
      }
      out.network.mode = "named";
      out.network.name = name;
    }
    out.dns = request.strings("/config/dns");
    if (out.dns.size() > kMaxDns || !std::all_of(out.dns.begin(), out.dns.end(), address)) {
      throw sdk::Failure(SCC_E_CONFIG, "network.dns", "network.open.dns must be at most 8 IP addresses",
                         "correct network.open.dns in your configuration");
    }
    out.notes = {"open: the sandbox reaches whatever the network reaches; nothing is filtered"};
    return out;
  }
};

class LockedDown : public Passive {
 public:
  sdk::NetPlan plan(const Json& /*request*/) const {
    sdk::NetPlan out;
    out.mode = "locked-down-web";
    out.network.mode = "none";
    out.notes = {"locked-down-web: the sandbox has no network; nothing verified it yet"};
    return out;
  }
};

constexpr scc_component kComponents[] = {sdk::netpolicy<Open>("open"),
                                         sdk::netpolicy<LockedDown>("locked-down-web")};
constexpr scc_plugin_v1 kPlugin = {sizeof(scc_plugin_v1),
                                   SCC_ABI_MAJOR,
                                   SCC_ABI_MINOR,
                                   "builtin-network",
                                   SCC_VERSION,
                                   kComponents,
                                   sizeof(kComponents) / sizeof(kComponents[0]),
                                   sizeof(scc_component),
                                   nullptr};

}  // namespace

std::vector<const scc_plugin_v1*> plugins() {
  return {&kPlugin, &safety_plugin()};
}

}  // namespace scc::builtin
