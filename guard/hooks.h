// SPDX-License-Identifier: Apache-2.0
// The guard as git's hook: judges effects, whatever command led to them, and then becomes the repository's
// own hook of the same name.
#pragma once

#include <string>
#include <vector>

#include "guard/child.h"

namespace scc::guard {

bool is_hook_name(std::string_view name);

/// `argv[0]` is the hook's path. Returns an exit code, or does not return when the repository has such a
/// hook.
int run_hook(const Words& argv, const Variables& environment);

}  // namespace scc::guard
