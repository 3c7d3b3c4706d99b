// SPDX-License-Identifier: Apache-2.0
#include "app/sessions.h"

#include <algorithm>

#include "app/engines.h"
#include "app/resolve.h"
#include "base/str.h"
#include "session/lister.h"

namespace scc::app {

namespace {

/// Where the user stands, or what was typed, as records name it; empty when it is no workspace.
std::string workspace_root(Host& host, const std::string& typed) {
  auto registry = host.registry();
  if (!registry) return {};
  const auto given = typed.empty() ? std::nullopt : std::optional<std::string>(typed);
  const auto found = workspace::resolve(host.env, given, (*registry)->declarations().workspace_markers);
  if (found) return found->root.native();
  // A workspace that is gone still names its sessions.
  std::error_code code;
  const auto path = os::stdfs::weakly_canonical(host.env.cwd / typed, code);
  return typed.empty() || code ? std::string() : path.native();
}

Result<session::StoreListing> records(Host& host) {
  SCC_TRY(session::StoreListing out, session::list_reconciled(session::SessionStore(host.paths), host.paths));
  return out;
}

/// Whose sessions are meant: --all, --team, the current team, else everyone's.
Result<std::optional<std::string>> team_of(Host& host, const SessionFilter& filter) {
  if (filter.everything) return std::optional<std::string>();
  if (!filter.team.empty()) return std::optional<std::string>(filter.team);
  SCC_TRY(const config::UserConfig* config, host.config());
  if (config->standalone || config->selected_profile.empty()) return std::optional<std::string>();
  return std::optional<std::string>(config->selected_profile);
}

std::string sandbox_state(const session::StoredSession& record, const EngineSet& engines,
                          const std::vector<session::SandboxEntry>& entries) {
  if (engines.find(record.runtime) == nullptr) return "unknown";
  const auto found = std::find_if(entries.begin(), entries.end(), [&](const session::SandboxEntry& entry) {
    return entry.name == record.sandbox && entry.runtime == record.runtime;
  });
  return found != entries.end() ? found->state : "gone";
}

bool has_conversation(const session::StoredSession& record) {
  return record.runs > 0 && record.attached_to.empty() && !record.shell;
}

bool is_there(const session::StoredSession& record) {
  std::error_code code;
  return os::stdfs::is_directory(record.workspace, code);
}

tl::unexpected<Error> mismatch(const session::StoredSession& record, std::string_view what,
                               const std::string& given, const std::string& has) {
  return fail(Kind::usage, "session.mismatch",
              "the session " + record.name + " has the " + std::string(what) + " " + has + ", not " + given,
              "leave the option out, or begin a new session");
}

Result<session::StoredSession> last_session(Host& host, const LaunchOptions& options,
                                            const std::vector<session::StoredSession>& sessions) {
  const std::string root = workspace_root(host, options.workspace);
  SessionFilter filter;
  filter.team = options.team;
  SCC_TRY(const auto team, team_of(host, filter));
  for (const session::StoredSession& record : sessions) {
    if (!has_conversation(record)) continue;
    if (!options.provider.empty() && record.provider != options.provider) continue;
    if (!options.session_name.empty() && record.name != options.session_name) continue;
    if (team && record.team != *team) continue;  // going on with it would be going on under another policy
    if (root.empty() ? is_there(record) : record.workspace == root) return record;
  }
  return fail(Kind::not_found, "session.none",
              root.empty() ? "there is no session to go on with" : "there is no session of " + root,
              "see all: scc sessions --all, or begin one: scc start");
}

}  // namespace

Result<SessionsReport> list_sessions(Host& host, const SessionFilter& filter, const std::string& runtime) {
  SessionsReport out;
  SCC_TRY(session::StoreListing listed, records(host));
  out.problems = std::move(listed.problems);
  SCC_TRY(const auto team, team_of(host, filter));
  out.team = team.value_or("");
  const std::string root = filter.workspace.empty() ? "" : workspace_root(host, filter.workspace);
  for (session::StoredSession& record : listed.sessions) {
    if (team && record.team != *team) continue;
    if (!filter.workspace.empty() && record.workspace != root) continue;
    if (!filter.provider.empty() && record.provider != filter.provider) continue;
    if (!runtime.empty() && record.runtime != runtime) continue;
    if (filter.running && !record.open()) continue;
    ++out.total;
    if (filter.limit != 0 && out.sessions.size() >= filter.limit) continue;
    out.sessions.push_back({std::move(record), "unknown"});
  }
  if (out.sessions.empty()) return out;
  const auto engines = reach_engines(host, runtime, Reach::records);
  if (!engines) {
    out.problems.push_back(engines.error().message);
    return out;
  }
  const session::SandboxListing sandboxes =
      session::list_what_answers(engines->runtimes(), host.paths, host.env);
  for (const Error& error : engines->down) out.problems.push_back(error.message);
  for (const Error& error : sandboxes.errors) out.problems.push_back(error.message);
  for (SessionView& view : out.sessions) {
    view.sandbox = sandbox_state(view.record, *engines, sandboxes.entries);
  }
  return out;
}

Result<session::StoredSession> find_session(Host& host, const std::string& text) {
  SCC_TRY(const session::StoreListing listed, records(host));
  for (const std::string& problem : listed.problems) host.warn(problem);
  return session::resolve_session(listed.sessions, text, workspace_root(host, ""));
}

Result<std::vector<session::StoredSession>> resumable_sessions(Host& host, const LaunchOptions& options,
                                                               std::size_t limit) {
  SCC_TRY(const session::StoreListing listed, records(host));
  for (const std::string& problem : listed.problems) host.warn(problem);
  SessionFilter filter;
  filter.team = options.team;
  SCC_TRY(const auto team, team_of(host, filter));
  const std::string root = options.workspace.empty() ? "" : workspace_root(host, options.workspace);
  std::vector<session::StoredSession> out;
  std::size_t gone = 0;
  for (const session::StoredSession& record : listed.sessions) {
    if (out.size() >= limit) break;
    if (!has_conversation(record) || (team && record.team != *team)) continue;
    if (!root.empty() && record.workspace != root) continue;
    if (!options.provider.empty() && record.provider != options.provider) continue;
    if (is_there(record)) {
      out.push_back(record);
    } else {
      ++gone;
    }
  }
  if (gone > 0) host.warn(std::to_string(gone) + " session(s) are left out: their workspace is gone");
  return out;
}

Status apply_resume(Host& host, LaunchOptions& options) {
  SCC_TRY(const session::StoreListing listed, records(host));
  for (const std::string& problem : listed.problems) host.warn(problem);
  Result<session::StoredSession> chosen =
      options.resume_ref.empty() ? last_session(host, options, listed.sessions)
                                 : session::resolve_session(listed.sessions, options.resume_ref,
                                                            workspace_root(host, options.workspace));
  if (!chosen) return fail(std::move(chosen).error());
  const session::StoredSession& record = *chosen;
  if (!has_conversation(record)) {
    return fail(Kind::not_found, "session.none",
                "the session " + record.name + " has no conversation to go on with: " +
                    (record.shell                 ? "no agent was in it"
                     : record.attached_to.empty() ? "its agent never ran"
                                                  : "it joined another one"),
                "begin a new one: scc start");
  }
  if (!options.provider.empty() && options.provider != record.provider) {
    return mismatch(record, "provider", options.provider, record.provider);
  }
  if (!options.runtime.empty() && options.runtime != record.runtime) {
    return mismatch(record, "engine", options.runtime, record.runtime);
  }
  if (!options.team.empty() && options.team != record.team) {
    return mismatch(record, "team", options.team, record.team.empty() ? "(none)" : record.team);
  }
  if (!options.workspace.empty() && workspace_root(host, options.workspace) != record.workspace) {
    return mismatch(record, "workspace", options.workspace, record.workspace);
  }
  // Where the user stands inside the workspace is kept.
  const bool inside = workspace_root(host, options.workspace) == record.workspace;
  if (!inside) options.workspace = record.workspace;
  options.provider = record.provider;
  options.runtime = record.runtime;
  options.team = record.team;
  options.session_name = record.slot;
  options.resumed = record;
  return {};
}

Status check_resumed(const LaunchOptions& options, const Governance& governance) {
  if (!options.resumed) return {};
  const std::string& was = options.resumed->team;
  const std::string& now = governance.effective.team;
  if (was == now) return {};
  const auto shown = [](const std::string& team) { return team.empty() ? "no team" : "team " + team; };
  return fail(Kind::policy, "session.team",
              "the session " + options.resumed->name + " is of " + shown(was) + ", and " + shown(now) +
                  " applies here now: its conversation lies in the other one's credential volume",
              was.empty() ? "begin a new session: scc start" : "is the team still yours? run: scc team list");
}

Result<std::vector<session::StoredSession>> prune_sessions(Host& host,
                                                           const session::RetentionOptions& options,
                                                           bool dry_run) {
  SCC_TRY(const session::StoreListing listed, records(host));
  for (const std::string& problem : listed.problems) host.warn(problem);
  std::vector<session::StoredSession> old = session::too_old(listed.sessions, options);
  // A sandbox that is there still needs its record: to be found, and to be continued.
  old.erase(std::remove_if(old.begin(), old.end(),
                           [&](const session::StoredSession& record) {
                             const auto instance =
                                 session::read_record(session::instance_dir(host.paths, record.sandbox));
                             const bool kept = instance && instance->kept && instance->id == record.id;
                             return kept || session::is_live(host.paths, record.sandbox);
                           }),
            old.end());
  if (dry_run || old.empty()) return old;
  std::vector<std::string> ids;
  for (const session::StoredSession& record : old) ids.push_back(record.id);
  SCC_TRY(const auto removed,
          session::SessionStore(host.paths).remove(ids, [](const session::StoredSession& record) {
            return !record.open() && !record.pinned;
          }));
  old.erase(std::remove_if(old.begin(), old.end(),
                           [&](const session::StoredSession& record) {
                             return std::find(removed.begin(), removed.end(), record.id) == removed.end();
                           }),
            old.end());
  return old;
}

}  // namespace scc::app
