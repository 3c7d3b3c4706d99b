// SPDX-License-Identifier: Apache-2.0
// Private to this folder: the network of a launch. What a network policy with a proxy needs from the host
// (directories for its socket and its record), the policy's own steps, and what is told of its decisions.
#pragma once

#include "session/state.h"

namespace scc::session::detail {

/// In the instance directory: the last scc.netpolicy-evidence/1.
inline constexpr std::string_view kNetworkEvidence = "network-evidence.json";

/// Makes `net/run` (the socket, which the sandbox sees) and `net/log` (the record, which it does not), binds
/// the policy to this sandbox's objects and applies it.
Result<json::Value> apply_network(Running::State& state, const Deps& deps);
/// Whether the sandbox is on a network that was made for this session and ends with it.
bool has_own_network(const Running::State& state);
/// Every check of the policy must have passed, and there must be some. verify.network otherwise.
Result<json::Value> verify_network(Running::State& state, const Deps& deps);
/// After the proxy ended by itself: its containers are started again as they are, with the configuration that
/// they were made with, and the policy verifies them anew. When that fails, or has been done a few times,
/// they stay ended, which leaves the sandbox without a way out. The user is told either way.
void revive_network(Running::State& state, const Deps& deps);
/// Removes what belongs to the network of this sandbox, by its labels. For a launch that fails in the middle.
Status end_network(plugin::Runtime& runtime, const std::string& sandbox, const os::Paths& paths,
                   const os::Environment& env);

}  // namespace scc::session::detail
