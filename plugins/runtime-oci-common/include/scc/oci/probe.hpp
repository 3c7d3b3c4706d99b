// SPDX-License-Identifier: Apache-2.0
// What GET /info says about an engine, as scc.runtime-info/1: capabilities, and every
// weakness as a problem with its remedy. Pure.
#pragma once

#include <scc/oci/api.hpp>
#include <scc/oci/spec.hpp>

namespace scc::oci {

/// Fills everything but reachable, endpoint, context, local and runtime_id.
void describe_engine(const sdk::Json& info, const Api& api, sdk::RuntimeInfo& out);

Abilities abilities_of(const sdk::Json& info, ApiVersion api);

}  // namespace scc::oci
