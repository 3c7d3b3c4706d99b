// SPDX-License-Identifier: Apache-2.0
// The effective configuration as one canonical document: what a launch's plan names by its digest. Values of
// env and headers may hold secrets and stay out; their names are in.
#include <algorithm>

#include "model/parse.h"
#include "policy/compute.h"
#include "policy/safety_policy.h"

namespace scc::policy {

namespace {

json::Value map_of(const model::StringMap& map) {
  json::Object out;
  for (const auto& [key, value] : map) out.emplace(key, value);
  return json::Value(std::move(out));
}

json::Value names_of(const model::StringMap& map) {
  model::Strings names;
  for (const auto& [key, value] : map) names.push_back(key);
  return json::Value::strings(names);
}

template <class T, class F>
json::Value list_of(const std::vector<T>& items, F&& one) {
  json::Array out;
  for (const T& item : items) out.push_back(one(item));
  return json::Value(std::move(out));
}

void set(json::Value& out, std::string_view key, const std::string& value) {
  if (!value.empty()) out[key] = value;
}

}  // namespace

json::Value to_json(const model::Decision& decision) {
  json::Value out;
  out["field"] = decision.field;
  out["value"] = decision.value;
  out["reason"] = decision.reason;
  out["source"] = decision.source;
  set(out, "rule", decision.rule);
  set(out, "exception_id", decision.exception_id);
  set(out, "expires_at", decision.expires_at);
  return out;
}

json::Value to_json(const model::Blocked& blocked) {
  json::Value out;
  out["item"] = blocked.item;
  out["blocked_by"] = blocked.blocked_by;
  out["source"] = blocked.source;
  out["target_type"] = blocked.target_type;
  out["code"] = blocked.code;
  out["requested_by"] = blocked.requested_by;
  set(out, "rule", blocked.rule);
  set(out, "entry", blocked.entry);
  return out;
}

json::Value to_json(const model::Denied& denied) {
  json::Value out;
  out["item"] = denied.item;
  out["requested_by"] = denied.requested_by;
  out["reason"] = denied.reason;
  out["target_type"] = denied.target_type;
  out["code"] = denied.code;
  out["source"] = denied.source;
  set(out, "rule", denied.rule);
  set(out, "entry", denied.entry);
  return out;
}

json::Value to_json(const model::Ignored& ignored) {
  json::Value out;
  out["field"] = ignored.field;
  out["requested_value"] = ignored.requested_value;
  out["effective_value"] = ignored.effective_value;
  out["source"] = ignored.source;
  out["reason"] = ignored.reason;
  out["code"] = ignored.code;
  set(out, "rule", ignored.rule);
  set(out, "entry", ignored.entry);
  return out;
}

json::Value to_json(const model::Disabled& disabled) {
  json::Value out;
  out["item"] = disabled.item;
  out["source"] = disabled.source;
  out["target_type"] = disabled.target_type;
  out["requested_by"] = disabled.requested_by;
  set(out, "rule", disabled.rule);
  set(out, "entry", disabled.entry);
  return out;
}

json::Value to_json(const model::EffectiveBundle& bundle) {
  json::Value out;
  out["name"] = bundle.name;
  out["source"] = bundle.source;
  out["install_intent"] = bundle.install_intent;
  out["artifacts"] = json::Value::strings(bundle.artifacts);
  out["portable"] = json::Value::strings(bundle.portable);
  out["skipped"] = list_of(bundle.skipped, [](const auto& one) {
    json::Value item;
    item["artifact"] = one.first;
    item["reason"] = one.second;
    return item;
  });
  return out;
}

json::Value to_json(const model::Egress& egress) {
  json::Value out;
  out["destination_sets"] = json::Value::strings(egress.destination_sets);
  out["allow"] = json::Value::strings(egress.allow);
  out["deny"] = json::Value::strings(egress.deny);
  if (egress.only) out["only"] = json::Value::strings(*egress.only);
  return out;
}

namespace {

json::Value server(const model::EffectiveMcp& item) {
  json::Value out;
  out["name"] = item.server.name;
  out["type"] = item.server.type;
  out["source"] = item.source;
  set(out, "url", item.server.url);
  set(out, "command", item.server.command);
  if (!item.server.args.empty()) out["args"] = json::Value::strings(item.server.args);
  if (!item.server.env.empty()) out["env"] = names_of(item.server.env);
  if (!item.server.headers.empty()) out["headers"] = names_of(item.server.headers);
  return out;
}

json::Value actions(const std::vector<model::EffectiveDevAction>& items) {
  return list_of(items, [](const model::EffectiveDevAction& item) {
    json::Value out = model::to_json(item.action);
    out["source"] = item.source;
    return out;
  });
}

json::Value marketplaces(const std::map<std::string, model::Marketplace>& markets) {
  json::Object out;
  for (const auto& [alias, market] : markets) {
    json::Value one;
    one["source"] = market.source;
    set(one, "owner", market.owner);
    set(one, "repo", market.repo);
    set(one, "url", market.url);
    set(one, "branch", market.branch);
    set(one, "path", market.path);
    set(one, "materialization_mode", market.materialization_mode);
    if (!market.headers.empty()) one["headers"] = names_of(market.headers);
    out.emplace(alias, std::move(one));
  }
  return json::Value(std::move(out));
}

json::Value plugin_policy(const model::PluginPolicy& policy) {
  json::Value out;
  out["present"] = policy.present;
  out["mode"] = policy.mode;
  out["allow"] = list_of(policy.allow, [](const model::PluginRule& rule) {
    json::Value one;
    one["id"] = rule.id;
    set(one, "version", rule.version);
    one["sha256"] = json::Value::strings(rule.sha256);
    if (rule.grants) one["grants"] = json::Value::strings(*rule.grants);
    return one;
  });
  out["deny"] = json::Value::strings(policy.deny);
  out["required"] = json::Value::strings(policy.required);
  out["allow_user"] = policy.allow_user;
  out["locked"] = policy.locked;
  return out;
}

json::Value command(const model::SafetyCommand& one) {
  json::Value out;
  out["id"] = one.id.empty() ? "org." + one.program : one.id;
  out["program"] = one.program;
  out["subcommand"] = one.subcommand;
  out["flags"] = json::Value::strings(one.flags);
  out["verdict"] = one.verdict;
  out["message"] = one.message;
  return out;
}

json::Value safety(const model::SafetyNet& net) {
  json::Value out;
  out["action"] = net.action;
  json::Object rules;
  for (const auto& [rule, on] : net.rules) rules.emplace(rule, on);
  out["rules"] = json::Value(std::move(rules));
  out["fell_back"] = net.fell_back;
  if (!net.levels.empty()) {
    for (const auto& [rule, level] : net.levels) out["levels"][rule] = level;
  }
  if (!net.protected_branches.empty()) {
    out["protected_branches"] = json::Value::strings(net.protected_branches);
  }
  if (net.snapshots != model::Snapshots{}) out["snapshots"] = snapshots(net.snapshots);
  if (!net.unguarded_images.empty()) out["unguarded_images"] = json::Value::strings(net.unguarded_images);
  for (const model::SafetyCommand& one : net.commands) out["commands"].array().push_back(command(one));
  for (const model::SafetyCheck& one : net.checks) {
    json::Value item;
    item["id"] = one.id;
    if (!one.sha256.empty()) item["sha256"] = one.sha256;
    if (!one.config.members().empty()) item["config"] = one.config;
    out["checks"].array().push_back(std::move(item));
  }
  return out;
}

void limits(const model::Effective& effective, json::Value& out) {
  if (effective.network_policy) {
    out["network_policy"] = model::to_string(*effective.network_policy);
    out["network_source"] = effective.network_source;
  }
  out["enforcer"]["id"] = effective.enforcer.id;
  out["enforcer"]["sha256"] = effective.enforcer.sha256;
  const model::EnforcedNetwork& own = effective.enforced_network;
  out["enforced_network"]["transport"] = own.transport;
  out["enforced_network"]["network"] = own.network;
  out["enforced_network"]["dns"] = json::Value::strings(own.dns);
  out["enforced_network"]["internal_blocks"] = json::Value::strings(own.internal_blocks);
  out["enforced_network"]["upstream_proxy"] = own.upstream_proxy;
  out["enforced_network"]["own_settings"] = effective.allow_network_settings;
  out["session"] = json::Object{};
  if (effective.session.timeout_hours) out["session"]["timeout_hours"] = *effective.session.timeout_hours;
  if (effective.session.auto_resume) out["session"]["auto_resume"] = *effective.session.auto_resume;
  if (effective.session.enforce_live) out["session"]["enforce_live"] = *effective.session.enforce_live;
  if (effective.allowed_providers)
    out["allowed_providers"] = json::Value::strings(*effective.allowed_providers);
  out["blocked_base_images"] = json::Value::strings(effective.blocked_base_images);
  if (effective.allowed_base_images) {
    out["allowed_base_images"] = json::Value::strings(*effective.allowed_base_images);
  }
}

}  // namespace

json::Value to_json(const model::Effective& effective) {
  json::Value out;
  out["schema"] = "scc.effective/1";
  out["standalone"] = effective.standalone;
  out["organization"]["name"] = effective.organization_name;
  out["organization"]["id"] = effective.organization_id;
  out["team"] = effective.team;
  out["plugins"] = json::Value::strings(effective.plugins);
  out["plugin_sources"] = map_of(effective.plugin_sources);
  out["mcp_servers"] = list_of(effective.mcp_servers, server);
  limits(effective, out);
  out["dev_environment"]["commands"] = actions(effective.dev_commands);
  out["dev_environment"]["logs"] = actions(effective.dev_logs);
  out["dev_environment"]["health_checks"] = actions(effective.dev_health_checks);
  out["egress"] = to_json(effective.egress);
  out["images"] = map_of(effective.images);
  out["bundles"] = list_of(effective.bundles, [](const auto& one) { return to_json(one); });
  out["safety_net"] = safety(effective.safety_net);
  out["scc_plugins"] = plugin_policy(effective.scc_plugins);
  out["marketplaces"] = marketplaces(effective.marketplaces);
  out["decisions"] = list_of(effective.decisions, [](const auto& one) { return to_json(one); });
  out["blocked"] = list_of(effective.blocked, [](const auto& one) { return to_json(one); });
  out["denied"] = list_of(effective.denied, [](const auto& one) { return to_json(one); });
  out["ignored"] = list_of(effective.ignored, [](const auto& one) { return to_json(one); });
  out["disabled"] = list_of(effective.disabled, [](const auto& one) { return to_json(one); });
  out["warnings"] = json::Value::strings(effective.warnings);
  out["applied_exceptions"] = json::Value::strings(effective.applied_exceptions);
  return out;
}

}  // namespace scc::policy
