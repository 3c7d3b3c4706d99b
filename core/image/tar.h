// SPDX-License-Identifier: Apache-2.0
// Tar streams between the host and an engine, over libarchive (included by this folder only): build contexts
// that are the same bytes for the same content, one-entry archives for sandbox_put, bounded reading of what
// sandbox_get returns. A Source may be used once, by one thread.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include <sys/types.h>

#include "base/result.h"
#include "image/context.h"
#include "plugin/runtime.h"

namespace scc::image {

/// An uncompressed tar of a context: sorted, mtime 0, uid and gid 0, modes 0644 and 0755, made while it is
/// read. The context must outlive the Source.
plugin::Source context_source(const Context& context);
/// The bytes of a string.
plugin::Source bytes_source(std::string bytes);
/// The bytes of a regular file; `cancelled` (may be empty) is asked before each read and ends the stream.
Result<plugin::Source> file_source(const stdfs::path& path, std::function<bool()> cancelled = {});

/// A tar with the one directory entry "./": unpacked with sandbox_put it gives the target directory this
/// owner and mode.
std::string owner_tar(uid_t uid, gid_t gid, mode_t mode);

/// The bytes of the only regular file in a tar. Kind::tool, image.tar: no file, a second entry, a link, or
/// more than `limit` bytes.
Result<std::string> extract_single(std::string_view tar, std::size_t limit);

/// Collects what comes, refuses more than `limit` bytes (the transfer stops and overflowed() is true).
class BoundedBuffer {
 public:
  explicit BoundedBuffer(std::size_t limit) : limit_(limit) {}
  plugin::Sink sink();  ///< the buffer must outlive it
  bool overflowed() const noexcept { return overflowed_; }
  const std::string& bytes() const noexcept { return bytes_; }

 private:
  std::size_t limit_;
  std::string bytes_;
  bool overflowed_ = false;
};

}  // namespace scc::image
