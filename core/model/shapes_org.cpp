// SPDX-License-Identifier: Apache-2.0
// The shape of the organisation's document.
#include <array>

#include "model/grammar.h"
#include "model/shapes.h"

namespace scc::model {

namespace {

// The texts that editors show for a key, and what the shapes' fields mean: key, shape, documentation, then
// required, extension (1.1.0), deprecated.
using namespace shapes;
constexpr bool kRequired = true;
constexpr bool kExtension = true;

// ---- organization ----
constexpr Shape kOrgId{.type = Type::text,
                       .expects = "lower-case letters, digits and '-'",
                       .pattern = "^[a-z0-9-]+$",
                       .matches = grammar::slug};
constexpr std::array kOrganizationFields{
    Field{"name", &kSomeText, "", kRequired},
    Field{"id", &kOrgId, "", kRequired},
    Field{"contact", &kText, "An address or URL: who may change what this document forbids."},
    Field{"default_profile", &kName, "The team of people who chose none.", false, kExtension},
};
constexpr Shape kOrganization{.type = Type::object, .fields = kOrganizationFields};

// ---- security ----
constexpr std::array<std::string_view, 3> kSafetyActions{"block", "warn", "allow"};
constexpr Shape kSafetyAction{.type = Type::text, .choices = kSafetyActions};
constexpr Shape kSafetyRule{.type = Type::text,
                            .expects = "a rule id, such as git.force_push",
                            .pattern = "^[a-z][a-z0-9]*\\.[a-z][a-z0-9_]*$",
                            .matches = grammar::rule_id};
constexpr Shape kSafetyLevels{.type = Type::map, .item = &kSafetyAction, .key = &kSafetyRule};
constexpr Shape kProgram{.type = Type::text,
                         .expects = "the name of a program, without a path",
                         .pattern = "^[A-Za-z0-9][A-Za-z0-9._+-]*$",
                         .matches = grammar::program};
constexpr Shape kCommandFlag{.type = Type::text,
                             .expects = "an option, such as --force or -f",
                             .pattern = "^-[!-~]+$",
                             .matches = grammar::option};
constexpr Shape kCommandFlags{.type = Type::list, .item = &kCommandFlag};
constexpr std::array kSafetyCommandFields{
    Field{"id", &kSafetyRule, "Shown with the verdict; made of the program without it."},
    Field{"program", &kProgram, "The last part of its path.", kRequired},
    Field{"subcommand", &kText, "Its leading operands, joined by blanks; absent is any."},
    Field{"flags", &kCommandFlags, "All must be given."},
    Field{"verdict", &kSafetyAction, "", kRequired},
    Field{"message", &kText, "What to do instead."},
};
constexpr Shape kSafetyCommand{.type = Type::object, .fields = kSafetyCommandFields, .strict = true};
constexpr Shape kSafetyCommands{.type = Type::list, .item = &kSafetyCommand};
constexpr Shape kSafetyCheckId{.type = Type::text,
                               .expects = "the id of a safety check, such as acme-guardrails",
                               .pattern = "^[a-z0-9][a-z0-9._-]{0,62}$",
                               .matches = grammar::component_id};
constexpr Shape kCheckConfig{.type = Type::map, .item = &kAnything};
constexpr Shape kOneDigest{.type = Type::text,
                           .expects = "a SHA-256 digest: 64 lower-case hex digits",
                           .pattern = "^[0-9a-f]{64}$",
                           .matches = grammar::sha256};
constexpr std::array kCheckFields{
    Field{"id", &kSafetyCheckId, "Of a plugin's component of the kind safety-check.", kRequired},
    Field{"sha256", &kOneDigest,
          "Of the library in the sandbox; absent is the one that the plugin came with."},
    Field{"config", &kCheckConfig, "Given to the check."},
};
constexpr Shape kCheck{.type = Type::object, .fields = kCheckFields, .strict = true};
constexpr Shape kChecks{.type = Type::list, .item = &kCheck};
constexpr Shape kSnapshotCount{.type = Type::integer, .least = 1, .most = 1000};
constexpr Shape kSnapshotDays{.type = Type::integer, .least = 1, .most = 365};
constexpr std::array kSnapshotFields{
    Field{"enabled", &kFlag, "Default true."},
    Field{"keep", &kSnapshotCount, "Default 50."},
    Field{"days", &kSnapshotDays, "Default 30."},
};
constexpr Shape kSnapshots{.type = Type::object, .fields = kSnapshotFields, .strict = true};
constexpr std::array kSafetyFields{
    Field{"action", &kSafetyAction, "Default \"block\"."},
    Field{"block_force_push", &kFlag, "Default true, as are the others."},
    Field{"block_reset_hard", &kFlag, ""},
    Field{"block_branch_force_delete", &kFlag, ""},
    Field{"block_checkout_restore", &kFlag, ""},
    Field{"block_clean", &kFlag, ""},
    Field{"block_stash_destructive", &kFlag, ""},
    Field{"rules", &kSafetyLevels, "Rule id to verdict; `scc safety rules` lists the ids.", false,
          kExtension},
    Field{"commands", &kSafetyCommands, "Commands that the organisation judges itself.", false, kExtension},
    Field{"checks", &kChecks, "Checks of plugins; one that does not answer blocks.", false, kExtension},
    Field{"protected_branches", &kNames, "", false, kExtension},
    Field{"snapshots", &kSnapshots, "Of a repository, before a command that can lose work.", false,
          kExtension},
    Field{"unguarded_images", &kImageRefs, "May run although git in them has no guard.", false, kExtension},
};
}  // namespace

constexpr Shape shapes::kSafetyNet{.type = Type::object, .fields = kSafetyFields, .strict = true};

namespace {

constexpr Shape kPrefix{.type = Type::text,
                        .expects = "an absolute path inside the sandbox",
                        .pattern = "^/[ -~]*$",
                        .matches = grammar::absolute,
                        .format = "scc-path",
                        .valid = grammar::contained_path};
constexpr Shape kPrefixes{.type = Type::list, .item = &kPrefix};
constexpr std::array kSecurityFields{
    Field{"blocked_plugins", &kGlobs, "Nothing below loosens this section."},
    Field{"blocked_mcp_servers", &kGlobs, "Patterns of names, URLs, hosts and commands."},
    Field{"allow_stdio_mcp", &kFlag, "Default false."},
    Field{"allowed_stdio_prefixes", &kPrefixes, "Empty: any absolute path."},
    Field{"safety_net", &kSafetyNet, "Git commands that would lose work."},
    Field{"blocked_base_images", &kGlobs, "", false, kExtension},
    Field{"egress_deny", &kTargets, "Wins over every allow.", false, kExtension},
};
constexpr Shape kSecurity{.type = Type::object, .fields = kSecurityFields, .strict = true};

// ---- defaults ----
constexpr Shape kWeek{.type = Type::integer, .least = 1, .most = 168};
constexpr std::array kOrgEgressFields{
    Field{"destination_sets", &kNames, "Names of network.destination_sets."},
    Field{"allow", &kTargets, "Used under web-egress-enforced."},
};
constexpr Shape kOrgEgress{.type = Type::object, .fields = kOrgEgressFields};
constexpr std::array kDefaultsFields{
    Field{"enabled_plugins", &kRefs, "For every team."},
    Field{"disabled_plugins", &kGlobs, "Taken out of enabled_plugins again."},
    Field{"allowed_plugins", &kGlobs, "What other layers may add: absent is all, [] is nothing."},
    Field{"allowed_mcp_servers", &kGlobs, "What other layers may add: absent is all, [] is nothing."},
    Field{"extra_marketplaces", &kNames, "Shown for browsing though no plugin needs them."},
    Field{"cache_ttl_hours", &kWeek, "Default 24."},
    Field{"network_policy", &kNetworkPolicy, "Other layers can only narrow it."},
    Field{"session", &kSession, ""},
    Field{"dev_environment", &kDevEnvironment, ""},
    Field{"optional_plugins", &kGlobs, "Default plugins that people may switch off.", false, kExtension},
    Field{"allowed_providers", &kProviders, "Absent is all, [] is none.", false, kExtension},
    Field{"allowed_base_images", &kGlobs, "Absent is all, [] is none.", false, kExtension},
    Field{"images", &kImages, "Provider to image reference.", false, kExtension},
    Field{"egress", &kOrgEgress, "", false, kExtension},
};
constexpr Shape kDefaults{.type = Type::object, .fields = kDefaultsFields};

// ---- delegation ----
constexpr std::array kTeamsFields{
    Field{"allow_additional_plugins", &kGlobs, "Patterns of TEAM names, here and below."},
    Field{"allow_additional_mcp_servers", &kGlobs, ""},
    Field{"allow_dev_environment_commands", &kGlobs, ""},
    Field{"allow_egress", &kGlobs, "", false, kExtension},
    Field{"allow_base_images", &kGlobs, "", false, kExtension},
};
constexpr std::array kProjectsFields{
    Field{"inherit_team_delegation", &kFlag, "Whether project files may add anything. Default false."},
};
constexpr std::array kUsersFields{
    Field{"allow_local_overrides", &kFlag, "Whether people's own exceptions count. Default true."},
    Field{"max_override_hours", &kWeek, "Default 24."},
    Field{"allow_personal_profiles", &kFlag, "Default true."},
    Field{"allow_standalone", &kFlag, "Whether sessions may drop the organisation. Default false."},
    Field{"allow_network_settings", &kFlag,
          "Whether people's own network.enforced settings count. Default false."},
};
constexpr Shape kTeams{.type = Type::object, .fields = kTeamsFields, .strict = true};
constexpr Shape kProjects{.type = Type::object, .fields = kProjectsFields, .strict = true};
constexpr Shape kUsers{.type = Type::object, .fields = kUsersFields, .strict = true};
constexpr std::array kDelegationFields{
    Field{"teams", &kTeams, ""},
    Field{"projects", &kProjects, ""},
    Field{"users", &kUsers, "", false, kExtension},
};
constexpr Shape kDelegation{.type = Type::object, .fields = kDelegationFields, .strict = true};

// ---- profiles ----
constexpr std::array kTeamDelegationFields{
    Field{"allow_project_overrides", &kFlag, "Default false."},
};
constexpr Shape kTeamDelegation{.type = Type::object, .fields = kTeamDelegationFields, .strict = true};
constexpr std::array kTrustFields{
    Field{"inherit_org_marketplaces", &kFlag, "Default true."},
    Field{"allow_additional_marketplaces", &kFlag, "Default false."},
    Field{"marketplace_source_patterns", &kGlobs, "Patterns such as \"github.com/acme/**\"."},
};
constexpr Shape kTrust{.type = Type::object, .fields = kTrustFields, .strict = true};
constexpr std::array kTeamEgressFields{
    Field{"destination_sets", &kNames, "Names of network.destination_sets."},
    Field{"allow", &kTargets, "Needs delegation.teams.allow_egress."},
    Field{"deny", &kTargets, ""},
};
constexpr Shape kTeamEgress{.type = Type::object, .name = "team_egress", .fields = kTeamEgressFields};
constexpr std::array kProfileFields{
    Field{"description", &kText, ""},
    Field{"additional_plugins", &kRefs, "name@marketplace."},
    Field{"additional_mcp_servers", &kMcpServers, ""},
    Field{"network_policy", &kNetworkPolicy, "Can only narrow the organisation's."},
    Field{"session", &kSession, ""},
    Field{"dev_environment", &kDevEnvironment, ""},
    Field{"delegation", &kTeamDelegation, ""},
    Field{"config_source", &kConfigSource, "Present: the team keeps a file of its own elsewhere."},
    Field{"trust", &kTrust, "What that file may do."},
    Field{"enabled_bundles", &kNames, "Names of governed_artifacts.bundles."},
    Field{"allowed_providers", &kProviders, "Absent inherits; [] is none.", false, kExtension},
    Field{"images", &kImages, "Needs delegation.teams.allow_base_images.", false, kExtension},
    Field{"egress", &kTeamEgress, "", false, kExtension},
};
constexpr Shape kProfile{.type = Type::object, .name = "profile", .fields = kProfileFields};
constexpr Shape kProfiles{.type = Type::map, .item = &kProfile, .key = &kName};

// ---- network ----
constexpr Shape kSetName{.type = Type::text,
                         .expects = "lower-case letters, digits and '-'",
                         .pattern = "^[a-z0-9-]+$",
                         .matches = grammar::slug};
constexpr Shape kSomeTarget{.type = Type::text,
                            .expects =
                                "a host, \".domain\", \"*.domain\", an address or a CIDR block, with a port "
                                "or without",
                            .format = "scc-egress-target",
                            .valid = grammar::target};
constexpr Shape kSomeTargets{.type = Type::list, .least = 1, .item = &kSomeTarget};
constexpr std::array kSetFields{
    Field{"destinations", &kSomeTargets, "", kRequired},
    Field{"description", &kText, ""},
};
constexpr Shape kSet{.type = Type::object, .fields = kSetFields};
constexpr Shape kSets{.type = Type::map, .item = &kSet, .key = &kSetName};
constexpr Shape kPluginId{.type = Type::text,
                          .expects = "a plugin's id: a-z, 0-9, '.' and '-', beginning with a letter",
                          .pattern = "^[a-z][a-z0-9.-]{0,62}$",
                          .matches = grammar::plugin_id};
constexpr std::array kEnforcerFields{
    Field{"id", &kPluginId, "The network policy plugin that implements web-egress-enforced.", kRequired},
    Field{"sha256", &kOneDigest, "Of its library.", kRequired},
};
constexpr Shape kEnforcer{.type = Type::object, .fields = kEnforcerFields, .strict = true};
constexpr std::array<std::string_view, 3> kTransports{"auto", "socket", "internal"};
constexpr Shape kTransport{.type = Type::text, .choices = kTransports};
constexpr Shape kAddress{.type = Type::text,
                         .expects = "an IPv4 or IPv6 address",
                         .format = "scc-address",
                         .valid = grammar::address};
constexpr Shape kAddresses{.type = Type::list, .item = &kAddress};
constexpr Shape kBlock{.type = Type::text,
                       .expects = "a CIDR block, for example 10.20.0.0/16",
                       .format = "scc-cidr",
                       .valid = grammar::cidr};
constexpr Shape kBlocks{.type = Type::list, .item = &kBlock};
constexpr Shape kEngineNetwork{.type = Type::text,
                               .expects = "the name of a network of the engine",
                               .format = "scc-engine-network",
                               .valid = grammar::engine_network};
constexpr Shape kUpstream{.type = Type::text,
                          .expects = "http://HOST:PORT without user, path or query",
                          .pattern = "^http://[A-Za-z0-9._-]{1,253}:[0-9]{1,5}$",
                          .matches = grammar::plain_proxy};
constexpr std::array kEnforcedFields{
    Field{"transport", &kTransport, "How a sandbox reaches its proxy. Absent: auto."},
    Field{"network", &kEngineNetwork, "Where the proxy reaches the web. Absent: one of its own for each."},
    Field{"dns", &kAddresses, "Name servers of the proxy. Absent: the machine's."},
    Field{"internal_blocks", &kBlocks, "Private blocks that listed names may lead to."},
    Field{"upstream_proxy", &kUpstream, "http://HOST:PORT that the proxy uses for everything."},
};
constexpr Shape kEnforced{.type = Type::object, .fields = kEnforcedFields, .strict = true};
constexpr std::array kNetworkFields{
    Field{"destination_sets", &kSets, "Names ending in \"-core\" belong to the providers."},
    Field{"enforcer", &kEnforcer, "Absent: the bundled one."},
    Field{"enforced", &kEnforced, "How the proxy of web-egress-enforced is run."},
};
constexpr Shape kNetwork{.type = Type::object, .fields = kNetworkFields, .strict = true};

// ---- plugins of scc itself ----
constexpr std::array<std::string_view, 3> kTrustModes{"pinned", "listed", "open"};
constexpr std::array<std::string_view, 1> kIsolations{"in-process"};
constexpr Shape kTrustMode{.type = Type::text, .choices = kTrustModes};
constexpr Shape kIsolation{.type = Type::text, .choices = kIsolations};
constexpr Shape kRange{.type = Type::text,
                       .expects = "a version range such as \">=1.2 <2\"",
                       .format = "scc-version-range",
                       .valid = grammar::version_range};
constexpr Shape kPluginGlob{.type = Type::text,
                            .expects = "a plugin's id, with '*' for any run",
                            .pattern = "^[a-z*][a-z0-9.*-]{0,62}$",
                            .matches = grammar::plugin_glob};
constexpr Shape kPluginGlobs{.type = Type::list, .item = &kPluginGlob};
constexpr Shape kPluginIds{.type = Type::list, .item = &kPluginId};
constexpr Shape kGrants{.type = Type::list, .item = &kSomeText};
constexpr std::array kRuleFields{
    Field{"id", &kPluginId, "", kRequired},
    Field{"version", &kRange, "Absent: any."},
    Field{"sha256", &kDigests, "Of the libraries that may load."},
    Field{"grants", &kGrants, "The most that the plugin may ask for; absent: what it asks for."},
};
constexpr Shape kRule{.type = Type::object, .fields = kRuleFields, .strict = true};
constexpr Shape kRules{.type = Type::list, .item = &kRule};
constexpr std::array kPluginsFields{
    Field{"mode", &kTrustMode,
          "pinned: id and digest; listed: id and version; open: local trust. Default pinned."},
    Field{"allow", &kRules, ""},
    Field{"deny", &kPluginGlobs, "Ids; * stands for any run."},
    Field{"required", &kPluginIds, "A session does not start without them."},
    Field{"allow_user", &kFlag, "Whether plugins of the user's own directory load. Default false."},
    Field{"locked", &kFlag, "Whether people's own settings can only tighten this. Default true."},
    Field{"isolation", &kIsolation, ""},
};
constexpr Shape kPlugins{.type = Type::object, .fields = kPluginsFields, .strict = true};

// ---- stats, exceptions ----
constexpr std::array<std::string_view, 3> kIdentityModes{"hash", "clear", "anonymous"};
constexpr Shape kIdentityMode{.type = Type::text, .choices = kIdentityModes};
constexpr Shape kRetention{.type = Type::integer, .least = 1, .most = 365};
constexpr std::array kStatsFields{
    Field{"enabled", &kFlag, ""},
    Field{"user_identity_mode", &kIdentityMode, "Default \"hash\"."},
    Field{"retention_days", &kRetention, "Default 90."},
};
constexpr Shape kStats{.type = Type::object, .fields = kStatsFields};
constexpr std::array kAllowFields{
    Field{"plugins", &kGlobs, ""},
    Field{"mcp_servers", &kGlobs, ""},
};
constexpr Shape kAllow{.type = Type::object, .fields = kAllowFields, .strict = true};
constexpr Shape kExceptionId{.type = Type::text,
                             .expects = "printable ASCII without blanks",
                             .pattern = "^[!-~]+$",
                             .matches = grammar::word};
constexpr std::array kExceptionFields{
    Field{"id", &kExceptionId, "", kRequired},
    Field{"reason", &kSomeText, "", kRequired},
    Field{"expires_at", &kTime, "At most 365 days from now, else it does not count.", kRequired},
    Field{"allow", &kAllow, "", kRequired},
    Field{"teams", &kGlobs, "Patterns of team names; absent: every team."},
};
constexpr Shape kException{.type = Type::object, .fields = kExceptionFields, .strict = true};
constexpr Shape kExceptions{.type = Type::list, .item = &kException};

constexpr Shape kMinVersion{.type = Type::text,
                            .expects = "a version X.Y.Z",
                            .pattern = "^[0-9]+[.][0-9]+[.][0-9]+$",
                            .matches = grammar::version};
constexpr std::array kOrgFields{
    Field{"$schema", &kText, "For editors; never fetched."},
    Field{"schema_version", &kSchemaVersion, "", kRequired},
    Field{"min_cli_version", &kMinVersion, "An older scc refuses the document."},
    Field{"organization", &kOrganization, "", kRequired},
    Field{"marketplaces", &kMarketplaces, "Alias to where it comes from."},
    Field{"security", &kSecurity, "Hard boundary: nothing below loosens it."},
    Field{"defaults", &kDefaults, "The baseline of every team."},
    Field{"delegation", &kDelegation, "Who may add what. Absent: nobody anything."},
    Field{"profiles", &kProfiles, "The teams."},
    Field{"governed_artifacts", &kGovernedArtifacts, ""},
    Field{"stats", &kStats, "Usage statistics, kept on the machine."},
    Field{"network", &kNetwork, "", false, kExtension},
    Field{"plugins", &kPlugins, "Which shared libraries scc may load.", false, kExtension},
    Field{"exceptions", &kExceptions, "", false, kExtension},
};

}  // namespace

constexpr Shape kOrgShape{.type = Type::object, .fields = kOrgFields, .strict = true};

// ---- a federated team's own file ----
namespace {

constexpr std::array kTeamFileFields{
    Field{"$schema", &kText, ""},
    Field{"schema_version", &kSchemaVersion, "", kRequired},
    Field{"enabled_plugins", &kRefs, ""},
    Field{"disabled_plugins", &kGlobs, ""},
    Field{"marketplaces", &kMarketplaces, ""},
    Field{"additional_mcp_servers", &kMcpServers, "", false, kExtension},
    Field{"session", &kSession, "", false, kExtension},
    Field{"network_policy", &kNetworkPolicy, "", false, kExtension},
    Field{"enabled_bundles", &kNames, "", false, kExtension},
    Field{"egress", &kTeamEgress, "", false, kExtension},
};

}  // namespace

constexpr Shape kTeamFileShape{.type = Type::object, .fields = kTeamFileFields, .strict = true};

}  // namespace scc::model
