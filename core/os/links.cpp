// SPDX-License-Identifier: Apache-2.0
#include "os/links.h"

#include <array>
#include <cerrno>
#include <climits>
#include <fcntl.h>
#include <unistd.h>

namespace scc::os {

namespace {

Result<Fd> open_root(const stdfs::path& root) {
  Fd out{::open(root.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW)};
  if (!out) return fail(errno_error("open", root, errno));
  return out;
}

Result<Fd> parent_of(const stdfs::path& root, const stdfs::path& relative) {
  const std::string name = relative.filename().native();
  if (name.empty() || name == "." || name == "..") return fail(errno_error("open", relative, EINVAL));
  SCC_TRY(const Fd top, open_root(root));
  return open_beneath(top.get(), relative.parent_path(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
}

}  // namespace

Result<struct stat> look_beneath(const stdfs::path& root, const stdfs::path& relative) {
  SCC_TRY(const Fd parent, parent_of(root, relative));
  struct stat info {};
  if (::fstatat(parent.get(), relative.filename().c_str(), &info, AT_SYMLINK_NOFOLLOW) != 0)
    return fail(errno_error("stat", root / relative, errno));
  return info;
}

Result<std::string> read_link_beneath(const stdfs::path& root, const stdfs::path& relative) {
  SCC_TRY(const Fd parent, parent_of(root, relative));
  std::array<char, PATH_MAX> text{};
  const ssize_t size = ::readlinkat(parent.get(), relative.filename().c_str(), text.data(), text.size());
  if (size < 0) return fail(errno_error("read", root / relative, errno));
  return std::string(text.data(), static_cast<std::size_t>(size));
}

Status link_beneath(const stdfs::path& root, const stdfs::path& relative, const std::string& text) {
  SCC_TRY(Fd at, open_root(root));
  struct stat owner {};
  if (::fstat(at.get(), &owner) != 0) return fail(errno_error("stat", root, errno));
  const auto give = [&](const std::string& name) {
    if (::geteuid() == 0 &&
        ::fchownat(at.get(), name.c_str(), owner.st_uid, owner.st_gid, AT_SYMLINK_NOFOLLOW) != 0)
      errno = 0;
  };
  for (const stdfs::path& part : relative.parent_path()) {
    if (part == "..") return fail(errno_error("link", relative, EINVAL));
    if (::mkdirat(at.get(), part.c_str(), 0755) == 0) give(part.native());
    SCC_TRY(Fd next, open_beneath(at.get(), part, O_RDONLY | O_DIRECTORY | O_NOFOLLOW));
    at = std::move(next);
  }
  const std::string name = relative.filename().native();
  if (::symlinkat(text.c_str(), at.get(), name.c_str()) != 0)
    return fail(errno_error("link", root / relative, errno));
  give(name);
  return {};
}

Status clear_beneath(const stdfs::path& root, const stdfs::path& relative) {
  const auto found = look_beneath(root, relative);
  if (!found) {
    if (found.error().kind == Kind::not_found) return {};
    return fail(Error(found.error()));
  }
  if (!S_ISREG(found->st_mode) && !S_ISLNK(found->st_mode))
    return fail(errno_error("remove", root / relative, EISDIR));
  SCC_TRY(const Fd parent, parent_of(root, relative));
  if (::unlinkat(parent.get(), relative.filename().c_str(), 0) != 0)
    return fail(errno_error("remove", root / relative, errno));
  return {};
}

}  // namespace scc::os
