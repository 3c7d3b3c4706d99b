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
  bool temporary = false;  ///< taken away again at the end of the last session
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

/// What view.create lists, made and kept for the life of one session. Several sessions may share a workspace:
/// each holds a read lock on the temporary files, and only the last one removes them (removing a file also
/// detaches what another sandbox has bound over it). A killed session leaves them; they are harmless, and the
/// next session's end takes them away.
class GitGuards {
 public:
  /// Makes what is missing, owned by uid:gid, beneath the admin directory and without following links;
  /// existing things are left alone. Call before the sandbox is created.
  static Result<GitGuards> hold(const GitView& view, uid_t uid, gid_t gid);
  GitGuards(GitGuards&&) noexcept = default;
  GitGuards& operator=(GitGuards&&) = delete;
  ~GitGuards() { static_cast<void>(release()); }
  /// Removes the temporary files that nobody else holds and that are still as they were made.
  Status release();
  /// Lets go of the files and leaves them there, for a sandbox that is left running with them.
  void leave() noexcept { held_.clear(); }

 private:
  struct Held {
    os::Fd fd;
    GitCreate item;
  };
  explicit GitGuards(std::vector<Held> held) : held_(std::move(held)) {}
  std::vector<Held> held_;
};

}  // namespace scc::workspace
