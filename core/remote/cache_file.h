// SPDX-License-Identifier: Apache-2.0
// Private to core/remote: one fetched document and what is known about it, in one file, so that one rename
// replaces both. A reader sees the old entry or the new one, whenever the writer is killed.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "os/env.h"

namespace scc::remote {

struct CacheEntry {
  std::string source;           ///< what the entry belongs to; another source never sees it
  std::string document;         ///< the bytes
  std::int64_t fetched_at = 0;  ///< when these bytes came
  std::int64_t checked_at = 0;  ///< when the source last said that they are current
  std::int64_t expires_at = 0;
  std::string etag;
  std::string commit;     ///< git sources
  std::string signature;  ///< text of the .sig file
};

class CacheFile {
 public:
  /// `env` gives SCC_TEST_KILL_AT: the point `<kill_point>[:before|:after]` of store() raises SIGKILL.
  CacheFile(os::stdfs::path file, os::stdfs::path lock, const os::Environment& env, std::string kill_point);

  struct Loaded {
    std::optional<CacheEntry> entry;
    std::string problem;  ///< why a file that exists gives no entry; printable
  };
  /// Never an error: what cannot be read, is not whole (SHA-256), or belongs to another source is no entry.
  Loaded load(const std::string& source) const;
  /// Under the lock (5 s); removes what killed writers left behind.
  Status store(const CacheEntry& entry) const;
  const os::stdfs::path& path() const noexcept { return file_; }

 private:
  void maybe_kill(const char* when) const;
  os::stdfs::path file_;
  os::stdfs::path lock_;
  std::string kill_at_;
  std::string kill_point_;
};

}  // namespace scc::remote
