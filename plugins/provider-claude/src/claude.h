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
  /// The agent's own sign-in: it prints an address and takes the code that the browser shows. Failure
  /// SCC_E_PREREQ (claude.no-key-store) for the method api_key: the agent keeps no key that is handed to it.
  sdk::LoginPlan plan_login(const sdk::Json& request);
};

}  // namespace scc::claude
