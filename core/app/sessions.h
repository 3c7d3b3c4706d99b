// SPDX-License-Identifier: Apache-2.0
// The use cases around session records: list them with what the engines say about their sandboxes, find the
// one that is meant, continue it, change it, drop old ones. [main]
#pragma once

#include <string>
#include <vector>

#include "app/launch.h"
#include "session/store.h"

namespace scc::app {

struct SessionFilter {
  bool everything = false;  ///< --all: of every team
  std::string team;         ///< --team
  std::string workspace;    ///< a path as typed; empty: anywhere
  std::string provider;
  bool running = false;    ///< open ones only
  std::size_t limit = 10;  ///< 0: no limit
};

struct SessionView {
  session::StoredSession record;
  std::string sandbox;  ///< running, idle, stale, stopped, gone; unknown: its engine was not asked
};

struct SessionsReport {
  std::vector<SessionView> sessions;
  std::size_t total = 0;  ///< that fit the filter, before the limit
  std::string team;       ///< whose sessions these are; empty: everyone's
  std::vector<std::string> problems;
};

/// Reads the store, mends what crashes left open, and asks the engines. An engine that does not answer is a
/// problem line, and its sessions' sandboxes are "unknown". `runtime`: --runtime.
Result<SessionsReport> list_sessions(Host& host, const SessionFilter& filter, const std::string& runtime);

/// By id, id prefix or name; a name of the current workspace wins. Kind::not_found, Kind::usage.
Result<session::StoredSession> find_session(Host& host, const std::string& text);

/// The sessions that a picker offers: their agent ran, their workspace is there.
Result<std::vector<session::StoredSession>> resumable_sessions(Host& host, const LaunchOptions& options,
                                                               std::size_t limit);

/// Fills in what the session to be continued decides: workspace, provider, engine, team, sandbox. Which one:
/// options.resume_ref; else the last one of the workspace that is named or stood in, else the last one of the
/// team. Kind::not_found session.none; Kind::usage session.mismatch when an option contradicts the record.
Status apply_resume(Host& host, LaunchOptions& options);
/// After governance is known: the conversation lies in the credential volume of its team. Kind::policy
/// session.team.
Status check_resumed(const LaunchOptions& options, const Governance& governance);

/// Removes ended sessions that are too old (session::too_old), and says which. `dry_run`: only says.
Result<std::vector<session::StoredSession>> prune_sessions(Host& host,
                                                           const session::RetentionOptions& options,
                                                           bool dry_run);

}  // namespace scc::app
