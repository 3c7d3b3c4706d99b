// SPDX-License-Identifier: Apache-2.0
// The provider: a launch request in, a launch spec out. No effects and no state; everything secret stays a
// reference that the host resolves when it starts the agent.
#pragma once

#include <scc/sdk/plugin.hpp>

namespace scc::codex {

class Codex {
 public:
  sdk::LaunchSpec plan_launch(const sdk::Json& request);
  sdk::AuthStatus auth_status(const sdk::Json& request);
  /// The device flow, or with the method api_key the key from standard input.
  sdk::LoginPlan plan_login(const sdk::Json& request);
};

}  // namespace scc::codex
