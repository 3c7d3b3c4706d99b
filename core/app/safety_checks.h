// SPDX-License-Identifier: Apache-2.0
// The safety checks of plugins that the organisation lists: which library of which plugin each one is, and
// what they say of commands here on the host. They are asked in a process of their own (scc-guard-ext), the
// same one that the guard starts in a sandbox.
#pragma once

#include <string>
#include <vector>

#include "app/host.h"
#include "app/planner.h"
#include "model/effective.h"
#include "safety/check_wire.h"

namespace scc::app {

/// Every check of the effective configuration, with the library for a sandbox. Kind::prereq safety.check when
/// no usable plugin has it, or its library cannot be read; Kind::policy safety.check-hash when the library is
/// not the one that is pinned. The registry's policy must have been set.
Result<std::vector<CheckInput>> find_checks(const plugin::Registry& registry,
                                            const model::Effective& effective);

/// The checks of the host itself, to be asked with ask_checks(). Errors as above.
Result<std::vector<safety::CheckLibrary>> host_checks(const plugin::Registry& registry,
                                                      const model::Effective& effective);

/// The greater of `verdict` and what the checks say of `commands`. A check that gives no answer is a finding
/// of guard.check_failed.
safety::Verdict ask_checks(const os::stdfs::path& libexec, const std::vector<safety::CheckLibrary>& checks,
                           safety::Verdict verdict, const std::vector<safety::Command>& commands,
                           const std::string& raw, const safety::Policy& policy);

}  // namespace scc::app
