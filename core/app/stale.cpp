// SPDX-License-Identifier: Apache-2.0
#include "app/stale.h"

#include <set>

#include "app/egress.h"

namespace scc::app {

namespace {

/// "host:port" of each port of each rule with this verdict; a denial of every port is "host".
std::set<std::string> targets_of(const json::Value& rules, std::string_view verdict) {
  std::set<std::string> out;
  for (const json::Value& rule : rules.items()) {
    if (rule.str("/verdict") != verdict) continue;
    const json::Value* ports = rule.at("/ports");
    if (ports == nullptr || ports->items().empty()) out.insert(rule.str("/host"));
    for (const json::Value& port : ports != nullptr ? ports->items() : json::Array{})
      out.insert(rule.str("/host") + ":" + json::dump(port));
  }
  return out;
}

std::string joined(const std::vector<std::string>& parts) {
  std::string out;
  for (const std::string& part : parts) out += (out.empty() ? "" : ", ") + part;
  return out;
}

}  // namespace

std::vector<std::string> no_longer_allowed(const json::Value& was, const json::Value& now) {
  constexpr std::size_t kMost = 5;
  std::vector<std::string> out;
  const std::set<std::string> allowed = targets_of(now, "allow");
  for (const std::string& target : targets_of(was, "allow")) {
    if (allowed.count(target) == 0) out.push_back(target);
  }
  // A new denial may cut what an allowance still lists.
  const std::set<std::string> denied = targets_of(was, "deny");
  for (const std::string& target : targets_of(now, "deny")) {
    if (denied.count(target) == 0) out.push_back(target);
  }
  if (out.size() > kMost) {
    const std::size_t more = out.size() - kMost;
    out.resize(kMost);
    out.push_back("and " + std::to_string(more) + " more");
  }
  return out;
}

std::string narrowed(const json::Value& was, model::NetworkPolicy policy, const json::Value& rules) {
  const auto before = model::network_policy(was.str("/network/mode"));
  if (!before) return {};
  if (policy > *before) {
    return "the network policy is " + std::string(model::to_string(policy)) + " now, and it was made with " +
           std::string(model::to_string(*before));
  }
  if (policy != *before || policy != model::NetworkPolicy::web_egress_enforced) return {};
  const json::Value* old_rules = was.at("/network/rules");
  if (old_rules == nullptr || !rules.is_array()) return "what it may reach cannot be computed any more";
  const std::vector<std::string> gone = no_longer_allowed(*old_rules, rules);
  return gone.empty() ? std::string() : "not allowed any more: " + joined(gone);
}

std::string stale_reason(Host& host, const Governance& now, const json::Value& plan) {
  if (plan.str("/governance/digest") == now.digest) return {};
  json::Value rules;
  if (now.network() == model::NetworkPolicy::web_egress_enforced) {
    const std::string provider = plan.flag("/session/shell") ? "" : plan.str("/provider/id");
    if (const auto found = egress_rules(host, now, provider)) rules = egress::to_json(*found);
  }
  return narrowed(plan, now.network(), rules);
}

}  // namespace scc::app
