// SPDX-License-Identifier: Apache-2.0
// The document scc.safety-policy/1 of an effective configuration: what the guard of a sandbox and `scc
// safety` judge by. Only the organisation loosens it, so nothing but the organisation's section and the
// network policy goes in. Pure.
#pragma once

#include <map>
#include <string>

#include "json/value.h"
#include "model/effective.h"

namespace scc::policy {

/// `libraries`: SHA-256 of each check's library, by its id. One that is not in it and that the organisation
/// does not pin can never match, so that it blocks.
json::Value safety_policy(const model::Effective& effective,
                          const std::map<std::string, std::string>& libraries = {});

/// {enabled, keep, days}
json::Value snapshots(const model::Snapshots& snapshots);

}  // namespace scc::policy
