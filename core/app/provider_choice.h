// SPDX-License-Identifier: Apache-2.0
// Which agent a command means: what was said (--provider, SCC_PROVIDER, the session that goes on), what was
// chosen or used for the workspace, the user's preference, else the only one that can be meant, else a
// question. [main]
#pragma once

#include <string>

#include "app/governance.h"
#include "app/launch.h"

namespace scc::app {

struct ProviderChoice {
  std::string id;
  /// explicit, environment, workspace, workspace_last_used, preference, auto_single, asked
  std::string source;
};

struct ChoiceContext {
  std::string root;       ///< real path of the workspace; empty: none
  bool may_look = false;  ///< sandboxes may be made to look into credential volumes (never started)
  bool may_ask = false;   ///< host.choose may be called
};

/// Kind::usage provider.unknown and Kind::policy provider.not-allowed for what was said; what is remembered
/// or preferred and cannot be used is passed over with a warning. Kind::prereq provider.none, and
/// provider.ambiguous where several could be meant and nobody can be asked. Kind::cancelled cli.cancelled.
Result<ProviderChoice> choose_provider(Host& host, const LaunchOptions& options, const Governance& governance,
                                       const ChoiceContext& context);

/// Kind::usage provider.unknown with what there is.
Status check_known_provider(const plugin::Registry& registry, const std::string& id);

/// After a session: its workspace starts with the same agent next time.
void remember_provider(Host& host, const std::string& root, const std::string& provider);

}  // namespace scc::app
