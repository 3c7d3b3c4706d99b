// SPDX-License-Identifier: Apache-2.0
// Idmapped mounts, as mount_setattr(2) describes them: a user namespace carries the mapping (id on disk ->
// id shown), a detached clone of the directory's mount takes it, and the clone is then attached. The pair of
// the owner is swapped in; every other id maps to itself, except the shown one, which has no way to disk, so
// that files of the real uid 1000 are not handed to the sandbox's uid 1000.
#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdint>
#include <fcntl.h>
#include <limits>
#include <sched.h>
#include <unistd.h>

#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "base/str.h"
#include "os/idmap.h"
#include "os/internal.h"

namespace scc::os {

namespace {

// By number: older C libraries have no wrappers, and musl has none today. One number on all architectures.
constexpr long kSysOpenTree = 428;
constexpr long kSysMoveMount = 429;
constexpr long kSysMountSetattr = 442;
constexpr unsigned kOpenTreeClone = 1;
constexpr unsigned kMoveEmptyBoth = 0x00000004U | 0x00000040U;
constexpr std::uint64_t kAttrNosuid = 0x2;
constexpr std::uint64_t kAttrNodev = 0x4;
constexpr std::uint64_t kAttrIdmap = 0x00100000;

struct MountAttr {  // struct mount_attr of linux/mount.h
  std::uint64_t attr_set;
  std::uint64_t attr_clr;
  std::uint64_t propagation;
  std::uint64_t userns_fd;
};

constexpr std::uint64_t kLastId = std::numeric_limits<std::uint32_t>::max() - 1;

tl::unexpected<Error> unsupported(const std::string& what, int code) {
  const Error cause = errno_error(what, "the idmapped view of the workspace", code);
  return fail(Kind::prereq, "idmap.unsupported", cause.message,
              "the kernel (5.12 or newer), the workspace's file system and real root are needed for this");
}

void add_range(std::string& map, std::uint64_t first, std::uint64_t last) {
  if (first > last) return;
  const std::string start = std::to_string(first);
  map += start + ' ' + start + ' ' + std::to_string(last - first + 1) + '\n';
}

// "<inside> <outside> <count>": for an idmapped mount inside is the id on disk, outside the id shown.
std::string id_map(std::uint64_t disk, std::uint64_t shown) {
  std::string map = std::to_string(disk) + ' ' + std::to_string(shown) + " 1\n";
  const std::uint64_t low = std::min(disk, shown);
  const std::uint64_t high = std::max(disk, shown);
  if (low > 0) add_range(map, 0, low - 1);
  if (high > low + 1) add_range(map, low + 1, high - 1);
  add_range(map, high + 1, kLastId);
  return map;
}

Status write_map(pid_t pid, const char* file, const std::string& map) {
  const stdfs::path path = "/proc/" + std::to_string(pid) + "/" + file;
  const Fd fd{::open(path.c_str(), O_WRONLY | O_CLOEXEC)};
  // One write: the kernel takes the whole map at once or not at all.
  if (!fd || ::write(fd.get(), map.data(), map.size()) != static_cast<ssize_t>(map.size())) {
    return unsupported("write " + path.native() + " for", errno);
  }
  return {};
}

// The child that holds a new user namespace until the parent has opened it.
class NamespaceHolder {
 public:
  static Result<pid_t> start(Fd& release, Fd& ready) {
    int to_child[2] = {-1, -1};
    int to_parent[2] = {-1, -1};
    if (::pipe2(to_child, O_CLOEXEC) != 0) return unsupported("pipe for", errno);
    Fd child_read{to_child[0]};
    release = Fd{to_child[1]};
    if (::pipe2(to_parent, O_CLOEXEC) != 0) return unsupported("pipe for", errno);
    ready = Fd{to_parent[0]};
    Fd child_write{to_parent[1]};
    const pid_t parent = ::getpid();
    const pid_t pid = ::fork();
    if (pid < 0) return unsupported("fork for", errno);
    if (pid > 0) return pid;
    // Only async-signal-safe calls from here.
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (::getppid() != parent) ::_exit(1);
    ::close(to_child[1]);
    const unsigned char failed = ::unshare(CLONE_NEWUSER) == 0 ? 0 : static_cast<unsigned char>(errno);
    if (::write(to_parent[1], &failed, 1) != 1) ::_exit(1);
    char byte = 0;
    if (::read(to_child[0], &byte, 1) < 0) ::_exit(1);
    ::_exit(0);
  }
};

Result<Fd> mapped_namespace(const IdMapping& mapping) {
  Fd release;
  Fd ready;
  SCC_TRY(const pid_t pid, NamespaceHolder::start(release, ready));
  const auto build = [&]() -> Result<Fd> {
    unsigned char failed = 0;
    ssize_t n = 0;
    do {
      n = ::read(ready.get(), &failed, 1);
    } while (n < 0 && errno == EINTR);
    if (n != 1) return unsupported("make a user namespace for", ECHILD);
    if (failed != 0) return unsupported("make a user namespace for", failed);
    SCC_CHECK(write_map(pid, "uid_map", id_map(mapping.host_uid, mapping.sandbox_uid)));
    SCC_CHECK(write_map(pid, "gid_map", id_map(mapping.host_gid, mapping.sandbox_gid)));
    const std::string path = "/proc/" + std::to_string(pid) + "/ns/user";
    Fd fd{::open(path.c_str(), O_RDONLY | O_CLOEXEC)};
    if (!fd) return unsupported("open the user namespace for", errno);
    return fd;
  };
  Result<Fd> result = build();
  release.reset();
  ::kill(pid, SIGKILL);
  while (::waitpid(pid, nullptr, 0) < 0 && errno == EINTR) {
  }
  return result;
}

Result<Fd> open_directory(const stdfs::path& path) {
  Fd fd{::open(path.c_str(), O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)};
  if (!fd) return fail(errno_error("open", path, errno));
  return fd;
}

}  // namespace

Status mount_idmapped(const stdfs::path& source, const stdfs::path& target, const IdMapping& mapping) {
  SCC_TRY(const Fd from, open_directory(source));
  SCC_TRY(const Fd to, open_directory(target));
  if (is_mount_point(target)) {
    return fail(Kind::tool, "idmap.busy", str::printable(target.native()) + " is a mount point already",
                "run: umount " + str::printable(target.native()));
  }
  std::error_code ec;
  if (!stdfs::is_empty(target, ec) || ec) {
    return fail(Kind::tool, "idmap.busy", str::printable(target.native()) + " is not empty");
  }
  SCC_TRY(const Fd names, mapped_namespace(mapping));
  // Not AT_RECURSIVE: what is mounted below the workspace (a secrets tmpfs, sshfs) stays out.
  const Fd tree{static_cast<int>(::syscall(
      kSysOpenTree, from.get(), "", kOpenTreeClone | static_cast<unsigned>(O_CLOEXEC | AT_EMPTY_PATH)))};
  if (!tree) return unsupported("clone", errno);
  // Private: a clone is born into its source's peer group, and later mounts there would show up in the view.
  MountAttr attr{kAttrIdmap | kAttrNosuid | kAttrNodev, 0, MS_PRIVATE,
                 static_cast<std::uint64_t>(static_cast<unsigned>(names.get()))};
  if (::syscall(kSysMountSetattr, tree.get(), "", AT_EMPTY_PATH, &attr, sizeof attr) != 0) {
    return unsupported("map", errno);
  }
  if (::syscall(kSysMoveMount, tree.get(), "", to.get(), "", kMoveEmptyBoth) != 0) {
    return unsupported("attach", errno);
  }
  return {};
}

Status unmount(const stdfs::path& target) {
  // Several may be stacked when an earlier run was killed between two steps.
  for (int i = 0; i < 16 && is_mount_point(target); ++i) {
    if (::umount2(target.c_str(), MNT_DETACH | UMOUNT_NOFOLLOW) == 0) continue;
    if (errno == EINVAL || errno == ENOENT) return {};
    return fail(errno_error("unmount", target, errno));
  }
  return {};
}

bool is_mount_point(const stdfs::path& path) noexcept {
  struct statx info {};
  if (::statx(AT_FDCWD, path.c_str(), AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT, STATX_MNT_ID, &info) != 0) {
    return false;
  }
  if ((info.stx_attributes_mask & STATX_ATTR_MOUNT_ROOT) != 0) {
    return (info.stx_attributes & STATX_ATTR_MOUNT_ROOT) != 0;
  }
  const Fd here{::open(path.c_str(), O_PATH | O_NOFOLLOW | O_CLOEXEC)};
  const Fd above{::open(path.parent_path().c_str(), O_PATH | O_CLOEXEC)};
  if (!here || !above) return false;
  const auto id = detail::mount_id(here.get());
  return id && id != detail::mount_id(above.get());
}

}  // namespace scc::os
