// SPDX-License-Identifier: Apache-2.0
// Systems without idmapped mounts.
#include "os/idmap.h"

namespace scc::os {

Status mount_idmapped(const stdfs::path&, const stdfs::path&, const IdMapping&) {
  return fail(Kind::prereq, "idmap.unsupported", "this system has no idmapped mounts");
}

Status unmount(const stdfs::path&) {
  return {};
}

bool is_mount_point(const stdfs::path& path) noexcept {
  struct stat here {};
  struct stat above {};
  return ::lstat(path.c_str(), &here) == 0 && ::lstat((path / "..").c_str(), &above) == 0 &&
         (here.st_dev != above.st_dev || here.st_ino == above.st_ino);
}

}  // namespace scc::os
