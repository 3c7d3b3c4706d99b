// SPDX-License-Identifier: Apache-2.0
#include "model/invariants.h"

#include <algorithm>
#include <array>
#include <set>
#include <unordered_set>

#include "base/str.h"
#include "model/glob.h"
#include "model/grammar.h"
#include "model/shape.h"

namespace scc::model {

namespace {

/// The item as people may see it in a message: printable, short, in quotes.
std::string quoted(std::string_view text) {
  return "\"" + str::printable(text.substr(0, 128)) + "\"";
}

/// What patterns of servers are matched against. Hosts are the parsed ones: no port, user or spelling hides
/// them.
struct Candidates {
  Strings block;
  Strings allow;
};
Candidates candidates(const McpServer& server, bool name_allows) {
  Candidates out;
  out.block.push_back(server.name);
  if (name_allows) out.allow.push_back(server.name);
  const auto both = [&](std::string text) {
    out.allow.push_back(text);
    out.block.push_back(std::move(text));
  };
  if (!server.url.empty()) both(server.url);
  if (const auto url = grammar::split_url(server.url)) {
    both(url->host);
    if (url->port > 0) both(url->host + ":" + std::to_string(url->port));
  }
  if (!server.command.empty()) {
    both(server.command);
    out.block.push_back(server.command.substr(server.command.rfind('/') + 1));
  }
  return out;
}

/// "name:<glob>" entries of an allow list, which alone may match a self-chosen name.
Strings name_patterns(const Strings& patterns) {
  constexpr std::string_view kPrefix = "name:";
  Strings out;
  for (const std::string& pattern : patterns) {
    const std::string_view text = str::trim(pattern);
    if (str::starts_with(text, kPrefix)) out.emplace_back(text.substr(kPrefix.size()));
  }
  return out;
}

class Invariants {
 public:
  explicit Invariants(const Org& org)
      : org_(org),
        blocked_plugins_(org.security.blocked_plugins),
        blocked_servers_(org.security.blocked_mcp_servers),
        allowed_plugins_(org.defaults.allowed_plugins.value_or(Strings{})),
        allowed_servers_(org.defaults.allowed_mcp_servers.value_or(Strings{})),
        allowed_names_(name_patterns(org.defaults.allowed_mcp_servers.value_or(Strings{}))) {
    for (const auto& [alias, marketplace] : org.marketplaces) aliases_.push_back(alias);
  }

  std::vector<Problem> run() {
    organization();
    default_plugins();
    for (const auto& [name, team] : org_.profiles) profile(name, team);
    delegation();
    network();
    governed();
    plugin_policy();
    exceptions();
    finish();
    return std::move(out_);
  }

 private:
  void add(std::string pointer, std::string_view rule, std::string message, bool warning) {
    if (++count_[warning ? 1 : 0] > kMostFindings) return;
    out_.push_back({std::move(pointer), std::move(message), std::string(rule), warning});
  }
  void error(std::string pointer, std::string_view rule, std::string message) {
    add(std::move(pointer), rule, std::move(message), false);
  }
  void warn(std::string pointer, std::string_view rule, std::string message) {
    add(std::move(pointer), rule, std::move(message), true);
  }
  void finish() {
    for (const bool warning : {false, true}) {
      const std::size_t all = count_[warning ? 1 : 0];
      if (all <= kMostFindings) continue;
      const std::string what = warning ? " more warnings" : " more problems";
      out_.push_back({"", "and " + std::to_string(all - kMostFindings) + what, "more", warning});
    }
  }

  static std::string at(std::string_view base, std::size_t index) {
    return std::string(base) + "/" + std::to_string(index);
  }
  static std::string at(std::string_view base, std::string_view key) {
    return std::string(base) + "/" + pointer_token(key);
  }
  bool known_marketplace(std::string_view alias) const {
    return alias == implicit_marketplace() || org_.marketplaces.count(std::string(alias)) != 0;
  }

