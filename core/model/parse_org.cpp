// SPDX-License-Identifier: Apache-2.0
// The organisation's document: gate, shape, typed model, invariants, in this order; each stage runs only when
// the one before found no error.
#include <array>

#include "model/build.h"
#include "model/invariants.h"
#include "model/parse.h"
#include "model/shapes.h"

namespace scc::model {

namespace {

using namespace build;

constexpr std::string_view kValidate =
    "run `scc org validate FILE` for the whole list, and mend the document";

Organization organization(const json::Value& value) {
  return {text(value, "name"), text(value, "id"), text(value, "contact"), text(value, "default_profile")};
}

Security security(const json::Value& value) {
  Security out;
  out.blocked_plugins = strings(value, "blocked_plugins");
  out.blocked_mcp_servers = strings(value, "blocked_mcp_servers");
  out.allow_stdio_mcp = flag(value, "allow_stdio_mcp", false);
  out.allowed_stdio_prefixes = strings(value, "allowed_stdio_prefixes");
  out.safety_net = read_safety_net(find(value, "safety_net"));
  out.blocked_base_images = strings(value, "blocked_base_images");
  out.egress_deny = strings(value, "egress_deny");
  return out;
}

Defaults defaults(const json::Value& value) {
  Defaults out;
  out.enabled_plugins = strings(value, "enabled_plugins");
  out.disabled_plugins = strings(value, "disabled_plugins");
  out.allowed_plugins = maybe_strings(value, "allowed_plugins");
  out.allowed_mcp_servers = maybe_strings(value, "allowed_mcp_servers");
  out.extra_marketplaces = strings(value, "extra_marketplaces");
  out.cache_ttl_hours = integer(value, "cache_ttl_hours", out.cache_ttl_hours);
  out.network_policy = policy(value);
  out.session = session(value);
  out.dev_environment = dev_environment(value);
  out.optional_plugins = strings(value, "optional_plugins");
  out.allowed_providers = maybe_strings(value, "allowed_providers");
  out.allowed_base_images = maybe_strings(value, "allowed_base_images");
  out.images = map(value, "images");
  out.egress = egress(value);
  return out;
}

Delegation delegation(const json::Value& value) {
  Delegation out;
  const json::Value& teams = section(value, "teams");
  out.team_plugins = strings(teams, "allow_additional_plugins");
  out.team_mcp_servers = strings(teams, "allow_additional_mcp_servers");
  out.team_dev_commands = strings(teams, "allow_dev_environment_commands");
  out.team_egress = strings(teams, "allow_egress");
  out.team_base_images = strings(teams, "allow_base_images");
  out.projects_inherit = flag(section(value, "projects"), "inherit_team_delegation", false);
  const json::Value& users = section(value, "users");
  out.local_overrides = flag(users, "allow_local_overrides", out.local_overrides);
  out.max_override_hours = integer(users, "max_override_hours", out.max_override_hours);
  out.personal_profiles = flag(users, "allow_personal_profiles", out.personal_profiles);
  out.allow_standalone = flag(users, "allow_standalone", out.allow_standalone);
  out.allow_network_settings = flag(users, "allow_network_settings", out.allow_network_settings);
  return out;
}

Team team(const std::string& name, const json::Value& value) {
  Team out;
  out.name = name;
  out.description = text(value, "description");
  out.additional_plugins = strings(value, "additional_plugins");
  out.additional_mcp_servers = servers(value, "additional_mcp_servers");
  out.network_policy = policy(value);
  out.session = session(value);
  out.dev_environment = dev_environment(value);
  out.allow_project_overrides = flag(section(value, "delegation"), "allow_project_overrides", false);
  if (const json::Value* source = find(value, "config_source")) out.config_source = marketplace(*source, "");
  if (const json::Value* trust = find(value, "trust")) {
    out.trust = TrustGrant{flag(*trust, "inherit_org_marketplaces", true),
                           flag(*trust, "allow_additional_marketplaces", false),
                           strings(*trust, "marketplace_source_patterns")};
  }
  out.enabled_bundles = strings(value, "enabled_bundles");
  out.allowed_providers = maybe_strings(value, "allowed_providers");
  out.images = map(value, "images");
  out.egress = egress(value);
  return out;
}

PluginPolicy plugin_policy(const json::Value* value) {
  PluginPolicy out;
  if (value == nullptr) return out;
  // Once the section exists, what it leaves out is the strict choice.
  out.present = true;
  out.mode = text(*value, "mode", "pinned");
  out.deny = strings(*value, "deny");
  out.required = strings(*value, "required");
  out.allow_user = flag(*value, "allow_user", false);
  out.locked = flag(*value, "locked", true);
  for (const json::Value& rule : section(*value, "allow").items()) {
    out.allow.push_back(
        {text(rule, "id"), text(rule, "version"), strings(rule, "sha256"), maybe_strings(rule, "grants")});
  }
  return out;
}

Stats stats(const json::Value& value) {
  Stats out;
  out.enabled = flag(value, "enabled", out.enabled);
  out.user_identity_mode = text(value, "user_identity_mode", out.user_identity_mode);
  out.retention_days = integer(value, "retention_days", out.retention_days);
  return out;
}

void network(const json::Value& value, Org& out) {
  for (const auto& [name, set] : section(value, "destination_sets").members()) {
    out.destination_sets.emplace_hint(out.destination_sets.end(), name,
                                      DestinationSet{strings(set, "destinations"), text(set, "description")});
  }
  if (const json::Value* enforcer = find(value, "enforcer")) {
    out.enforcer = {text(*enforcer, "id"), text(*enforcer, "sha256")};
  }
  const json::Value& enforced = section(value, "enforced");
  out.enforced_network = {text(enforced, "transport"), text(enforced, "network"), strings(enforced, "dns"),
                          strings(enforced, "internal_blocks"), text(enforced, "upstream_proxy")};
}

Org typed(const json::Value& document, std::vector<Problem>& problems) {
  Org out;
  out.schema_version = text(document, "schema_version");
  out.min_cli_version = text(document, "min_cli_version");
  out.organization = organization(section(document, "organization"));
  out.marketplaces = marketplaces(document);
  out.security = security(section(document, "security"));
  out.defaults = defaults(section(document, "defaults"));
  out.delegation = delegation(section(document, "delegation"));
  for (const auto& [name, value] : section(document, "profiles").members()) {
    out.profiles.emplace_hint(out.profiles.end(), name, team(name, value));
  }
  out.governed = governed(section(document, "governed_artifacts"), problems);
  out.stats = stats(section(document, "stats"));
  network(section(document, "network"), out);
  out.plugins = plugin_policy(find(document, "plugins"));
  for (const json::Value& item : section(document, "exceptions").items()) {
    out.exceptions.push_back(policy_exception(item));
  }
  return out;
}

bool refuses(const std::vector<Problem>& problems) {
  for (const Problem& problem : problems) {
    if (!problem.warning) return true;
  }
  return false;
}

}  // namespace

std::string to_string(const Problem& problem) {
  return (problem.pointer.empty() ? "(root)" : problem.pointer) + ": " + problem.message;
}

SafetyNet read_safety_net(const json::Value* section_value, Strings* warnings) {
  static constexpr std::array<std::string_view, 6> kRules{
      "block_force_push",       "block_reset_hard", "block_branch_force_delete",
      "block_checkout_restore", "block_clean",      "block_stash_destructive"};
  SafetyNet out;
  for (const std::string_view rule : kRules) out.rules.emplace(rule, true);
  out.fell_back = section_value == nullptr || !check(shapes::kSafetyNet, *section_value).empty();
  if (out.fell_back) {
    if (section_value != nullptr && warnings != nullptr) {
      warnings->emplace_back("/security/safety_net: not readable, so everything is blocked");
    }
    return out;
  }
  out.action = text(*section_value, "action", out.action);
  for (auto& [rule, on] : out.rules) on = flag(*section_value, rule, true);
  out.levels = section_value->map_at("/rules");
  out.protected_branches = strings(*section_value, "protected_branches");
  out.unguarded_images = strings(*section_value, "unguarded_images");
  const json::Value& snapshots = section(*section_value, "snapshots");
  out.snapshots.enabled = flag(snapshots, "enabled", true);
  out.snapshots.keep = snapshots.integer("/keep", out.snapshots.keep);
  out.snapshots.days = snapshots.integer("/days", out.snapshots.days);
  for (const json::Value& one : section(*section_value, "checks").items()) {
    out.checks.push_back({text(one, "id"), text(one, "sha256"), section(one, "config")});
  }
  for (const json::Value& one : section(*section_value, "commands").items()) {
    out.commands.push_back({text(one, "id"), text(one, "program"), text(one, "subcommand"),
                            strings(one, "flags"), text(one, "verdict"), text(one, "message")});
  }
  return out;
}

Strings OrgReport::warnings() const {
  Strings out;
  warnings_of(schema, &out);
  warnings_of(semantic, &out);
  return out;
}

OrgReport read_org_document(const json::Value& document, std::string_view cli_version) {
  OrgReport out;
  out.version.cli_version = cli_version;
  if (!document.is_object()) {
    out.schema.push_back({"", "must be an object", {}, false});
    return out;
  }
  out.version = check_version(document, cli_version);
  if (!out.version.compatible) return out;
  CheckOptions options;
  options.warn_extensions = out.version.schema_version == "1.0.0";
  out.schema = problems_of(check(kOrgShape, document, options));
  if (refuses(out.schema)) return out;
  Org org = typed(document, out.schema);
  if (refuses(out.schema)) return out;
  out.semantic = check_invariants(org);
  if (!refuses(out.semantic)) out.org = std::move(org);
  return out;
}

OrgReport read_org(std::string_view text, std::string_view cli_version) {
  const auto document = json::parse(text, {std::size_t{16} << 20U, 32});
  if (document) return read_org_document(*document, cli_version);
  OrgReport out;
  out.version.cli_version = cli_version;
  out.schema.push_back({"", document.error().message, "syntax", false});
  return out;
}

Result<Org> to_result(OrgReport report, Strings* warnings) {
  if (!report.version.blocking_error.empty()) {
    return fail(Kind::config, "org.version",
                "the organisation's document cannot be used: " + report.version.blocking_error,
                "upgrade scc, or have the document's owners mend its version");
  }
  const bool syntax = !report.schema.empty() && report.schema.front().rule == "syntax";
  if (auto error = refusal(report.schema, syntax ? "org.syntax" : "org.schema",
                           "the organisation's document is not valid", kValidate)) {
    return fail(std::move(*error));
  }
  if (auto error = refusal(report.semantic, "org.semantic", "the organisation's document contradicts itself",
                           kValidate)) {
    return fail(std::move(*error));
  }
  warnings_of(report.schema, warnings);
  warnings_of(report.semantic, warnings);
  return *std::move(report.org);
}

Result<Org> parse_org(std::string_view text, std::string_view cli_version, Strings* warnings) {
  return to_result(read_org(text, cli_version), warnings);
}

}  // namespace scc::model
