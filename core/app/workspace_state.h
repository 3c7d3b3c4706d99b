// SPDX-License-Identifier: Apache-2.0
// What scc remembers about one workspace: `<state>/workspaces/<hash>.json` (schema scc.workspace-state/1), in
// the user's own state and never in the workspace, where the agent could write it. [main]
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "os/env.h"

namespace scc::app {

struct WorkspaceState {
  std::string provider;            ///< chosen for this workspace; empty: none
  std::string last_used_provider;  ///< of the last start here; empty: none
  std::vector<std::string> warnings;
};

/// `root`: real path of the workspace.
os::stdfs::path workspace_state_file(const os::Paths& paths, const std::string& root);

/// An absent file is an empty state; one that cannot be used is a warning and an empty state.
WorkspaceState load_workspace_state(const os::Paths& paths, const std::string& root);

struct WorkspaceEdit {
  std::optional<std::string> provider;  ///< "" unsets
  std::optional<std::string> last_used_provider;
};
/// Reads, changes and replaces the file under a lock; what cannot be used is set aside (*.corrupt).
Status save_workspace_state(const os::Paths& paths, const std::string& root, const WorkspaceEdit& edit);

}  // namespace scc::app
