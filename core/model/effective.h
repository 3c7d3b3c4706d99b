// SPDX-License-Identifier: Apache-2.0
// What all layers together come to, and why: the result of policy::compute. Lists keep evaluation order; the
// codes of records are stable (docs/config.md). No I/O.
#pragma once

#include "json/value.h"
#include "model/org.h"

namespace scc::model {

struct Decision {
  std::string field;
  std::string value;
  std::string reason;
  std::string source;  ///< org.security, org.defaults, team.<name>, personal, project, policy, repo, user
  std::string rule;    ///< JSON pointer in the layer's document that decided, "/defaults/network_policy"
  std::string entry;   ///< of an added item: JSON pointer of the entry that asked, in its layer's document
  std::string exception_id;  ///< of an exception that lifted a refusal
  std::string expires_at;
};
struct Blocked {
  std::string item;
  std::string blocked_by;
  std::string source;
  std::string target_type;  ///< plugin, mcp_server, image
  std::string code;
  std::string requested_by;  ///< org, team, personal, project: who asked for it
  std::string rule;          ///< JSON pointer of the deciding entry in the document of `source`
  std::string entry;         ///< JSON pointer of the entry that asked, in its layer's document
};
struct Denied {
  std::string item;
  std::string requested_by;  ///< team, personal, project
  std::string reason;
  std::string
      target_type;  ///< plugin, mcp_server, dev_environment_command, _log, _health_check, image, egress
  std::string code;
  std::string source;  ///< whose rule: org.defaults, org.delegation, team.<name>
  std::string rule;    ///< as in Blocked
  std::string entry;
};
struct Ignored {
  std::string field;
  std::string requested_value;
  std::string effective_value;
  std::string source;
  std::string reason;
  std::string code;
  std::string rule;   ///< what stood in the way: as in Blocked
  std::string entry;  ///< what was asked, in the document of `source`
};
/// Left out by a removal that was allowed (disabled_plugins, a false entry).
struct Disabled {
  std::string item;
  std::string source;  ///< the layer that switched it off
  std::string target_type;
  std::string requested_by;
  std::string rule;
  std::string entry;
};

/// A bundle of the organisation's catalog that the team enabled, resolved for the chosen provider.
struct EffectiveBundle {
  std::string name;
  std::string source;
  std::string install_intent;
  Strings artifacts;  ///< members in effect, in order
  Strings portable;   ///< of these, those without a binding for the provider
  std::vector<std::pair<std::string, std::string>> skipped;  ///< member and why
};

/// An exception that counts now, whether or not anything needed it.
struct ActiveException {
  std::string id;
  std::string source;  ///< policy, repo, user
  std::string reason;
  std::string expires_at;
  Strings plugins;
  Strings mcp_servers;
};

struct EffectiveMcp {
  McpServer server;
  std::string source;
  std::string entry;
};
struct EffectiveDevAction {
  DevAction action;
  std::string source;
};

struct Effective {
  bool standalone = false;
  std::string organization_name;
  std::string organization_id;
  std::string team;          ///< empty: none
  Strings plugins;           ///< canonical name@marketplace
  StringMap plugin_sources;  ///< reference -> layer
  std::vector<EffectiveMcp> mcp_servers;
  std::optional<NetworkPolicy> network_policy;  ///< absent: `open` applies
  std::string network_source;
  Enforcer enforcer;
  EnforcedNetwork enforced_network;
  bool allow_network_settings = true;  ///< false where an organisation does not delegate them
  Session session;
  std::vector<EffectiveDevAction> dev_commands;
  std::vector<EffectiveDevAction> dev_logs;
  std::vector<EffectiveDevAction> dev_health_checks;
  std::optional<Strings> allowed_providers;  ///< absent: all; empty: none
  Egress egress;                             ///< allow and deny expanded, without the provider's own set
  StringMap images;
  StringMap image_sources;  ///< provider -> layer
  std::vector<EffectiveBundle> bundles;
  Strings blocked_base_images;
  std::optional<Strings> allowed_base_images;
  SafetyNet safety_net;
  PluginPolicy scc_plugins;
  std::map<std::string, Marketplace> marketplaces;  ///< organisation's and trusted team's
  std::vector<Decision> decisions;
  std::vector<Blocked> blocked;
  std::vector<Denied> denied;
  std::vector<Ignored> ignored;
  std::vector<Disabled> disabled;
  Strings warnings;
  Strings applied_exceptions;  ///< ids, in order of use
  std::vector<ActiveException> active_exceptions;
  std::int64_t expired_exceptions = 0;  ///< how many of those read do not count any more
};

}  // namespace scc::model
