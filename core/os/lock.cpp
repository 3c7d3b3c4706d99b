// SPDX-License-Identifier: Apache-2.0
// Lock files. The kernel drops the lock with its last descriptor, so a crash or kill -9 frees it; the inode
// check after locking makes sure that the file that is locked is the one that others will open. Linux has
// open-file-description locks, which can also be asked about without taking them.
#include <cerrno>
#include <chrono>
#include <fcntl.h>
#include <thread>
#include <unistd.h>

#include <sys/file.h>

#include "base/str.h"
#include "os/internal.h"

namespace scc::os {

namespace {

using Clock = std::chrono::steady_clock;

#if defined(F_OFD_SETLK)
struct flock whole_file() {
  struct flock lock {};
  lock.l_type = F_WRLCK;
  lock.l_whence = SEEK_SET;
  return lock;
}
// 0, or errno; EAGAIN means that somebody has it.
int try_lock(int fd) {
  struct flock lock = whole_file();
  if (::fcntl(fd, F_OFD_SETLK, &lock) == 0) return 0;
  return errno == EACCES ? EAGAIN : errno;
}
bool locked_by_other(int fd) {
  struct flock lock = whole_file();
  return ::fcntl(fd, F_OFD_GETLK, &lock) == 0 && lock.l_type != F_UNLCK;
}
#else
int try_lock(int fd) {
  if (::flock(fd, LOCK_EX | LOCK_NB) == 0) return 0;
  return errno == EWOULDBLOCK ? EAGAIN : errno;
}
bool locked_by_other(int fd) {
  return ::flock(fd, LOCK_SH | LOCK_NB) != 0 && errno == EWOULDBLOCK;
}
#endif

bool same_file(int fd, const stdfs::path& path) {
  struct stat mine {};
  struct stat there {};
  return ::fstat(fd, &mine) == 0 && ::lstat(path.c_str(), &there) == 0 && mine.st_dev == there.st_dev &&
         mine.st_ino == there.st_ino;
}

std::string holder(const stdfs::path& path) {
  const auto text = read_file(path, 64);
  if (!text) return "another process";
  const std::string_view pid = str::trim(*text);
  if (pid.empty() || pid.find_first_not_of("0123456789") != std::string_view::npos) return "another process";
  return "process " + std::string{pid};
}

tl::unexpected<Error> busy(const stdfs::path& path) {
  return fail(Kind::tool, "lock.busy", str::printable(path.native()) + " is held by " + holder(path),
              "wait for it to end, then run the command again");
}

}  // namespace

Result<FileLock> FileLock::acquire(const stdfs::path& path, unsigned timeout_ms) {
  SCC_CHECK(make_dirs(path.parent_path()));
  const auto deadline = Clock::now() + std::chrono::milliseconds{timeout_ms};
  for (;;) {
    Fd fd{::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY, 0600)};
    if (!fd) return fail(errno_error("lock", path, errno));
    struct stat info {};
    if (::fstat(fd.get(), &info) != 0) return fail(errno_error("stat", path, errno));
    SCC_CHECK(detail::refuse_unless_regular(path, info));
    const int code = try_lock(fd.get());
    if (code == 0) {
      if (!same_file(fd.get(), path)) continue;  // removed by its holder between our open and our lock
      const std::string pid = std::to_string(::getpid()) + '\n';
      if (::ftruncate(fd.get(), 0) != 0) return fail(errno_error("write", path, errno));
      SCC_CHECK(detail::write_all(fd.get(), path, pid));
      return FileLock{std::move(fd), path};
    }
    if (code != EAGAIN && code != EINTR) return fail(errno_error("lock", path, code));
    if (Clock::now() >= deadline) return busy(path);
    std::this_thread::sleep_for(std::chrono::milliseconds{10});
  }
}

bool FileLock::held(const stdfs::path& path) {
  const Fd fd{::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY)};
  return fd && locked_by_other(fd.get());
}

FileLock& FileLock::operator=(FileLock&& other) noexcept {
  if (this != &other) {
    release();
    fd_ = std::move(other.fd_);
    path_ = std::move(other.path_);
  }
  return *this;
}

void FileLock::release() noexcept {
  // Unlinked while still held: whoever waits on this inode sees that it is no longer the file.
  if (fd_ && same_file(fd_.get(), path_)) ::unlink(path_.c_str());
  fd_.reset();
}

}  // namespace scc::os
