// SPDX-License-Identifier: Apache-2.0
// Address blocks: reading, covering, and what is left of some without others. Pure.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace scc_squid {

struct Block {
  std::array<std::uint8_t, 16> bytes{};  ///< IPv4 in the first four
  unsigned bits = 0;
  bool v4 = true;
};

/// "10.0.0.0/8", "::1"; bits behind the prefix are cleared. nullopt for anything else.
std::optional<Block> parse_block(std::string_view text);
std::string to_string(const Block& block);
bool covers(const Block& outer, const Block& inner);
/// `from` without each of `cut`, no block inside another, in a fixed order.
std::vector<Block> subtract(const std::vector<Block>& from, const std::vector<Block>& cut);

/// Never reachable, and not by Settings::internal_blocks: this host, link-local, multicast, metadata
/// services.
const std::vector<Block>& hard_blocks();
/// Never reachable unless named there: private, carrier, documentation, benchmark and translated ranges.
/// Sources: RFC 6890, RFC 4291, RFC 6052. ::ffff:0:0/96 is not among them: Squid keeps IPv4 as such
/// addresses, so a mapped address is compared as the IPv4 address that it is, and the block would match all
/// of IPv4.
const std::vector<Block>& soft_blocks();

}  // namespace scc_squid
