// SPDX-License-Identifier: Apache-2.0
// The egress lists of web-egress-enforced: what each layer adds where it may, what it narrows, the hosts of
// the MCP servers that organisation and team brought, and which servers remain out of reach.
#include <algorithm>

#include "base/str.h"
#include "model/grammar.h"
#include "policy/state.h"
#include "policy/targets.h"

namespace scc::policy {

namespace {

auto unreadable(const std::string& text, const std::string& source, const std::string& rule) {
  return fail(Kind::config, "egress.invalid",
              source + ": " + rule + ": \"" + str::printable(text.substr(0, 128)) + "\" is not a destination",
              "write host, .domain, an address or a CIDR block, with an optional :port");
}

bool provider_set(std::string_view name) {
  return str::ends_with(name, "-core");
}

}  // namespace

Status State::allow_target(const std::string& text, const std::string& source, const std::string& rule) {
  const auto target = parse_target(text);
  if (!target) return unreadable(text, source, rule);
  std::string spelled = to_string(*target);
  if (std::find(out_.egress.allow.begin(), out_.egress.allow.end(), spelled) != out_.egress.allow.end())
    return {};
  decide({"egress", spelled, "allowed by " + source, source, rule, {}, {}, {}});
  out_.egress.allow.push_back(std::move(spelled));
  return {};
}

Status State::deny_targets(const model::Strings& targets, const std::string& source,
                           const std::string& base) {
  for (std::size_t i = 0; i < targets.size(); ++i) {
    const auto target = parse_target(targets[i]);
    if (!target) return unreadable(targets[i], source, pointer(base, i));
    std::string spelled = to_string(*target);
    auto& deny = out_.egress.deny;
    if (std::find(deny.begin(), deny.end(), spelled) != deny.end()) continue;
    decide({"egress.deny", spelled, "denied by " + source, source, pointer(base, i), {}, {}, {}});
    deny.push_back(std::move(spelled));
  }
  return {};
}

Status State::egress_layer(const model::Egress& wanted, const Asker& asker, const std::string& base) {
  SCC_CHECK(deny_targets(wanted.deny, asker.source, base + "/deny"));
  const bool team = asker.layer == Asker::Layer::team;
  if (team && !GlobList(org_.delegation.team_egress).matches(layers_.team)) {
    const Refusal refusal{false,
                          false,
                          "TEAM_NOT_DELEGATED",
                          "team " + layers_.team + " may not add egress (delegation.teams.allow_egress)",
                          "org.delegation",
                          "/delegation/teams/allow_egress"};
    for (std::size_t i = 0; i < wanted.destination_sets.size(); ++i) {
      refuse(refusal, asker, wanted.destination_sets[i], "egress", pointer(base + "/destination_sets", i));
    }
    for (std::size_t i = 0; i < wanted.allow.size(); ++i) {
      refuse(refusal, asker, wanted.allow[i], "egress", pointer(base + "/allow", i));
    }
    return {};
  }
  for (std::size_t i = 0; i < wanted.destination_sets.size(); ++i) {
    const std::string& name = wanted.destination_sets[i];
    const std::string rule = pointer(base + "/destination_sets", i);
    const auto set = org_.destination_sets.find(name);
    if (set == org_.destination_sets.end() && !provider_set(name)) {
      return fail(Kind::policy, "egress.unknown-set",
                  asker.source + ": " + rule + " names the destination set \"" + str::printable(name) +
                      "\", which the organisation does not define",
                  "define it in network.destination_sets, or take it out");
    }
    auto& names = out_.egress.destination_sets;
    if (std::find(names.begin(), names.end(), name) == names.end()) names.push_back(name);
    if (set == org_.destination_sets.end()) continue;  // the provider expands its own
    for (const std::string& text : set->second.destinations)
      SCC_CHECK(allow_target(text, asker.source, rule));
  }
  for (std::size_t i = 0; i < wanted.allow.size(); ++i) {
    SCC_CHECK(allow_target(wanted.allow[i], asker.source, pointer(base + "/allow", i)));
  }
  return {};
}

Status State::narrow_egress(const model::Egress& wanted, const Asker& asker, const std::string& base) {
  SCC_CHECK(deny_targets(wanted.deny, asker.source, base + "/deny"));
  const Refusal refusal{
      false, false, "EGRESS_NARROW_ONLY", "a " + asker.by + " may only narrow egress", "org.delegation", ""};
  for (std::size_t i = 0; i < wanted.destination_sets.size(); ++i) {
    refuse(refusal, asker, wanted.destination_sets[i], "egress", pointer(base + "/destination_sets", i));
  }
  for (std::size_t i = 0; i < wanted.allow.size(); ++i) {
    refuse(refusal, asker, wanted.allow[i], "egress", pointer(base + "/allow", i));
  }
  return {};
}

Status State::egress() {
  out_.egress.deny = builtin_deny();
  SCC_CHECK(deny_targets(org_.security.egress_deny, "org.security", "/security/egress_deny"));
  SCC_CHECK(
      egress_layer(org_.defaults.egress, {Asker::Layer::org, "org.defaults", "org"}, "/defaults/egress"));
  const Asker team{Asker::Layer::team, "team." + layers_.team, "team"};
  if (team_ != nullptr) {
    SCC_CHECK(egress_layer(team_->egress, team, team_base() + "/egress"));
    if (layers_.team_file) SCC_CHECK(egress_layer(layers_.team_file->egress, team, "/egress"));
  }
  for (const McpItem& item : servers_) {
    // What a person or a repository brings opens nothing.
    if (!item.alive || item.asker.layer != Asker::Layer::team || !is_network(item.server)) continue;
    if (const std::string host = mcp_egress(item.server); parse_target(host)) {
      SCC_CHECK(allow_target(host, item.asker.source, item.entry));
    }
  }
  if (layers_.project) {
    const model::Egress& wanted = layers_.project->egress;
    SCC_CHECK(narrow_egress(wanted, {Asker::Layer::project, "project", "project"}, "/egress"));
    if (wanted.only) {
      for (std::size_t i = 0; i < wanted.only->size(); ++i) {
        const std::string& text = (*wanted.only)[i];
        if (!parse_target(text)) return unreadable(text, "project", pointer("/egress/only", i));
      }
      out_.egress.allow = narrow(out_.egress.allow, *wanted.only);
      out_.egress.only = wanted.only;  // the provider's other sets are cut by it too
      decide({"egress.only",
              str::join(*wanted.only, ", "),
              "narrowed by project config",
              "project",
              "/egress/only",
              {},
              {},
              {}});
    }
  }
  return {};
}

void State::reachable_servers() {
  if (out_.network_policy != model::NetworkPolicy::web_egress_enforced) return;
  for (const McpItem& item : servers_) {
    if (!item.alive || !is_network(item.server)) continue;
    const auto url = model::grammar::split_url(item.server.url);
    const auto target = url ? parse_target(mcp_egress(item.server)) : std::nullopt;
    const bool denied = target && find_cover(out_.egress.deny, *target) < out_.egress.deny.size();
    if (target && !denied && find_cover(out_.egress.allow, *target) < out_.egress.allow.size()) continue;
    warn("MCP_EGRESS_UNREACHABLE: MCP server " + mcp_item(item.server) + " (" + item.asker.source +
         "): " + mcp_destination(item.server) +
         (denied ? " is in the egress deny list" : " is not in the egress allow list"));
  }
}

}  // namespace scc::policy
