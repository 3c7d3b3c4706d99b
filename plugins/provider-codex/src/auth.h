// SPDX-License-Identifier: Apache-2.0
// Judges what lies in the credential volume. It claims what the file proves and no more. The file is written
// by the agent, so any shape is possible. Pure.
#pragma once

#include <scc/sdk/plugin.hpp>

namespace scc::codex {

/// request: scc.auth-request/1
sdk::AuthStatus judge_auth(const sdk::Json& request);

}  // namespace scc::codex
