// SPDX-License-Identifier: Apache-2.0
// From the code of a refusal to the edits that might undo it. Narrow ones come first: an exception for one
// item before an entry in a list, an entry before a switch or a pattern that many depend on.
#include "policy/advice.h"

#include <algorithm>

#include "base/str.h"
#include "policy/mcp.h"
#include "policy/state.h"
#include "policy/targets.h"

namespace scc::policy {

namespace {

constexpr std::int64_t kHour = 3600;
constexpr std::int64_t kDay = 24 * kHour;
constexpr std::size_t kTeams = 20;  ///< how many teams are tried for somebody who chose none

/// "/defaults/allowed_plugins/-" -> "defaults.allowed_plugins"
std::string dotted(std::string_view pointer) {
  std::string out(pointer.substr(1));
  if (const std::size_t slash = out.rfind('/'); slash != std::string::npos) {
    const std::string last = out.substr(slash + 1);
    if (last == "-" || last.find_first_not_of("0123456789") == std::string::npos) out.resize(slash);
  }
  std::replace(out.begin(), out.end(), '/', '.');
  return out;
}

json::Value targets(const model::Strings& plugins, const model::Strings& servers) {
  json::Value out;
  out["plugins"] = json::Value::strings(plugins);
  out["mcp_servers"] = json::Value::strings(servers);
  return out;
}

}  // namespace

Advisor::Advisor(const Layers& layers) : layers_(layers) {
  if (layers.org == nullptr) return;
  base_ = *layers.org;
  if (!layers.team.empty()) {
    std::map<std::string, model::Team> kept;
    if (auto node = base_.profiles.extract(layers.team)) kept.insert(std::move(node));
    base_.profiles = std::move(kept);
  }
  layers_.org = &base_;
}

std::string Advisor::who(const Change& change) const {
  if (change.layer == "project") return "the project's maintainers";
  if (change.layer == "personal" || change.layer == "exception" || change.layer == "user") return "you";
  const std::string& contact = base_.organization.contact;
  const std::string owners = change.layer == "org" ? "organisation owners" : "owners of " + change.layer;
  return contact.empty() ? owners : owners + " (" + str::printable(contact) + ")";
}

std::string Advisor::sentence(const Change& change) const {
  const std::string value = str::printable(change.value);
  if (change.layer == "user") return "choose a team: scc team switch " + value;
  if (change.pointer == "/exceptions/-") {
    const auto exception = json::parse(change.value);
    const model::Strings plugins = exception ? exception->strings_at("/allow/plugins") : model::Strings{};
    const model::Strings servers = exception ? exception->strings_at("/allow/mcp_servers") : model::Strings{};
    const std::string target =
        str::printable(plugins.empty() ? servers.empty() ? "" : servers[0] : plugins[0]);
    if (change.layer == "exception") return "scc unblock " + target + " --reason WHY";
    return "add an exception for " + target + " to the organisation's document";
  }
  std::string file = "the organisation's document";
  if (change.layer == "project") file = "the project file";
  if (change.layer == "personal") file = "your personal profile";
  if (str::starts_with(change.layer, "team.")) file = "the file of " + change.layer;
  const std::string where = dotted(change.pointer) + " in " + file;
  if (change.action == "set") return "set " + where + " to " + value;
  if (change.action == "remove") return "remove " + (value.empty() ? "" : "\"" + value + "\" from ") + where;
  return "add \"" + value + "\" to " + where;
}

Change Advisor::change(std::string layer, std::string pointer, std::string action, std::string value) const {
  Change out{std::move(layer), std::move(pointer), std::move(action), std::move(value), {}, {}};
  out.who = who(out);
  out.text = sentence(out);
  return out;
}

Change Advisor::policy_exception(const model::Strings& plugins, const model::Strings& servers) const {
  json::Value value;
  value["id"] = "EXC-" + std::to_string(base_.exceptions.size() + 1);
  value["reason"] = "say why";
  value["expires_at"] = model::format_time(layers_.now + 30 * kDay);
  value["allow"] = targets(plugins, servers);
  return change("org", "/exceptions/-", "add", json::dump(value));
}

Change Advisor::local_override(const model::Strings& plugins, const model::Strings& servers) const {
  json::Value value;
  const std::string today = model::format_time(layers_.now).substr(0, 10);
  value["id"] = "local-" + today.substr(0, 4) + today.substr(5, 2) + today.substr(8, 2) + "-0000";
  value["scope"] = "local";
  value["reason"] = "say why";
  value["created_at"] = model::format_time(layers_.now);
  value["expires_at"] = model::format_time(
      layers_.now + std::min<std::int64_t>(8, base_.delegation.max_override_hours) * kHour);
  value["allow"] = targets(plugins, servers);
  return change("exception", "/exceptions/-", "add", json::dump(value));
}

/// The entry that decided, taken out of its list.
Change Advisor::removal(const Verdict& verdict) const {
  std::string layer = "org";
  if (verdict.source == "project" || verdict.source == "personal") layer = verdict.source;
  if (str::starts_with(verdict.source, "team.") && !str::starts_with(verdict.rule, "/profiles/")) {
    layer = verdict.source;
  }
  std::string value;
  const std::size_t slash = verdict.rule.rfind('/');
  const std::string index = slash == std::string::npos ? "" : verdict.rule.substr(slash + 1);
  const bool number = !index.empty() && index.find_first_not_of("0123456789") == std::string::npos;
  const auto entry = [&](const model::Strings& list) {
    const std::size_t at = number && index.size() < 7 ? std::stoul(index) : list.size();
    if (at < list.size()) value = list[at];
  };
  if (verdict.code == "SECURITY_PLUGIN_PATTERN") entry(base_.security.blocked_plugins);
  if (verdict.code == "SECURITY_MCP_PATTERN") entry(base_.security.blocked_mcp_servers);
  if (verdict.code == "IMAGE_PATTERN") entry(base_.security.blocked_base_images);
  if (verdict.rule.find("/security/egress_deny/") == 0) entry(base_.security.egress_deny);
  return change(layer, verdict.rule, "remove", value);
}

const model::McpServer* Advisor::server_at(const Verdict& verdict) const {
  return requested_server(layers_, verdict.requested_by, verdict.entry);
}

Advisor::Candidates Advisor::for_delegation(const std::string& item, bool plugin,
                                            const Verdict& verdict) const {
  Candidates out;
  const std::string& code = verdict.code;
  if (code == "TEAM_NOT_DELEGATED") out.push_back(change("org", verdict.rule + "/-", "add", layers_.team));
  if (code == "PROJECT_TEAM_DISABLED" || code == "PROJECT_ORG_DISABLED" || code == "PERSONAL_DISABLED") {
    out.push_back(change("org", verdict.rule, "set", "true"));
  }
  if (code == "PROJECT_NO_TEAM") {
    std::size_t tried = 0;
    for (const auto& [name, team] : base_.profiles) {
      if (++tried > kTeams) break;
      if (team.allow_project_overrides) out.push_back(change("user", "/selected_profile", "set", name));
    }
  }
  if (code == "NOT_ALLOWLISTED") {
    const model::McpServer* server = plugin ? nullptr : server_at(verdict);
    std::string value = item;
    if (server != nullptr) {
      value = is_network(*server) ? mcp_destination(*server) : normal_path(server->command).value_or("");
    }
    if (plugin || server != nullptr) out.push_back(change("org", verdict.rule + "/-", "add", value));
  }
  return out;
}

Advisor::Candidates Advisor::for_network() const {
  Candidates out;
  if (layers_.project && layers_.project->network_policy) {
    out.push_back(change("project", "/network_policy", "remove", ""));
  }
  if (layers_.team_file && layers_.team_file->network_policy) {
    out.push_back(change("team." + layers_.team, "/network_policy", "remove", ""));
  }
  const auto team = base_.profiles.find(layers_.team);
  if (team != base_.profiles.end() && team->second.network_policy) {
    out.push_back(change("org", pointer({"profiles", layers_.team, "network_policy"}), "remove", ""));
  }
  for (const char* value : {"web-egress-enforced", "open"}) {
    if (layers_.org != nullptr) out.push_back(change("org", "/defaults/network_policy", "set", value));
  }
  return out;
}

Advisor::Candidates Advisor::for_item(const std::string& item, bool plugin, const Verdict& verdict) const {
  Candidates out;
  const bool exceptable = verdict.verdict == "denied" || str::starts_with(verdict.code, "SECURITY_");
  if (exceptable && verdict.code != "INVALID_REF") {
    model::Strings targets{item};
    if (const model::McpServer* server = plugin ? nullptr : server_at(verdict)) {
      // The names of servers that a person or a repository defines do not count against the block list.
      if (verdict.verdict == "blocked" && verdict.requested_by != "team") {
        targets = {is_network(*server) ? mcp_destination(*server) : server->command};
      }
    }
    const model::Strings none;
    if (verdict.verdict == "denied") {
      const std::string local =
          plugin ? item : override_target(layers_, item, verdict.requested_by, verdict.entry);
      out.push_back(
          local_override(plugin ? model::Strings{local} : none, plugin ? none : model::Strings{local}));
    }
    out.push_back(policy_exception(plugin ? targets : none, plugin ? none : targets));
  }
  if (verdict.verdict == "denied") {
    for (Change& one : for_delegation(item, plugin, verdict)) out.push_back(std::move(one));
  }
  if (str::starts_with(verdict.code, "SECURITY_") || verdict.verdict == "disabled")
    out.push_back(removal(verdict));
  if (verdict.code == "NETWORK_LOCKED_DOWN") {
    for (Change& one : for_network()) out.push_back(std::move(one));
  }
  if (verdict.code == "STDIO_DISABLED")
    out.push_back(change("org", "/security/allow_stdio_mcp", "set", "true"));
  if (verdict.code == "STDIO_PREFIX") {
    const model::McpServer* server = server_at(verdict);
    const auto path = server != nullptr ? normal_path(server->command) : std::nullopt;
    if (path) out.push_back(change("org", "/security/allowed_stdio_prefixes/-", "add", *path));
  }
  if (verdict.code == "INVALID_REF" && plugin && item.find('@') == std::string::npos) {
    // An ambiguous name: say which marketplace.
    const std::string layer = verdict.requested_by;
    for (const auto& [alias, market] : base_.marketplaces) {
      if (layer == "project") out.push_back(change("project", verdict.entry, "set", item + "@" + alias));
      if (layer == "team") {
        const bool in_org = str::starts_with(verdict.entry, "/profiles/");
        out.push_back(
            change(in_org ? "org" : "team." + layers_.team, verdict.entry, "set", item + "@" + alias));
      }
    }
  }
  return out;
}

Advisor::Candidates Advisor::for_unrequested(const std::string& plugin) const {
  Candidates out;
  out.push_back(change("personal", pointer({"plugins", plugin}), "add", "true"));
  out.push_back(change("project", "/additional_plugins/-", "add", plugin));
  if (layers_.org == nullptr) return out;
  if (!layers_.team.empty()) {
    out.push_back(
        change("org", pointer({"profiles", layers_.team, "additional_plugins", "-"}), "add", plugin));
  }
  out.push_back(change("org", "/defaults/enabled_plugins/-", "add", plugin));
  return out;
}

Advisor::Candidates Advisor::for_host(const std::string& host, const Verdict& verdict) const {
  Candidates out;
  if (verdict.code == "EGRESS_DENY" && verdict.source != "builtin") out.push_back(removal(verdict));
  if (verdict.code == "TEAM_NOT_DELEGATED")
    out.push_back(change("org", verdict.rule + "/-", "add", layers_.team));
  if (verdict.code == "NETWORK_LOCKED_DOWN") out = for_network();
  if (verdict.verdict == "denied") {
    if (layers_.project && layers_.project->egress.only) {
      out.push_back(change("project", "/egress/only/-", "add", host));
    }
    if (layers_.team_file) out.push_back(change("team." + layers_.team, "/egress/allow/-", "add", host));
    if (layers_.org != nullptr && !layers_.team.empty()) {
      out.push_back(change("org", pointer({"profiles", layers_.team, "egress", "allow", "-"}), "add", host));
    }
    if (layers_.org != nullptr) out.push_back(change("org", "/defaults/egress/allow/-", "add", host));
  }
  return out;
}

Advisor::Candidates Advisor::for_list(const std::string& item, const Verdict& verdict) const {
  Candidates out;
  if (verdict.code == "IMAGE_PATTERN") out.push_back(removal(verdict));
  if (verdict.code == "NOT_ALLOWLISTED" || verdict.code == "PROVIDER_NOT_ALLOWED") {
    out.push_back(change(verdict.source == "project" ? "project" : "org", verdict.rule + "/-", "add", item));
  }
  if (verdict.code == "TEAM_NOT_DELEGATED" || str::starts_with(verdict.code, "PROJECT_")) {
    for (Change& one : for_delegation(item, false, verdict)) out.push_back(std::move(one));
  }
  return out;
}

bool Advisor::works(const Change& change, const std::string& item, std::string_view kind) {
  model::Org storage;
  const auto changed = apply(layers_, change, storage);
  if (!changed) return false;
  ++asked_;
  const auto effective = compute(*changed);
  if (!effective) return false;
  return judge(*changed, *effective, canonical_item(*changed, *effective, item, kind), kind).allowed();
}

Verdict Advisor::hypothetical(const std::string& plugin) {
  model::Org storage;
  const auto changed =
      apply(layers_, change("personal", pointer({"plugins", plugin}), "add", "true"), storage);
  ++asked_;
  const auto effective = changed ? compute(*changed) : Result<model::Effective>(fail(changed.error()));
  return effective ? judge(*changed, *effective, plugin, "plugin") : Verdict{};
}

std::vector<Change> Advisor::changes(const std::string& item, std::string_view kind, const Verdict& verdict,
                                     std::size_t most) {
  Candidates candidates;
  if (verdict.allowed()) return candidates;
  if (kind == "plugin" && verdict.verdict == "not requested") {
    candidates = for_unrequested(item);
  } else if (kind == "plugin" || kind == "mcp_server") {
    candidates = for_item(item, kind == "plugin", verdict);
  } else if (kind == "host") {
    candidates = for_host(item, verdict);
  } else {
    candidates = for_list(item, verdict);
  }
  std::vector<Change> out;
  for (Change& one : candidates) {
    if (out.size() < most && works(one, item, kind)) out.push_back(std::move(one));
  }
  return out;
}

}  // namespace scc::policy
