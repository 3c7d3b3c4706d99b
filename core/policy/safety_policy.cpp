// SPDX-License-Identifier: Apache-2.0
#include "policy/safety_policy.h"

namespace scc::policy {

namespace {

json::Value org_rule(const model::SafetyCommand& one) {
  json::Value out;
  if (!one.id.empty()) out["id"] = one.id;
  out["program"] = one.program;
  if (!one.subcommand.empty()) out["subcommand"] = one.subcommand;
  if (!one.flags.empty()) out["flags"] = json::Value::strings(one.flags);
  out["verdict"] = one.verdict;
  if (!one.message.empty()) out["message"] = one.message;
  return out;
}

json::Value check(const model::SafetyCheck& one, const std::map<std::string, std::string>& libraries) {
  const auto found = libraries.find(one.id);
  json::Value out;
  out["id"] = one.id;
  out["sha256"] = found != libraries.end() ? found->second
                  : one.sha256.empty()     ? std::string(64, '0')
                                           : one.sha256;
  if (!one.config.members().empty()) out["config"] = one.config;
  return out;
}

}  // namespace

json::Value safety_policy(const model::Effective& effective,
                          const std::map<std::string, std::string>& libraries) {
  const model::SafetyNet& net = effective.safety_net;
  json::Value out;
  out["schema"] = 1;
  out["action"] = net.action;
  out["source"] = effective.organization_id.empty() ? "default" : "org.security.safety_net";
  out["rules"].object();
  // The older switches first: a rule that is named by its id has the last word.
  for (const auto& [key, on] : net.rules) {
    if (!on) out["rules"][key] = false;
  }
  for (const auto& [rule, level] : net.levels) out["rules"][rule] = level;
  out["network"]["policy"] =
      std::string(model::to_string(effective.network_policy.value_or(model::NetworkPolicy::open)));
  for (const model::SafetyCommand& one : net.commands) out["org_rules"].array().push_back(org_rule(one));
  for (const model::SafetyCheck& one : net.checks) out["checks"].array().push_back(check(one, libraries));
  if (!net.protected_branches.empty()) {
    out["protected_branches"] = json::Value::strings(net.protected_branches);
  }
  if (net.snapshots != model::Snapshots{}) out["snapshots"] = snapshots(net.snapshots);
  return out;
}

json::Value snapshots(const model::Snapshots& snapshots) {
  json::Value out;
  out["enabled"] = snapshots.enabled;
  out["keep"] = snapshots.keep;
  out["days"] = snapshots.days;
  return out;
}

}  // namespace scc::policy
