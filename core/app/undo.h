// SPDX-License-Identifier: Apache-2.0
// `scc undo`: the snapshots of a workspace's repository, listed and brought back.
#pragma once

#include <string>
#include <vector>

#include "app/host.h"
#include "git/snapshots.h"
#include "json/value.h"

namespace scc::app {

struct UndoRequest {
  std::string workspace;  ///< empty: the one here
  std::string id;         ///< or how it begins
  bool dry_run = false;
};

struct SnapshotList {
  std::string workspace;
  std::vector<git::Snapshot> snapshots;  ///< the latest first
};

/// undo.no-repository (prereq) where there is no repository whose directories check out.
Result<SnapshotList> snapshots_here(Host& host, const std::string& workspace);
/// undo.unknown (not_found), undo.ambiguous (usage), and what git::undo says.
Result<git::Undo> undo(Host& host, const UndoRequest& request, git::Snapshot* chosen);

json::Value snapshots_json(const SnapshotList& list, std::int64_t now);
json::Value undo_json(const git::Undo& done, const git::Snapshot& snapshot, bool dry_run);

}  // namespace scc::app
