// SPDX-License-Identifier: Apache-2.0
// A sandbox on a network of its own beside its proxy: what must hold there (runtime specification 4.7, 8.1).
// Packets go only to listeners that scc itself opened, to the gateway that an engine wrote into the route
// table, and to the proxy.
#pragma once

#include "evidence.h"

#ifdef __cplusplus
extern "C" {
#endif

/// An IPv4 address and its network, host byte order.
typedef struct InsideAddress {
  uint32_t address;
  uint32_t mask;
} InsideAddress;

/// "10.0.0.3/29", with 1 to 31 bits.
bool parse_inside(const char* text, InsideAddress* inside);

/// /proc/net/route: what leads out of the network goes to `routes`, the gateways of default routes that lie
/// in it to `gateways`. One route to the network itself is no finding. False for text that is not such a
/// table.
bool routes_of_inside(const char* text, const InsideAddress* inside, FindList* routes, FindList* gateways);

/// /proc/net/arp: which of `gateways` have an address of the link layer, so that somebody is there. False for
/// text that is not such a table.
bool answered_gateways(const char* text, const FindList* gateways, FindList* answered);

/// Fills `reached`, `routes`, `gateways` and `answered`. False when something could not be read or asked.
bool gather_inside(const CheckOptions* options, NetworkFinding* network);

#ifdef __cplusplus
}
#endif
