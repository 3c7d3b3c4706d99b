// SPDX-License-Identifier: Apache-2.0
// The organisation's document, schema versions 1.0.0 and 1.1.0, as typed data. Absent optional lists differ
// from empty ones: absent allows everything, empty allows nothing. No I/O.
#pragma once

#include "model/types.h"

namespace scc::model {

struct Organization {
  std::string name;
  std::string id;
  std::string contact;
  std::string default_profile;  ///< empty: none
};

/// A command that the organisation judges without code.
struct SafetyCommand {
  std::string id;          ///< empty: made of the program
  std::string program;     ///< last part of its path
  std::string subcommand;  ///< its leading operands, joined by blanks; empty: any
  Strings flags;           ///< all must be given
  std::string verdict;     ///< block, warn, allow
  std::string message;
};

/// A plugin's check that judges commands, too.
struct SafetyCheck {
  std::string id;      ///< of the component
  std::string sha256;  ///< that the sandbox's library must have; empty: the one that the plugin came with
  json::Value config;  ///< for the check; an object
};

/// Before a command that can lose work.
struct Snapshots {
  bool enabled = true;
  std::int64_t keep = 50;
  std::int64_t days = 30;
  bool operator==(const Snapshots&) const = default;
};

struct SafetyNet {
  std::string action = "block";  ///< block, warn, allow
  std::map<std::string, bool> rules;
  StringMap levels;  ///< rule id -> block, warn, allow
  std::vector<SafetyCommand> commands;
  std::vector<SafetyCheck> checks;
  Strings protected_branches;
  Snapshots snapshots;
  Strings unguarded_images;  ///< references that may run although a guarded tool in them has no guard
  bool fell_back = false;    ///< the section was missing or not readable: block with every rule
};

struct Security {
  Strings blocked_plugins;
  Strings blocked_mcp_servers;
  bool allow_stdio_mcp = false;
  Strings allowed_stdio_prefixes;
  SafetyNet safety_net;
  Strings blocked_base_images;
  Strings egress_deny;
};

struct Defaults {
  Strings enabled_plugins;
  Strings disabled_plugins;
  std::optional<Strings> allowed_plugins;
  std::optional<Strings> allowed_mcp_servers;
  Strings extra_marketplaces;
  std::int64_t cache_ttl_hours = 24;  ///< 1 to 168
  std::optional<NetworkPolicy> network_policy;
  Session session;
  DevEnvironment dev_environment;
  Strings optional_plugins;
  std::optional<Strings> allowed_providers;
  std::optional<Strings> allowed_base_images;
  StringMap images;  ///< provider -> reference
  Egress egress;
};

struct Delegation {
  Strings team_plugins;      ///< teams.allow_additional_plugins, globs of team names; as are the next four
  Strings team_mcp_servers;  ///< teams.allow_additional_mcp_servers
  Strings team_dev_commands;
  Strings team_egress;
  Strings team_base_images;
  bool projects_inherit = false;  ///< projects.inherit_team_delegation
  bool local_overrides = true;
  std::int64_t max_override_hours = 24;  ///< 1 to 168
  bool personal_profiles = true;
  bool allow_standalone = false;
  bool allow_network_settings = false;  ///< whether people's own network.enforced.* and proxy image count
};

struct TrustGrant {
  bool inherit_org_marketplaces = true;
  bool allow_additional_marketplaces = false;
  Strings marketplace_source_patterns;
};

struct Team {
  std::string name;
  std::string description;
  Strings additional_plugins;
  std::vector<McpServer> additional_mcp_servers;
  std::optional<NetworkPolicy> network_policy;
  Session session;
  DevEnvironment dev_environment;
  bool allow_project_overrides = false;
  std::optional<Marketplace> config_source;  ///< present: a federated team; never a directory
  std::optional<TrustGrant> trust;
  Strings enabled_bundles;
  std::optional<Strings> allowed_providers;
  StringMap images;
  Egress egress;
};

struct Artifact {
  std::string kind;  ///< skill, mcp_server, native_integration
  std::string version;
  std::string publisher;
  bool pinned = false;
  std::string source_type;  ///< git, url, local; empty: none
  std::string source_url;
  std::string source_path;
  std::string source_ref;
  std::string install_intent = "available";  ///< required, available, disabled, request-only
};
struct Binding {
  std::string provider;
  std::string native_ref;
  StringMap native_config;
  std::string transport_type;
};
struct Bundle {
  Strings artifacts;
  std::string description;
  std::string install_intent = "available";
};
struct GovernedArtifacts {
  std::map<std::string, Artifact> artifacts;
  std::map<std::string, std::vector<Binding>> bindings;
  std::map<std::string, Bundle> bundles;
};

/// Which shared-library plugins of scc may load (not the agents' plugins).
struct PluginRule {
  std::string id;
  std::string version;  ///< range, ">=1.2 <2"; empty: any
  Strings sha256;
  std::optional<Strings> grants;
};
struct PluginPolicy {
  bool present = false;
  std::string mode = "open";  ///< pinned, listed, open
  std::vector<PluginRule> allow;
  Strings deny;
  Strings required;
  bool allow_user = true;
  bool locked = false;
};

struct DestinationSet {
  Strings destinations;
  std::string description;
};
/// The network policy plugin that implements web-egress-enforced; empty id: the bundled one.
struct Enforcer {
  std::string id;
  std::string sha256;
};
/// How the proxy of web-egress-enforced is run. Empty members: as it comes.
struct EnforcedNetwork {
  std::string transport;       ///< "auto", "socket" or "internal"
  std::string network;         ///< the engine's network on which the proxy reaches the web
  Strings dns;                 ///< addresses of the proxy's name servers
  Strings internal_blocks;     ///< CIDR blocks that listed names may lead to although they are private
  std::string upstream_proxy;  ///< "http://HOST:PORT" that the proxy must use for everything
};
struct Stats {
  bool enabled = false;
  std::string user_identity_mode = "hash";
  std::int64_t retention_days = 90;
};

struct Org {
  std::string schema_version;
  std::string min_cli_version;
  Organization organization;
  std::map<std::string, Marketplace> marketplaces;
  Security security;
  Defaults defaults;
  Delegation delegation;
  std::map<std::string, Team> profiles;
  GovernedArtifacts governed;
  Stats stats;
  std::map<std::string, DestinationSet> destination_sets;
  Enforcer enforcer;
  EnforcedNetwork enforced_network;
  PluginPolicy plugins;
  std::vector<Exception> exceptions;

