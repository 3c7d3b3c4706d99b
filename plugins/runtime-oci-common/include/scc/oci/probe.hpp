// SPDX-License-Identifier: Apache-2.0
// What GET /info says about an engine, as scc.runtime-info/1: capabilities, and every
// weakness as a problem with its remedy. Pure.
#pragma once

#include <scc/oci/api.hpp>
#include <scc/oci/spec.hpp>

namespace scc::oci {

/// Fills everything but reachable, endpoint, context, local and runtime_id.
void describe_engine(const sdk::Json& info, const Api& api, const Abilities& able, sdk::RuntimeInfo& out);

Abilities abilities_of(const sdk::Json& info, ApiVersion api);

/// Adds what follows from `able`: the info's cgroup members and a problem for each limit that cannot be had.
void describe_cgroup(const std::string& version, const Abilities& able, sdk::RuntimeInfo& out);

}  // namespace scc::oci
