// SPDX-License-Identifier: Apache-2.0
// The workspace of a launch: found, judged (protected, suspicious), and described for the planner. Reads only, but for
// an empty hooks directory that a repository without one gets. [main]
#pragma once

#include <string>
#include <vector>

#include "app/host.h"
#include "app/planner.h"

namespace scc::app {

struct LaunchOptions;

struct Resolved {
  std::string workspace_root;
  std::string workspace_entry;
  std::string git;  ///< none, directory, pointer
  std::string branch;
  std::vector<PathMount> mounts;  ///< of the repository's own files
  std::string git_name;
  std::string git_email;
  Identity identity;
  std::vector<std::string> warnings;

  const std::string& root() const noexcept { return workspace_root; }
  const std::string& entry_dir() const noexcept { return workspace_entry; }
};

/// Kind::policy workspace.protected, Kind::usage workspace.suspicious and workspace.none, Kind::not_found.
Result<Resolved> resolve_workspace(Host& host, const LaunchOptions& options);

}  // namespace scc::app
