// SPDX-License-Identifier: Apache-2.0
// Runs the steps of a LaunchPlan up to the started sandbox. All effects of a launch are here and in attach.h
// and finalise.h. What this run made is undone in reverse order on any failure or cancellation; an error of
// the undoing is appended to the primary error as context and never replaces it. Credential volumes and
// images are never undone. [main]
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "json/value.h"
#include "os/env.h"
#include "plugin/netpolicy.h"
#include "plugin/runtime.h"
#include "session/instance.h"
#include "session/journal.h"

namespace scc::session {

/// What a session needs from outside. The referents outlive every Running made with it.
struct Deps {
  plugin::Runtime& runtime;
  plugin::NetPolicy& netpolicy;
  const os::Paths& paths;
  const os::Environment& env;
  /// One line for people about what happens now ("creating the sandbox"); foreign strings are raw.
  std::function<void(std::string)> progress = {};
  /// A fact that the user must be told (killed for memory, connection lost, an orphan ended); raw.
  std::function<void(std::string)> note = {};
  /// The value behind plan.secrets[].from ("env:NAME"). Called once for each secret, right before use.
  std::function<Result<std::string>(const std::string& from)> secret = {};
  /// Polled between and inside steps; os::cancelled when empty.
  std::function<bool()> cancelled = {};
  /// A finished statement that is no warning ("the sandbox is made anew: mounts differ"); raw.
  std::function<void(std::string)> tell = {};
  /// Opens the record of what the session asks of the web; what it returns takes one decision line of the
  /// proxy, on another thread. Empty: nobody keeps one.
  std::function<Result<std::function<Status(std::string_view)>>(const std::string& session)> record = {};
  /// Takes lines of the sandbox's guard for the audit log, on another thread, while what it returns lives.
  /// `directory` is what the sandbox sees read-only. Empty: nobody takes any, and guarded commands are
  /// blocked.
  std::function<Result<std::shared_ptr<void>>(const std::string& session, const stdfs::path& directory)>
      collect = {};
  /// Writes to the audit log that a process is about to run, after its evidence; it does not run when this
  /// fails.
  std::function<Status(const std::string& event, const std::string& session,
                       std::map<std::string, std::string> facts)>
      audit = {};
  /// `scc start --fresh`: a sandbox of that name is ended, whoever looks after it, and made anew.
  bool replace = false;
};

/// A started sandbox in the hands of this process. Holds the launch lock. Dropping it neither stops nor
/// removes anything (that is what a crash does, and prune finds it): hand it to abort_launch() or finalise().
struct StoredSession;

class Running {
 public:
  Running(Running&&) noexcept;
  Running& operator=(Running&&) noexcept;
  ~Running();

  const json::Value& plan() const noexcept;  ///< with the placeholders filled
  const std::string& name() const noexcept;  ///< container name
  const std::string& session_id() const noexcept;
  const std::string& sandbox_id() const noexcept;
  const stdfs::path& directory() const noexcept;
  const json::Value& attachment() const noexcept;  ///< of the network policy; null before network.apply
  Journal& journal() noexcept;
  SessionRecord& record() noexcept;
  StoredSession& stored() noexcept;           ///< what the session store says about it
  const std::string& nonce() const noexcept;  ///< of the handshake; never written anywhere
  const std::string& token() const noexcept;  ///< of the agent's exec
  /// True once the checker was told to run the agent: from then on finalise(), before that abort_launch().
  bool agent_started() const noexcept;
  void set_agent_started() noexcept;

  struct State;
  explicit Running(std::unique_ptr<State> state);
  State& state() noexcept { return *state_; }

 private:
  std::unique_ptr<State> state_;
};

/// Runs the plan's steps in order up to, and without, agent.exec. A sandbox of that name that still runs
/// although its scc was killed is ended first. One that is stopped, or was kept and is idle, is started again
/// when it was made from the same document (reuse.h), which gives it empty temporary file systems and the
/// files of this launch; otherwise it is replaced, and deps.tell says what differs. Errors: sandbox.conflict
/// (Kind::tool) when a sandbox of that name is looked after by another scc or another launch holds its lock;
/// sandbox.foreign (Kind::tool) when the name belongs to something that scc did not make for this user;
/// launch.plan (Kind::internal) for a plan that is not well-formed; launch.cancelled (Kind::cancelled); else
/// the error of the step that failed.
Result<Running> execute(const json::Value& plan, const Deps& deps);

/// Undoes everything that the launch made and returns `cause` with the failures of the undoing as context.
Error abort_launch(Running running, const Deps& deps, Error cause);

/// Replaces the given placeholders (${session.id}, ${session.dir}, ${session.created}, ...) in every string
/// of `value`, once (replacements are not looked at again).
json::Value fill_placeholders(const json::Value& value,
                              const std::vector<std::pair<std::string, std::string>>& values);

/// The plan as it was executed, from `<instance>/plan.json` (no secrets): what a second exec is checked
/// against.
Result<json::Value> read_executed_plan(const os::Paths& paths, std::string_view name);

}  // namespace scc::session
