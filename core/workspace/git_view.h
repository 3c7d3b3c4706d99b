// SPDX-License-Identifier: Apache-2.0
// What of a repository's .git goes into the sandbox, and how (docs/design, threat "git content"). The agent
// may write objects, refs and the index, but not what makes the host's git run programs: config, hooks,
// attributes, commondir. All content read here is hostile: bounded, no links followed, never obeyed. Reads
// only, except create_missing() and remove_temporary().
#pragma once

#include <string>
#include <vector>

#include "workspace/protected.h"

namespace scc::workspace {

enum class GitKind : unsigned char {
  none,       ///< no .git
  directory,  ///< an ordinary repository; its admin directory may be .git or a directory in the workspace
  worktree,   ///< a linked worktree of a repository elsewhere
  submodule,  ///< a submodule checked out on its own
  unverified  ///< a .git file whose other end does not confirm it; only the workspace is mounted
};

/// One bind, source and target being the same absolute path. With an idmapped workspace the source of an
/// entry whose `relative` is not empty is <view>/<relative>; entries without it lie below `external_root`.
struct GitBind {
  stdfs::path path;
  stdfs::path relative;  ///< to the workspace's root; empty when outside
  bool read_only = true;
  bool directory = false;
};

/// What must exist before the sandbox starts, so that the agent cannot create it.
struct GitCreate {
  stdfs::path path;
  bool directory = false;
  std::string text;
  bool temporary = false;  ///< remove_temporary() takes it away again
};

struct GitView {
  GitKind kind = GitKind::none;
  stdfs::path git_dir;  ///< admin directory (…/.git, …/.git/worktrees/x); empty for none and unverified
  stdfs::path common_dir;     ///< where config, hooks, objects lie; git_dir itself for an ordinary repository
  stdfs::path external_root;  ///< common (or submodule admin) directory outside the workspace that is mounted
  std::vector<GitBind> binds;  ///< in mount order: what lies below another comes after it
  std::vector<GitCreate> create;
  std::string branch;  ///< made printable; empty when detached or unknown
  std::string commit;  ///< of a detached HEAD, hex
  std::vector<std::string> warnings;
};

struct GitOptions {
  uid_t owner_uid = 0;                  ///< who must own an external directory
  bool allow_external_git_dir = false;  ///< --allow-external-git-dir: consent to mount a directory elsewhere
  std::vector<ProtectedEntry> protected_entries;
};

/// `root` is the real path of the workspace. Errors (policy): git.link when .git or anything that must be
/// bound is a symbolic link, git.unsafe for other odd types. A pointer that does not check out, or leads to a
/// protected or somebody else's directory, is no error: the view says unverified, warns, and mounts nothing
/// more.
Result<GitView> inspect_git(const stdfs::path& root, const GitOptions& options);

/// Makes what view.create lists, owned by uid:gid, beneath the admin directory and without following links.
/// Existing things are left alone.
Status create_missing(const GitView& view, uid_t uid, gid_t gid);
/// Removes temporary entries that still hold exactly what create_missing() wrote. Only when no other sandbox
/// uses this workspace: removing a file also detaches what other mount namespaces have bound over it.
Status remove_temporary(const GitView& view);

}  // namespace scc::workspace
