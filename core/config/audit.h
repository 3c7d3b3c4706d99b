// SPDX-License-Identifier: Apache-2.0
// The audit log of launches, exceptions and bridge commands: <state>/audit/launch-events.jsonl, one compact
// line an event, appended under a lock and synced before the call returns. What cannot be written does not
// happen: callers stop on an error. Secrets stay out.
#pragma once

#include <map>
#include <string>

#include "os/env.h"

namespace scc::config {

struct AuditEvent {
  std::string event_type;  ///< "launch.started", "governance.override.applied", ...
  std::string message;
  std::map<std::string, std::string> metadata;
  std::string occurred_at;        ///< RFC 3339, UTC; empty: now
  std::string severity = "info";  ///< info, warning, error
  std::string subject;            ///< what it is about: a provider, a plugin, an exception's id
};

std::filesystem::path audit_file(const os::Paths& paths);

/// Kind::config audit.unwritable: no lock, no space, a link or another's file in the way; audit.invalid for
/// an event that names no type or an unknown severity.
Status append_audit(const os::Paths& paths, const AuditEvent& event);

}  // namespace scc::config
