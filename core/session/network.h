// SPDX-License-Identifier: Apache-2.0
// Private to this folder: the network of a launch. What a network policy with a proxy needs from the host
// (directories for its socket and its record), the policy's own steps, and what is told of its decisions.
#pragma once

#include "session/state.h"

namespace scc::session::detail {

/// Makes `net/run` (the socket, which the sandbox sees) and `net/log` (the record, which it does not), binds
/// the policy to this sandbox's objects and applies it.
Result<json::Value> apply_network(Running::State& state, const Deps& deps);
/// Every check of the policy must have passed, and there must be some. verify.network otherwise.
Result<json::Value> verify_network(Running::State& state, const Deps& deps);
/// Removes what belongs to the network of this sandbox, by its labels. For a launch that fails in the middle.
Status end_network(plugin::Runtime& runtime, const std::string& sandbox, const os::Paths& paths,
                   const os::Environment& env);

}  // namespace scc::session::detail
