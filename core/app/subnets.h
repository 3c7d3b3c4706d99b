// SPDX-License-Identifier: Apache-2.0
// A small block of addresses for a network of a session's own. Reads only: this machine's routes and the
// engine's networks. [main]
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"
#include "plugin/runtime.h"

namespace scc::app {

/// A /29 in 10.213.0.0/16 that no route of this machine and no network of the engine touches; equal seeds
/// begin their search at the same place. Kind::prereq network.subnet when there is none.
Result<std::string> free_subnet(plugin::Runtime& runtime, const std::string& seed);

namespace detail {

struct Block {
  std::uint32_t address = 0;  ///< host byte order
  std::uint32_t mask = 0;
};

/// The targets in /proc/net/route, without default routes.
std::vector<Block> blocks_of_routes(const std::string& text);
/// Empty when all are taken.
std::string pick_subnet(const std::vector<Block>& taken, const std::string& seed);

}  // namespace detail
}  // namespace scc::app
