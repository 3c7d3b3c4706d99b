// SPDX-License-Identifier: Apache-2.0
// What earlier runs learned about libraries, in `<cache>/plugin-probe/`: which bytes passed the probe, which
// were active when the process crashed ("suspect"), and the hashes of files that did not change since. Losing
// it costs time, never safety: a load always hashes the real bytes. [main]
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>

#include <sys/stat.h>

#include "json/value.h"
#include "os/fs.h"

namespace scc::plugin {

class ProbeCache {
 public:
  explicit ProbeCache(os::stdfs::path directory);

  /// The recorded result of a passed probe of these bytes by this host, or nullopt.
  std::optional<json::Value> passed(std::string_view sha256) const;
  /// Best effort: a read-only cache only means that the next run probes again.
  void record(std::string_view sha256, const json::Value& result) const;

  bool suspect(std::string_view sha256) const;
  void clear_suspect(std::string_view sha256);
  /// Where the crash handler leaves its mark.
  os::stdfs::path suspect_file(std::string_view sha256) const;

  /// The SHA-256 of a file, without reading it when dev, inode, size, mtime and ctime are what they were.
  Result<std::string> hash_of(const os::stdfs::path& path);
  /// Writes new hashes, if any.
  void save_hashes();

  /// Makes the directory (0700).
  Status ensure() const;

 private:
  void load_index();

  os::stdfs::path directory_;
  bool index_loaded_ = false;
  bool hashes_changed_ = false;
  std::map<std::string, std::string, std::less<>> hashes_;
};

/// The whole of a regular file of at most `limit` bytes behind an open descriptor.
Result<std::string> read_fd(int fd, std::size_t limit, const os::stdfs::path& path);

}  // namespace scc::plugin
