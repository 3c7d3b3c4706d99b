// SPDX-License-Identifier: Apache-2.0
// Where things lie in a sandbox. Compiled in: nothing of the environment or the current directory has a say.
#pragma once

#include <string_view>

namespace scc::guard {

inline constexpr std::string_view kPolicyFile = "/etc/scc/safety.json";
/// The image's tools under a second name: /usr/bin/git and its like are covered by the guard.
inline constexpr std::string_view kRealDir = "/usr/libexec/scc/real";
/// One link to the guard for each of git's hooks.
inline constexpr std::string_view kHooksDir = "/opt/scc/bin/hooks";

/// The host's collector of the audit log, on a read-only mount.
inline constexpr std::string_view kCollector = "/run/scc-audit/collector";

/// Asks the checks of third parties; their libraries lie in the other, named by their SHA-256.
inline constexpr std::string_view kChecksProgram = "/opt/scc/bin/scc-guard-ext";
inline constexpr std::string_view kChecksDir = "/opt/scc/checks";

inline constexpr int kExitDenied = 126;
inline constexpr int kExitNoTool = 127;

}  // namespace scc::guard
