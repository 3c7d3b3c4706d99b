// SPDX-License-Identifier: Apache-2.0
// Judges what lies in the credential volume. It claims what the files prove and no more: account metadata is
// not a credential, and a token that can still be refreshed is not expired. The files are written by the
// agent, so any shape is possible. Pure.
#pragma once

#include <cstdint>

#include <scc/sdk/plugin.hpp>

namespace scc::claude {

/// request: scc.auth-request/1; now_ms: since the epoch.
sdk::AuthStatus judge_auth(const sdk::Json& request, std::int64_t now_ms);

}  // namespace scc::claude
