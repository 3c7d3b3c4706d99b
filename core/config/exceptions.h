// SPDX-License-Identifier: Apache-2.0
// The two stores of local exceptions: the user's own and the one that a repository carries. The second is
// written by anyone who can write the workspace, the agent too: it is opened beneath the root, bounded, and
// counts only while the user's approval (approvals.h) matches its bytes. Reading changes nothing; changes
// happen under a lock, on what the file holds at that moment, atomically, and prune what has expired.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "json/value.h"
#include "model/types.h"
#include "os/env.h"

namespace scc::config {

namespace stdfs = std::filesystem;

struct ExceptionList {
  std::vector<model::Exception> exceptions;  ///< expired ones too, ordered by (created_at, id)
  std::vector<std::string> warnings;         ///< entries and files that were left out, and why
  std::string sha256;                        ///< of the file's bytes; empty: no file
};

struct Actor {
  std::string user;
  std::string host;
};
/// Who runs scc, for created_by and created_on.
Actor current_actor(const os::Environment& env);

/// What to create.
struct NewException {
  std::vector<std::string> plugins;      ///< exact, canonical
  std::vector<std::string> mcp_servers;  ///< exact
  std::string reason;
  std::string ticket;
  std::int64_t expires_at = 0;
  Actor actor;
};

/// The outcome of a change.
struct ExceptionChange {
  std::optional<model::Exception> created;
  std::vector<std::string> removed;   ///< ids, by what was asked
  std::vector<std::string> pruned;    ///< ids, because they had expired
  std::vector<std::string> warnings;  ///< a damaged file was set aside, ...
  std::string sha256_before;          ///< of the file's bytes; empty: there was none
  std::string sha256_after;           ///< empty: there is none
};

class ExceptionStore {
 public:
  /// <config>/exceptions.json
  static ExceptionStore user(const os::Paths& paths);
  /// <root>/.scc/exceptions.json
  static ExceptionStore repo(const os::Paths& paths, const stdfs::path& root);

  const stdfs::path& file() const noexcept { return file_; }
  /// "user" or "repo"
  std::string_view name() const noexcept { return root_.empty() ? "user" : "repo"; }

  /// Never fails: a file that is damaged, too large, a link, or of a newer schema allows nothing, with a
  /// warning.
  ExceptionList load() const;

  /// Kind::usage exceptions.invalid: no reason, no target, a wildcard in a target, an end that is not ahead.
  Result<ExceptionChange> create(const NewException& wanted, std::int64_t now) const;
  /// By id or a prefix that names one. Kind::not_found exceptions.not-found; Kind::usage
  /// exceptions.ambiguous.
  Result<ExceptionChange> remove(std::string_view prefix, std::int64_t now) const;
  Result<ExceptionChange> cleanup(std::int64_t now) const;
  /// Removes the file. An absent one is success.
  Result<ExceptionChange> reset() const;

 private:
  /// What a file is, decided once for readers and writers.
  struct Document {
    enum class State : std::uint8_t { good, damaged, newer };
    State state = State::good;
    std::string why;
    json::Value value;
  };
  static Document parse(std::string_view text);
  Document judge(std::string_view text) const;
  ExceptionStore(stdfs::path file, stdfs::path root, stdfs::path lock)
      : file_(std::move(file)), root_(std::move(root)), lock_(std::move(lock)) {}
  Result<std::string> read() const;
  Status write(std::string_view bytes) const;
  template <class Edit>
  Result<ExceptionChange> change(std::int64_t now, const Edit& edit) const;
  Status set_aside(std::string_view bytes, std::int64_t now, ExceptionChange& change) const;

  stdfs::path file_;
  stdfs::path root_;  ///< of the workspace; empty for the user's store
  stdfs::path lock_;
};

/// expires_at <= now; one that cannot be read has expired.
bool expired(const model::Exception& exception, std::int64_t now);

}  // namespace scc::config
