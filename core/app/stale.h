// SPDX-License-Identifier: Apache-2.0
// Whether a sandbox that runs has more than what the configuration gives now. Reads only. [main]
#pragma once

#include <string>
#include <vector>

#include "app/governance.h"
#include "app/host.h"

namespace scc::app {

/// Why the sandbox of this executed plan is behind: the network policy is narrower now, or under the same
/// enforced policy something was let out that is not any more. Empty: it is not; wider is not behind.
/// The same, for what a plan that is made now has.
std::string narrowed(const json::Value& was, model::NetworkPolicy policy, const json::Value& rules);
std::string stale_reason(Host& host, const Governance& now, const json::Value& plan);

/// What `was` (rules of a plan) let out and `now` does not: "api.example.com:443", in order; at most a few.
std::vector<std::string> no_longer_allowed(const json::Value& was, const json::Value& now);

}  // namespace scc::app
