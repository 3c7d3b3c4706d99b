// SPDX-License-Identifier: Apache-2.0
// The use cases of `scc shell` and `scc attach`: another process in a sandbox that runs, behind the same
// checker and judged against the same plan; and which sandbox the user means. [main]
#pragma once

#include <string>
#include <vector>

#include "app/engines.h"
#include "app/launch.h"

namespace scc::app {

/// One or more entries that a text stands for: name, id prefix, id or name of a session, path of a workspace.
/// Kind::not_found sandbox.unknown; Kind::usage sandbox.ambiguous with the candidates.
Result<session::SandboxEntry> find_sandbox(Host& host, const std::vector<session::SandboxEntry>& entries,
                                           const std::string& text);

/// A shell (or `argv`) in the running sandbox `name`, or in the one of this workspace when empty.
Result<int> shell(Host& host, const LaunchOptions& options, const std::string& name,
                  std::vector<std::string> argv);

/// Another agent in the running sandbox, as a session of its own: the launch is planned anew, and the sandbox
/// must be what that plan would make. Kind::tool sandbox.changed names what differs.
Result<int> attach(Host& host, const LaunchOptions& options, const std::string& name);

}  // namespace scc::app
