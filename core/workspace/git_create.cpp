// SPDX-License-Identifier: Apache-2.0
// The only writes of this folder: empty hooks directories and guard files, made beneath the admin directory.
#include <cerrno>
#include <fcntl.h>
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
  const os::Fd file{
      ::openat(parent.get(), name.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644)};
  if (!file) return errno == EEXIST ? Status{} : fail(os::errno_error("create", item.path, errno));
  if (::write(file.get(), item.text.data(), item.text.size()) != static_cast<ssize_t>(item.text.size())) {
    return fail(os::errno_error("write", item.path, errno));
  }
  if (::fsync(file.get()) != 0) return fail(os::errno_error("fsync", item.path, errno));
  return give(file.get(), item.path, uid, gid);
}

}  // namespace

Status create_missing(const GitView& view, uid_t uid, gid_t gid) {
  for (const GitCreate& item : view.create) SCC_CHECK(create_one(item, uid, gid));
  return {};
}

Status remove_temporary(const GitView& view) {
  for (const GitCreate& item : view.create) {
    if (!item.temporary || item.directory) continue;
    const auto text = os::read_beneath(item.path.parent_path(), item.path.filename(), item.text.size());
    if (!text || *text != item.text) continue;
    SCC_TRY(const os::Fd parent, open_parent(item.path));
    if (::unlinkat(parent.get(), item.path.filename().c_str(), 0) != 0 && errno != ENOENT) {
      return fail(os::errno_error("remove", item.path, errno));
    }
  }
  return {};
}

}  // namespace scc::workspace
