// SPDX-License-Identifier: Apache-2.0
// The only writes of this folder: empty hooks directories and guard files, made beneath the admin directory.
#include <cerrno>
#include <chrono>
#include <fcntl.h>
#include <thread>
#include <unistd.h>

#include <sys/stat.h>

#include "base/str.h"
#include "workspace/git_files.h"

namespace scc::workspace {

namespace {

// The parent of `path`, opened without links: by its real path, component by component from /.
Result<os::Fd> open_parent(const stdfs::path& path) {
  const os::Fd top{::open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
  if (!top) return fail(os::errno_error("open", "/", errno));
  return os::open_beneath(top.get(), path.parent_path().relative_path(), O_RDONLY | O_DIRECTORY);
}

Status give(int fd, const stdfs::path& path, uid_t uid, gid_t gid) {
  if (::geteuid() == 0 && ::fchown(fd, uid, gid) != 0) return fail(os::errno_error("chown", path, errno));
  return {};
}

// From `temp` to `name` unless that exists. File systems that know neither of the two ways have no guards.
int appear(int parent, const std::string& temp, const std::string& name) {
#if defined(RENAME_NOREPLACE)
  if (::renameat2(parent, temp.c_str(), parent, name.c_str(), RENAME_NOREPLACE) == 0) return 0;
  if (errno != EINVAL && errno != ENOSYS) return errno;
#endif
  return ::linkat(parent, temp.c_str(), parent, name.c_str(), 0) == 0 ? 0 : errno;
}

// Whole or not at all: git dies of an empty commondir, and another session may be looking.
Status create_file(int parent, const GitCreate& item, uid_t uid, gid_t gid) {
  const std::string name = item.path.filename().native();
  struct stat info {};
  if (::fstatat(parent, name.c_str(), &info, AT_SYMLINK_NOFOLLOW) == 0) return {};
  const std::string temp = ".scc-tmp-" + os::random_hex(8);
  const os::Fd file{
      ::openat(parent, temp.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644)};
  if (!file) return fail(os::errno_error("create", item.path, errno));
  const auto fill = [&]() -> Status {
    if (::write(file.get(), item.text.data(), item.text.size()) != static_cast<ssize_t>(item.text.size())) {
      return fail(os::errno_error("write", item.path, errno));
    }
    SCC_CHECK(give(file.get(), item.path, uid, gid));
    if (::fsync(file.get()) != 0) return fail(os::errno_error("fsync", item.path, errno));
    const int code = appear(parent, temp, name);
    if (code != 0 && code != EEXIST) return fail(os::errno_error("create", item.path, code));
    return {};
  };
  Status status = fill();
  ::unlinkat(parent, temp.c_str(), 0);
  return status;
}

Status create_one(const GitCreate& item, uid_t uid, gid_t gid) {
  SCC_TRY(const os::Fd parent, open_parent(item.path));
  const std::string name = item.path.filename().native();
  if (item.directory) {
    if (::mkdirat(parent.get(), name.c_str(), 0755) != 0) {
      if (errno == EEXIST) return {};  // mounted read-only whatever it is; the plan's check saw its type
      return fail(os::errno_error("mkdir", item.path, errno));
    }
    const os::Fd made{::openat(parent.get(), name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)};
    if (!made) return fail(os::errno_error("open", item.path, errno));
    return give(made.get(), item.path, uid, gid);
  }
  return create_file(parent.get(), item, uid, gid);
}

// Read and write locks of the open file description: the agent, who sees the file read-only, cannot take the
// write lock, and so can keep a guard in place but never keep a session from starting.
int lock(int fd, short type) {
  struct flock whole {};
  whole.l_type = type;
  whole.l_whence = SEEK_SET;
#if defined(F_OFD_SETLK)
  return ::fcntl(fd, F_OFD_SETLK, &whole);
#else
  return ::fcntl(fd, F_SETLK, &whole);
#endif
}

bool still_there(int fd, int parent, const std::string& name) {
  struct stat mine {};
  struct stat there {};
  return ::fstat(fd, &mine) == 0 && ::fstatat(parent, name.c_str(), &there, AT_SYMLINK_NOFOLLOW) == 0 &&
         mine.st_dev == there.st_dev && mine.st_ino == there.st_ino;
}

// Made, opened, read-locked, and still the file at its path: another session may just be removing it.
Result<os::Fd> hold_one(const GitCreate& item, uid_t uid, gid_t gid) {
  const std::string name = item.path.filename().native();
  for (int attempt = 0; attempt < 200; ++attempt) {
    SCC_CHECK(create_one(item, uid, gid));
    SCC_TRY(const os::Fd parent, open_parent(item.path));
    os::Fd fd{::openat(parent.get(), name.c_str(), O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC)};
    if (!fd && errno != ENOENT) return fail(os::errno_error("open", item.path, errno));
    if (fd && lock(fd.get(), F_RDLCK) == 0 && still_there(fd.get(), parent.get(), name)) return fd;
    std::this_thread::sleep_for(std::chrono::milliseconds{5});
  }
  return fail(Kind::tool, "lock.busy",
              str::printable(item.path.native()) + " is being changed by another process",
              "run the command again");
}

Status remove_one(const os::Fd& fd, const GitCreate& item) {
  if (lock(fd.get(), F_WRLCK) != 0) return {};  // another session needs it
  const std::string name = item.path.filename().native();
  SCC_TRY(const os::Fd parent, open_parent(item.path));
  std::string text(item.text.size() + 1, '\0');
  const ssize_t n = ::pread(fd.get(), text.data(), text.size(), 0);
  if (n < 0 || std::string_view{text}.substr(0, static_cast<std::size_t>(n)) != item.text) return {};
  if (!still_there(fd.get(), parent.get(), name)) return {};
  if (::unlinkat(parent.get(), name.c_str(), 0) != 0 && errno != ENOENT) {
    return fail(os::errno_error("remove", item.path, errno));
  }
  return {};
}

}  // namespace

Result<GitGuards> GitGuards::hold(const GitView& view, uid_t uid, gid_t gid) {
  GitGuards guards{{}};  // releases what it has when a later one fails
  for (const GitCreate& item : view.create) {
    if (item.temporary && !item.directory) {
      SCC_TRY(os::Fd fd, hold_one(item, uid, gid));
      guards.held_.push_back({std::move(fd), item});
    } else {
      SCC_CHECK(create_one(item, uid, gid));
    }
  }
  return guards;
}

Status GitGuards::release() {
  Status first;
  for (const Held& held : held_) {
    auto status = remove_one(held.fd, held.item);
    if (!status && first) first = std::move(status);
  }
  held_.clear();
  return first;
}

}  // namespace scc::workspace
