// SPDX-License-Identifier: Apache-2.0
// The provider: a launch request in, a launch spec out. No effects and no state; everything secret stays a
// reference that the host resolves when it starts the agent.
#pragma once

#include <scc/sdk/plugin.hpp>

namespace scc::claude {

class Claude {
 public:
  sdk::LaunchSpec plan_launch(const sdk::Json& request);
  sdk::AuthStatus auth_status(const sdk::Json& request);
};

}  // namespace scc::claude
