// SPDX-License-Identifier: Apache-2.0
// Personal profiles: what one person adds in one repository, kept below <config>/personal/projects by a hash
// of the repository's id, and shared through <repo>/.scc/profiles of a repository of profiles. That one is
// written by others: names are plain, sizes bounded, links not followed. What looks like a secret does not
// leave the machine.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "json/value.h"
#include "model/org.h"
#include "os/env.h"

namespace scc::config {

namespace stdfs = std::filesystem;

/// "remote:host/path" of a git remote, scp-like or URL: host in lower case, without user, port, query and
/// ".git", so that every spelling of a remote names one repository and no token is kept. Empty when the text
/// names no host (a path, file:).
std::string repo_id_from_remote(std::string_view url);
/// "path:<real path>", for repositories without a remote.
std::string repo_id_from_path(const stdfs::path& real_path);
/// First 12 hex digits of the id's SHA-256.
std::string profile_hash(std::string_view repo_id);

/// SHA-256 of the canonical JSON without saved_at: equal for equal content. Drift is a difference to the one
/// that a session was started with.
std::string fingerprint(const model::Personal& personal);

/// "plugins/REF" and "mcp_servers/NAME", sorted.
struct ProfileDiff {
  std::vector<std::string> added;
  std::vector<std::string> removed;
  std::vector<std::string> changed;
  bool same() const { return added.empty() && removed.empty() && changed.empty(); }
};
ProfileDiff diff(const model::Personal& from, const model::Personal& to);

/// Places that hold likely secrets: env and header values that are not ${VAR}, tokens in arguments or URLs.
std::vector<std::string> likely_secrets(const model::Personal& personal);

struct ProfileList {
  std::vector<model::Personal> profiles;  ///< sorted by repo_id
  std::vector<std::string> warnings;      ///< files that cannot be read
};

struct ExportReport {
  std::vector<std::string> exported;   ///< repo ids
  std::vector<std::string> unchanged;  ///< already there, byte for byte
};

struct ImportReport {
  std::vector<std::string> imported;   ///< would be, in a dry run
  std::vector<std::string> identical;  ///< there is the same
  std::vector<std::string> differing;  ///< left alone: the local one differs and force was not given
  std::vector<std::string> warnings;   ///< entries that are not valid
};
struct ImportOptions {
  bool force = false;
  bool dry_run = false;
};

class ProfileStore {
 public:
  explicit ProfileStore(const os::Paths& paths)
      : directory_(paths.config / "personal" / "projects"), locks_(paths.state / "locks") {}

  stdfs::path file(std::string_view repo_id) const;
  /// nullopt when there is none. Kind::config profile.invalid.
  Result<std::optional<model::Personal>> load(std::string_view repo_id,
                                              std::vector<std::string>* warnings = nullptr) const;
  /// Replaces the profile of its repo_id; keeps what the file holds for providers (/native).
  Status save(const model::Personal& personal) const;
  /// False when there was none.
  Result<bool> remove(std::string_view repo_id) const;
  ProfileList list() const;

  /// All profiles, or those named. Kind::not_found profile.none; Kind::usage profile.secret (nothing is
  /// written, every place is in the context); Kind::config profile.index when the index there is damaged.
  Result<ExportReport> export_to(const stdfs::path& repo, const std::vector<std::string>& repo_ids) const;
  /// Kind::not_found profile.none when it holds no index.
  Result<ImportReport> import_from(const stdfs::path& repo, const ImportOptions& options) const;

 private:
  Result<os::FileLock> lock() const;

  stdfs::path directory_;
  stdfs::path locks_;
};

}  // namespace scc::config