  void organization() {
    const std::string& profile = org_.organization.default_profile;
    if (!profile.empty() && org_.profiles.count(profile) == 0) {
      error("/organization/default_profile", "unknown_profile",
            "there is no profile " + quoted(profile) + suggestion(profile));
    }
    if (org_.marketplaces.count(std::string(implicit_marketplace())) != 0) {
      error(at("/marketplaces", implicit_marketplace()), "reserved_marketplace",
            "this name is reserved; choose another alias");
    }
  }

  std::string suggestion(const std::string& profile) const {
    Strings names;
    for (const auto& [name, team] : org_.profiles) names.push_back(name);
    const std::string near = str::nearest(profile, names);
    return near.empty() ? std::string() : ", did you mean \"" + near + "\"?";
  }

  /// The reference in its one spelling, or nullopt after the problem was noted. `pointer` is made on demand.
  template <class Pointer>
  std::optional<std::string> reference(const std::string& text, const Pointer& pointer) {
    auto ref = normalise_plugin_ref(text, aliases_);
    if (!ref) {
      error(pointer(), "invalid_plugin_reference", ref.error().message);
      return std::nullopt;
    }
    const std::string_view market = std::string_view(*ref).substr(ref->find('@') + 1);
    if (!known_marketplace(market)) {
      warn(pointer(), "unknown_marketplace", quoted(*ref) + " names a marketplace that is not defined");
    }
    return *std::move(ref);
  }

  void default_plugins() {
    const Strings& plugins = org_.defaults.enabled_plugins;
    for (std::size_t i = 0; i < plugins.size(); ++i) {
      const auto pointer = [&] { return at("/defaults/enabled_plugins", i); };
      const auto ref = reference(plugins[i], pointer);
      if (!ref) continue;
      const auto hit = blocked_plugins_.find_plugin(*ref);
      if (!hit) continue;
      error(pointer(), "plugin_blocked",
            quoted(*ref) + " is enabled for every team and blocked by " +
                quoted(blocked_plugins_.pattern(*hit)));
    }
    const Strings& extra = org_.defaults.extra_marketplaces;
    for (std::size_t i = 0; i < extra.size(); ++i) {
      if (known_marketplace(extra[i])) continue;
      warn(at("/defaults/extra_marketplaces", i), "unknown_extra_marketplace",
           "there is no marketplace " + quoted(extra[i]));
    }
  }

  void profile(const std::string& name, const Team& team) {
    const auto base = [&] { return at("/profiles", name); };
    for (std::size_t i = 0; i < team.additional_plugins.size(); ++i) {
      team_plugin(team.additional_plugins[i], [&] { return at(base() + "/additional_plugins", i); });
    }
    for (std::size_t i = 0; i < team.additional_mcp_servers.size(); ++i) {
      team_server(team.additional_mcp_servers[i], [&] { return at(base() + "/additional_mcp_servers", i); });
    }
    if (team.network_policy && org_.defaults.network_policy &&
        *team.network_policy < *org_.defaults.network_policy) {
      warn(base() + "/network_policy", "widening_team_policy",
           "is wider than the organisation's " + quoted(to_string(*org_.defaults.network_policy)) +
               " and will be ignored");
    }
    for (std::size_t i = 0; i < team.enabled_bundles.size(); ++i) {
      if (org_.governed.bundles.count(team.enabled_bundles[i]) != 0) continue;
      error(at(base() + "/enabled_bundles", i), "dangling_bundle",
            "there is no bundle " + quoted(team.enabled_bundles[i]));
    }
    destination_sets(team.egress, [&] { return base() + "/egress"; });
    if (team.config_source && delegates_nothing()) {
      warn(base() + "/config_source", "federated_without_delegation",
           "the team keeps a file of its own, but the delegation section lets no team add anything");
    }
  }

  bool delegates_nothing() const {
    return org_.delegation.team_plugins.empty() && org_.delegation.team_mcp_servers.empty();
  }

