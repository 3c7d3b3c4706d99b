// SPDX-License-Identifier: Apache-2.0
// Deleting a tree. The instance directory holds a mount point behind which lies the user's workspace, so the
// walk proves of every directory, on the opened descriptor, that it is on the mount of the tree's root: an
// st_dev comparison alone does not see a bind mount of the same file system. One pass looks, a second
// deletes.
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <dirent.h>
#include <fcntl.h>
#include <memory>
#include <unistd.h>

#if defined(__linux__)
#include <sys/syscall.h>
#endif

#include "base/str.h"
#include "os/internal.h"

namespace scc::os {

std::optional<std::uint64_t> detail::mount_id(int fd) noexcept {
#if defined(__linux__)
  struct statx info {};
  if (::statx(fd, "", AT_EMPTY_PATH | AT_NO_AUTOMOUNT, STATX_MNT_ID, &info) == 0 &&
      (info.stx_mask & STATX_MNT_ID) != 0) {
    return info.stx_mnt_id;
  }
  // Before Linux 5.8: the same number in /proc.
  char path[48];
  std::snprintf(path, sizeof path, "/proc/self/fdinfo/%d", fd);
  const Fd text{::open(path, O_RDONLY | O_CLOEXEC)};
  if (!text) return std::nullopt;
  char buffer[512] = {};
  if (::read(text.get(), buffer, sizeof buffer - 1) <= 0) return std::nullopt;
  const char* found = std::strstr(buffer, "mnt_id:");
  if (found == nullptr) return std::nullopt;
  return std::strtoull(found + 7, nullptr, 10);
#else
  struct stat info {};
  if (::fstat(fd, &info) != 0) return std::nullopt;
  return static_cast<std::uint64_t>(info.st_dev);
#endif
}

namespace {

// One descriptor is open per level; below the usual limit of 1024.
constexpr int kMaxDepth = 400;

struct Walk {
  std::uint64_t mount = 0;
  dev_t device = 0;
  bool remove = false;
};

struct CloseDir {
  void operator()(DIR* dir) const noexcept { ::closedir(dir); }
};

tl::unexpected<Error> mount_below(const stdfs::path& path) {
  return fail(Kind::tool, "os.mount-below",
              "remove " + str::printable(path.native()) + ": something is mounted there, nothing was removed",
              "run: umount " + str::printable(path.native()));
}

Status visit(int dir_fd, const Walk& walk, const stdfs::path& path, int depth);

Status visit_entry(int dir_fd, const char* name, const Walk& walk, const stdfs::path& path, int depth) {
  const stdfs::path shown = path / name;
  Fd child{::openat(dir_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK)};
  if (child) {
    SCC_CHECK(visit(child.get(), walk, shown, depth + 1));
    child.reset();
    if (!walk.remove || ::unlinkat(dir_fd, name, AT_REMOVEDIR) == 0 || errno == ENOENT) return {};
    if (errno == EBUSY) return mount_below(shown);
    return fail(errno_error("remove", shown, errno));
  }
  if (errno == ENOENT) return {};
  if (errno != ENOTDIR && errno != ELOOP) return fail(errno_error("open", shown, errno));
#if defined(O_PATH)
  if (!walk.remove) {  // a file can be a mount point too
    const Fd seen{::openat(dir_fd, name, O_PATH | O_NOFOLLOW | O_CLOEXEC)};
    if (!seen) return errno == ENOENT ? Status{} : fail(errno_error("open", shown, errno));
    if (detail::mount_id(seen.get()) != walk.mount) return mount_below(shown);
    return {};
  }
#else
  if (!walk.remove) return {};
#endif
  if (::unlinkat(dir_fd, name, 0) == 0 || errno == ENOENT) return {};
  if (errno == EBUSY) return mount_below(shown);
  return fail(errno_error("remove", shown, errno));
}

Status visit(int dir_fd, const Walk& walk, const stdfs::path& path, int depth) {
  if (depth > kMaxDepth) {
    return fail(Kind::tool, "os.too-deep", "remove " + str::printable(path.native()) + ": nested too deep");
  }
  struct stat info {};
  if (::fstat(dir_fd, &info) != 0) return fail(errno_error("stat", path, errno));
  if (info.st_dev != walk.device || detail::mount_id(dir_fd) != walk.mount) return mount_below(path);
  if (walk.remove && (info.st_mode & 0700U) != 0700U) {  // read-only module caches and the like
    static_cast<void>(::fchmod(dir_fd, (info.st_mode & 07777U) | 0700U));
  }
  const int copy = ::openat(dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (copy < 0) return fail(errno_error("open", path, errno));
  const std::unique_ptr<DIR, CloseDir> dir{::fdopendir(copy)};
  if (!dir) return fail(errno_error("open", path, errno));
  std::vector<std::string> names;  // read whole first: deleting while reading may skip entries
  errno = 0;
  while (const dirent* entry = ::readdir(dir.get())) {
    if (std::strcmp(entry->d_name, ".") != 0 && std::strcmp(entry->d_name, "..") != 0) {
      names.emplace_back(entry->d_name);
    }
    errno = 0;
  }
  if (errno != 0) return fail(errno_error("read", path, errno));
  for (const std::string& name : names) SCC_CHECK(visit_entry(dir_fd, name.c_str(), walk, path, depth));
  return {};
}

}  // namespace

Status remove_tree(const stdfs::path& given) {
  const stdfs::path path = given.has_filename() ? given : given.parent_path();
  const std::string name = path.filename().native();
  if (name.empty() || name == "." || name == "..") return fail(errno_error("remove", given, EINVAL));
  const stdfs::path parent = path.has_parent_path() ? path.parent_path() : stdfs::path{"."};
  const Fd parent_fd{::open(parent.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
  if (!parent_fd) return errno == ENOENT ? Status{} : fail(errno_error("open", parent, errno));
  const auto mount = detail::mount_id(parent_fd.get());
  struct stat info {};
  if (!mount || ::fstat(parent_fd.get(), &info) != 0) {
    return fail(Kind::tool, "os.mount-unknown",
                "remove " + str::printable(path.native()) + ": this system does not tell its mounts apart");
  }
  Walk walk{*mount, info.st_dev, false};
  SCC_CHECK(visit_entry(parent_fd.get(), name.c_str(), walk, parent, 0));
  walk.remove = true;
  return visit_entry(parent_fd.get(), name.c_str(), walk, parent, 0);
}

}  // namespace scc::os
