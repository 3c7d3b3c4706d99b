// SPDX-License-Identifier: Apache-2.0
// Which plugins an organisation lets this machine load (sdk.md §6, step 3), as plain data that the
// application fills from its configuration, and the decision for one entry. The first layer that denies wins,
// so that a lower layer can only tighten. Pure. [any]
#pragma once

#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace scc::plugin {

struct Entry;

/// What is allowed of one plugin. Several rules may name the same id; one that fits is enough.
struct PolicyRule {
  std::string id;
  std::string version;              ///< range, ">=1.2 <2"; empty: any
  std::vector<std::string> sha256;  ///< of the library; empty: not pinned
  /// "process:git", "endpoints:unix:/run/x.sock", "files:…", "env:…"; absent: any, empty: none
  std::optional<std::vector<std::string>> grants;
};

struct Policy {
  std::string source = "the organisation's policy";  ///< for people
  std::string pointer = "/plugins";                  ///< of the section in its document
  std::string mode = "open";      ///< pinned (id and sha256), listed (id and version), open (local trust)
  std::vector<PolicyRule> allow;  ///< in the mode open it constrains the ids that it names
  std::vector<std::string> deny;  ///< ids; * stands for any text
  std::vector<std::string> required;
  bool allow_user = true;  ///< false: nothing from --plugin-dir, SCC_PLUGIN_PATH and the user's directory
  bool locked = false;     ///< nothing from --plugin-dir and SCC_PLUGIN_PATH, no --allow-override
  /// The plugin that implements the network policies which are not built in; empty id: the bundled one.
  std::string enforcer_id;
  std::string enforcer_sha256;
  std::string enforcer_pointer = "/network/enforcer";
};

/// The decision that let an entry through.
struct PolicyVerdict {
  std::string rule;      ///< "/plugins/allow/0"; empty: no rule speaks about it
  std::string source;    ///< whose
  bool vouched = false;  ///< the highest layer pins exactly these bytes: no local trust is needed
};

/// Kind::config plugin.policy: an unknown mode, a range or hash that cannot be read. A rule that cannot be
/// understood must not be skipped.
Status check_policy(const Policy& policy);

/// `layers`: highest first; only the highest vouches and names the enforcer. `built_in_modes`: network
/// policies compiled into the host, which no plugin can provide. Kind::policy plugin.denied with the rule
/// that said so; the rule's pointer is the error's only line of context.
Result<PolicyVerdict> judge_by_policy(const std::vector<Policy>& layers, const Entry& entry,
                                      const std::set<std::string>& built_in_modes);

/// Whether a SemVer version lies in a range: terms of <, <=, >, >=, = and a version whose missing parts are
/// 0, separated by blanks, all of which must hold. A pre-release counts only where a term names a pre-release
/// of the same version. Kind::config plugin.policy for anything else.
Result<bool> version_in_range(std::string_view version, std::string_view range);

}  // namespace scc::plugin
