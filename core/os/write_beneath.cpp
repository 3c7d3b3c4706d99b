// SPDX-License-Identifier: Apache-2.0
// Writing into a tree that may be hostile: every directory on the way is opened beneath the root without
// following links, the bytes go to a temporary file in the last one and are renamed there, by descriptor, so
// that nothing that is swapped meanwhile can lead the write elsewhere.
#include <cerrno>
#include <fcntl.h>
#include <unistd.h>

#include "base/str.h"
#include "os/internal.h"

namespace scc::os {

namespace {

struct Place {
  Fd directory;
  std::string name;
  uid_t uid = 0;  // of the root: what a privileged caller makes belongs to whoever owns the tree
  gid_t gid = 0;
};

// Ownership is a courtesy: without it the file is still written, as root's.
void give(int fd, const Place& place) {
  if (::geteuid() == 0 && ::fchown(fd, place.uid, place.gid) != 0) errno = 0;
}

Result<Place> find_place(const stdfs::path& root, const stdfs::path& relative, bool make) {
  const std::string name = relative.filename().native();
  if (name.empty() || name == "." || name == "..") return fail(errno_error("write", relative, EINVAL));
  Place place{Fd{::open(root.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW)}, name, 0, 0};
  if (!place.directory) return fail(errno_error("open", root, errno));
  struct stat info {};
  if (::fstat(place.directory.get(), &info) != 0) return fail(errno_error("stat", root, errno));
  place.uid = info.st_uid;
  place.gid = info.st_gid;
  for (const stdfs::path& part : relative.parent_path()) {
    if (part.empty() || part == ".") continue;
    const bool made = make && part != ".." && ::mkdirat(place.directory.get(), part.c_str(), 0755) == 0;
    SCC_TRY(Fd next, open_beneath(place.directory.get(), part, O_RDONLY | O_DIRECTORY | O_NOFOLLOW));
    if (made) give(next.get(), place);
    place.directory = std::move(next);
  }
  return place;
}

// Nothing, or a regular file.
Status check_target(const Place& place, const stdfs::path& shown) {
  struct stat info {};
  if (::fstatat(place.directory.get(), place.name.c_str(), &info, AT_SYMLINK_NOFOLLOW) != 0) {
    if (errno == ENOENT) return {};
    return fail(errno_error("stat", shown, errno));
  }
  return detail::refuse_unless_regular(shown, info);
}

}  // namespace

Status write_beneath(const stdfs::path& root, const stdfs::path& relative, std::string_view bytes,
                     unsigned mode) {
  const stdfs::path shown = root / relative;
  SCC_TRY(const Place place, find_place(root, relative, true));
  SCC_CHECK(check_target(place, shown));
  const int directory = place.directory.get();
  const std::string temp = ".scc-tmp-" + random_hex(8);
  const Fd fd{::openat(directory, temp.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600)};
  if (!fd) return fail(errno_error("write", shown, errno));
  const auto failed = [&](const char* what, int code) {
    ::unlinkat(directory, temp.c_str(), 0);
    return fail(errno_error(what, shown, code));
  };
  if (Status written = detail::write_all(fd.get(), shown, bytes); !written) {
    ::unlinkat(directory, temp.c_str(), 0);
    return written;
  }
  if (::fchmod(fd.get(), static_cast<mode_t>(mode)) != 0) return failed("chmod", errno);
  give(fd.get(), place);
  if (::fsync(fd.get()) != 0) return failed("fsync", errno);
  if (::renameat(directory, temp.c_str(), directory, place.name.c_str()) != 0) return failed("rename", errno);
  if (::fsync(directory) != 0) return fail(errno_error("fsync", shown.parent_path(), errno));
  return {};
}

Status remove_beneath(const stdfs::path& root, const stdfs::path& relative) {
  const stdfs::path shown = root / relative;
  SCC_TRY(const Place place, find_place(root, relative, false));
  SCC_CHECK(check_target(place, shown));
  if (::unlinkat(place.directory.get(), place.name.c_str(), 0) != 0) {
    return fail(errno_error("remove", shown, errno));
  }
  if (::fsync(place.directory.get()) != 0) return fail(errno_error("fsync", shown.parent_path(), errno));
  return {};
}

}  // namespace scc::os
