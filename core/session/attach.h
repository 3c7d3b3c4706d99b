// SPDX-License-Identifier: Apache-2.0
// The agent in the foreground: exec through the in-sandbox checker, handshake, evidence, then the terminal or
// the pipes, until the agent ends. No evidence, no agent. One thread, poll(2), bounded buffers both ways; the
// descriptors of the caller keep their flags. [main]
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "session/evidence.h"
#include "session/executor.h"
#include "session/sources.h"

namespace scc::session {

/// One process to run in a sandbox behind the checker.
struct ExecTarget {
  std::string sandbox_id;
  std::vector<std::string> argv;  ///< of the process itself
  std::map<std::string, std::string> env;
  std::string workdir;
  std::int64_t uid = 0;
  std::int64_t gid = 0;
  bool allow_root = false;  ///< the plan's mapping is "root"
  bool tty = false;         ///< wanted; used when stdin and stdout are terminals
  std::string nonce;
  std::string token;
  json::Value checks;                                        ///< plan.checks
  std::vector<std::string> unreachable;                      ///< of listeners.h, while the checker looks
  json::Value mounts;                                        ///< plan.sandbox.mounts
  std::vector<BindSource> sources;                           ///< empty: not compared (scc shell)
  std::vector<std::pair<std::string, std::string>> secrets;  ///< name, value
  unsigned stop_grace_ms = 10'000;
};

struct AttachOptions {
  int in = 0;
  int out = 1;
  int err = 2;
  unsigned handshake_ms = 20'000;   ///< from the exec to the evidence, and from GO to the agent
  unsigned term_grace_ms = 10'000;  ///< from a forwarded SIGTERM to the end of waiting
  unsigned wait_ms = 10'000;        ///< for the engine to know the exit code
  std::int64_t limit_ms = 0;        ///< of the process's life, time asleep included; 0: none
  std::int64_t warn_ms = 600'000;   ///< before its end
  /// Why the process must end now; empty: it need not. Asked every few seconds; must not take time.
  std::function<std::string()> revoked = {};
};

struct AttachOutcome {
  int exit_code = 0;  ///< the agent's own, or 128+signal when the host was told to stop
  int signal = 0;     ///< SIGHUP or SIGTERM (or a third SIGINT) that ended the session, else 0
  bool oom_killed = false;
  bool timed_out = false;  ///< limit_ms was reached
  std::string revoked;     ///< what AttachOptions::revoked said when that ended the session
  json::Value evidence;
};

/// What to do beside the running process; each but on_watch is called once.
struct AttachHooks {
  /// The evidence is good; when this fails the process is not run.
  std::function<Status(const json::Value& evidence)> on_verified = {};
  /// The process is about to run. Nothing that takes time: its first output waits for it.
  std::function<void(const json::Value& evidence)> on_started = {};
  /// Its first output was carried, or it has said nothing for a moment; at the latest when it ended.
  std::function<void()> on_settled = {};
  /// Called whenever this descriptor is readable, which it must end; bytes wait as long as it takes.
  int watch_fd = -1;
  std::function<void()> on_watch = {};
};

/// Runs `target` to its end. Before the process starts the errors are verify.failed (Kind::prereq; the
/// message lists the failed checks), check.protocol and check.refused (Kind::prereq), agent.missing
/// (Kind::prereq, the checker did not find the program or could not run it), launch.cancelled. After it:
/// session.lost (Kind::tool) when the connection to the engine broke.
Result<AttachOutcome> attach_exec(const ExecTarget& target, const Deps& deps, const AttachOptions& options,
                                  const AttachHooks& hooks = {});

/// The bound that a plan sets for its session (governance.timeout_hours); 0: none. For tests SCC_TEST_HOUR_MS
/// says how long an hour is; it can only shorten it.
std::int64_t session_limit_ms(const json::Value& plan, const os::Environment& env);

/// The plan's agent.exec step: the agent of a started sandbox, with its secrets. The plan's bound counts when
/// it is tighter than the options'.
Result<AttachOutcome> attach_agent(Running& running, const Deps& deps, const AttachOptions& options);

/// Another agent in the running sandbox of the same name as the plan's, as a session of its own: argv,
/// environment and secrets of `plan`, judged against the plan that was executed. The sandbox stays as it is.
Result<AttachOutcome> join_session(const json::Value& plan, std::string_view sandbox_id, const Deps& deps,
                                   const AttachOptions& options = {});

/// A target for a second process (scc shell) in the sandbox `name`, checked against the plan that was
/// executed. Kind::not_found (session.no-plan) when this user's instance directory has no plan.
Result<ExecTarget> shell_target(const os::Paths& paths, std::string_view name, std::string_view sandbox_id,
                                std::vector<std::string> argv, bool tty);

}  // namespace scc::session
