// SPDX-License-Identifier: Apache-2.0
// Which directory the agent works in (docs/cli, "Workspace detection"): the one given, else the git toplevel
// around the current directory, else the nearest one with a .scc.yaml. Reads only, starts no git process, and
// believes nothing but names, types and owners of what it finds.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "os/env.h"

namespace scc::workspace {

namespace stdfs = std::filesystem;

struct Workspace {
  stdfs::path root;       ///< real path; what the user works on, and where it appears in the sandbox
  stdfs::path entry_dir;  ///< where the agent starts: the current directory when below root, else root
  stdfs::path source;     ///< what the engine binds: root, unless SCC_WORKSPACE_PATH_MAP says otherwise
  stdfs::path target;     ///< same absolute path as root
  bool mapped = false;    ///< source comes from SCC_WORKSPACE_PATH_MAP and is a path of another machine
  bool auto_detected = false;
  std::string reason;          ///< for people: "given on the command line", "git repository around /x/y"
  bool suspicious = false;     ///< never start by itself; ask, or demand --allow-suspicious-workspace
  std::string suspicious_why;  ///< "it is the directory for temporary files"
  std::vector<std::string> markers;  ///< which of the given weak markers lie in root
  uid_t owner_uid = 0;               ///< of root
  gid_t owner_gid = 0;
  dev_t device = 0;  ///< identity of root when it was resolved; see unchanged()
  ino_t inode = 0;
};

/// `markers`: file names or one-component globs from manifests; they never choose a directory, they only feed
/// `Workspace::markers` and the hint of the error. Errors: workspace.none (usage) when nothing was found,
/// workspace.not-found (not_found), workspace.not-directory (usage), workspace.path (usage) for control
/// characters or bytes that are no UTF-8 in the real path, workspace.protected (policy) for a socket, FIFO or
/// device, workspace.path-map (usage) for a malformed SCC_WORKSPACE_PATH_MAP.
/// Whether the directory may be mounted at all is check_protected()'s business (protected.h): call it next.
Result<Workspace> resolve(const os::Environment& env, const std::optional<std::string>& explicit_path,
                          const std::vector<std::string>& markers = {});

/// Paths that can be carried in JSON, shown, and bound: valid UTF-8 without control characters. Spaces,
/// quotes,
/// ':', ',', a leading '-' are fine. workspace.path.
Status check_path_text(const stdfs::path& path);

/// Whether root is still the directory that was resolved (another session may have swapped a component).
/// Call with the descriptor or path that is about to be bound. workspace.changed (policy).
Status unchanged(const Workspace& workspace);

}  // namespace scc::workspace
