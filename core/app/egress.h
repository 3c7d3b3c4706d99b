// SPDX-License-Identifier: Apache-2.0
// The egress rules of a launch: the effective configuration and what the manifests of the providers declare,
// put together by core/egress. Launch and `scc egress` use the same function. Reads only. [main]
#pragma once

#include <functional>
#include <string_view>

#include "app/governance.h"
#include "egress/rules.h"

namespace scc::app {

/// Empty unless web-egress-enforced applies. Kind::config egress.host, egress.address, egress.rule;
/// Kind::policy egress.unknown-set.
Result<egress::Rules> egress_rules(Host& host, const Governance& governance, const std::string& provider);

/// The record of a session's decisions, opened for writing; what it returns takes one line of the proxy's.
Result<std::function<Status(std::string_view)>> open_egress_record(Host& host, const std::string& session);

/// Each set that the agent's launch spec rests on is its manifest's own, or one of the organisation's that
/// applies here. Kind::policy egress.unknown-set.
Status check_destination_sets(Host& host, const Governance& governance, const std::string& provider,
                              const json::Value& spec);

}  // namespace scc::app
