// SPDX-License-Identifier: Apache-2.0
// From a scc.netpolicy-request/1 to everything that a session's proxy is made of. Pure: the configuration,
// the container and the network are in the plan, so that its digest covers them.
#pragma once

#include <scc/sdk/plugin.hpp>

namespace scc_squid {

inline constexpr int kPort = 3128;
inline constexpr const char* kSocket = "proxy.sock";
/// In the proxy's container.
inline constexpr const char* kSocketDir = "/run/scc-net";
inline constexpr const char* kRelay = "/scc-relay";  ///< below the directory of scc's tools
/// What no rule can allow: a name that cannot exist (RFC 2606), an address (RFC 5737), a port that is not the
/// web's.
inline constexpr const char* kDeniedTargets[] = {"scc-denied.invalid:443", "192.0.2.1:443",
                                                 "scc-denied.invalid:22"};

scc::sdk::NetPlan make_plan(const scc::sdk::Json& request);

}  // namespace scc_squid
