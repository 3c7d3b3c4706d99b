// SPDX-License-Identifier: Apache-2.0
// A document that uses every key of schema 1.1.0 at least once: the seed of the tests of the parsers.
#pragma once

#include <string>
#include <string_view>

namespace scc::model::testing_data {

inline constexpr std::string_view kExample = R"json({
  "$schema": "https://example.org/org.json",
  "schema_version": "1.1.0",
  "min_cli_version": "0.1.0",
  "organization": {"name": "Harrow Lake Observatory", "id": "harrow-lake", "contact": "platform@harrowlake.example",
                   "default_profile": "optics"},
  "marketplaces": {
    "hlo-core": {"source": "github", "owner": "harrow-lake", "repo": "agent-plugins", "branch": "v3", "path": "/",
                 "headers": {"Authorization": "Bearer ${TOKEN}"}},
    "hlo-mirror": {"source": "git", "url": "https://git.harrowlake.example/ai/mirror.git", "branch": "main", "path": "sub"},
    "hlo-pack": {"source": "url", "url": "https://packs.harrowlake.example/p.tgz", "headers": {"X-Team": "a"},
                 "materialization_mode": "best_effort"},
    "hlo-disk": {"source": "directory", "path": "/srv/plugins"}
  },
  "security": {
    "blocked_plugins": ["*-nightly", "shell-anything"],
    "blocked_mcp_servers": ["*.paste.example", "rogue-*"],
    "allow_stdio_mcp": true,
    "allowed_stdio_prefixes": ["/opt/hlo/mcp"],
    "blocked_base_images": ["*:latest"],
    "egress_deny": [".social.example", "10.0.0.0/8"],
    "safety_net": {"action": "warn", "block_force_push": true, "block_reset_hard": true,
                   "block_branch_force_delete": true, "block_checkout_restore": true, "block_clean": true,
                   "block_stash_destructive": false}
  },
  "network": {
    "destination_sets": {
      "packages": {"description": "package mirrors", "destinations": [".pkgs.harrowlake.example"]},
      "skydata": {"destinations": ["archive.harrowlake.example:443"]}},
    "enforcer": {"id": "netpolicy-hlo", "sha256": "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"},
    "enforced": {"transport": "socket", "network": "corp", "dns": ["10.20.0.53"], "internal_blocks": ["10.20.0.0/16"],
                 "upstream_proxy": "http://proxy.harrowlake.example:8080"}
  },
  "defaults": {
    "enabled_plugins": ["safety-hooks@hlo-core", "style-guide@hlo-core"],
    "disabled_plugins": ["style-*"],
    "allowed_plugins": ["*@hlo-core"],
    "allowed_mcp_servers": ["*.harrowlake.example", "/opt/hlo/mcp/*"],
    "extra_marketplaces": ["hlo-mirror"],
    "cache_ttl_hours": 12,
    "network_policy": "web-egress-enforced",
    "egress": {"destination_sets": ["packages"], "allow": ["docs.harrowlake.example"]},
    "allowed_providers": ["acme", "globex"],
    "allowed_base_images": ["registry.harrowlake.example/*"],
    "optional_plugins": ["style-*"],
    "images": {"acme": "registry.harrowlake.example/acme:1"},
    "session": {"timeout_hours": 10, "auto_resume": false},
    "dev_environment": {
      "commands": {"lint": {"argv": ["make", "lint"], "working_directory": "tools", "description": "Lints."}},
      "logs": {"app": {"argv": ["./ops/logs.sh"]}},
      "health_checks": {"db": {"argv": ["./ops/db-ping.sh"], "timeout_seconds": 20}}}
  },
  "delegation": {
    "teams": {"allow_additional_plugins": ["*"], "allow_additional_mcp_servers": ["optics", "data-*"],
              "allow_dev_environment_commands": ["optics"], "allow_egress": ["data-*"],
              "allow_base_images": ["optics"]},
    "projects": {"inherit_team_delegation": true},
    "users": {"allow_local_overrides": true, "max_override_hours": 12, "allow_personal_profiles": false,
              "allow_standalone": true, "allow_network_settings": true}
  },
  "profiles": {
    "optics": {
      "description": "Instrument control",
      "additional_plugins": ["fits-tools@hlo-core"],
      "additional_mcp_servers": [
        {"name": "mount-ctl", "type": "stdio", "command": "/opt/hlo/mcp/mount-ctl", "args": ["--ro"],
         "env": {"LEVEL": "${LEVEL}"}},
        {"name": "star-cat", "type": "http", "url": "https://mcp.harrowlake.example/stars",
         "headers": {"Authorization": "Bearer ${STARCAT_TOKEN}"}},
        {"name": "sky", "type": "sse", "url": "https://sky.harrowlake.example/", "headers": {}}],
      "network_policy": "locked-down-web",
      "session": {"timeout_hours": 6},
      "dev_environment": {"commands": {"flat:field": {"argv": ["./flat"]}}},
      "delegation": {"allow_project_overrides": true},
      "enabled_bundles": ["obs-pack"]
    },
    "data-reduction": {"egress": {"destination_sets": ["skydata"], "allow": ["a.example"], "deny": ["b.example"]},
                       "allowed_providers": ["globex"], "images": {"globex": "registry.harrowlake.example/g:2"}},
    "outreach": {
      "network_policy": "locked-down-web",
      "config_source": {"source": "github", "owner": "harrow-lake", "repo": "outreach-scc", "path": "team-config.json"},
      "trust": {"inherit_org_marketplaces": false, "allow_additional_marketplaces": true,
                "marketplace_source_patterns": ["github.com/harrow-lake/**"]}},
    "field": {"config_source": {"source": "git", "url": "git@git.harrowlake.example:field/scc.git", "branch": "main",
                                "path": "x.json"}},
    "visitors": {"config_source": {"source": "url", "url": "https://www.harrowlake.example/scc.json",
                                   "headers": {"X-Key": "${KEY}"}}}
  },
  "governed_artifacts": {
    "artifacts": {
      "obs-review": {"kind": "skill", "version": "2.1.0", "publisher": "hlo", "source_type": "git",
                     "source_url": "https://git.harrowlake.example/ai/skills.git", "source_path": "skills/obs-review",
                     "source_ref": "v2.1.0", "pinned": true, "install_intent": "required"},
      "obs-rules": {"kind": "native_integration"}},
    "bindings": {"obs-rules": [
      {"provider": "globex", "native_config": {"rules": "globex/obs.rules"}, "native_ref": "r"},
      {"provider": "acme", "native_config": {"instructions": "acme/obs.md"}, "transport_type": "http"}]},
    "bundles": {"obs-pack": {"artifacts": ["obs-review", "obs-rules"], "description": "d", "install_intent": "available"}}
  },
  "plugins": {
    "mode": "listed",
    "allow": [{"id": "acme", "version": ">=1.2 <2", "grants": ["process:acme"],
               "sha256": ["0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"]}],
    "deny": ["evil"], "required": ["acme"], "allow_user": true, "locked": false, "isolation": "in-process"
  },
  "exceptions": [{"id": "EXC-2291", "reason": "one-off migration", "expires_at": "2027-01-31T00:00:00Z",
                  "allow": {"plugins": ["migrator-nightly@hlo-core"], "mcp_servers": ["x"]}, "teams": ["optics"]}],
  "stats": {"enabled": true, "user_identity_mode": "clear", "retention_days": 60}
})json";

}  // namespace scc::model::testing_data
