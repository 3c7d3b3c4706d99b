// SPDX-License-Identifier: Apache-2.0
// Egress targets: a host, a domain with all below it (".d" or "*.d"), an address or a CIDR block, each with
// an optional port; a port that is not written means every port. What covers what, and the part two lists
// share. Names are compared as names: what they resolve to is the network policy's matter. No I/O.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "model/types.h"

namespace scc::policy {

struct Target {
  enum class Kind : std::uint8_t { host, domain, block } kind = Kind::host;
  std::string name;                      ///< host and domain: lower case, no dot at either end
  std::array<std::uint8_t, 16> bytes{};  ///< block: the network's address, IPv4 in the first four
  unsigned bits = 0;                     ///< block: length of the prefix
  bool v4 = false;
  int port = -1;
};

/// nullopt when the text is not a target.
std::optional<Target> parse_target(std::string_view text);
/// One spelling for each target.
std::string to_string(const Target& target);
/// Is each destination of `inner` one of `outer`?
bool covers(const Target& outer, const Target& inner);
/// What both have, if anything.
std::optional<Target> intersection(const Target& a, const Target& b);

/// The first of the targets that covers `target`; size() when none does. Unreadable ones cover nothing.
std::size_t find_cover(const model::Strings& targets, const Target& target);
/// What is left of `allow` inside `only`, in the order of `allow`, without repetition. In an allow list an
/// entry without a port opens 443 alone (core/egress).
model::Strings narrow(const model::Strings& allow, const model::Strings& only);

/// Loopback, private, link-local, carrier and multicast ranges, IPv6 and mapped ones included: never
/// reachable under web-egress-enforced, whatever a document allows.
const model::Strings& builtin_deny();

}  // namespace scc::policy
