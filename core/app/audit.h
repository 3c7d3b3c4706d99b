// SPDX-License-Identifier: Apache-2.0
// The audit log as launches and people use it: the collector of a sandbox, what a session leaves behind, and
// views of it.
#pragma once

#include <functional>
#include <memory>

#include "app/host.h"
#include "audit/log.h"

namespace scc::app {

/// Serves the guard of a sandbox while what it returns lives. `directory` is what the sandbox sees. Errors of
/// audit::Collector::open.
Result<std::shared_ptr<void>> open_collector(Host& host, const std::string& session,
                                             const os::stdfs::path& directory);

/// For who joins a sandbox that runs: serves its guard when nobody does (a sandbox that was kept); null when
/// another scc does, or the sandbox was made without a collector.
Result<std::shared_ptr<void>> join_collector(Host& host, const std::string& sandbox);

/// One event of the host's. Errors of audit::Log::append.
Status audit_event(Host& host, const audit::Event& event);
/// The same of what is over already: a failure is told and changes nothing.
void audit_afterwards(Host& host, const audit::Event& event);

/// Writes where the session's record of web requests stands, and what was refused: what is cut off its end
/// later is seen by verify_audit(). A failure is told.
void seal_egress(Host& host, const std::string& session);

/// Why the log, or a record of web requests that it sealed, is not what was written.
struct AuditVerified {
  audit::Verified log;
  std::int64_t sealed = 0;  ///< records of web requests that were looked at
  std::vector<std::string> egress_problems;
  std::vector<std::string> egress_gone;  ///< sessions whose record is not there any more
  bool intact() const { return log.intact && egress_problems.empty(); }
};
Result<AuditVerified> verify_audit(Host& host);

/// What of the log is asked for; empty members ask for nothing.
struct AuditQuery {
  std::string event;  ///< a type, or its beginning with a dot at the end ("launch.")
  std::string session;
  std::string severity;
  std::string rule;
  bool blocked = false;
  std::size_t limit = 10;  ///< the last ones; 0: none
};
struct AuditView {
  audit::Verified log;
  std::vector<json::Value> events;  ///< newest first
  std::int64_t matched = 0;
};
/// Reads the log up to the first line that is not intact.
Result<AuditView> view_audit(Host& host, const std::vector<std::string>& kinds, const AuditQuery& query,
                             const std::function<void(const json::Value&)>& each = {});

}  // namespace scc::app
