// SPDX-License-Identifier: Apache-2.0
// The gates that a plugin or an MCP server passes on its way into effect: block list, delegation, allow list,
// network, command, name. Block lists come first, so that a blocked item is reported as blocked even where
// the layer could not have added it. An exception lifts a gate at the gate, so all the later ones still run.
#include "base/str.h"
#include "model/parse.h"
#include "policy/state.h"

namespace scc::policy {

namespace {

Refusal deny(std::string code, std::string reason, std::string source, std::string rule) {
  return {false, true, std::move(code), std::move(reason), std::move(source), std::move(rule)};
}
Refusal block(std::string code, std::string reason, std::string source, std::string rule, bool liftable) {
  return {true, liftable, std::move(code), std::move(reason), std::move(source), std::move(rule)};
}

}  // namespace

std::optional<Refusal> State::team_rule(Thing thing) const {
  const model::Delegation& delegation = org_.delegation;
  const model::Strings* list = &delegation.team_plugins;
  std::string_view key = "allow_additional_plugins";
  std::string_view what = "plugins";
  if (thing == Thing::mcp) {
    list = &delegation.team_mcp_servers, key = "allow_additional_mcp_servers", what = "MCP servers";
  } else if (thing == Thing::dev) {
    list = &delegation.team_dev_commands, key = "allow_dev_environment_commands", what = "commands";
  } else if (thing == Thing::image) {
    list = &delegation.team_base_images, key = "allow_base_images", what = "images";
  }
  if (GlobList(*list).matches(layers_.team)) return std::nullopt;
  return deny("TEAM_NOT_DELEGATED",
              "team " + layers_.team + " may not add " + std::string(what) + " (delegation.teams." +
                  std::string(key) + ")",
              "org.delegation", pointer({"delegation", "teams", key}));
}

std::optional<Refusal> State::project_rule() const {
  if (team_ == nullptr) {
    return deny("PROJECT_NO_TEAM", "without a team a project may add nothing", "org.delegation", "");
  }
  if (!org_.delegation.projects_inherit) {
    return deny("PROJECT_ORG_DISABLED", "projects may add nothing (inherit_team_delegation: false)",
                "org.delegation", "/delegation/projects/inherit_team_delegation");
  }
  if (!team_->allow_project_overrides) {
    return deny("PROJECT_TEAM_DISABLED",
                "projects of team " + layers_.team + " may add nothing (allow_project_overrides: false)",
                "team." + layers_.team, team_base() + "/delegation/allow_project_overrides");
  }
  return std::nullopt;
}

std::optional<Refusal> State::delegated(const Asker& asker, Thing thing) const {
  if (out_.standalone || asker.layer == Asker::Layer::org) return std::nullopt;
  if (asker.layer == Asker::Layer::personal) {
    if (org_.delegation.personal_profiles) return std::nullopt;
    return deny("PERSONAL_DISABLED", "personal profiles are switched off (allow_personal_profiles: false)",
                "org.delegation", "/delegation/users/allow_personal_profiles");
  }
  if (asker.layer == Asker::Layer::team) return team_rule(thing);
  if (auto refusal = project_rule()) return refusal;
  // A project must not add what its own team may not; 1.0.0 documents were written for less.
  const bool strict = org_.at_least_1_1() || thing == Thing::dev || thing == Thing::image;
  return strict ? team_rule(thing) : std::nullopt;
}

std::optional<Refusal> State::plugin_refusal(const Asker& asker, const std::string& ref) const {
  if (const auto hit = blocked_plugins_.find_plugin(ref)) {
    return block("SECURITY_PLUGIN_PATTERN", blocked_plugins_.pattern(*hit), "org.security",
                 pointer("/security/blocked_plugins", *hit), true);
  }
  if (auto refusal = delegated(asker, Thing::plugin)) return refusal;
  if (asker.layer != Asker::Layer::org && allowed_plugins_ && !allowed_plugins_->matches_plugin(ref)) {
    return deny("NOT_ALLOWLISTED", "not in defaults.allowed_plugins", "org.defaults",
                "/defaults/allowed_plugins");
  }
  return std::nullopt;
}

void State::refuse(const Refusal& refusal, const Asker& asker, std::string item, std::string_view type,
                   std::string entry) {
  if (refusal.blocked) {
    out_.blocked.push_back({std::move(item), refusal.reason, refusal.source, std::string(type), refusal.code,
                            asker.by, refusal.rule, std::move(entry)});
  } else {
    out_.denied.push_back({std::move(item), asker.by, refusal.reason, std::string(type), refusal.code,
                           refusal.source, refusal.rule, std::move(entry)});
  }
}

void State::unknown_marketplace(const std::string& ref) {
  const std::string market = ref.substr(ref.find('@') + 1);
  if (out_.standalone || market == model::implicit_marketplace() || markets_.count(fold(market)) > 0) return;
  if (!warned_markets_.insert(market).second) return;
  warn("plugin " + ref + ": marketplace " + market + " is not defined");
}

void State::request_plugin(const Asker& asker, const std::string& text, std::string entry) {
  const auto ref = model::normalise_plugin_ref(text, aliases_);
  if (!ref) {
    const std::string item(str::trim(text));
    if (!plugin_answered_.insert(item + "\n" + asker.by).second) return;
    refuse(deny("INVALID_REF", ref.error().message, asker.source, entry), asker, item, "plugin", entry);
    return;
  }
  const std::string key = fold(*ref);
  if (!plugin_answered_.insert(key + "\n" + asker.by).second) return;
  if (const auto found = plugin_index_.find(key); found != plugin_index_.end()) {
    plugins_[found->second].also.emplace_back(asker.by, std::move(entry));
    return;
  }
  std::optional<Lift> lifted;
  if (const auto refusal = plugin_refusal(asker, *ref)) {
    lifted = lift(*refusal, *ref);
    if (!lifted) {
      refuse(*refusal, asker, *ref, "plugin", std::move(entry));
      return;
    }
    applied(*lifted);
  }
  if (const auto off = personal_off_.find(key); off != personal_off_.end()) {
    out_.disabled.push_back({*ref, "personal", "plugin", asker.by, off->second, std::move(entry)});
    return;
  }
  model::Decision decision{"plugins", *ref, layer_reason(asker), asker.source, entry, entry, {}, {}};
  if (lifted) {
    decision.reason =
        (lifted->source == "policy" ? "policy exception: " : "local override: ") + lifted->exception->reason;
    decision.source = lifted->source;
    decision.rule = lifted->rule;
    decision.exception_id = lifted->exception->id;
    decision.expires_at = lifted->exception->expires_at;
  }
  plugin_index_.emplace(key, plugins_.size());
  plugins_.push_back({*ref, asker, std::move(entry), {}, decide(std::move(decision)), true});
  unknown_marketplace(*ref);
}

std::optional<Refusal> State::mcp_refusal(const Asker& asker, const model::McpServer& server,
                                          bool catalogued) {
  if (const auto hit = find_block(blocked_mcp_, server)) {
    return block("SECURITY_MCP_PATTERN", blocked_mcp_.pattern(*hit), "org.security",
                 pointer("/security/blocked_mcp_servers", *hit), true);
  }
  if (!catalogued) {
    if (auto refusal = delegated(asker, Thing::mcp)) return refusal;
  }
  if (!allowed_mcp_) return std::nullopt;
  bool by_name = false;
  if (find_allow(*allowed_mcp_, server, !org_.at_least_1_1(), &by_name)) {
    if (by_name) {
      warn("MCP server " + server.name +
           " is allowed by the name it gave itself; write the pattern as name:<glob>, or for its host");
    }
    return std::nullopt;
  }
  return deny("NOT_ALLOWLISTED", "not in defaults.allowed_mcp_servers", "org.defaults",
              "/defaults/allowed_mcp_servers");
}

std::optional<Refusal> State::network_refusal(const model::McpServer& server) const {
  if (out_.network_policy != model::NetworkPolicy::locked_down_web || !is_network(server))
    return std::nullopt;
  std::string rule = "/defaults/network_policy";
  if (const auto field = fields_.find("network_policy"); field != fields_.end()) {
    rule = out_.decisions[field->second].rule;
  }
  return block("NETWORK_LOCKED_DOWN", "network_policy=locked-down-web",
               out_.network_source.empty() ? "org.defaults" : out_.network_source, rule, false);
}

std::optional<Refusal> State::stdio_refusal(const model::McpServer& server) const {
  if (out_.standalone || is_network(server)) return std::nullopt;
  if (const auto refusal = check_stdio(server, stdio_)) {
    return block(refusal->code, refusal->reason, "org.security", refusal->rule, false);
  }
  return std::nullopt;
}

void State::request_mcp(const Asker& asker, model::McpServer server, std::string entry, bool catalogued,
                        bool required) {
  server.type = mcp_type(server);
  const std::string item = mcp_item(server);
  if (const std::string problem = mcp_problem(server); !problem.empty()) {
    refuse(deny("INVALID_REF", "not an MCP server: " + problem, asker.source, entry), asker, item,
           "mcp_server", entry);
    return;
  }
  std::optional<Lift> lifted;
  auto refusal = mcp_refusal(asker, server, catalogued);
  if (refusal && (lifted = lift(*refusal, asker, server))) refusal.reset();
  if (!refusal) refusal = network_refusal(server);
  if (!refusal) refusal = stdio_refusal(server);
  const std::string key = fold(item);
  if (refusal) {
    // A blocked server keeps its name: another one under the same name would look like the approved one, and
    // a block would let through what it did not before.
    if (refusal->blocked) claimed_.emplace(key, asker.source);
    refuse(*refusal, asker, item, "mcp_server", std::move(entry));
    return;
  }
  if (const auto claim = claimed_.emplace(key, asker.source); !claim.second) {
    out_.ignored.push_back({"mcp_servers." + item, item, item, asker.source,
                            "the name is taken by " + claim.first->second, "DUPLICATE_NAME", "", entry});
    return;
  }
  model::Decision decision{"mcp_servers", item, layer_reason(asker), asker.source, entry, entry, {}, {}};
  if (lifted) {
    applied(*lifted);
    decision.reason =
        (lifted->source == "policy" ? "policy exception: " : "local override: ") + lifted->exception->reason;
    decision.source = lifted->source;
    decision.rule = lifted->rule;
    decision.exception_id = lifted->exception->id;
    decision.expires_at = lifted->exception->expires_at;
  }
  servers_.push_back(
      {std::move(server), asker, std::move(entry), decide(std::move(decision)), required, true});
}

}  // namespace scc::policy
