// SPDX-License-Identifier: Apache-2.0
// The rules of web-egress-enforced: what all layers, the provider's sets and the hosts of the MCP servers
// come to, as the `rules` of a scc.netpolicy-request/1. Order and bytes are canonical: equal inputs give
// equal bytes. No I/O.
#pragma once

#include "json/value.h"
#include "model/effective.h"

namespace scc::egress {

struct Rule {
  std::string id;  ///< "org/allow/.example.com:8443": unique, made of layer, verdict, host and ports
  bool allow = false;
  std::string host;  ///< "api.example.com", "*.example.com" (not example.com itself); denials also a block
  std::vector<int> ports;  ///< ascending; empty in a denial: every port
  std::string layer;       ///< provider, org, team, project, mcp
  std::string owner;       ///< "org.defaults /defaults/egress/allow/0"
  friend bool operator==(const Rule&, const Rule&) = default;
};
using Rules = std::vector<Rule>;

/// A provider's own set, from its manifest.
struct ProviderSet {
  std::string name;  ///< "<vendor>-core"
  model::Strings hosts;
  std::string provider;
  bool required = false;  ///< the launch rests on it: kept whatever a project narrows
};

/// Empty for a policy that filters nothing or has no network. An allowance without a written port means 443
/// alone; port 80 is open only where somebody wrote it, or an MCP server's URL is http. Kind::config
/// egress.host for a name that cannot be compared safely, egress.address for an allowed address; Kind::policy
/// egress.unknown-set for a set that nobody defines.
Result<Rules> make_rules(const model::Effective& effective, const std::vector<ProviderSet>& sets);

json::Value to_json(const Rules& rules);
/// Kind::config egress.rule.
Result<Rules> read_rules(const json::Value& rules);

}  // namespace scc::egress
