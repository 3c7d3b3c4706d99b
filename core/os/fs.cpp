// SPDX-License-Identifier: Apache-2.0
// Descriptors, errno texts and bounded reads. A read opens nothing but a regular file: the type is looked at
// before the open, because opening a device can itself have effects, and again on the descriptor.
#include "os/fs.h"

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <unistd.h>

#include "base/str.h"
#include "os/internal.h"

namespace scc::os {

Fd& Fd::operator=(Fd&& other) noexcept {
  if (this != &other) {
    reset();
    fd_ = other.release();
  }
  return *this;
}

int Fd::release() noexcept {
  const int fd = fd_;
  fd_ = -1;
  return fd;
}

void Fd::reset() noexcept {
  if (fd_ >= 0) {
    const int saved = errno;
    ::close(fd_);
    errno = saved;
  }
  fd_ = -1;
}

namespace {

struct ErrnoClass {
  Kind kind;
  const char* id;
};

ErrnoClass classify(int code) noexcept {
  switch (code) {
    case ENOENT:
    case ENOTDIR:
      return {Kind::not_found, "os.not-found"};
    case EACCES:
    case EPERM:
      return {Kind::prereq, "os.access"};
    case EROFS:
      return {Kind::prereq, "os.read-only"};
    case ENOSPC:
    case EDQUOT:
      return {Kind::prereq, "os.no-space"};
    case ELOOP:
      return {Kind::policy, "os.link"};
    case EEXIST:
      return {Kind::tool, "os.exists"};
    default:
      return {Kind::tool, "os.io"};
  }
}

std::string errno_text(int code) {
  // ELOOP from O_NOFOLLOW reads "too many levels of symbolic links", which sends people looking for a loop.
  if (code == ELOOP) return "is a symbolic link";
  char buffer[128] = {};
#if defined(__GLIBC__)
  std::string text = ::strerror_r(code, buffer, sizeof buffer);
#else
  std::string text =
      ::strerror_r(code, buffer, sizeof buffer) == 0 ? buffer : "error " + std::to_string(code);
#endif
  if (!text.empty() && text[0] >= 'A' && text[0] <= 'Z') text[0] = static_cast<char>(text[0] - 'A' + 'a');
  return text;
}

}  // namespace

Error errno_error(std::string_view what, const stdfs::path& path, int code) {
  const ErrnoClass found = classify(code);
  std::string message{what};
  message += ' ' + str::printable(path.native()) + ": " + errno_text(code);
  std::string hint;
  if (code == ENOSPC || code == EDQUOT)
    hint = "free some space on that file system, then run the command again";
  return Error{found.kind, found.id, std::move(message), std::move(hint), {}};
}

Status detail::refuse_unless_regular(const stdfs::path& shown, const struct stat& info) {
  if (S_ISREG(info.st_mode)) return {};
  const std::string name = str::printable(shown.native());
  if (S_ISLNK(info.st_mode)) return fail(errno_error("open", shown, ELOOP));
  const char* kind = S_ISDIR(info.st_mode) ? "a directory" : "not a regular file";
  return fail(Kind::tool, "os.not-regular", "read " + name + ": it is " + kind);
}

Result<std::string> detail::read_all(int fd, const stdfs::path& shown, std::size_t limit) {
  struct stat info {};
  if (::fstat(fd, &info) != 0) return fail(errno_error("stat", shown, errno));
  SCC_CHECK(refuse_unless_regular(shown, info));
  std::string bytes;
  char buffer[16384];
  for (;;) {
    const ssize_t n = ::read(fd, buffer, sizeof buffer);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return fail(errno_error("read", shown, errno));
    if (n == 0) return bytes;
    if (bytes.size() + static_cast<std::size_t>(n) > limit) {
      return fail(
          Kind::config, "os.too-large",
          "read " + str::printable(shown.native()) + ": larger than " + std::to_string(limit) + " bytes");
    }
    bytes.append(buffer, static_cast<std::size_t>(n));
  }
}

Result<Fd> detail::open_regular(const stdfs::path& path) {
  if (path.native().find('\0') != std::string::npos) return fail(errno_error("open", path, EINVAL));
  struct stat info {};
  if (::lstat(path.c_str(), &info) != 0) return fail(errno_error("open", path, errno));
  SCC_CHECK(refuse_unless_regular(path, info));
  Fd fd{::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY)};
  if (!fd) return fail(errno_error("open", path, errno));
  if (::fstat(fd.get(), &info) != 0) return fail(errno_error("stat", path, errno));
  SCC_CHECK(refuse_unless_regular(path, info));
  return fd;
}

Result<std::string> read_file(const stdfs::path& path, std::size_t limit) {
  SCC_TRY(const Fd fd, detail::open_regular(path));
  return detail::read_all(fd.get(), path, limit);
}

}  // namespace scc::os
