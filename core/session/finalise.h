// SPDX-License-Identifier: Apache-2.0
// The end of a session, whatever ended it: stop the sandbox, release the network, unmount, write
// session.json, release the lock. The stopped sandbox and its instance directory stay for prune. Every part
// is tried even when one before it failed. [main]
#pragma once

#include "session/attach.h"

namespace scc::session {

/// The plan's sandbox.stop step and what follows. The error is the first failure, the others are its context.
Status finalise(Running running, const Deps& deps, SessionStatus status, int exit_code);

/// "agent", "signal", "timeout", "policy" or "lost": how the process's end is told.
std::string ended_by(const Result<AttachOutcome>& outcome);

/// execute, attach_agent, then finalise or abort_launch: a whole session as `scc start` runs it. A failure of
/// finalise after the agent ran is told through deps.note and does not change the agent's exit code, except
/// that a sandbox which could not be stopped is an error (session.not-stopped, Kind::tool).
Result<AttachOutcome> run_session(const json::Value& plan, const Deps& deps,
                                  const AttachOptions& options = {});

}  // namespace scc::session
