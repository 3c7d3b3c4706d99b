// SPDX-License-Identifier: Apache-2.0
// Private to core/git: libgit2 started and stopped, one user at a time because its options are global, and
// without anybody's configuration where a stranger's repository is read.
#pragma once

#include <array>
#include <memory>
#include <mutex>
#include <string>

#include <git2.h>

#include "base/result.h"

namespace scc::git {

/// libgit2 counts its users; the lock makes its global options ours meanwhile.
class Library {
 public:
  Library();
  Library(const Library&) = delete;
  Library& operator=(const Library&) = delete;
  ~Library();

 private:
  std::unique_lock<std::mutex> lock_;
};

/// While it lives no file of the system, the user or XDG is configuration, and what a pack may hold is
/// bounded.
class Isolated {
 public:
  Isolated();
  Isolated(const Isolated&) = delete;
  Isolated& operator=(const Isolated&) = delete;
  ~Isolated();

 private:
  Library library_;
  std::array<std::string, 4> saved_;
};

/// libgit2's last message, printable.
std::string last_message();

template <class T, void (*free_it)(T*)>
struct Free {
  void operator()(T* object) const noexcept { free_it(object); }
};
template <class T, void (*free_it)(T*)>
using Owned = std::unique_ptr<T, Free<T, free_it>>;

using Repository = Owned<git_repository, git_repository_free>;
using Remote = Owned<git_remote, git_remote_free>;
using Commit = Owned<git_commit, git_commit_free>;
using Tree = Owned<git_tree, git_tree_free>;
using TreeEntry = Owned<git_tree_entry, git_tree_entry_free>;
using Blob = Owned<git_blob, git_blob_free>;
using Odb = Owned<git_odb, git_odb_free>;

// git_libgit2_opts is variadic; these are the uses of it, with their types (libgit2_lazy.cpp).
int get_search_path(int level, git_buf* out);
int set_search_path(int level, const char* path);
int set_pack_limits(std::size_t objects, std::size_t object_bytes);

}  // namespace scc::git
