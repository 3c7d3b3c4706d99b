// SPDX-License-Identifier: Apache-2.0
// Durable writes: temp + fsync + rename + fsync of the directory, appends with one write(2), directories
// 0700. A reader sees the old or the new bytes at any moment, also across kill -9 and power loss.
#include <cerrno>
#include <fcntl.h>
#include <unistd.h>

#include "base/str.h"
#include "os/internal.h"

namespace scc::os {

Status detail::write_all(int fd, const stdfs::path& shown, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t n = ::write(fd, bytes.data(), bytes.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return fail(errno_error("write", shown, errno));
    bytes.remove_prefix(static_cast<std::size_t>(n));
  }
  return {};
}

namespace {

stdfs::path parent_of(const stdfs::path& path) {
  return path.has_parent_path() ? path.parent_path() : stdfs::path{"."};
}

Result<Fd> open_directory(const stdfs::path& path) {
  Fd fd{::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
  if (!fd) return fail(errno_error("open", path, errno));
  return fd;
}

// The temporary file of an atomic write; unlinked unless the rename happened.
struct TempFile {
  int directory;
  std::string name;
  bool keep = false;
  TempFile(int dir, std::string file) : directory(dir), name(std::move(file)) {}
  TempFile(const TempFile&) = delete;
  TempFile& operator=(const TempFile&) = delete;
  ~TempFile() {
    if (!keep) ::unlinkat(directory, name.c_str(), 0);
  }
};

}  // namespace

Status write_file_atomic(const stdfs::path& path, std::string_view bytes, unsigned mode) {
  const std::string name = path.filename().native();
  if (name.empty() || name == "." || name == "..") return fail(errno_error("write", path, EINVAL));
  SCC_TRY(const Fd directory, open_directory(parent_of(path)));
  // The name is kept short: NAME_MAX counts bytes and the target's own name may already be long.
  const std::string temp = ".scc-tmp-" + random_hex(8);
  Fd fd{::openat(directory.get(), temp.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600)};
  if (!fd) return fail(errno_error("write", path, errno));
  TempFile guard{directory.get(), temp};
  SCC_CHECK(detail::write_all(fd.get(), path, bytes));
  if (::fchmod(fd.get(), static_cast<mode_t>(mode)) != 0) return fail(errno_error("chmod", path, errno));
  if (::fsync(fd.get()) != 0) return fail(errno_error("fsync", path, errno));
  if (::renameat(directory.get(), temp.c_str(), directory.get(), name.c_str()) != 0) {
    return fail(errno_error("rename", path, errno));
  }
  guard.keep = true;
  if (::fsync(directory.get()) != 0) return fail(errno_error("fsync", parent_of(path), errno));
  return {};
}

Status append_line(const stdfs::path& path, std::string_view line, unsigned mode) {
  bool created = false;
  Fd fd{::open(path.c_str(), O_WRONLY | O_APPEND | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY)};
  if (!fd && errno == ENOENT) {
    fd = Fd{::open(path.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW,
                   static_cast<mode_t>(mode))};
    created = static_cast<bool>(fd);
    if (!fd && errno == EEXIST) {  // somebody else was faster
      fd = Fd{::open(path.c_str(), O_WRONLY | O_APPEND | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY)};
    }
  }
  if (!fd) return fail(errno_error("append to", path, errno));
  struct stat info {};
  if (::fstat(fd.get(), &info) != 0) return fail(errno_error("stat", path, errno));
  SCC_CHECK(detail::refuse_unless_regular(path, info));
  // One write, so that lines of two processes do not mix.
  SCC_CHECK(detail::write_all(fd.get(), path, std::string{line} + '\n'));
  if (::fsync(fd.get()) != 0) return fail(errno_error("fsync", path, errno));
  if (created) {
    SCC_TRY(const Fd directory, open_directory(parent_of(path)));
    if (::fsync(directory.get()) != 0) return fail(errno_error("fsync", parent_of(path), errno));
  }
  return {};
}

Status make_dirs(const stdfs::path& path) {
  if (path.empty() || path.native().find('\0') != std::string::npos) {
    return fail(errno_error("mkdir", path, EINVAL));
  }
  stdfs::path whole;
  for (const stdfs::path& part : path) {
    if (part.empty()) continue;
    whole /= part;
    if (::mkdir(whole.c_str(), 0700) == 0 || errno == EEXIST) continue;
    const int code = errno;
    struct stat info {};  // EROFS or EACCES also come for what exists already
    if (::stat(whole.c_str(), &info) == 0 && S_ISDIR(info.st_mode)) continue;
    return fail(errno_error("mkdir", whole, code));
  }
  if (!whole.has_filename()) whole = whole.parent_path();
  struct stat info {};
  if (::lstat(whole.c_str(), &info) != 0) return fail(errno_error("mkdir", path, errno));
  if (S_ISLNK(info.st_mode)) return fail(errno_error("mkdir", path, ELOOP));
  if (!S_ISDIR(info.st_mode)) return fail(errno_error("mkdir", path, ENOTDIR));
  return {};
}

Result<stdfs::path> make_temp_dir(const stdfs::path& parent, std::string_view prefix) {
  for (int attempt = 0; attempt < 16; ++attempt) {
    stdfs::path path = parent / (std::string{prefix} + random_hex(6));
    if (::mkdir(path.c_str(), 0700) == 0) return path;
    if (errno != EEXIST) return fail(errno_error("mkdir", path, errno));
  }
  return fail(errno_error("mkdir", parent, EEXIST));
}

}  // namespace scc::os
