// SPDX-License-Identifier: Apache-2.0
// The guard as git's hook: judges effects, whatever command led to them, and then becomes the repository's
// own hook of the same name.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "guard/child.h"

namespace scc::guard {

bool is_hook_name(std::string_view name);

/// Nothing: git says something else than what it is known to say.
using RefLines = std::optional<std::vector<Words>>;

/// pre-push: LOCAL-REF LOCAL-OBJECT REMOTE-REF REMOTE-OBJECT a line. The first one is what the caller wrote,
/// so it may hold blanks ("HEAD@{1 day ago}").
RefLines pushed_refs(std::string_view input);

/// reference-transaction: OLD NEW REF a line.
RefLines changed_refs(std::string_view input);

/// `argv[0]` is the hook's path. Returns an exit code, or does not return when the repository has such a
/// hook.
int run_hook(const Words& argv, const Variables& environment);

}  // namespace scc::guard
