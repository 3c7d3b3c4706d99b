// SPDX-License-Identifier: Apache-2.0
#include "session/attach.h"

#include <algorithm>
#include <charconv>
#include <csignal>
#include <optional>
#include <unistd.h>

#include "os/tty.h"
#include "session/finalise.h"
#include "session/handshake.h"
#include "session/listeners.h"
#include "session/network.h"
#include "session/pump.h"
#include "session/state.h"

namespace scc::session {

namespace {

constexpr int kKilled = 128 + SIGKILL;

json::Value exec_request(const ExecTarget& target, bool tty, os::WindowSize size) {
  json::Object env;
  for (const auto& [name, value] : target.env) env[name] = value;
  json::Object request;
  request["schema"] = "scc.exec-request/1";
  request["argv"] = json::Value::strings(checker_argv(target));
  request["env"] = std::move(env);
  request["workdir"] = target.workdir;
  request["user"] = json::Object{{"uid", target.uid}, {"gid", target.gid}};
  request["tty"] = tty;
  request["rows"] = static_cast<int>(size.rows);
  request["cols"] = static_cast<int>(size.cols);
  return json::Value(std::move(request));
}

/// Modes that a full-screen program leaves behind when it is killed: cursor, mouse, focus, bracketed paste,
/// colours. Harmless where they are not on.
constexpr std::string_view kTerminalReset =
    "\x1b[?25h\x1b[?1000l\x1b[?1002l\x1b[?1003l\x1b[?1004l\x1b[?1006l\x1b[?2004l\x1b[0m";

void reset_terminal(const AttachOptions& options) {
  HostFd out(options.out, HostFd::Mode::write);
  std::string bytes(kTerminalReset);
  static_cast<void>(out.write(bytes));  // as much as the terminal takes now; it may be gone
}

/// Exit code and what is to be told about it.
Result<AttachOutcome> conclude(plugin::Exec& exec, const Pump& pump, int signal, const ExecTarget& target,
                               const Deps& deps, const AttachOptions& options) {
  AttachOutcome out;
  out.signal = signal;
  out.timed_out = pump.timed_out();
  out.revoked = pump.revoked();
  if (signal != 0) {
    out.exit_code = 128 + signal;
    return out;
  }
  SCC_TRY(out.exit_code, exec.wait(options.wait_ms));
  const auto note = [&](std::string text) {
    if (deps.note) deps.note(std::move(text));
  };
  if (out.exit_code == kKilled) {
    const auto info = deps.runtime.sandbox_inspect(target.sandbox_id);
    out.oom_killed = info && info->flag("/oom_killed");
    note(out.oom_killed
             ? "the agent was killed because the sandbox ran out of memory (sandbox.memory raises it)"
             : "the agent was killed (exit code 137)");
  }
  if (out.exit_code == 126 && pump.first_err().rfind("scc-check: ", 0) == 0) {
    note("the agent's program in the image cannot be executed; build the image again: scc image build");
  }
  return out;
}

void wipe(std::string& secret) {
  volatile char* bytes = secret.data();
  for (std::size_t i = 0; i < secret.size(); ++i) bytes[i] = 0;
  secret.clear();
}

}  // namespace

Result<AttachOutcome> attach_exec(const ExecTarget& wanted, const Deps& deps, const AttachOptions& options,
                                  const AttachHooks& hooks) {
  const IgnoreSigpipe no_sigpipe;
  ExecTarget target = wanted;
  const bool tty = target.tty && os::is_tty(options.in) && os::is_tty(options.out);
  // Before the exec: a signal from here on is an event, so that nothing is left half done.
  SCC_TRY(os::SignalEvents signals, os::SignalEvents::watch({SIGINT, SIGTERM, SIGQUIT, SIGHUP, SIGWINCH}));
  SCC_CHECK(detail::check_cancelled(deps));
  const os::WindowSize size = os::window_size(options.out).value_or(os::WindowSize{});
  std::optional<Listeners> listeners;
  if (target.checks.has(
          "/inside")) {  // beside a proxy on a network: what must stay out of reach is really there
    SCC_TRY(listeners, Listeners::open());
    target.unreachable = listeners->addresses();
  }
  SCC_TRY(std::string frame, go_frame(target, size));
  for (auto& [name, value] : target.secrets) wipe(value);  // the copy; they are in the frame now
  SCC_TRY(const std::unique_ptr<plugin::Exec> exec,
          deps.runtime.exec_open(target.sandbox_id, exec_request(target, tty, size)));
  Handshake handshake(*exec, signals, deps, options);
  SCC_TRY(json::Value evidence, handshake.receive_evidence(target, tty));
  if (listeners) {
    if (Status out = host_stays_out(target.checks.str("/inside/address")); !out) {
      wipe(frame);
      return fail(std::move(out).error());
    }
  }
  if (hooks.on_verified) {
    if (Status allowed = hooks.on_verified(evidence); !allowed) {
      wipe(frame);
      return fail(std::move(allowed).error());
    }
  }
  auto started = handshake.go(frame);
  wipe(frame);
  listeners.reset();
  if (!started) return fail(std::move(started).error());
  if (hooks.on_started) hooks.on_started(evidence);

  std::optional<os::RawMode> raw;
  if (tty) {
    SCC_TRY(auto mode, os::RawMode::enter(options.in));
    raw.emplace(std::move(mode));
    static_cast<void>(exec->resize(size.rows, size.cols));
  }
  Pump pump(*exec, signals, target, deps, options, tty, hooks);
  pump.seed(handshake.take_out(), handshake.take_err());
  const auto signal = pump.run();
  if (raw) raw->leave();
  Result<AttachOutcome> out = fail(Error{});
  if (signal) {
    out = conclude(*exec, pump, *signal, target, deps, options);
  } else {
    out = fail(Error(signal.error()));
  }
  if (tty && (!out || out->exit_code >= 128)) reset_terminal(options);
  if (out) out->evidence = std::move(evidence);
  return out;
}

namespace {

ExecTarget target_of_plan(const json::Value& plan) {
  ExecTarget out;
  out.argv = plan.strings_at("/exec/argv");
  out.env = plan.map_at("/exec/env");
  out.workdir = plan.str("/exec/workdir", plan.str("/sandbox/workdir", "/"));
  out.uid = plan.integer("/sandbox/user/uid", -1);
  out.gid = plan.integer("/sandbox/user/gid", -1);
  out.allow_root = plan.str("/identity/mapping") == "root";
  out.tty = plan.flag("/exec/tty");
  if (const json::Value* checks = plan.at("/checks")) out.checks = *checks;
  if (const json::Value* mounts = plan.at("/sandbox/mounts")) out.mounts = *mounts;
  return out;
}

Result<std::vector<std::pair<std::string, std::string>>> resolve_secrets(const json::Value& plan,
                                                                         const Deps& deps) {
  std::vector<std::pair<std::string, std::string>> out;
  const json::Value* secrets = plan.at("/secrets");
  if (secrets == nullptr) return out;
  for (const json::Value& secret : secrets->items()) {
    if (!deps.secret)
      return fail(Kind::internal, "secret.resolver", "the plan has secrets and nobody to ask");
    auto value = deps.secret(secret.str("/from"));
    if (!value)
      return fail(std::move(value).error().with("while fetching the secret " + secret.str("/name")));
    out.emplace_back(secret.str("/name"), std::move(*value));
  }
  return out;
}

/// What is written to the audit log before the process of a plan runs.
std::function<Status(const json::Value&)> audited(const Deps& deps, std::string event,
                                                  const json::Value& plan, std::string session) {
  if (!deps.audit) return {};
  return [&deps, &plan, event = std::move(event), session = std::move(session)](const json::Value& evidence) {
    return deps.audit(event, session,
                      {{"sandbox", plan.str("/sandbox/name")},
                       {"provider_id", plan.str("/provider/id")},
                       {"runtime", plan.str("/runtime/id")},
                       {"network_policy", plan.str("/network/mode")},
                       {"workspace_path", plan.str("/workspace/root")},
                       {"team", plan.str("/governance/team")},
                       {"plan_id", plan.str("/id")},
                       {"policy_digest", plan.str("/safety/policy_digest")},
                       {"evidence_sha256", os::sha256_hex(json::dump(evidence))}});
  };
}

}  // namespace

std::int64_t session_limit_ms(const json::Value& plan, const os::Environment& env) {
  constexpr std::int64_t kHourMs = 3'600'000;
  const std::int64_t hours = plan.integer("/governance/timeout_hours");
  if (hours <= 0) return 0;
  std::int64_t hour = kHourMs;
  if (const auto text = env.get("SCC_TEST_HOUR_MS")) {
    std::int64_t value = 0;
    const auto [end, code] = std::from_chars(text->data(), text->data() + text->size(), value);
    if (code == std::errc{} && end == text->data() + text->size() && value > 0) hour = std::min(hour, value);
  }
  return hours * hour;
}

Result<AttachOutcome> attach_agent(Running& running, const Deps& deps, const AttachOptions& given) {
  AttachOptions options = given;
  const std::int64_t limit = session_limit_ms(running.plan(), deps.env);
  if (limit > 0 && (options.limit_ms == 0 || limit < options.limit_ms)) options.limit_ms = limit;
  constexpr std::string_view kOp = "agent.exec";
  detail::say(deps, "verifying the sandbox from inside");
  ExecTarget target = target_of_plan(running.plan());
  target.sandbox_id = running.sandbox_id();
  target.nonce = running.nonce();
  target.token = running.token();
  target.stop_grace_ms = running.record().stop_grace_ms;
  target.sources = bind_sources(running.plan());
  for (const auto& [name, value] : running.attachment().map_at("/env")) target.env.emplace(name, value);
  SCC_CHECK(running.journal().intent(kOp));
  running.journal().kill_point(kOp, false);
  SCC_TRY(target.secrets, resolve_secrets(running.plan(), deps));

  json::Value evidence;
  Status recorded;
  AttachHooks hooks;
  hooks.on_verified = audited(deps, "launch.started", running.plan(), running.session_id());
  hooks.on_started = [&](const json::Value& seen) {
    running.set_agent_started();
    evidence = seen;
    static_cast<void>(running.journal().note(kOp, "started"));
  };
  hooks.on_settled = [&] {
    running.record().status = SessionStatus::running;
    recorded = write_record(running.directory(), running.record());
    running.stored().status = SessionStatus::running;
    ++running.stored().runs;
    if (recorded) recorded = detail::save_session(running.state(), deps);
    static_cast<void>(
        detail::write_new_file(running.directory() / "evidence.json", json::dump(evidence), 0600));
    if (const json::Value& network = running.state().network_evidence; !network.is_null()) {
      static_cast<void>(detail::write_new_file(running.directory() / std::string(detail::kNetworkEvidence),
                                               json::dump(network), 0600));
    }
  };
  if (const auto* decisions = running.state().decisions.get(); decisions != nullptr) {
    hooks.watch_fd = decisions->ended_fd();
    hooks.on_watch = [&] { detail::revive_network(running.state(), deps); };
  }
  auto outcome = attach_exec(target, deps, options, hooks);
  for (auto& [name, value] : target.secrets) wipe(value);
  if (!recorded && deps.note) deps.note("the session could not be recorded: " + recorded.error().message);
  if (!outcome) {
    static_cast<void>(running.journal().note(kOp, "failed", Journal::error_json(outcome.error())));
    return outcome;
  }
  running.journal().kill_point(kOp, true);
  static_cast<void>(
      running.journal().done(kOp, json::Value(json::Object{{"exit_code", outcome->exit_code}})));
  return outcome;
}

namespace {

/// What the network policy gave the agent of this sandbox (proxy variables), as its journal tells.
void add_network_env(const os::Paths& paths, std::string_view name, ExecTarget& target) {
  const auto journal = read_journal(instance_dir(paths, name));
  for (const JournalEntry& entry : journal ? *journal : std::vector<JournalEntry>()) {
    if (entry.op != "network.apply" || entry.phase != "done") continue;
    for (const auto& [key, value] : entry.data.map_at("/env")) target.env.emplace(key, value);
  }
}

StoredSession joined_session(const json::Value& plan, const os::Paths& paths) {
  StoredSession out;
  out.id = new_session_id();
  out.sandbox = plan.str("/sandbox/name");
  out.workspace = plan.str("/workspace/root");
  out.name = session_name_of(stdfs::path(out.workspace).filename().native());
  out.slot = plan.str("/session/slot");
  out.provider = plan.str("/provider/id");
  out.runtime = plan.str("/runtime/id");
  out.team = plan.str("/governance/team");
  out.branch = plan.str("/workspace/branch");
  out.network_policy = plan.str("/network/mode");
  out.plan_id = plan.str("/id");
  const auto record = read_record(instance_dir(paths, out.sandbox));
  out.attached_to = record ? record->id : "unknown";
  out.created = utc_now();
  out.started = out.created;
  out.pid = ::getpid();
  out.pid_started = own_process_start();
  return out;
}

}  // namespace

Result<AttachOutcome> join_session(const json::Value& plan, std::string_view sandbox_id, const Deps& deps,
                                   const AttachOptions& given) {
  const SessionStore store(deps.paths);
  StoredSession stored = joined_session(plan, deps.paths);
  const std::vector<std::pair<std::string, std::string>> values{
      {"${session.id}", stored.id},
      {"${session.dir}", instance_dir(deps.paths, stored.sandbox).native()},
      {"${session.created}", stored.created}};
  json::Value filled = plan;
  filled["exec"] = fill_placeholders(filled["exec"], values);
  const ExecTarget mine = target_of_plan(filled);
  SCC_TRY(ExecTarget target, shell_target(deps.paths, stored.sandbox, sandbox_id, mine.argv, mine.tty));
  for (const auto& [key, value] : mine.env) target.env[key] = value;
  target.workdir = mine.workdir;
  SCC_TRY(target.secrets, resolve_secrets(plan, deps));
  AttachOptions options = given;
  options.limit_ms = session_limit_ms(plan, deps.env);
  SCC_CHECK(store.put(stored));
  AttachHooks hooks;
  hooks.on_verified = audited(deps, "launch.joined", plan, stored.id);
  hooks.on_settled = [&] {
    stored.status = SessionStatus::running;
    stored.runs = 1;
    static_cast<void>(store.save(stored));
  };
  auto outcome = attach_exec(target, deps, options, hooks);
  for (auto& [name, value] : target.secrets) wipe(value);
  stored.status = outcome ? SessionStatus::exited : SessionStatus::failed;
  stored.ended = utc_now();
  if (outcome) {
    stored.exit_code = outcome->exit_code;
    stored.ended_by = ended_by(outcome);
  } else {
    stored.ended_by = stored.runs > 0 ? "lost" : "launch";
    stored.reason = outcome.error().message;
  }
  const Status recorded = store.save(stored);
  if (!recorded && deps.note) deps.note("the session could not be recorded: " + recorded.error().message);
  return outcome;
}

Result<ExecTarget> shell_target(const os::Paths& paths, std::string_view name, std::string_view sandbox_id,
                                std::vector<std::string> argv, bool tty) {
  SCC_TRY(const json::Value plan, read_executed_plan(paths, name));
  ExecTarget out = target_of_plan(plan);
  out.sandbox_id = sandbox_id;
  out.sources = bind_sources(plan);
  add_network_env(paths, name, out);
  out.argv = std::move(argv);
  out.tty = tty;
  out.nonce = os::random_hex(32);
  out.token = os::random_hex(16);
  return out;
}

}  // namespace scc::session
