// SPDX-License-Identifier: Apache-2.0
// The order of the layers: organisation, team, personal profile, project, then what only the final network
// policy decides. Each layer is walked once, in the order of its document, and only the chosen team is looked
// at, so the cost does not grow with the number of teams.
#include "policy/compute.h"

#include <algorithm>

#include "base/str.h"
#include "model/parse.h"
#include "policy/images.h"
#include "policy/state.h"

namespace scc::policy {

namespace {

/// What holds where there is no organisation: nothing is blocked and nothing needs delegation.
const model::Org& nobody() {
  static const model::Org kNobody = [] {
    model::Org org;
    org.schema_version = "1.1.0";
    org.security.allow_stdio_mcp = true;
    return org;
  }();
  return kNobody;
}

}  // namespace

std::string pointer(std::initializer_list<std::string_view> parts) {
  std::string out;
  for (const std::string_view part : parts) {
    out += '/';
    for (const char c : part) {
      if (c == '~') {
        out += "~0";
      } else if (c == '/') {
        out += "~1";
      } else {
        out += c;
      }
    }
  }
  return out;
}

std::string pointer(std::string_view base, std::size_t index) {
  return std::string(base) + "/" + std::to_string(index);
}

State::State(const Layers& layers) : layers_(layers), org_(layers.org != nullptr ? *layers.org : nobody()) {
  out_.standalone = layers.org == nullptr;
  for (const auto& [alias, market] : org_.marketplaces) aliases_.push_back(alias);
  const model::Security& security = org_.security;
  blocked_plugins_ = GlobList(security.blocked_plugins);
  blocked_mcp_ = GlobList(security.blocked_mcp_servers);
  disabled_plugins_ = GlobList(org_.defaults.disabled_plugins);
  optional_plugins_ = GlobList(org_.defaults.optional_plugins);
  if (org_.defaults.allowed_plugins) allowed_plugins_ = GlobList(*org_.defaults.allowed_plugins);
  if (org_.defaults.allowed_mcp_servers) allowed_mcp_ = GlobList(*org_.defaults.allowed_mcp_servers);
  stdio_ = {security.allow_stdio_mcp, security.allowed_stdio_prefixes, layers.agent_writable};
}

std::size_t State::decide(model::Decision decision) {
  out_.decisions.push_back(std::move(decision));
  return out_.decisions.size() - 1;
}

void State::replace_decision(model::Decision decision) {
  const auto found = fields_.find(decision.field);
  if (found != fields_.end()) forget_decision(found->second);
  const std::string field = decision.field;
  fields_[field] = decide(std::move(decision));
}

void State::warn(std::string text) {
  if (std::find(out_.warnings.begin(), out_.warnings.end(), text) == out_.warnings.end()) {
    out_.warnings.push_back(std::move(text));
  }
}

std::string State::layer_reason(const Asker& asker) const {
  switch (asker.layer) {
    case Asker::Layer::org:
      return "from organisation defaults";
    case Asker::Layer::team:
      return "added by team " + layers_.team;
    case Asker::Layer::personal:
      return "added by personal profile";
    case Asker::Layer::project:
      break;
  }
  return "added by project config";
}

void State::organisation() {
  const Asker asker{Asker::Layer::org, "org.defaults", "org"};
  const model::Defaults& defaults = org_.defaults;
  out_.organization_name = org_.organization.name;
  out_.organization_id = org_.organization.id;
  out_.marketplaces = org_.marketplaces;
  for (const auto& [alias, market] : org_.marketplaces) markets_.insert(fold(alias));
  out_.safety_net = org_.security.safety_net;
  out_.scc_plugins = org_.plugins;
  out_.enforcer = org_.enforcer;
  out_.enforced_network = org_.enforced_network;
  out_.allow_network_settings = out_.standalone || org_.delegation.allow_network_settings;
  out_.blocked_base_images = org_.security.blocked_base_images;
  out_.allowed_base_images = defaults.allowed_base_images;
  for (std::size_t i = 0; i < defaults.enabled_plugins.size(); ++i) {
    request_plugin(asker, defaults.enabled_plugins[i], pointer("/defaults/enabled_plugins", i));
  }
  for (PluginItem& item : plugins_) {
    const auto hit = disabled_plugins_.find_plugin(item.ref);
    if (!hit) continue;
    item.alive = false;
    forget_decision(item.decision);
    plugin_index_.erase(fold(item.ref));
    const std::string rule = pointer("/defaults/disabled_plugins", *hit);
    decide({"plugins.disabled",
            item.ref,
            "switched off by organisation defaults",
            "org.defaults",
            rule,
            item.entry,
            {},
            {}});
    out_.disabled.push_back({item.ref, "org.defaults", "plugin", "org", rule, item.entry});
  }
  dev_environment(defaults.dev_environment, asker, "/defaults");
  network(defaults.network_policy, asker, "/defaults/network_policy");
  session(defaults.session, asker, "/defaults");
  providers(defaults.allowed_providers, asker, "/defaults/allowed_providers");
  images(defaults.images, asker, "/defaults");
}

Status State::team() {
  if (layers_.org == nullptr || layers_.team.empty()) return {};
  const auto found = org_.profiles.find(layers_.team);
  if (found == org_.profiles.end()) {
    model::Strings names;
    for (const auto& [name, profile] : org_.profiles) names.push_back(name);
    const std::string near = str::nearest(layers_.team, names);
    return fail(Kind::config, "team.unknown",
                "the organisation defines no team \"" + str::printable(layers_.team) + "\"" +
                    (near.empty() ? "" : "; did you mean " + near + "?"),
                "scc team list");
  }
  team_ = &found->second;
  out_.team = layers_.team;
  if (team_->config_source && !layers_.team_file) {
    return fail(Kind::config, "team.unresolved",
                "the file of the federated team " + layers_.team + " was not read",
                "scc org update --team " + layers_.team);
  }
  const Asker asker{Asker::Layer::team, "team." + layers_.team, "team"};
  const std::string base = team_base();
  const model::TeamFile* file = layers_.team_file ? &*layers_.team_file : nullptr;
  if (file != nullptr) {
    // Trust was decided before the file came here; the organisation's aliases cannot be taken over.
    for (const auto& [alias, market] : file->marketplaces) {
      if (out_.marketplaces.emplace(alias, market).second) aliases_.push_back(alias);
      markets_.insert(fold(alias));
    }
  }
  network(team_->network_policy, asker, base + "/network_policy");
  if (file != nullptr) network(file->network_policy, asker, "/network_policy");
  for (std::size_t i = 0; i < team_->additional_plugins.size(); ++i) {
    request_plugin(asker, team_->additional_plugins[i], pointer(base + "/additional_plugins", i));
  }
  for (std::size_t i = 0; file != nullptr && i < file->enabled_plugins.size(); ++i) {
    request_plugin(asker, file->enabled_plugins[i], pointer("/enabled_plugins", i));
  }
  for (std::size_t i = 0; i < team_->additional_mcp_servers.size(); ++i) {
    request_mcp(asker, team_->additional_mcp_servers[i], pointer(base + "/additional_mcp_servers", i));
  }
  for (std::size_t i = 0; file != nullptr && i < file->additional_mcp_servers.size(); ++i) {
    request_mcp(asker, file->additional_mcp_servers[i], pointer("/additional_mcp_servers", i));
  }
  SCC_CHECK(bundles(team_->enabled_bundles, asker, base + "/enabled_bundles"));
  if (file != nullptr) SCC_CHECK(bundles(file->enabled_bundles, asker, "/enabled_bundles"));
  dev_environment(team_->dev_environment, asker, base);
  session(team_->session, asker, base);
  if (file != nullptr) session(file->session, asker, "");
  providers(team_->allowed_providers, asker, base + "/allowed_providers");
  images(team_->images, asker, base);
  if (file != nullptr) remove_plugins(asker, file->disabled_plugins, "/disabled_plugins");
  return {};
}

void State::personal() {
  if (!layers_.personal) return;
  const Asker asker{Asker::Layer::personal, "personal", "personal"};
  if (out_.standalone || org_.delegation.personal_profiles) personal_removals(asker);
  for (const auto& [ref, on] : layers_.personal->plugins) {
    if (on) request_plugin(asker, ref, pointer({"plugins", ref}));
  }
  for (std::size_t i = 0; i < layers_.personal->mcp_servers.size(); ++i) {
    request_mcp(asker, layers_.personal->mcp_servers[i], pointer("/mcp_servers", i));
  }
}

void State::project() {
  if (!layers_.project) return;
  const Asker asker{Asker::Layer::project, "project", "project"};
  const model::Project& wanted = *layers_.project;
  network(wanted.network_policy, asker, "/network_policy");
  dev_environment(wanted.dev_environment, asker, "");
  for (std::size_t i = 0; i < wanted.additional_plugins.size(); ++i) {
    request_plugin(asker, wanted.additional_plugins[i], pointer("/additional_plugins", i));
  }
  for (std::size_t i = 0; i < wanted.additional_mcp_servers.size(); ++i) {
    request_mcp(asker, wanted.additional_mcp_servers[i], pointer("/additional_mcp_servers", i));
  }
  session(wanted.session, asker, "");
  providers(wanted.allowed_providers, asker, "/allowed_providers");
  images(wanted.images, asker, "");
  remove_plugins(asker, wanted.disabled_plugins, "/disabled_plugins");
  remove_servers(asker, wanted.disabled_mcp_servers, "/disabled_mcp_servers");
}

void State::final_pass() {
  for (McpItem& item : servers_) {
    if (!item.alive) continue;
    if (const auto refusal = network_refusal(item.server)) {
      item.alive = false;
      forget_decision(item.decision);
      refuse(*refusal, item.asker, mcp_item(item.server), "mcp_server", item.entry);
    }
  }
}

void State::finish() {
  for (PluginItem& item : plugins_) {
    if (!item.alive) continue;
    out_.plugin_sources.emplace(item.ref, item.asker.source);
    out_.plugins.push_back(std::move(item.ref));
  }
  for (McpItem& item : servers_) {
    if (item.alive) out_.mcp_servers.push_back({std::move(item.server), item.asker.source, item.entry});
  }
  auto& decisions = out_.decisions;
  decisions.erase(std::remove_if(decisions.begin(), decisions.end(),
                                 [](const model::Decision& decision) { return decision.field.empty(); }),
                  decisions.end());
}

Status State::run() {
  read_exceptions();
  organisation();
  SCC_CHECK(team());
  personal();
  project();
  final_pass();
  SCC_CHECK(egress());
  reachable_servers();
  finish();
  return {};
}

Result<model::Effective> compute(const Layers& layers) {
  State state(layers);
  SCC_CHECK(state.run());
  return state.take();
}

Status check_provider(const model::Effective& effective, std::string_view provider) {
  const auto& allowed = effective.allowed_providers;
  if (!allowed || std::find(allowed->begin(), allowed->end(), provider) != allowed->end()) return {};
  return fail(Kind::policy, "provider.not-allowed",
              "PROVIDER_NOT_ALLOWED: provider \"" + str::printable(provider) + "\" is not allowed here; " +
                  (allowed->empty() ? "no provider is" : "allowed: " + str::join(*allowed, ", ")),
              "scc why " + str::printable(provider));
}

Status check_image(const model::Effective& effective, std::string_view ref, bool own) {
  const std::string shown = str::printable(ref);
  if (!parse_image(ref)) {
    return fail(Kind::policy, "image.blocked", "\"" + shown + "\" is not an image reference", "");
  }
  const GlobList blocked(effective.blocked_base_images);
  for (const std::string& candidate : image_block_candidates(ref)) {
    if (const auto hit = blocked.find(candidate)) {
      return fail(Kind::policy, "image.blocked",
                  "IMAGE_PATTERN: image " + shown + " matches " + blocked.pattern(*hit) +
                      " of security.blocked_base_images",
                  "scc why " + shown);
    }
  }
  if (own || !effective.allowed_base_images) return {};
  const GlobList allowed(*effective.allowed_base_images);
  for (const std::string& candidate : image_candidates(ref)) {
    if (allowed.matches(candidate)) return {};
  }
  return fail(Kind::policy, "image.blocked",
              "NOT_ALLOWLISTED: image " + shown + " is not in defaults.allowed_base_images",
              "scc why " + shown);
}

}  // namespace scc::policy
