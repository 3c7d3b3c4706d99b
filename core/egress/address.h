// SPDX-License-Identifier: Apache-2.0
// Where a listed name may not lead. The same ranges as every network policy of scc's enforces
// (docs/egress.md): private, local, shared, documentation, translated and multicast ones, metadata services.
// No I/O.
#pragma once

#include <string_view>

#include "model/types.h"

namespace scc::egress {

/// What the enforcing side adds to the built-in ranges, and takes out of them.
struct Addressing {
  model::Strings denied_blocks;  ///< the host's addresses, the engine's subnets
  model::Strings
      internal_blocks;  ///< parts of the private or documentation ranges that listed names may lead to
};

/// An address of DNS, IPv4-mapped IPv6 as the IPv4 address that it is. What is no address is denied.
bool denied_address(std::string_view address, const Addressing& addressing);
/// Does the block cover the address (mapped ones as above)?
bool in_block(std::string_view block, std::string_view address);

}  // namespace scc::egress
