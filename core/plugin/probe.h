// SPDX-License-Identifier: Apache-2.0
// First contact with new bytes happens in a child process (sdk.md §7): a library that crashes, hangs or
// misbehaves while it is loaded costs a report line and not the host. The child is this program itself,
// re-executed with the hidden verb `__probe`. [main]
#pragma once

#include <string>

#include "json/value.h"

namespace scc::plugin {

/// What a recorded result depends on besides the bytes: the ABI and the probe's own revision.
std::string probe_abi();

/// Loads the library behind `memfd` in a child, calls init, creates and destroys each component. The result
/// holds {id, version, components [{interface, id}]}. Kind::prereq: plugin.probe-crash, plugin.probe-timeout,
/// plugin.probe-refused, and what the child itself found (plugin.load, plugin.table, plugin.sdk-version).
Result<json::Value> run_probe(int memfd);

/// The child: `__probe` was argv[1], the library is descriptor 3 and results go to descriptor 4. Never
/// returns to a normal command.
int probe_main(int argc, char** argv);

/// The child gives up what a plugin must not use: limits, then a seccomp filter that traps processes, sockets
/// and changes to the file system. False: the kernel refused, and the probe must not go on.
bool enter_probe_sandbox(int result_fd) noexcept;

}  // namespace scc::plugin