  template <class Pointer>
  void team_plugin(const std::string& text, const Pointer& pointer) {
    const auto ref = reference(text, pointer);
    if (!ref) return;
    if (const auto hit = blocked_plugins_.find_plugin(*ref)) {
      warn(pointer(), "plugin_blocked",
           quoted(*ref) + " is blocked by " + quoted(blocked_plugins_.pattern(*hit)));
    } else if (org_.defaults.allowed_plugins && !allowed_plugins_.matches_plugin(*ref)) {
      warn(pointer(), "additional_plugin_not_allowed", quoted(*ref) + " is not in defaults.allowed_plugins");
    }
  }

  template <class Pointer>
  void team_server(const McpServer& server, const Pointer& pointer) {
    if (server.name.empty() && server.url.empty() && server.command.empty()) {
      error(pointer(), "mcp_missing_identifier", "has neither name nor url nor command");
      return;
    }
    if (blocked_servers_.empty() && !org_.defaults.allowed_mcp_servers) return;
    const Candidates names = candidates(server, !org_.at_least_1_1());
    for (const std::string& candidate : names.block) {
      const auto hit = blocked_servers_.find(candidate);
      if (!hit) continue;
      warn(pointer(), "mcp_blocked",
           quoted(server.name) + " is blocked by " + quoted(blocked_servers_.pattern(*hit)));
      return;
    }
    if (!org_.defaults.allowed_mcp_servers || allowed_names_.matches(server.name)) return;
    for (const std::string& candidate : names.allow) {
      if (allowed_servers_.matches(candidate)) return;
    }
    warn(pointer(), "mcp_not_allowed", quoted(server.name) + " is not in defaults.allowed_mcp_servers");
  }

  template <class Pointer>
  void destination_sets(const Egress& egress, const Pointer& pointer) {
    for (std::size_t i = 0; i < egress.destination_sets.size(); ++i) {
      const std::string& name = egress.destination_sets[i];
      if (str::ends_with(name, "-core") || org_.destination_sets.count(name) != 0) continue;
      warn(at(pointer() + "/destination_sets", i), "unknown_destination_set",
           "there is no destination set " + quoted(name) + "; sessions will not start");
    }
  }

  void delegation() {
    std::unordered_set<std::string> teams;  // folded: patterns without wildcards are looked up
    for (const auto& [name, team] : org_.profiles) teams.insert(fold(name));
    const Delegation& d = org_.delegation;
    const std::string base = "/delegation/teams/";
    unused(base + "allow_additional_plugins", d.team_plugins, teams);
    unused(base + "allow_additional_mcp_servers", d.team_mcp_servers, teams);
    unused(base + "allow_dev_environment_commands", d.team_dev_commands, teams);
    unused(base + "allow_egress", d.team_egress, teams);
    unused(base + "allow_base_images", d.team_base_images, teams);
  }

  void unused(const std::string& pointer, const Strings& patterns,
              const std::unordered_set<std::string>& teams) {
    for (std::size_t i = 0; i < patterns.size(); ++i) {
      const Glob glob(patterns[i]);
      const auto hits = [&](const std::string& team) { return glob.matches_folded(team); };
      const bool used =
          glob.literal() ? teams.count(glob.text()) != 0 : std::any_of(teams.begin(), teams.end(), hits);
      if (used) continue;
      warn(at(pointer, i), "delegation_pattern_unused",
           quoted(patterns[i]) + " matches no team; these are patterns of team names");
    }
  }

  void network() {
    for (const auto& [name, set] : org_.destination_sets) {
      if (!str::ends_with(name, "-core")) continue;
      error(at("/network/destination_sets", name), "reserved_destination_set",
            "names that end in \"-core\" belong to the providers");
    }
    destination_sets(org_.defaults.egress, [] { return std::string("/defaults/egress"); });
  }

