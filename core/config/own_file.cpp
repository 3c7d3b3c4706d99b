// SPDX-License-Identifier: Apache-2.0
#include "config/own_file.h"

#include <cerrno>
#include <unistd.h>

#include "base/str.h"

namespace scc::config {

namespace {

Status check(const std::filesystem::path& path, std::string_view id) {
  const std::string shown = str::printable(path.native());
  struct stat info {};
  if (::lstat(path.c_str(), &info) != 0) {
    if (errno == ENOENT) return {};
    return fail(os::errno_error("stat", path, errno));
  }
  const auto refuse = [&](std::string_view what, std::string hint) {
    return fail(Kind::policy, std::string(id), shown + " " + std::string(what), std::move(hint));
  };
  if (S_ISLNK(info.st_mode)) return refuse("is a symbolic link", "replace it by what it points to");
  const uid_t me = ::geteuid();
  if (info.st_uid != me && info.st_uid != 0 && me != 0) {
    return refuse("belongs to another user", "run: sudo chown " + std::to_string(me) + " '" + shown + "'");
  }
  const bool sticky = S_ISDIR(info.st_mode) && (info.st_mode & S_ISVTX) != 0;
  if ((info.st_mode & (S_IWGRP | S_IWOTH)) != 0 && !sticky) {
    return refuse("can be written by others", "run: chmod go-w '" + shown + "'");
  }
  return {};
}

}  // namespace

Status check_own_file(const std::filesystem::path& file, std::string_view error_id) {
  SCC_CHECK(check(file.parent_path(), error_id));
  return check(file, error_id);
}

}  // namespace scc::config
