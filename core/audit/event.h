// SPDX-License-Identifier: Apache-2.0
// One event of the audit log, before it is a line.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "json/value.h"

namespace scc::audit {

struct Event {
  std::string event_type;  ///< "launch.started", "safety.check", "governance.override.applied", ...
  std::string message;
  std::map<std::string, std::string> metadata;
  std::string occurred_at;        ///< RFC 3339, UTC; empty: now. Nothing of the sandbox has a say in it
  std::string severity = "info";  ///< info, warning, error
  std::string subject;            ///< what it is about: a provider, a tool, an exception's id
  std::string source = "host";    ///< host; sandbox: what a process of the agent's claims
  std::string session;            ///< id; may be empty
  std::vector<std::string> argv;  ///< a command, which becomes metadata.command; empty: none
};

/// Without seq, prev and hash. Texts are cut at 4 KiB and redacted (redact.h), at most 64 members of metadata
/// count. Kind::internal audit.invalid: no type, or a severity or source that there is not.
Result<json::Value> event_body(const Event& event);

/// What a program of the sandbox sent: one JSON object of the guard's. Bounded, checked member by member,
/// made anew and marked as of the sandbox. Kind::config audit.line for anything else.
Result<Event> read_sandbox_line(std::string_view line);

/// Longest line that a sandbox may send, in bytes.
inline constexpr std::size_t kMaxSandboxLine = 8192;

}  // namespace scc::audit
