// SPDX-License-Identifier: Apache-2.0
// Sources: RFC 6890 (special purpose), RFC 4291 (IPv6), RFC 6052 and RFC 8215 (translated), the metadata
// addresses of the large clouds.
#include "egress/address.h"

#include <algorithm>
#include <array>

#include "policy/targets.h"

namespace scc::egress {

namespace {

using policy::Target;

/// No setting opens these.
constexpr std::array<std::string_view, 14> kHard = {
    "0.0.0.0/8", "127.0.0.0/8", "169.254.0.0/16", "224.0.0.0/4",    "240.0.0.0/4",   "100.100.100.200",
    "::",        "::1",         "64:ff9b::/96",   "64:ff9b:1::/48", "fd00:ec2::254", "fe80::/10",
    "fec0::/10", "ff00::/8"};
/// These are open where Addressing::internal_blocks names them.
constexpr std::array<std::string_view, 14> kSoft = {
    "10.0.0.0/8",     "100.64.0.0/10", "172.16.0.0/12",   "192.0.0.0/24",   "192.0.2.0/24",
    "192.168.0.0/16", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "100::/64",
    "2001::/32",      "2001:db8::/32", "2002::/16",       "fc00::/7"};

/// One address; nullopt for a name, a block or nonsense.
std::optional<Target> read(std::string_view text) {
  auto out = policy::parse_target(text);
  if (!out || out->kind != Target::Kind::block || out->port >= 0 || out->bits != (out->v4 ? 32U : 128U)) {
    return std::nullopt;
  }
  constexpr std::array<std::uint8_t, 12> kMapped = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
  if (!out->v4 && std::equal(kMapped.begin(), kMapped.end(), out->bytes.begin())) {
    Target v4;
    v4.kind = Target::Kind::block;
    v4.v4 = true;
    v4.bits = 32;
    std::copy(out->bytes.begin() + 12, out->bytes.end(), v4.bytes.begin());
    return v4;
  }
  return out;
}

bool inside(std::string_view block, const Target& address) {
  auto outer = policy::parse_target(block);
  if (!outer || outer->kind != Target::Kind::block) return false;
  outer->port = -1;
  return policy::covers(*outer, address);
}

template <class List>
bool in_any(const List& blocks, const Target& address) {
  return std::any_of(blocks.begin(), blocks.end(), [&](const auto& block) { return inside(block, address); });
}

}  // namespace

bool denied_address(std::string_view address, const Addressing& addressing) {
  const auto target = read(address);
  if (!target) return true;
  if (in_any(kHard, *target) || in_any(addressing.denied_blocks, *target)) return true;
  return in_any(kSoft, *target) && !in_any(addressing.internal_blocks, *target);
}

bool in_block(std::string_view block, std::string_view address) {
  const auto target = read(address);
  return target && inside(block, *target);
}

}  // namespace scc::egress