  bool at_least_1_1() const { return schema_version != "1.0.0"; }
};

/// A federated team's own file.
struct TeamFile {
  std::string schema_version;
  Strings enabled_plugins;
  Strings disabled_plugins;
  std::map<std::string, Marketplace> marketplaces;
  std::vector<McpServer> additional_mcp_servers;
  Session session;
  std::optional<NetworkPolicy> network_policy;
  Strings enabled_bundles;
  Egress egress;
};

/// `.scc.yaml`, `.scc.yml` or `.scc.json` of a workspace.
struct Project {
  Strings additional_plugins;
  std::vector<McpServer> additional_mcp_servers;
  std::optional<NetworkPolicy> network_policy;
  Session session;
  DevEnvironment dev_environment;
  std::optional<Strings> allowed_providers;
  Egress egress;  ///< deny and only narrow; allow is denied with EGRESS_NARROW_ONLY
  Strings disabled_plugins;
  Strings disabled_mcp_servers;
  StringMap images;
};

/// A person's profile for one repository, format 2; 1 is lifted into it.
struct Personal {
  std::string repo_id;
  std::string saved_at;
  std::vector<std::pair<std::string, bool>> plugins;  ///< sorted by reference; false: switch off
  std::vector<McpServer> mcp_servers;
};

}  // namespace scc::model
