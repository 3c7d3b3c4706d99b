// SPDX-License-Identifier: Apache-2.0
// SCC_WORKSPACE_PATH_MAP: when scc itself runs in a container and talks to the host's engine, the engine
// knows the workspace by another path. Private to this folder.
#pragma once

#include <string_view>

#include "os/fs.h"

namespace scc::workspace::detail {

/// Applies "<prefix here>:<prefix there>[,<prefix>:<prefix>...]" to `root`; the longest matching prefix wins,
/// none matching leaves it. A malformed map is an error: mounting the wrong directory is worse than failing.
Result<os::stdfs::path> apply_path_map(std::string_view map, const os::stdfs::path& root);

/// True when `path` is `prefix` or below it, by components.
bool is_within(const os::stdfs::path& path, const os::stdfs::path& prefix);

}  // namespace scc::workspace::detail
