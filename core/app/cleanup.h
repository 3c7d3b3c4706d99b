// SPDX-License-Identifier: Apache-2.0
// What `scc prune` mends besides the session layer's own objects. [main]
#pragma once

#include <string>
#include <vector>

#include "app/host.h"
#include "session/prune.h"

namespace scc::app {

/// The workspaces of the instances that a report names, as their executed plans say. Ask before the instances
/// go.
std::vector<std::string> workspaces_of(const Host& host, const session::PruneReport& report);

/// Whether a sandbox of this workspace was left running on purpose (session.on_exit: keep). The guard files
/// are mounts of it, so they stay for as long as its record says so.
bool has_kept_sandbox(const Host& host, const std::string& root);

/// Takes away the guard files that a killed session left in a repository's git directory
/// (workspace/git_view.h). Only what is exactly as scc made it, and what no living session or kept
/// sandbox holds. Failures are warnings: the guards are harmless.
void release_git_guards(Host& host, const std::vector<std::string>& workspaces);

}  // namespace scc::app