  void governed() {
    const GovernedArtifacts& g = org_.governed;
    for (const auto& [name, bundle] : g.bundles) {
      for (std::size_t i = 0; i < bundle.artifacts.size(); ++i) {
        if (g.artifacts.count(bundle.artifacts[i]) != 0) continue;
        error(at(at("/governed_artifacts/bundles", name) + "/artifacts", i), "dangling_artifact",
              "there is no artifact " + quoted(bundle.artifacts[i]));
      }
    }
    for (const auto& [name, bindings] : g.bindings) {
      if (g.artifacts.count(name) != 0) continue;
      error(at("/governed_artifacts/bindings", name), "dangling_artifact",
            "there is no artifact " + quoted(name));
    }
    for (const auto& [name, artifact] : g.artifacts) {
      if (artifact.kind != "native_integration") continue;
      const auto found = g.bindings.find(name);
      if (found != g.bindings.end() && !found->second.empty()) continue;
      error(at("/governed_artifacts/artifacts", name), "dangling_artifact",
            "a native_integration needs a binding, and there is none");
    }
  }

  void plugin_policy() {
    const PluginPolicy& plugins = org_.plugins;
    if (!plugins.present) return;
    std::set<std::string_view> allowed;
    const GlobList denied(plugins.deny);
    for (std::size_t i = 0; i < plugins.allow.size(); ++i) {
      const PluginRule& rule = plugins.allow[i];
      allowed.insert(rule.id);
      if (plugins.mode == "pinned" && rule.sha256.empty()) {
        error(at("/plugins/allow", i), "plugin_pin_missing",
              "mode \"pinned\" needs a sha256 for " + quoted(rule.id));
      }
      if (denied.matches(rule.id)) {
        warn(at("/plugins/allow", i), "plugin_denied", quoted(rule.id) + " is in deny as well, which wins");
      }
    }
    for (std::size_t i = 0; i < plugins.required.size(); ++i) {
      const std::string& id = plugins.required[i];
      if (denied.matches(id)) {
        error(at("/plugins/required", i), "plugin_denied", quoted(id) + " is required and in deny");
      } else if (plugins.mode != "open" && allowed.count(id) == 0) {
        error(at("/plugins/required", i), "plugin_not_allowed",
              quoted(id) + " is required, but allow does not name it");
      }
    }
    const std::string& enforcer = org_.enforcer.id;
    if (!enforcer.empty() && denied.matches(enforcer)) {
      error("/network/enforcer/id", "plugin_denied", quoted(enforcer) + " is in plugins.deny");
    }
  }

  void exceptions() {
    std::set<std::string_view> ids;
    for (std::size_t i = 0; i < org_.exceptions.size(); ++i) {
      const Exception& exception = org_.exceptions[i];
      if (!ids.insert(exception.id).second) {
        error(at("/exceptions", i), "duplicate_exception", quoted(exception.id) + " occurs twice");
      }
      if (exception.plugins.empty() && exception.mcp_servers.empty()) {
        warn(at("/exceptions", i), "empty_exception", quoted(exception.id) + " allows nothing");
      }
    }
  }

  const Org& org_;
  GlobList blocked_plugins_;
  GlobList blocked_servers_;
  GlobList allowed_plugins_;
  GlobList allowed_servers_;
  GlobList allowed_names_;
  Strings aliases_;
  std::vector<Problem> out_;
  std::array<std::size_t, 2> count_{};
};

}  // namespace

std::vector<Problem> check_invariants(const Org& org) {
  return Invariants(org).run();
}

std::vector<Problem> check_fetched(const Org& org) {
  std::vector<Problem> out;
  for (const auto& [alias, marketplace] : org.marketplaces) {
    if (marketplace.source != "directory" || str::starts_with(marketplace.path, "/")) continue;
    out.push_back({"/marketplaces/" + pointer_token(alias) + "/path",
                   "a relative directory means nothing in a fetched document: give an absolute path",
                   "relative_directory", false});
  }
  return out;
}

}  // namespace scc::model
