// SPDX-License-Identifier: Apache-2.0
#include "app/join.h"

#include <algorithm>

#include "app/audit.h"
#include "app/auth.h"
#include "app/live.h"
#include "app/resolve.h"
#include "os/tty.h"
#include "session/attach.h"
#include "session/reuse.h"

namespace scc::app {

namespace {

/// The running sandbox that a command without a name means: the only one of this workspace.
Result<session::SandboxEntry> sandbox_here(Host& host, const LaunchOptions& options,
                                           const std::vector<session::SandboxEntry>& entries) {
  SCC_TRY(const Resolved resolved, resolve_workspace(host, options));
  std::vector<session::SandboxEntry> here;
  for (const session::SandboxEntry& entry : entries) {
    const bool provider_fits = options.provider.empty() || entry.provider == options.provider;
    const bool runs = entry.state == "running" || entry.state == "idle";
    if (entry.workspace == resolved.root() && runs && provider_fits) here.push_back(entry);
  }
  if (here.size() == 1) return here.front();
  if (here.empty()) {
    return fail(Kind::not_found, "sandbox.none-here", "no sandbox of " + resolved.root() + " runs",
                "run `scc start` there");
  }
  return fail(Kind::usage, "sandbox.ambiguous",
              std::to_string(here.size()) + " sandboxes of " + resolved.root() + " run",
              "name one: run `scc list`");
}

struct Place {
  session::SandboxEntry entry;
  EngineSet engines;
  plugin::Runtime* runtime = nullptr;
};

/// A sandbox that runs and may be joined.
Result<Place> find_running(Host& host, const LaunchOptions& options, const std::string& name) {
  Place out;
  SCC_TRY(out.engines, reach_engines(host, options.runtime, Reach::records));
  for (const Error& error : out.engines.down) host.warn(error.message);
  SCC_TRY(const auto entries, session::list_sandboxes(out.engines.runtimes(), host.paths, host.env));
  SCC_TRY(out.entry, name.empty() ? sandbox_here(host, options, entries) : find_sandbox(host, entries, name));
  if (out.entry.state == "stopped") {
    return fail(Kind::not_found, "sandbox.stopped", out.entry.name + " does not run",
                "run `scc start` in " + out.entry.workspace);
  }
  const Engine* engine = out.engines.find(out.entry.runtime);
  if (engine == nullptr) {
    return fail(Kind::internal, "sandbox.runtime",
                "the runtime " + out.entry.runtime + " is not there any more");
  }
  out.runtime = engine->runtime.get();
  return out;
}

/// The options with which the running sandbox was made, as its executed plan tells.
LaunchOptions options_of(const json::Value& plan, const LaunchOptions& given) {
  LaunchOptions out;
  out.agent_args = given.agent_args;
  out.tty = given.tty;
  out.workspace = plan.str("/workspace/root");
  out.provider = plan.str("/provider/id");
  out.runtime = plan.str("/runtime/id");
  out.team = plan.str("/governance/team");
  out.standalone = plan.flag("/governance/standalone");
  out.offline = given.offline;
  out.session_name = plan.str("/session/slot");
  out.allow_suspicious = true;  // it was accepted when the sandbox was made
  out.allow_root = plan.str("/identity/mapping") == "root";
  const std::string root = out.workspace + "/";
  const json::Value* mounts = plan.at("/sandbox/mounts");
  for (const json::Value& mount : mounts != nullptr ? mounts->items() : json::Array{}) {
    const std::string target = mount.str("/target");
    const bool below = target + "/" == root || target.compare(0, root.size(), root) == 0;
    if (mount.str("/type") == "bind" && !below && target == mount.str("/source") &&
        plan.str("/workspace/git") == "worktree") {
      out.allow_external_git_dir = true;
    }
  }
  return out;
}

/// The sandbox must be what a start would make now: nobody joins one that an older policy made.
Status check_unchanged(const Host& host, const session::SandboxEntry& entry, const json::Value& plan) {
  const json::Value wanted = session::create_facts(plan);
  const auto label = entry.labels.find("scc.spec-digest");
  if (label != entry.labels.end() && label->second == session::facts_digest(wanted)) return {};
  const auto text = os::read_file(session::instance_dir(host.paths, entry.name) / session::kFactsFile,
                                  std::size_t{4} << 20U);
  const auto was = text ? json::parse(*text) : Result<json::Value>(json::Value());
  const std::string what = was && was->is_object() ? session::first_difference(*was, wanted) : "";
  return fail(Kind::tool, "sandbox.changed",
              "a start would make another sandbox now than the one that runs; what differs: " +
                  (what.empty() ? std::string("how it was made is not known") : what),
              "end it and begin anew: scc start --fresh");
}

}  // namespace

Result<session::SandboxEntry> find_sandbox(Host& host, const std::vector<session::SandboxEntry>& entries,
                                           const std::string& text) {
  auto direct = session::resolve_sandbox(entries, text);
  if (direct || direct.error().kind != Kind::not_found) return direct;
  std::vector<const session::SandboxEntry*> found;
  const auto add = [&](const session::SandboxEntry& entry) {
    if (std::find(found.begin(), found.end(), &entry) == found.end()) found.push_back(&entry);
  };
  const auto stored = session::SessionStore(host.paths).list();
  if (stored) {
    const auto record = session::resolve_session(stored->sessions, text, "");
    if (!record && record.error().kind == Kind::usage) return fail(Error(record.error()));
    for (const session::SandboxEntry& entry : entries) {
      if (record && entry.name == record->sandbox && entry.runtime == record->runtime) add(entry);
    }
  }
  std::error_code code;
  const auto path = os::stdfs::weakly_canonical(host.env.cwd / text, code);
  for (const session::SandboxEntry& entry : entries) {
    if (found.empty() && !code && entry.workspace == path.native()) add(entry);
  }
  if (found.empty()) {
    return fail(Kind::not_found, "sandbox.unknown",
                text + " is no sandbox, no session with one, and no workspace with one",
                "see them: scc list, scc sessions");
  }
  if (found.size() == 1) return *found.front();
  Error error{Kind::usage,
              "sandbox.ambiguous",
              text + " has " + std::to_string(found.size()) + " sandboxes",
              "give the name",
              {}};
  for (const auto* entry : found) error.context.push_back(entry->name + "  " + entry->state);
  return fail(std::move(error));
}

Result<int> shell(Host& host, const LaunchOptions& options, const std::string& name,
                  std::vector<std::string> argv) {
  SCC_TRY(const Place place, find_running(host, options, name));
  if (argv.empty()) argv = {"/bin/bash"};
  SCC_TRY(const session::ExecTarget target,
          session::shell_target(host.paths, place.entry.name, place.entry.id, std::move(argv), options.tty));
  SCC_TRY(plugin::Registry * registry, host.registry());
  SCC_TRY(const auto netpolicy, registry->netpolicy("open", json::Value(json::Object{})));
  session::Deps deps{*place.runtime, *netpolicy, host.paths, host.env};
  deps.note = [&host](const std::string& text) { host.warn(text); };
  deps.cancelled = [] { return os::cancelled(); };
  SCC_TRY(const auto collector, join_collector(host, place.entry.name));
  audit::Event event;
  event.event_type = "shell.started";
  event.message = "a process beside the agent";
  event.subject = place.entry.provider;
  event.argv = target.argv;
  event.metadata = {{"sandbox", place.entry.name}, {"workspace_path", place.entry.workspace}};
  SCC_CHECK(audit_event(host, event));
  SCC_TRY(const session::AttachOutcome outcome, session::attach_exec(target, deps, {}));
  return outcome.exit_code;
}

Result<int> attach(Host& host, const LaunchOptions& options, const std::string& name) {
  SCC_TRY(const Place place, find_running(host, options, name));
  if (place.entry.state == "stale") {
    return fail(Kind::tool, "sandbox.stale", "the scc that ran " + place.entry.name + " is gone",
                "end it and begin anew: scc start in " + place.entry.workspace);
  }
  SCC_TRY(const json::Value executed, session::read_executed_plan(host.paths, place.entry.name));
  const LaunchOptions again = options_of(executed, options);
  SCC_TRY(Prepared prepared, prepare(host, again));
  SCC_CHECK(check_unchanged(host, place.entry, prepared.plan));
  SCC_CHECK(check_sign_in(host, prepared, options.tty));
  SCC_CHECK(audit_launch(host, prepared.governance, again.workspace, again.provider));
  SCC_CHECK(workspace::unchanged(prepared.workspace));
  const session::Deps deps = session_deps(host, prepared);
  SCC_TRY(const auto collector, join_collector(host, place.entry.name));
  LiveWatch live(host, prepared.plan);
  session::AttachOptions attach;
  attach.revoked = live.asker();
  SCC_TRY(const session::AttachOutcome outcome,
          session::join_session(prepared.plan, place.entry.id, deps, attach));
  if (!outcome.revoked.empty()) return fail(revoked(outcome.revoked));
  if (outcome.timed_out) {
    return fail(Kind::policy, "session.timeout", "the session was ended: its time is over",
                "go on in a new one: scc start");
  }
  return outcome.exit_code;
}

}  // namespace scc::app
