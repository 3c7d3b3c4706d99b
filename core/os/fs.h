// SPDX-License-Identifier: Apache-2.0
// Files: RAII descriptors, atomic writes, opening beneath a root without following links, lock files.
// Everything here treats paths as bytes and reports errno with the path (printable). Directories that scc
// makes are 0700.
#pragma once

#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <sys/stat.h>

#include "base/result.h"

namespace scc::os {

namespace stdfs = std::filesystem;

/// Owns a file descriptor.
class Fd {
 public:
  Fd() = default;
  explicit Fd(int fd) noexcept : fd_(fd) {}
  Fd(Fd&& other) noexcept : fd_(other.release()) {}
  Fd& operator=(Fd&& other) noexcept;
  Fd(const Fd&) = delete;
  Fd& operator=(const Fd&) = delete;
  ~Fd() { reset(); }
  int get() const noexcept { return fd_; }
  explicit operator bool() const noexcept { return fd_ >= 0; }
  int release() noexcept;
  void reset() noexcept;

 private:
  int fd_ = -1;
};

/// Error text for errno: "open /path: permission denied"; kind follows errno (ENOENT: not_found, EACCES:
/// prereq ...).
Error errno_error(std::string_view what, const stdfs::path& path, int code);

/// Whole regular file, O_NOFOLLOW|O_NONBLOCK, at most `limit` bytes. Kind::not_found when absent; os.link for
/// a link, os.not-regular for a directory, FIFO or device (which is not even opened), os.too-large.
Result<std::string> read_file(const stdfs::path& path, std::size_t limit = std::size_t{1} << 20U);
/// temp + fsync + rename + fsync of the directory, in a directory that exists.
Status write_file_atomic(const stdfs::path& path, std::string_view bytes, unsigned mode = 0600);
/// Appends one line with O_APPEND and fsyncs it.
Status append_line(const stdfs::path& path, std::string_view line, unsigned mode = 0600);
/// mkdir -p with 0700 for what it makes; refuses a link in place of the last component.
Status make_dirs(const stdfs::path& path);
/// Removes a tree without following links and without crossing into another file system or mount (compares
/// st_dev and mount ids); a mount point at or below it is an error (os.mount-below) before anything is
/// removed. An absent path is success.
Status remove_tree(const stdfs::path& path);
/// Creates a new directory with a random name: prefix + 12 characters.
Result<stdfs::path> make_temp_dir(const stdfs::path& parent, std::string_view prefix);

/// Opens `relative` beneath `root_fd` with
/// openat2(RESOLVE_BENEATH|RESOLVE_NO_SYMLINKS|RESOLVE_NO_MAGICLINKS), or a component-wise O_NOFOLLOW walk
/// where the kernel has no openat2. Kind::policy (os.link) when a link is met.
Result<Fd> open_beneath(int root_fd, const stdfs::path& relative, int flags, unsigned mode = 0);
/// Reads a small file beneath a root that may be hostile: regular files only, bounded, no links.
Result<std::string> read_beneath(const stdfs::path& root, const stdfs::path& relative, std::size_t limit);
/// write_file_atomic beneath a root that may be hostile: no link is followed or replaced, missing directories
/// are made (0755). Run by root, what it makes belongs to the root directory's owner.
Status write_beneath(const stdfs::path& root, const stdfs::path& relative, std::string_view bytes,
                     unsigned mode = 0644);
/// Removes a regular file beneath a root that may be hostile. Kind::not_found when absent.
Status remove_beneath(const stdfs::path& root, const stdfs::path& relative);

/// Every component from / down is owned by root or the euid and not writable by group or world (sticky
/// ancestors are fine), and the last is no link. Kind::policy, id given by the caller; the hint is the chmod
/// or chown that mends it.
Status check_safe_path(const stdfs::path& path, std::string_view error_id);

/// Exclusive advisory lock on a file that is removed on release; makes the directory. Open-file-description
/// lock (flock where there is none) + inode check, so a crash releases it and a removed file cannot be held
/// twice. A forked child that never execs keeps it: end such children with their parent (PR_SET_PDEATHSIG).
class FileLock {
 public:
  /// Kind::tool (lock.busy) with the holder's pid in the message when not free within timeout_ms.
  static Result<FileLock> acquire(const stdfs::path& path, unsigned timeout_ms);
  /// True when some living process holds it, this one too. Takes and creates nothing.
  static bool held(const stdfs::path& path);
  FileLock(FileLock&&) noexcept = default;
  FileLock& operator=(FileLock&& other) noexcept;
  ~FileLock() { release(); }
  /// Lets go early; also what the destructor does.
  void release() noexcept;

 private:
  FileLock(Fd fd, stdfs::path path) : fd_(std::move(fd)), path_(std::move(path)) {}
  Fd fd_;
  stdfs::path path_;
};

/// A sealed memfd with these bytes (F_SEAL_WRITE|GROW|SHRINK|SEAL), named for /proc.
Result<Fd> sealed_memfd(std::string_view name, std::string_view bytes);

/// Lower-case hex SHA-256. libsodium is included by core/os only.
std::string sha256_hex(std::string_view bytes);
Result<std::string> sha256_file(const stdfs::path& path);
/// n random bytes as lower-case hex.
std::string random_hex(std::size_t bytes);

}  // namespace scc::os
