// SPDX-License-Identifier: Apache-2.0
// Private to core/git: the objects and refs behind snapshots. Reads the repository's objects; what is written
// goes to a directory of scc's first and from there, file by file, beneath the repository.
#pragma once

#include <map>
#include <string>
#include <vector>

#include <git2.h>

#include "git/library.h"
#include "git/snapshots.h"

namespace scc::git {

inline constexpr std::size_t kMostBlob = std::size_t{64} << 20U;

struct Entry {
  git_oid id{};
  unsigned mode = 0;
  bool operator==(const Entry& other) const {
    return mode == other.mode && git_oid_equal(&id, &other.id) != 0;
  }
};
using Entries = std::map<std::string, Entry>;

using Index = Owned<git_index, git_index_free>;

std::string hex(const git_oid& id);
bool parse_hex(const std::string& text, git_oid* out);
bool snapshot_id(std::string_view name);

class Store {
 public:
  static Result<std::unique_ptr<Store>> open(const SnapshotPlace& place);
  ~Store();
  Store(const Store&) = delete;
  Store& operator=(const Store&) = delete;

  git_repository* repository() const { return repository_.get(); }
  const os::stdfs::path& scratch() const { return scratch_; }
  /// "" when it is no commit.
  std::string message(const git_oid& commit, std::int64_t* time) const;
  Result<Owned<git_tree, git_tree_free>> tree_of(const std::string& commit) const;
  /// Every file of a tree; undo.damaged for names that no working tree may have.
  Result<Entries> files(const std::string& commit) const;
  Result<std::string> blob(const git_oid& id) const;
  bool has(const git_oid& id) const;
  Result<git_oid> put(std::string_view bytes, git_object_t type) const;
  /// What put() and libgit2 have made goes into the repository.
  Status keep(const SnapshotPlace& place) const;

 private:
  Store() = default;
  Status walk(const git_oid& tree, const std::string& prefix, unsigned depth, Entries* out) const;
  Isolated isolated_;
  os::stdfs::path scratch_;
  Odb odb_;
  Repository repository_;
};

/// The value of a ref, loose or packed; "" for none.
std::string read_ref(const SnapshotPlace& place, const std::string& name);
/// The snapshots' refs, id to commit.
std::map<std::string, std::string> snapshot_refs(const SnapshotPlace& place);
/// "refs/heads/main" and nothing that would lead elsewhere.
bool branch_name(std::string_view ref);

}  // namespace scc::git
