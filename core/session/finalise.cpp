// SPDX-License-Identifier: Apache-2.0
#include "session/finalise.h"

#include "os/tty.h"
#include "session/host_io.h"
#include "session/network.h"
#include "session/state.h"
#include "session/store.h"

namespace scc::session {

namespace {

/// Keeps the first failure and hangs the others on it.
class Failures {
 public:
  void add(const std::string& what, const Status& status) {
    if (status) return;
    if (!first_) {
      first_ = Error(status.error()).with(what);
    } else {
      first_->context.push_back(what + " failed as well: " + status.error().message);
    }
  }
  Status status() const {
    if (first_) return fail(Error(*first_));
    return {};
  }

 private:
  std::optional<Error> first_;
};

/// Left running, as the user wants it: only after the agent's own end (which `scc stop` looks like until the
/// engine is asked), and only where no network of its own depends on somebody who looks after it.
bool is_kept(const Running::State& state, const Deps& deps, SessionStatus status) {
  const std::string& by = state.stored.ended_by;
  const bool wanted = state.plan.str("/session/on_exit") == "keep" && status == SessionStatus::exited &&
                      (by.empty() || by == "agent") && !state.plan.flag("/network/enforced");
  if (!wanted) return false;
  const auto info = deps.runtime.sandbox_inspect(state.sandbox_id);
  return info && info->str("/state") == "running";
}

void stop_sandbox(Running::State& state, const Deps& deps, Failures& failures, const Status& stopped) {
  if (!stopped) {
    failures.add("while stopping the sandbox", fail(Kind::tool, "session.not-stopped",
                                                    "the sandbox " + state.record.name +
                                                        " could not be stopped: " + stopped.error().message,
                                                    "try again: scc stop " + state.record.name));
  }
  if (!state.attachment.is_null()) {
    if (state.decisions) state.decisions->expect_end();
    // An engine does not let a network go that a container belongs to, not even a stopped one.
    if (detail::has_own_network(state))
      failures.add("while removing the sandbox", deps.runtime.sandbox_remove(state.sandbox_id));
    failures.add("while releasing the network", deps.netpolicy.release(state.attachment));
    if (state.decisions) state.decisions->finish();  // with what the proxy told on its way out
  }
}

}  // namespace

std::string ended_by(const Result<AttachOutcome>& outcome) {
  if (!outcome) return "lost";
  if (outcome->timed_out) return "timeout";
  if (!outcome->revoked.empty()) return "policy";
  return outcome->signal != 0 ? "signal" : "agent";
}

Status finalise(Running running, const Deps& deps, SessionStatus status, int exit_code) {
  constexpr std::string_view kOp = "sandbox.stop";
  const os::CancelShield shield;
  Running::State& state = running.state();
  Failures failures;
  const bool keep = is_kept(state, deps, status);
  if (!keep) detail::say(deps, "stopping the sandbox");
  failures.add("while writing the journal", state.journal.intent(kOp));
  state.journal.kill_point(kOp, false);
  const Status stopped =
      keep ? Status{} : deps.runtime.sandbox_stop(state.sandbox_id, state.record.stop_grace_ms);
  if (!keep) stop_sandbox(state, deps, failures, stopped);
  failures.add("while unmounting the workspace", detach_workspace(state.directory));
  state.record.status = status;
  state.record.exit_code = exit_code;
  state.record.ended = utc_now();
  state.record.kept = keep;
  failures.add("while recording the session's end", write_record(state.directory, state.record));
  state.stored.status = status;
  if (state.stored.ended_by.empty()) state.stored.ended_by = "agent";
  if (exit_code >= 0) state.stored.exit_code = exit_code;
  state.stored.ended = state.record.ended;
  failures.add("while recording the session's end", detail::save_session(state, deps));
  state.journal.kill_point(kOp, true);
  if (stopped) {
    failures.add("while writing the journal",
                 state.journal.done(kOp, json::Value(json::Object{{"exit_code", exit_code}})));
  } else {
    static_cast<void>(state.journal.note(kOp, "failed", Journal::error_json(stopped.error())));
  }
  failures.add("while writing the journal", state.journal.sync());
  if (stopped && state.plan.str("/session/on_exit") == "remove") {
    const Status removed = deps.runtime.sandbox_remove(state.sandbox_id);
    failures.add("while removing the sandbox", removed);
    if (removed) failures.add("while removing its directory", remove_instance(state.directory));
  }
  return failures.status();
}

Result<AttachOutcome> run_session(const json::Value& plan, const Deps& deps, const AttachOptions& options) {
  // To the end: a line for a stderr that nobody reads any more must not keep the sandbox from being stopped.
  const IgnoreSigpipe no_sigpipe;
  SCC_TRY(Running running, execute(plan, deps));
  auto outcome = attach_agent(running, deps, options);
  if (!outcome && !running.agent_started()) {
    return fail(abort_launch(std::move(running), deps, std::move(outcome).error()));
  }
  const SessionStatus status = outcome ? SessionStatus::exited : SessionStatus::failed;
  running.stored().ended_by = ended_by(outcome);
  if (!outcome) running.stored().reason = outcome.error().message;
  const Status ended = finalise(std::move(running), deps, status, outcome ? outcome->exit_code : -1);
  if (!outcome) {
    Error error = std::move(outcome).error();
    if (!ended) error.context.push_back(ended.error().message);
    return fail(std::move(error));
  }
  if (!ended && ended.error().id == "session.not-stopped") return fail(Error(ended.error()));
  if (!ended && deps.note) deps.note(ended.error().message);
  return outcome;
}

}  // namespace scc::session
