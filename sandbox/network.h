// SPDX-License-Identifier: Apache-2.0
// What a process sees of its network namespace: interfaces that are up, their addresses, routes, resolvers.
// Nothing is sent; that there is no route is the evidence. The parsers work on text in memory.
#pragma once

#include "evidence.h"

#ifdef __cplusplus
extern "C" {
#endif

/// Adds what leads elsewhere than to the loopback interface. False for text that is not such a table.
bool routes_of_ipv4(const char* text, FindList* found);  // /proc/net/route
bool routes_of_ipv6(const char* text, FindList* found);  // /proc/net/ipv6_route
/// Adds the name servers that are not loopback addresses.
void resolvers_of(const char* text, FindList* found);  // resolv.conf(5)

/// Fills `network` from this namespace, and asks the proxy on loopback when the options name its port.
void gather_network(const CheckOptions* options, NetworkFinding* network);

#ifdef __cplusplus
}
#endif
