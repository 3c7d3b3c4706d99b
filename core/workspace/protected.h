// SPDX-License-Identifier: Apache-2.0
// What is never mounted into a sandbox: the root and home directories, system directories, credentials, scc's
// own files, and what manifests add (an engine's socket and data). Compared on real paths by components, and
// by device and inode along the ancestors of both sides, so that bind mounts and case-insensitive file
// systems do not help.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include <sys/types.h>

#include "os/env.h"

namespace scc::workspace {

namespace stdfs = std::filesystem;

enum class Scope : unsigned char {
  is_or_contains,  ///< /, home directories: a directory below them is fine
  any_relation     ///< is, contains, or is under
};

struct ProtectedEntry {
  stdfs::path path;  ///< absolute; need not exist
  Scope scope = Scope::any_relation;
  std::string why;  ///< "SSH keys"; completes "it contains /home/u/.ssh (SSH keys)"
};

struct ProtectedSources {
  std::vector<std::string> protected_paths;  ///< from manifests, unexpanded
  std::vector<std::string> engine_sockets;  ///< from manifests, unexpanded; "unix:" and "unix://" are cut off
  std::vector<stdfs::path>
      plugin_dirs;  ///< search path beyond os::Paths (SCC_PLUGIN_PATH, system directories)
  std::optional<uid_t> workspace_owner = {};  ///< whose uid the agent gets when root invokes
};

/// The whole list for this user. Entries with an unset variable are skipped; a relative result counts from
/// the current directory, as the program that uses the variable would read it.
std::vector<ProtectedEntry> protected_entries(const os::Environment& env, const os::Paths& paths,
                                              const ProtectedSources& sources);

/// workspace.protected (policy) when `path`, which should be real, may not be mounted; names the entry.
/// `what` is how the message calls it: "workspace", "git directory".
Status check_protected(const stdfs::path& path, const std::vector<ProtectedEntry>& entries,
                       std::string_view what = "workspace");

}  // namespace scc::workspace
