// SPDX-License-Identifier: Apache-2.0
// Whether a sandbox holds the very files and directories that were planned. An engine binds by path, some
// time after the path was judged; whoever can rename in a directory above (the agent of a session around this
// workspace, the owner of a directory that root works in) could have put a link there in between. So what is
// mounted is compared, by device and inode, with what lies at the path now without following any link.
#pragma once

#include <filesystem>
#include <vector>

#include "session/evidence.h"

namespace scc::session {

struct BindSource {
  std::string target;          ///< in the sandbox
  std::filesystem::path path;  ///< on this machine
  bool follow = false;         ///< scc's own files may lie behind links of the user, a workspace may not
};

/// Of the binds of an executed plan (placeholders filled).
std::vector<BindSource> bind_sources(const json::Value& plan);

/// Failures are named source:<target>. None when the sandbox runs on another kernel (an engine in a virtual
/// machine), where the numbers mean nothing: the evidence tells by the boot id.
std::vector<CheckFailure> verify_sources(const json::Value& evidence, const std::vector<BindSource>& sources);

}  // namespace scc::session
