// SPDX-License-Identifier: Apache-2.0
// Private to this folder: what a Running holds, and the steps that fill it. Each step registers how to undo
// itself before the next one runs.
#pragma once

#include <utility>

#include "session/decisions.h"
#include "session/executor.h"
#include "session/store.h"

namespace scc::session {

struct Undo {
  std::string op;
  std::function<Status(const Deps&)> run;
};

struct Running::State {
  State(json::Value the_plan, os::FileLock the_lock, Journal the_journal)
      : plan(std::move(the_plan)), lock(std::move(the_lock)), journal(std::move(the_journal)) {}
  State(const State&) = delete;
  State& operator=(const State&) = delete;

  json::Value plan;
  os::FileLock lock;
  Journal journal;
  stdfs::path directory;
  SessionRecord record;
  std::string nonce;
  std::string token;
  std::string sandbox_id;
  std::string replaces;  ///< id of a stopped sandbox of this name, removed first
  std::string reuses;    ///< id of a stopped sandbox of this name that is started again
  json::Value facts;     ///< what the sandbox is made of (reuse.h)
  StoredSession stored;
  json::Value attachment;
  json::Value network_evidence;  ///< scc.netpolicy-evidence/1; null where the policy enforces nothing
  std::unique_ptr<detail::Decisions> decisions;  ///< of the proxy; null where there is none
  std::shared_ptr<void> collector;               ///< of the guard's lines
  int revivals = 0;                              ///< how often the proxy was started again
  bool agent_started = false;
  std::vector<Undo> undo;  ///< in the order of making
};

namespace detail {

bool is_cancelled(const Deps& deps);
Status check_cancelled(const Deps& deps);
void say(const Deps& deps, std::string text);

Status run_step(Running::State& state, const json::Value& step, const Deps& deps);
/// True for an op that run_step() or the attach and finalise phases know.
bool known_step(std::string_view op) noexcept;
Status create_instance(Running::State& state, const Deps& deps);
/// Writes state.stored; the name and the pin on disk win.
Status save_session(const Running::State& state, const Deps& deps);
Status replace_sandbox(Running::State& state, const Deps& deps);

/// Makes the file and its directories; it must not exist. Not synced: what a crash may lose here is remade.
Status write_new_file(const stdfs::path& path, std::string_view bytes, unsigned mode);
/// An uncompressed tar with the one entry "./", a directory of this owner and mode, and the end mark.
std::string directory_tar(std::int64_t uid, std::int64_t gid, unsigned mode);
Result<unsigned> parse_mode(std::string_view text);

}  // namespace detail
}  // namespace scc::session
