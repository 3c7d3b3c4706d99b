// SPDX-License-Identifier: Apache-2.0
// The workspace of a launch: found, judged (protected, suspicious), and described for the planner. Reads
// only. [main]
#pragma once

#include <string>
#include <vector>

#include "app/host.h"
#include "app/planner.h"
#include "workspace/git_view.h"
#include "workspace/resolve.h"

namespace scc::app {

struct LaunchOptions;

struct Resolved {
  workspace::Workspace workspace;
  workspace::GitView git;
  std::vector<PathMount> mounts;  ///< of the repository's own files
  std::string gitconfig;          ///< the sandbox's read-only global git configuration
  Identity identity;
  std::vector<std::string> warnings;

  std::string root() const { return workspace.root.native(); }
  std::string entry_dir() const { return workspace.entry_dir.native(); }
};

/// Kind::policy workspace.protected, Kind::usage workspace.suspicious and workspace.none, Kind::not_found.
Result<Resolved> resolve_workspace(Host& host, const LaunchOptions& options);

}  // namespace scc::app
