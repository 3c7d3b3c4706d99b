// SPDX-License-Identifier: Apache-2.0
// The checks of third parties that the policy lists, asked by another program (scc-guard-ext): this one is
// static and loads nothing.
#pragma once

#include <string>
#include <vector>

#include "safety/engine.h"

namespace scc::guard {

/// The greater of `verdict` and what the checks say of `commands`. No answer, a late one and a broken one
/// are a finding of guard.check_failed. Asks nobody where the policy lists none, or when it is a block
/// already. `raw`: the line, or the argv as a text.
safety::Verdict with_checks(safety::Verdict verdict, const std::vector<safety::Command>& commands,
                            const std::string& raw, const safety::Policy& policy);

}  // namespace scc::guard
