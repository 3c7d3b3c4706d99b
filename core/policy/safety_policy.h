// SPDX-License-Identifier: Apache-2.0
// The document scc.safety-policy/1 of an effective configuration: what the guard of a sandbox and `scc
// safety` judge by. Only the organisation loosens it, so nothing but the organisation's section and the
// network policy goes in. Pure.
#pragma once

#include "json/value.h"
#include "model/effective.h"

namespace scc::policy {

json::Value safety_policy(const model::Effective& effective);

/// {enabled, keep, days}
json::Value snapshots(const model::Snapshots& snapshots);

}  // namespace scc::policy
