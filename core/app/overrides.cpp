// SPDX-License-Identifier: Apache-2.0
#include "app/overrides.h"

#include <algorithm>

#include "app/launch.h"
#include "app/resolve.h"
#include "audit/log.h"
#include "base/str.h"
#include "config/approvals.h"
#include "policy/why.h"

namespace scc::app {

namespace {

constexpr std::int64_t kDay = 24 * 3600;
constexpr std::int64_t kPolicyDays = 365;

/// The workspace of a command that works without one, too.
Result<std::optional<Resolved>> workspace_here(Host& host, const std::string& workspace) {
  LaunchOptions options;
  options.workspace = workspace;
  options.allow_suspicious = true;
  auto resolved = resolve_workspace(host, options);
  if (resolved) return std::optional<Resolved>(std::move(*resolved));
  if (workspace.empty()) return std::optional<Resolved>();
  return fail(std::move(resolved).error());
}

Result<Resolved> workspace_needed(Host& host, const std::string& workspace) {
  SCC_TRY(auto here, workspace_here(host, workspace));
  if (here) return *std::move(here);
  return fail(Kind::usage, "workspace.none",
              "shared exceptions belong to a repository, and there is none here",
              "run it in the repository, or add --workspace PATH");
}

Result<Governance> govern_here(Host& host, const std::optional<Resolved>& here, const std::string& team) {
  GovernOptions options;
  options.team = team;
  options.freshness = Freshness::cache_only;
  if (here) {
    options.workspace = here->workspace.root;
    options.git = &here->git;
  }
  return govern(host, options);
}

Status audit_change(Host& host, const std::string& type, const std::string& message,
                    const std::string& subject, std::map<std::string, std::string> metadata) {
  audit::Event event;
  event.event_type = type;
  event.message = message;
  event.subject = subject;
  event.severity = "warning";
  event.metadata = std::move(metadata);
  return audit::Log(host.paths).append(event);
}

std::int64_t cap_of(const Governance& governance) {
  if (governance.layers.org == nullptr) return config::kDefaultCap;
  return std::min(config::kDefaultCap, governance.layers.org->delegation.max_override_hours * config::kHour);
}

Result<CreatedException> store_override(Host& host, const Governance& governance,
                                        const std::optional<Resolved>& here, const NewOverride& wanted) {
  if (governance.layers.org != nullptr && !governance.layers.org->delegation.local_overrides) {
    return fail(Kind::policy, "exceptions.forbidden",
                governance.effective.organization_name + " honours no local overrides",
                "ask for an entry of `exceptions` in its document: scc exceptions create --policy");
  }
  const std::int64_t now = Host::now();
  config::NewException entry;
  entry.plugins = wanted.plugins;
  entry.mcp_servers = wanted.mcp_servers;
  entry.reason = wanted.reason;
  entry.ticket = wanted.ticket;
  entry.actor = config::current_actor(host.env);
  SCC_TRY(entry.expires_at, config::expiry(wanted.bound, now, cap_of(governance), config::local_zone()));
  std::vector<std::string> targets = wanted.plugins;
  targets.insert(targets.end(), wanted.mcp_servers.begin(), wanted.mcp_servers.end());
  SCC_CHECK(audit_change(host, "governance.override.created", wanted.reason, str::join(targets, " "),
                         {{"ticket", wanted.ticket},
                          {"expires_at", model::format_time(entry.expires_at)},
                          {"actor", entry.actor.user},
                          {"store", wanted.shared ? "repo" : "user"}}));
  const config::ExceptionStore store = wanted.shared
                                           ? config::ExceptionStore::repo(host.paths, here->workspace.root)
                                           : config::ExceptionStore::user(host.paths);
  SCC_TRY(config::ExceptionChange change, store.create(entry, now));
  CreatedException out;
  out.store = store.name();
  out.file = store.file().native();
  out.warnings = std::move(change.warnings);
  if (change.created) out.exception = *std::move(change.created);
  if (wanted.shared) {
    const config::Approvals approvals(host.paths);
    SCC_TRY(const bool kept, approvals.carry_over(governance.repo_id, change));
    if (!kept) out.warnings.push_back("the file holds others' exceptions too: run scc exceptions approve");
  }
  return out;
}

/// What an exception must name for this denial.
std::string exception_target(const Governance& governance, const model::Denied& denied) {
  if (denied.target_type != "mcp_server") return denied.item;
  return policy::override_target(governance.layers, denied.item, denied.requested_by, denied.entry);
}

/// The denial that `target` names, by its exact text.
const model::Denied* find_denied(const Governance& governance, const std::string& target) {
  for (const model::Denied& denied : governance.effective.denied) {
    if (denied.item == target || exception_target(governance, denied) == target) return &denied;
  }
  return nullptr;
}

std::string near_names(const model::Effective& effective, const std::string& target) {
  std::vector<std::string> names;
  for (const model::Denied& denied : effective.denied) names.push_back(denied.item);
  const std::string near = str::nearest(target, names);
  if (!near.empty()) return "did you mean " + near + "?";
  return names.empty() ? "nothing is denied here: run `scc config explain`"
                       : "denied: " + str::join(names, ", ");
}

}  // namespace

Result<ExceptionView> all_exceptions(Host& host, const std::string& workspace) {
  SCC_TRY(const auto here, workspace_here(host, workspace));
  ExceptionView out;
  const auto take = [&](const config::ExceptionStore& store, bool approved, config::ExceptionList list) {
    for (model::Exception& entry : list.exceptions) {
      out.entries.push_back({std::move(entry), std::string(store.name()), approved});
    }
    out.warnings.insert(out.warnings.end(), list.warnings.begin(), list.warnings.end());
  };
  const auto user = config::ExceptionStore::user(host.paths);
  take(user, true, user.load());
  if (here) {
    const auto repo = config::ExceptionStore::repo(host.paths, here->workspace.root);
    config::ExceptionList list = repo.load();
    const std::string id = repo_id_of(here->workspace.root, here->git);
    const bool approved =
        !list.sha256.empty() && config::Approvals(host.paths).approved(id, list.sha256, &out.warnings);
    out.repo_sha256 = list.sha256;
    take(repo, approved, std::move(list));
  }
  return out;
}

Result<CreatedException> create_override(Host& host, const NewOverride& wanted) {
  SCC_TRY(auto here, workspace_here(host, wanted.workspace));
  if (wanted.shared && !here) {
    SCC_TRY(Resolved needed, workspace_needed(host, wanted.workspace));
    here = std::move(needed);
  }
  SCC_TRY(const Governance governance, govern_here(host, here, ""));
  return store_override(host, governance, here, wanted);
}

namespace {

/// An override that would lift nothing (another gate says no, or no exception helps) is not made.
Status check_useful(const Governance& governance, const model::Denied& denied) {
  const bool none = governance.layers.org == nullptr || !governance.layers.org->delegation.local_overrides;
  if (none) return {};  // store_override says so
  SCC_TRY(const policy::Why why, policy::why(governance.layers, denied.item, denied.target_type));
  const bool useful = std::any_of(why.changes.begin(), why.changes.end(),
                                  [](const policy::Change& change) { return change.layer == "exception"; });
  if (useful) return {};
  if (why.verdict == "allowed") {
    return fail(Kind::not_found, "unblock.not-denied",
                str::printable(denied.item) + " is in effect already: " + why.reason,
                "see who decided it: scc why " + str::printable(denied.item));
  }
  return fail(Kind::policy, "unblock.kind",
              "an exception alone would not let " + str::printable(denied.item) + " through: " + why.reason,
              "see what would: scc why " + str::printable(denied.item));
}

}  // namespace

Result<CreatedException> unblock(Host& host, const Unblock& wanted) {
  SCC_TRY(auto here, workspace_here(host, wanted.override.workspace));
  if (wanted.override.shared && !here) {
    SCC_TRY(Resolved needed, workspace_needed(host, wanted.override.workspace));
    here = std::move(needed);
  }
  SCC_TRY(const Governance governance, govern_here(host, here, wanted.team));
  const model::Denied* denied = find_denied(governance, wanted.target);
  if (denied == nullptr) {
    for (const model::Blocked& blocked : governance.effective.blocked) {
      if (blocked.item != wanted.target) continue;
      return fail(
          Kind::policy, "unblock.blocked",
          wanted.target + " is blocked by " + blocked.blocked_by + " (" + blocked.source +
              "), which no local override lifts",
          "ask for a policy exception: scc exceptions create --policy --id ID --reason TEXT --allow-" +
              std::string(blocked.target_type == "mcp_server" ? "mcp " : "plugin ") + wanted.target);
    }
    return fail(Kind::not_found, "unblock.not-denied", wanted.target + " is not denied here",
                near_names(governance.effective, wanted.target));
  }
  NewOverride entry = wanted.override;
  if (denied->target_type == "plugin") {
    entry.plugins = {denied->item};
  } else if (denied->target_type == "mcp_server") {
    entry.mcp_servers = {exception_target(governance, *denied)};
  } else {
    return fail(Kind::policy, "unblock.kind", "no exception lifts a denied " + denied->target_type,
                "ask the organisation to delegate it: scc why " + wanted.target);
  }
  SCC_CHECK(check_useful(governance, *denied));
  return store_override(host, governance, here, entry);
}

Result<std::int64_t> policy_expiry(const std::string& text, std::int64_t now) {
  if (text.empty()) return now + 30 * kDay;
  const auto end = model::parse_time(text);
  if (end && *end > now && *end <= now + kPolicyDays * kDay) return *end;
  return fail(Kind::usage, "exceptions.time", text + " is no time within the next 365 days",
              "write it like 2027-01-31T18:00:00Z");
}

Result<std::vector<std::string>> delete_exception(Host& host, const std::string& workspace,
                                                  const std::string& prefix) {
  SCC_TRY(const auto here, workspace_here(host, workspace));
  const std::int64_t now = Host::now();
  auto removed = config::ExceptionStore::user(host.paths).remove(prefix, now);
  if (!removed && removed.error().kind == Kind::not_found && here) {
    const auto repo = config::ExceptionStore::repo(host.paths, here->workspace.root);
    removed = repo.remove(prefix, now);
    if (removed) {
      const std::string id = repo_id_of(here->workspace.root, here->git);
      SCC_TRY(const bool kept, config::Approvals(host.paths).carry_over(id, *removed));
      static_cast<void>(kept);
    }
  }
  if (!removed) return fail(std::move(removed).error());
  SCC_CHECK(
      audit_change(host, "governance.override.deleted", "deleted", str::join(removed->removed, " "), {}));
  return removed->removed;
}

Result<std::vector<std::string>> cleanup_exceptions(Host& host, const std::string& workspace) {
  SCC_TRY(const auto here, workspace_here(host, workspace));
  const std::int64_t now = Host::now();
  SCC_TRY(config::ExceptionChange change, config::ExceptionStore::user(host.paths).cleanup(now));
  std::vector<std::string> out = change.pruned;
  if (here) {
    SCC_TRY(change, config::ExceptionStore::repo(host.paths, here->workspace.root).cleanup(now));
    out.insert(out.end(), change.pruned.begin(), change.pruned.end());
    SCC_TRY(const bool kept,
            config::Approvals(host.paths).carry_over(repo_id_of(here->workspace.root, here->git), change));
    static_cast<void>(kept);
  }
  return out;
}

Status approve_shared(Host& host, const std::string& workspace, const std::string& sha256) {
  SCC_TRY(const Resolved here, workspace_needed(host, workspace));
  const auto repo = config::ExceptionStore::repo(host.paths, here.workspace.root);
  const std::string id = repo_id_of(here.workspace.root, here.git);
  SCC_CHECK(
      audit_change(host, "governance.override.approved", repo.file().native(), id, {{"sha256", sha256}}));
  return config::Approvals(host.paths).approve(id, sha256);
}

Status reset_exceptions(Host& host, const std::string& workspace, bool repo) {
  if (!repo) {
    SCC_TRY(const auto change, config::ExceptionStore::user(host.paths).reset());
    static_cast<void>(change);
    return {};
  }
  SCC_TRY(const Resolved here, workspace_needed(host, workspace));
  SCC_TRY(const auto change, config::ExceptionStore::repo(host.paths, here.workspace.root).reset());
  static_cast<void>(change);
  return config::Approvals(host.paths).revoke(repo_id_of(here.workspace.root, here.git));
}

}  // namespace scc::app
