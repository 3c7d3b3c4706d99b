// SPDX-License-Identifier: Apache-2.0
// Lines for the audit log on the host: one packet to its collector, and one answer once the line is on the
// disk.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "safety/verdict.h"

namespace scc::guard {

struct AuditEntry {
  std::string_view tool;   ///< git, curl, ...
  std::string_view layer;  ///< argv, ref for what git's hooks saw, line for an agent's hook
  std::vector<std::string> argv;
  std::string id;  ///< as it is reported
};

/// At most 8 KiB, well-formed UTF-8 whatever the arguments hold; words that do not fit are left out, and that
/// is said.
std::string audit_line(const AuditEntry& entry, const safety::Verdict& verdict);

/// What the collector's answer says: "" for "ok" and nothing else, else why the line is not in the log.
std::string refusal_of(std::string_view answer);

/// "" once the line is in the log; else why it is not. Waits at most `wait_ms`.
std::string send_line(const std::string& socket, const std::string& line, int wait_ms);

/// The two together, at the sandbox's collector.
std::string record(const AuditEntry& entry, const safety::Verdict& verdict);

/// The verdict in place of one that cannot be recorded.
safety::Verdict unrecorded(const std::string& why);

}  // namespace scc::guard
