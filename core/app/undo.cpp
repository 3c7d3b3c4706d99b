// SPDX-License-Identifier: Apache-2.0
#include "app/undo.h"

#include <algorithm>

#include "app/launch.h"
#include "app/resolve.h"
#include "base/str.h"

namespace scc::app {

namespace {

Result<git::SnapshotPlace> place_of(Host& host, const std::string& workspace) {
  LaunchOptions options;
  options.workspace = workspace;
  options.allow_suspicious = true;
  SCC_TRY(const Resolved resolved, resolve_workspace(host, options));
  const workspace::GitKind kind = resolved.git.kind;
  if (kind == workspace::GitKind::none || kind == workspace::GitKind::unverified) {
    return fail(Kind::prereq, "undo.no-repository",
                str::printable(resolved.root()) + " has no git repository that scc can use",
                "run it in the repository, or with --workspace PATH");
  }
  git::SnapshotPlace out{resolved.workspace.root, resolved.git.git_dir, resolved.git.common_dir, {}};
  out.closed = {resolved.git.git_dir, resolved.git.common_dir};
  for (const workspace::GitBind& bind : resolved.git.binds) {
    if (bind.read_only) out.closed.push_back(bind.path);
  }
  return out;
}

json::Value commits(const std::vector<git::NamedCommit>& list) {
  json::Value out{json::Array{}};
  for (const git::NamedCommit& one : list) {
    json::Value item;
    item["name"] = str::printable(one.name);
    item["commit"] = one.commit;
    out.array().push_back(std::move(item));
  }
  return out;
}

json::Value printable(const std::vector<std::string>& list) {
  std::vector<std::string> out;
  out.reserve(list.size());
  for (const std::string& one : list) out.push_back(str::printable(one));
  return json::Value::strings(out);
}

}  // namespace

Result<SnapshotList> snapshots_here(Host& host, const std::string& workspace) {
  SCC_TRY(const git::SnapshotPlace place, place_of(host, workspace));
  SnapshotList out;
  out.workspace = place.root.native();
  SCC_TRY(out.snapshots, git::list_snapshots(place));
  return out;
}

Result<git::Undo> undo(Host& host, const UndoRequest& request, git::Snapshot* chosen) {
  SCC_TRY(const git::SnapshotPlace place, place_of(host, request.workspace));
  SCC_TRY(const auto all, git::list_snapshots(place));
  const auto begins = [&](const git::Snapshot& one) { return str::starts_with(one.id, request.id); };
  const auto count = std::count_if(all.begin(), all.end(), begins);
  if (count == 0) {
    return fail(Kind::not_found, "undo.unknown",
                "no snapshot " + str::printable(request.id) + " of " + str::printable(place.root.native()),
                "run `scc undo` for the list");
  }
  if (count > 1) {
    return fail(Kind::usage, "undo.ambiguous",
                std::to_string(count) + " snapshots begin with " + str::printable(request.id),
                "write more of the id; `scc undo` lists them");
  }
  *chosen = *std::find_if(all.begin(), all.end(), begins);
  return git::undo(place, *chosen, request.dry_run);
}

json::Value snapshots_json(const SnapshotList& list, std::int64_t now) {
  json::Value out;
  out["workspace"] = str::printable(list.workspace);
  out["snapshots"].array();
  for (const git::Snapshot& one : list.snapshots) {
    json::Value item;
    item["id"] = one.id;
    item["commit"] = one.commit;
    item["age_seconds"] = std::max<std::int64_t>(0, now - one.time);
    item["command"] = one.command;
    item["rule"] = one.rule;
    item["branch"] = one.branch;
    item["head"] = one.head;
    item["left_out"] = one.left_out;
    item["refs"] = commits(one.refs);
    item["stashes"] = json::Value::strings(one.stashes);
    out["snapshots"].array().push_back(std::move(item));
  }
  return out;
}

json::Value undo_json(const git::Undo& done, const git::Snapshot& snapshot, bool dry_run) {
  json::Value out;
  out["id"] = snapshot.id;
  out["dry_run"] = dry_run;
  out["saved"] = done.saved;
  out["branch"] = snapshot.branch;
  out["head"] = snapshot.head;
  out["written"] = printable(done.written);
  out["removed"] = printable(done.removed);
  out["left"] = json::Value::strings(done.left);
  out["refs"] = commits(done.refs);
  out["left_out"] = snapshot.left_out;
  return out;
}

}  // namespace scc::app
