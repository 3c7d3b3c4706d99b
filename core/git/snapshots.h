// SPDX-License-Identifier: Apache-2.0
// The snapshots that a sandbox's guard has taken (guard/snapshot.h): listed, and brought back. Everything
// read is the agent's and hostile: objects go through libgit2 without the repository's configuration; refs,
// index and files are read and written beneath their directories without following a link, and nothing of the
// repository runs.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "os/fs.h"

namespace scc::git {

struct SnapshotPlace {
  os::stdfs::path root;                 ///< of the working tree
  os::stdfs::path git_dir;              ///< HEAD and index
  os::stdfs::path common_dir;           ///< objects and refs
  std::vector<os::stdfs::path> closed;  ///< nothing is written there or below
};

struct NamedCommit {
  std::string name;
  std::string commit;
};

struct Snapshot {
  std::string id;  ///< "20261127T181500Z-1a2b3c4d"
  std::string commit;
  std::int64_t time = 0;  ///< seconds since the epoch
  std::string command;    ///< printable
  std::string rule;       ///< what the policy had lowered; may be empty
  std::string branch;     ///< "refs/heads/main"; empty: HEAD was detached
  std::string head;       ///< empty: there was no commit yet
  std::string index;      ///< the commit that holds the index
  std::string left_out;
  std::vector<NamedCommit> refs;     ///< branches that the command named
  std::vector<std::string> stashes;  ///< commits
};

struct Undo {
  std::string saved;  ///< id of the snapshot of what was there before; empty: a dry run
  std::vector<std::string> written;
  std::vector<std::string> removed;
  std::vector<std::string> left;  ///< "path: why"
  std::vector<NamedCommit> refs;  ///< set, HEAD's branch among them
};

/// The latest first; of this working tree. A ref that is no snapshot is passed over. undo.repository (tool).
Result<std::vector<Snapshot>> list_snapshots(const SnapshotPlace& place);

/// Brings back the snapshot's branch, index and files, after a snapshot of what there is now. Files that git
/// did not know then and does not know now stay. undo.busy (tool): git is at work; undo.damaged (tool): the
/// snapshot is incomplete; undo.incomplete (tool): it stopped half-way, and the message names the snapshot to
/// go back with.
Result<Undo> undo(const SnapshotPlace& place, const Snapshot& snapshot, bool dry_run);

}  // namespace scc::git
