// SPDX-License-Identifier: Apache-2.0
// Who vouches for a library: the local trust store that `scc plugin trust` writes, and the lock file that the
// installation keeps beside the bundled plugins. Reading never writes; a damaged store trusts nothing and is
// set aside by the next write. [main]
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "os/fs.h"

namespace scc::plugin {

struct TrustRecord {
  std::string id;
  std::string library;   ///< sha256 of the library
  std::string manifest;  ///< sha256 of plugin.json: grants are part of what was agreed to
  std::string path;      ///< where it was, for people
  std::string time;      ///< RFC 3339, UTC
};

/// `<state>/plugin-trust.json`, 0600.
class TrustStore {
 public:
  /// Absent: empty. Damaged or writable by others: empty, with a line in `warnings`.
  static TrustStore load(os::stdfs::path file, std::vector<std::string>& warnings);

  bool knows(std::string_view id) const noexcept;
  const TrustRecord* find(std::string_view id, std::string_view library,
                          std::string_view manifest) const noexcept;
  bool allows(std::string_view id, std::string_view library, std::string_view manifest) const noexcept {
    return find(id, library, manifest) != nullptr;
  }
  const std::vector<TrustRecord>& records() const noexcept { return records_; }

  /// Both read the file again under its lock, so that two runs do not lose each other's records.
  Status add(const TrustRecord& record);
  Status remove(std::string_view id);

 private:
  Status rewrite(const TrustRecord* added, std::string_view removed_id);

  std::vector<TrustRecord>::const_iterator first_of(std::string_view id) const noexcept;

  os::stdfs::path file_;
  std::vector<TrustRecord> records_;  ///< sorted by id
};

/// `plugins.lock` (scc.plugins-lock/1) beside the bundled plugins.
struct PluginsLock {
  struct Hashes {
    std::string manifest;
    std::string library;
  };
  bool present = false;
  std::map<std::string, Hashes, std::less<>> plugins;

  static PluginsLock load(const os::stdfs::path& file, std::vector<std::string>& warnings);
};

/// The time now as RFC 3339 in UTC.
std::string utc_now();

}  // namespace scc::plugin
