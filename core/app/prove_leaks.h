// SPDX-License-Identifier: Apache-2.0
// Walls that a test takes down on purpose, one at a time (`scc prove --seed-leak`, test builds only): a proof
// that cannot fail proves nothing. No network namespace of its own is needed, because the topology keeps
// every packet here: the proxy's only network is internal and its only name server is the stand-in, all raw
// attempts have a hop limit of 1 and targets of this run, and addresses that nobody here holds are never
// asked for once a wall was seen down (battery.h).
#pragma once

#include <memory>
#include <string>

#include "app/launch.h"
#include "app/prove_world.h"

namespace scc::app {

/// Whether this build knows any.
bool has_leaks() noexcept;
/// A leak of the sandbox's own walls, made in the plan and in what the policy attaches. False: it is none of
/// these, so it is for the policy's plugin (config seed_leak).
bool is_own_leak(const std::string& name) noexcept;
void leak_plan(const std::string& name, const ProveWorld& world, json::Value& plan);
std::unique_ptr<plugin::NetPolicy> leak_policy(const std::string& name, const ProveWorld& world,
                                               std::unique_ptr<plugin::NetPolicy> inner);

}  // namespace scc::app
