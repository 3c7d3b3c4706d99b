// SPDX-License-Identifier: Apache-2.0
// What a launch is made of, chosen within what governance allows: the provider's image, the network policy's
// component. Reads only. [main]
#pragma once

#include <string>

#include "app/governance.h"
#include "app/launch.h"
#include "app/planner.h"
#include "image/ensure.h"

namespace scc::app {

/// Tells the registry which of scc's own plugins the organisation lets load. Before any library is mapped.
/// Kind::prereq plugin.required, Kind::config plugin.policy.
Status apply_plugin_policy(Host& host, const Governance& governance);

/// The same for commands that decide nothing and must work without the organisation's document (list, stop,
/// prune): where it cannot be read, only bundled and system plugins load. Once a run.
Status apply_machine_plugin_policy(Host& host);

/// The reference of the layers, else what the provider asks for. Kind::policy image.blocked.
Result<ImageChoice> choose_image(Host& host, plugin::Runtime& runtime, const plugin::Provider& provider,
                                 const json::Value& spec, const Governance& governance);

/// The component that enforces the effective policy, and its plan. Kind::policy network.needs-web when the
/// provider cannot work without the web; Kind::prereq network.no-enforcer when no plugin enforces the policy.
Status plan_network(Host& host, Prepared& out, const Governance& governance, const std::string& provider,
                    const Identity& identity, json::Value& network);

}  // namespace scc::app
