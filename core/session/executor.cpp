// SPDX-License-Identifier: Apache-2.0
#include "session/executor.h"

#include <algorithm>
#include <chrono>
#include <thread>
#include <unistd.h>

#include "os/tty.h"
#include "session/prune.h"
#include "session/reuse.h"
#include "session/state.h"

namespace scc::session {

namespace {

constexpr unsigned kLockWaitMs = 300;      // a prune that looks at the same name holds the lock this short
constexpr unsigned kOtherEndsMs = 45'000;  // its agent's grace, the engine's work, its own tidying up
constexpr std::size_t kPlanLimit = std::size_t{32} << 20U;

tl::unexpected<Error> bad_plan(const std::string& why) {
  return fail(Kind::internal, "launch.plan", "the launch plan cannot be executed: " + why);
}

Status check_plan(const json::Value& plan) {
  if (plan.str("/schema") != "scc.launch-plan/1") return bad_plan("it is not a scc.launch-plan/1");
  if (!valid_name(plan.str("/sandbox/name"))) return bad_plan("the sandbox has no usable name");
  const json::Value* steps = plan.at("/steps");
  if (steps == nullptr || steps->items().empty()) return bad_plan("it has no steps");
  if (steps->items().front().str("/op") != "instance.create") {
    return bad_plan("its first step is not instance.create");
  }
  for (const json::Value& step : steps->items()) {
    if (!detail::known_step(step.str("/op"))) return bad_plan("unknown step " + step.str("/op"));
  }
  // The workspace's path is the user's data; filling a placeholder into it would mount something else.
  const std::string root = plan.str("/workspace/root");
  for (const char* mark : {"${session.", "${nonce}", "${token}"}) {
    if (root.find(mark) != std::string::npos) {
      return fail(
          Kind::usage, "workspace.placeholder",
          "the path of the workspace holds " + std::string(mark) + ", which launch plans use themselves",
          "rename the directory");
    }
  }
  return {};
}

Error conflict(const std::string& name, const std::string& message) {
  return Error{Kind::tool,
               "sandbox.conflict",
               message,
               "join it: scc attach " + name + ", end it: scc stop " + name +
                   ", or end and replace it: scc start --fresh",
               {}};
}

Result<os::FileLock> take_lock(const os::Paths& paths, const std::string& name,
                               unsigned wait_ms = kLockWaitMs) {
  const stdfs::path path = launch_lock_path(paths, name);
  SCC_CHECK(os::make_dirs(path.parent_path()));
  auto lock = os::FileLock::acquire(path, wait_ms);
  if (!lock && lock.error().id == "lock.busy") {
    Error error = conflict(name, "the sandbox " + name + " is in use by another scc");
    error.context.push_back(lock.error().message);
    return fail(std::move(error));
  }
  return lock;
}

/// What an scc that was killed left in the engine under this name. The caller holds the launch lock.
Status end_killed_session(const std::string& name, unsigned stop_grace_ms, const Deps& deps) {
  SCC_CHECK(detail::check_cancelled(deps));
  auto ended = end_orphan(deps.runtime, name, stop_grace_ms, deps.paths, deps.env);
  if (ended) return {};
  Error error = std::move(ended).error().with("while ending the sandbox of a session that is gone");
  if (error.hint.empty()) error.hint = "remove what is left: scc prune";
  return fail(std::move(error));
}

/// A sandbox that another scc looks after is stopped; that scc sees its agent end, tidies up and lets go of
/// the launch lock.
Result<os::FileLock> take_over(const std::string& name, const Deps& deps, Error busy) {
  const auto info = deps.runtime.sandbox_inspect(name);
  if (!info || !is_ours(info->map_at("/labels"), deps.paths, deps.env)) return fail(std::move(busy));
  detail::say(deps, "ending the session that runs in " + name);
  SCC_CHECK(deps.runtime.sandbox_stop(info->str("/id", name), SessionRecord{}.stop_grace_ms));
  return take_lock(deps.paths, name, kOtherEndsMs);
}

/// The same for one whose lock lies in another runtime directory, or who left no record.
Status end_running(const std::string& name, const json::Value& info, const Deps& deps) {
  using Clock = std::chrono::steady_clock;
  detail::say(deps, "ending the sandbox " + name);
  SCC_CHECK(deps.runtime.sandbox_stop(info.str("/id", name), SessionRecord{}.stop_grace_ms));
  const auto deadline = Clock::now() + std::chrono::milliseconds(kOtherEndsMs);
  while (resident_lives(deps.paths, name)) {
    SCC_CHECK(detail::check_cancelled(deps));
    if (Clock::now() >= deadline) return fail(conflict(name, "the scc that runs " + name + " does not end"));
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
  return {};
}

struct Existing {
  std::string id;  ///< of a stopped sandbox; empty: the name is free
  bool reuse = false;
};

/// Says why when a sandbox cannot be used again. `info`: of one that is stopped.
Existing judge_stopped(const json::Value& plan, const json::Value& info, const Deps& deps) {
  Existing out{info.str("/id", plan.str("/sandbox/name")), false};
  if (deps.replace) return out;
  const std::string changed = obstacle(plan, info, deps.paths);
  out.reuse = changed.empty();
  if (!out.reuse && deps.tell) deps.tell("the sandbox is made anew; what differs: " + changed);
  return out;
}

/// A sandbox that was left running on purpose: stopped when nothing was started in it that still runs, as the
/// engine says. Stopping ends whatever its last agent left behind, so nothing of it meets the next one.
Status end_kept(const std::string& name, const json::Value& info, const SessionRecord& record,
                const Deps& deps) {
  const std::int64_t active = info.integer("/active_execs", -1);
  if (active != 0 && !deps.replace) {
    return fail(conflict(name, active > 0
                                   ? "something still runs in the sandbox " + name
                                   : "the engine cannot tell whether the sandbox " + name + " is idle"));
  }
  return deps.runtime.sandbox_stop(info.str("/id", name), record.stop_grace_ms);
}

/// What to do with a sandbox of the plan's name. What a killed scc left, running or not, is ended here. The
/// caller holds the launch lock.
Result<Existing> existing_sandbox(const json::Value& plan, const Deps& deps) {
  const std::string name = plan.str("/sandbox/name");
  const auto info = deps.runtime.sandbox_inspect(name);
  if (!info && info.error().kind != Kind::not_found) {
    return fail(Error(info.error()).with("while looking for a sandbox named " + name));
  }
  if (info && !is_ours(info->map_at("/labels"), deps.paths, deps.env)) {
    return fail(Kind::tool, "sandbox.foreign",
                "a container named " + name + " exists and was not made by this user's scc",
                "remove or rename it with the engine's own tool, then run scc start again");
  }
  const std::string state = info ? info->str("/state") : "";
  const bool runs = info && state != "stopped" && state != "created";
  // Only a record that names a dead process proves that nobody looks after a sandbox: without one the lock
  // may lie in another runtime directory.
  const auto record = read_record(instance_dir(deps.paths, name));
  const bool dead = record && !resident_lives(deps.paths, name);
  const bool ended =
      record && (record->status == SessionStatus::exited || record->status == SessionStatus::failed);
  if (runs && dead && ended && record->kept) {
    SCC_CHECK(end_kept(name, *info, *record, deps));
    return judge_stopped(plan, *info, deps);
  }
  if (runs && !dead) {
    if (!deps.replace) {
      return fail(conflict(name, "the sandbox " + name + " exists already (" + state + ")"));
    }
    SCC_CHECK(end_running(name, *info, deps));
    return judge_stopped(plan, *info, deps);
  }
  if (runs && deps.note) {
    deps.note("ending the sandbox " + name + ": the scc that ran it (process " + std::to_string(record->pid) +
              ") is gone");
  }
  const bool unfinished =
      dead && (record->status == SessionStatus::starting || record->status == SessionStatus::running);
  if (runs || unfinished) {
    SCC_CHECK(end_killed_session(name, record->stop_grace_ms, deps));
    return Existing{};
  }
  return info ? judge_stopped(plan, *info, deps) : Existing{};
}

using Values = std::vector<std::pair<std::string, std::string>>;
constexpr int kAgentValues = 3;  // the first ones

/// The agent's own argv and environment may hold the user's words: of the placeholders only those that a
/// provider needs are filled there, and never the secrets of the handshake.
json::Value fill_plan(const json::Value& plan, const Values& all) {
  json::Value out = plan;
  const Values agent(all.begin(), all.begin() + kAgentValues);
  for (auto& [key, member] : out.object()) {
    if (key == "files") {
      for (json::Value& file : member.array()) {
        if (file.has("/path")) file["path"] = fill_placeholders(file["path"], all);
      }
    } else if (key == "exec" || key == "session") {
      member = fill_placeholders(member, agent);
    } else if (key != "workspace") {
      member = fill_placeholders(member, all);
    }
  }
  return out;
}

std::string fill_text(const std::string& text, const Values& values) {
  std::string out;
  for (std::size_t pos = 0; pos < text.size();) {
    const std::size_t dollar = text.find("${", pos);
    out += text.substr(pos, dollar - pos);
    if (dollar == std::string::npos) break;
    const auto match = std::find_if(values.begin(), values.end(), [&](const auto& value) {
      return text.compare(dollar, value.first.size(), value.first) == 0;
    });
    out += match != values.end() ? match->second : "${";
    pos = dollar + (match != values.end() ? match->first.size() : 2);
  }
  return out;
}

}  // namespace

json::Value fill_placeholders(const json::Value& value, const Values& values) {
  if (value.is_string()) return json::Value(fill_text(value.as_string(), values));
  if (value.is_array()) {
    json::Array out;
    for (const json::Value& item : value.items()) out.push_back(fill_placeholders(item, values));
    return json::Value(std::move(out));
  }
  if (value.is_object()) {
    json::Object out;
    for (const auto& [key, member] : value.members()) out.emplace(key, fill_placeholders(member, values));
    return json::Value(std::move(out));
  }
  return value;
}

Running::Running(std::unique_ptr<State> state) : state_(std::move(state)) {}
Running::Running(Running&&) noexcept = default;
Running& Running::operator=(Running&&) noexcept = default;
Running::~Running() = default;

const json::Value& Running::plan() const noexcept {
  return state_->plan;
}
const std::string& Running::name() const noexcept {
  return state_->record.name;
}
const std::string& Running::session_id() const noexcept {
  return state_->record.id;
}
const std::string& Running::sandbox_id() const noexcept {
  return state_->sandbox_id;
}
const stdfs::path& Running::directory() const noexcept {
  return state_->directory;
}
const json::Value& Running::attachment() const noexcept {
  return state_->attachment;
}
Journal& Running::journal() noexcept {
  return state_->journal;
}
SessionRecord& Running::record() noexcept {
  return state_->record;
}
StoredSession& Running::stored() noexcept {
  return state_->stored;
}
const std::string& Running::nonce() const noexcept {
  return state_->nonce;
}
const std::string& Running::token() const noexcept {
  return state_->token;
}
bool Running::agent_started() const noexcept {
  return state_->agent_started;
}
void Running::set_agent_started() noexcept {
  state_->agent_started = true;
}

bool detail::is_cancelled(const Deps& deps) {
  return deps.cancelled ? deps.cancelled() : os::cancelled();
}

Status detail::check_cancelled(const Deps& deps) {
  if (is_cancelled(deps)) return fail(Kind::cancelled, "launch.cancelled", "cancelled");
  return {};
}

void detail::say(const Deps& deps, std::string text) {
  if (deps.progress) deps.progress(std::move(text));
}

namespace {

/// A session that goes on keeps its id, its name and its beginning.
Result<StoredSession> begin_session(const json::Value& plan, const SessionRecord& record, const Deps& deps) {
  StoredSession out;
  if (!plan.str("/session/resumes").empty()) {
    const auto before = SessionStore(deps.paths).read(record.id);
    if (!before) return fail(Error(before.error()));
    out = *before;
    if (session_lives(out, deps.paths)) {
      return fail(conflict(out.sandbox, "the session " + out.name + " runs already"));
    }
  }
  static_cast<SessionRun&>(out) = record;
  if (out.name.empty()) out.name = plan.str("/session/name");
  if (out.name.empty()) out.name = session_name_of(stdfs::path(record.workspace).filename().native());
  out.slot = plan.str("/session/slot");
  out.shell = plan.flag("/session/shell");
  out.sandbox = record.name;
  out.team = plan.str("/governance/team");
  out.branch = plan.str("/workspace/branch");
  out.network_policy = plan.str("/network/mode");
  if (const std::string now = plan.str("/session/conversation"); !now.empty()) out.conversation = now;
  out.ended_by.clear();
  out.reason.clear();
  if (out.created.empty()) out.created = record.started;
  return out;
}

Result<std::unique_ptr<Running::State>> make_state(const json::Value& plan, os::FileLock lock,
                                                   const Deps& deps) {
  const std::string name = plan.str("/sandbox/name");
  const stdfs::path directory = instance_dir(deps.paths, name);
  SessionRecord record;
  record.id = plan.str("/session/resumes");
  if (record.id.empty()) record.id = new_session_id();
  record.name = name;
  record.workspace = plan.str("/workspace/root");
  record.provider = plan.str("/provider/id");
  record.runtime = deps.runtime.ref().id;
  record.plan_id = plan.str("/id");
  record.started = utc_now();
  record.pid = ::getpid();
  record.pid_started = own_process_start();
  record.stop_grace_ms = static_cast<unsigned>(
      std::clamp<std::int64_t>(plan.integer("/sandbox/stop_grace_ms", 10'000), 0, 600'000));
  const std::string nonce = os::random_hex(32);
  const std::string token = os::random_hex(16);
  const Values values{{"${session.id}", record.id},
                      {"${session.dir}", directory.native()},
                      {"${session.created}", record.started},
                      {"${nonce}", nonce},
                      {"${token}", token},
                      {"${session.sandbox}", name}};
  auto state = std::make_unique<Running::State>(fill_plan(plan, values), std::move(lock),
                                                Journal(directory, deps.env));
  state->directory = directory;
  state->facts = create_facts(plan);
  SCC_TRY(state->stored, begin_session(state->plan, record, deps));
  state->record = std::move(record);
  state->nonce = nonce;
  state->token = token;
  return state;
}

Status run_steps(Running::State& state, const Deps& deps) {
  SCC_CHECK(detail::check_cancelled(deps));
  SCC_CHECK(detail::create_instance(state, deps));
  if (!state.replaces.empty()) SCC_CHECK(detail::replace_sandbox(state, deps));
  const json::Array steps = state.plan.at("/steps")->items();
  for (std::size_t i = 1; i < steps.size(); ++i) {
    const std::string op = steps[i].str("/op");
    if (op == "agent.exec" || op == "sandbox.stop") break;  // attach and finalise
    SCC_CHECK(detail::check_cancelled(deps));
    auto status = detail::run_step(state, steps[i], deps);
    if (!status) return fail(std::move(status).error().with("in step " + op));
  }
  return detail::check_cancelled(deps);
}

}  // namespace

Result<Running> execute(const json::Value& plan, const Deps& deps) {
  SCC_CHECK(check_plan(plan));
  const std::string name = plan.str("/sandbox/name");
  auto lock = take_lock(deps.paths, name);
  if (!lock && lock.error().id == "sandbox.conflict" && deps.replace) {
    lock = take_over(name, deps, std::move(lock).error());
  }
  if (!lock) return fail(std::move(lock).error());
  SCC_TRY(const Existing existing, existing_sandbox(plan, deps));
  SCC_TRY(auto state, make_state(plan, std::move(*lock), deps));
  Running running(std::move(state));
  (existing.reuse ? running.state().reuses : running.state().replaces) = existing.id;
  auto status = run_steps(running.state(), deps);
  if (!status) return fail(abort_launch(std::move(running), deps, std::move(status).error()));
  return running;
}

Error abort_launch(Running running, const Deps& deps, Error cause) {
  const os::CancelShield shield;
  Running::State& state = running.state();
  detail::say(deps, "undoing the launch");
  state.stored.status = SessionStatus::failed;
  state.stored.ended_by = "launch";
  state.stored.reason = cause.message;
  state.stored.ended = utc_now();
  const Status saved = detail::save_session(state, deps);
  if (!saved) cause.context.push_back("recording the session failed: " + saved.error().message);
  bool complete = true;
  while (!state.undo.empty()) {
    const Undo undo = std::move(state.undo.back());
    state.undo.pop_back();
    // The directory with the journal goes last, and only when nothing is left that it could tell prune about.
    if (undo.op == "instance.create" && !complete) {
      state.record.status = SessionStatus::failed;
      state.record.ended = utc_now();
      static_cast<void>(write_record(state.directory, state.record));
      continue;
    }
    const Status status = undo.run(deps);
    if (!status) {
      complete = false;
      cause.context.push_back("undoing " + undo.op + " failed: " + status.error().message);
      static_cast<void>(state.journal.note(undo.op, "undo-failed", Journal::error_json(status.error())));
    } else if (undo.op != "instance.create") {
      static_cast<void>(state.journal.note(undo.op, "undone"));
    }
  }
  if (!complete && cause.hint.empty()) cause.hint = "remove what is left: scc prune";
  return cause;
}

Result<json::Value> read_executed_plan(const os::Paths& paths, std::string_view name) {
  if (!valid_name(name)) return fail(Kind::not_found, "session.no-plan", "there is no sandbox of that name");
  auto text = os::read_file(instance_dir(paths, name) / "plan.json", kPlanLimit);
  if (!text && text.error().kind == Kind::not_found) {
    return fail(Kind::not_found, "session.no-plan",
                "this user's scc has no record of how the sandbox " + std::string(name) + " was made",
                "start it again: scc start");
  }
  if (!text) return fail(std::move(text).error());
  return json::parse(*text, {kPlanLimit, 64});
}

}  // namespace scc::session
