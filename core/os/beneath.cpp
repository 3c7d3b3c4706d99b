// SPDX-License-Identifier: Apache-2.0
// Opening files of a hostile tree: the kernel's openat2 resolves beneath the root without any link, and a
// component-wise walk does the same where it is missing. Both refuse ".." and absolute paths outright.
#include <cerrno>
#include <fcntl.h>
#include <unistd.h>

#if defined(__linux__)
#include <linux/openat2.h>
#include <sys/syscall.h>
#endif

#include "base/str.h"
#include "os/internal.h"

namespace scc::os {

namespace {

tl::unexpected<Error> refuse_link(const stdfs::path& relative) {
  return fail(
      Kind::policy, "os.link",
      "open " + str::printable(relative.native()) + ": a symbolic link or '..' leads away from its root",
      "replace the link by a real file or directory");
}

// "" and "." mean the root itself.
Result<std::vector<std::string>> components(const stdfs::path& relative) {
  if (relative.is_absolute() || relative.native().find('\0') != std::string::npos) {
    return refuse_link(relative);
  }
  std::vector<std::string> parts;
  for (const stdfs::path& part : relative) {
    if (part.empty() || part == ".") continue;
    if (part == "..") return refuse_link(relative);
    parts.push_back(part.native());
  }
  return parts;
}

Result<Fd> walk(int root_fd, const std::vector<std::string>& parts, const stdfs::path& relative, int flags,
                unsigned mode) {
  Fd holder;
  int at = root_fd;
  for (std::size_t i = 0; i < parts.size(); ++i) {
    const bool last = i + 1 == parts.size();
    const int how = last ? flags | O_NOFOLLOW : O_RDONLY | O_DIRECTORY | O_NOFOLLOW;
    struct stat info {};
    // O_DIRECTORY on a link answers ENOTDIR and O_PATH|O_NOFOLLOW opens the link itself.
    if (::fstatat(at, parts[i].c_str(), &info, AT_SYMLINK_NOFOLLOW) == 0 && S_ISLNK(info.st_mode)) {
      return refuse_link(relative);
    }
    Fd next{::openat(at, parts[i].c_str(), how | O_CLOEXEC, static_cast<mode_t>(mode))};
    if (!next) {
      if (errno == ELOOP) return refuse_link(relative);
      return fail(errno_error("open", relative, errno));
    }
    if (::fstat(next.get(), &info) == 0 && S_ISLNK(info.st_mode)) return refuse_link(relative);
    holder = std::move(next);
    at = holder.get();
  }
  if (parts.empty()) {
    holder = Fd{::openat(root_fd, ".", flags | O_CLOEXEC, static_cast<mode_t>(mode))};
    if (!holder) return fail(errno_error("open", relative, errno));
  }
  return holder;
}

}  // namespace

Result<Fd> open_beneath(int root_fd, const stdfs::path& relative, int flags, unsigned mode) {
  SCC_TRY(const auto parts, components(relative));
#if defined(__linux__) && defined(SYS_openat2)
  struct open_how how {};
  // With O_PATH|O_NOFOLLOW the kernel would hand out the link itself.
  how.flags = static_cast<std::uint64_t>(static_cast<unsigned>((flags | O_CLOEXEC) & ~O_NOFOLLOW));
  // openat ignores what means nothing with O_PATH, openat2 refuses it.
  if ((flags & O_PATH) != 0) how.flags &= O_PATH | O_DIRECTORY | O_CLOEXEC;
  how.mode = (flags & O_CREAT) != 0 ? mode : 0;
  how.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS;
  const std::string joined = parts.empty() ? "." : str::join(parts, "/");
  for (int attempt = 0; attempt < 32; ++attempt) {
    const long fd = ::syscall(SYS_openat2, root_fd, joined.c_str(), &how, sizeof how);
    if (fd >= 0) return Fd{static_cast<int>(fd)};
    if (errno == EAGAIN || errno == EINTR) continue;  // a rename raced with the resolution
    if (errno == ELOOP || errno == EXDEV) return refuse_link(relative);
    if (errno == ENOSYS || errno == EPERM) break;  // old kernel, or a seccomp filter of a container
    return fail(errno_error("open", relative, errno));
  }
#endif
  return walk(root_fd, parts, relative, flags, mode);
}

Result<std::string> read_beneath(const stdfs::path& root, const stdfs::path& relative, std::size_t limit) {
  const Fd root_fd{::open(root.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW)};
  if (!root_fd) return fail(errno_error("open", root, errno));
  const stdfs::path shown = root / relative;
#if defined(O_PATH)
  {  // look before opening: opening a device or FIFO of a hostile tree can have effects
    SCC_TRY(const Fd seen, open_beneath(root_fd.get(), relative, O_PATH | O_NOFOLLOW));
    struct stat info {};
    if (::fstat(seen.get(), &info) != 0) return fail(errno_error("stat", shown, errno));
    SCC_CHECK(detail::refuse_unless_regular(shown, info));
  }
#endif
  SCC_TRY(const Fd fd, open_beneath(root_fd.get(), relative, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_NOFOLLOW));
  return detail::read_all(fd.get(), shown, limit);
}

}  // namespace scc::os
