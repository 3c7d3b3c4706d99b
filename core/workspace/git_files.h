// SPDX-License-Identifier: Apache-2.0
// Looking into an admin directory beneath its root, and the list of binds that grows from it. Private to this
// folder.
#pragma once

#include "workspace/git_view.h"

namespace scc::workspace::detail {

enum class EntryType : unsigned char { none, file, directory };

/// A directory held open; everything below is looked at without following links.
class Beneath {
 public:
  /// `base` must be a real path.
  static Result<Beneath> open(const stdfs::path& base);

  const stdfs::path& base() const noexcept { return base_; }
  int fd() const noexcept { return fd_.get(); }
  /// git.link for a link anywhere on the way, git.unsafe for a socket, FIFO or device.
  Result<EntryType> type(const stdfs::path& relative) const;
  /// Regular file of at most `limit` bytes; empty when absent.
  Result<std::string> text(const stdfs::path& relative, std::size_t limit) const;
  /// Names in a directory, at most `limit` + 1 of them, sorted; without "." and "..".
  Result<std::vector<std::string>> names(const stdfs::path& relative, std::size_t limit) const;
  Result<struct stat> info(const stdfs::path& relative) const;

 private:
  Beneath(os::Fd fd, stdfs::path base) : fd_(std::move(fd)), base_(std::move(base)) {}
  os::Fd fd_;
  stdfs::path base_;
};

/// Collects binds of one view.
class BindList {
 public:
  BindList(GitView& view, const stdfs::path& root) : view_(view), root_(root) {}
  void add(const stdfs::path& path, bool read_only, bool directory);
  void create(const stdfs::path& path, bool directory, std::string text, bool temporary);
  /// Appends what another list collected.
  void merge(const GitView& other);
  void warn(std::string text) { view_.warnings.push_back(std::move(text)); }
  const stdfs::path& root() const noexcept { return root_; }

 private:
  GitView& view_;
  const stdfs::path& root_;
};

/// Adds the binds of the admin directory `base` (a .git, a bare repository, a common directory): itself
/// writable, what makes git start programs read-only. `own_worktree`: name below worktrees/ that stays
/// writable.
Status protect_admin(BindList& binds, const stdfs::path& base, const std::string& own_worktree = {});
/// Only config and hooks of a submodule's admin directory (its commondir is not used by git).
Status protect_module(BindList& binds, const Beneath& admin, const stdfs::path& relative);

/// Fills view.branch or view.commit from the HEAD of view.git_dir; silently nothing when that is odd.
void read_head(GitView& view);

/// A .git file: fills everything of the view.
Status follow_pointer(GitView& view, const stdfs::path& root, const GitOptions& options);

}  // namespace scc::workspace::detail
