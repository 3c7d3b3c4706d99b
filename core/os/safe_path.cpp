// SPDX-License-Identifier: Apache-2.0
// Whether a path can be trusted because of who owns it: nobody but root and the caller may replace any
// component on the way to it. Links on the way are checked together with what they lead to.
#include <cerrno>
#include <unistd.h>

#include "base/shell.h"
#include "base/str.h"
#include "os/internal.h"

namespace scc::os {

namespace {

Status check_component(const stdfs::path& path, bool last, std::string_view id) {
  struct stat info {};
  if (::lstat(path.c_str(), &info) != 0) return fail(errno_error("stat", path, errno));
  const std::string shown = str::printable(path.native());
  const uid_t me = ::geteuid();
  const bool link = S_ISLNK(info.st_mode);
  if (link && last) {
    return fail(Kind::policy, std::string{id}, shown + " is a symbolic link",
                "replace it by what it points to: run: ls -l " + str::shell_word(shown));
  }
  if (info.st_uid != 0 && info.st_uid != me) {
    const std::string sudo = me == 0 ? "" : "sudo ";
    const std::string flag = link ? "-h " : "";
    return fail(
        Kind::policy, std::string{id},
        shown + " belongs to uid " + std::to_string(info.st_uid) + ", who could replace what scc trusts",
        "run: " + sudo + "chown " + flag + std::to_string(me) + " " + str::shell_word(shown));
  }
  if (link) return {};
  // A sticky directory (/tmp) lets others add entries but not replace ours.
  const bool sticky_parent = !last && S_ISDIR(info.st_mode) && (info.st_mode & S_ISVTX) != 0;
  if ((info.st_mode & (S_IWGRP | S_IWOTH)) != 0 && !sticky_parent) {
    const bool group = (info.st_mode & S_IWGRP) != 0;
    const bool world = (info.st_mode & S_IWOTH) != 0;
    const std::string who = std::string{group ? "g" : ""} + (world ? "o" : "");
    return fail(Kind::policy, std::string{id},
                shown + " is writable by " + (world ? "everyone" : "its group"),
                "run: chmod " + who + "-w " + str::shell_word(shown));
  }
  return {};
}

Status check_chain(const stdfs::path& path, bool last_counts, std::string_view id, int depth) {
  if (depth > 8) return fail(errno_error("resolve", path, ELOOP));
  stdfs::path whole;
  for (auto part = path.begin(); part != path.end(); ++part) {
    if (part->empty()) continue;
    whole /= *part;
    const bool last = std::next(part) == path.end();
    SCC_CHECK(check_component(whole, last && last_counts, id));
    struct stat info {};
    if (::lstat(whole.c_str(), &info) == 0 && S_ISLNK(info.st_mode)) {
      std::error_code ec;
      const stdfs::path target = stdfs::canonical(whole, ec);
      if (ec) return fail(errno_error("resolve", whole, ec.value()));
      SCC_CHECK(check_chain(target, false, id, depth + 1));
    }
  }
  return {};
}

}  // namespace

Status check_safe_path(const stdfs::path& path, std::string_view error_id) {
  if (!path.is_absolute() || path.native().find('\0') != std::string::npos) {
    return fail(Kind::policy, std::string{error_id},
                str::printable(path.native()) + " is not an absolute path");
  }
  for (const stdfs::path& part : path) {
    if (part == "..") {
      return fail(Kind::policy, std::string{error_id}, str::printable(path.native()) + " holds '..'");
    }
  }
  const stdfs::path clean = path.has_filename() ? path : path.parent_path();
  return check_chain(clean.lexically_normal(), true, error_id, 0);
}

}  // namespace scc::os
