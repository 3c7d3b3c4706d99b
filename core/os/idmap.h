// SPDX-License-Identifier: Apache-2.0
// Idmapped bind mounts (open_tree, mount_setattr(MOUNT_ATTR_IDMAP), move_mount; Linux 5.12 and newer, root
// only): the engine gets a view of a root-owned workspace in which host uid 0 appears as an unprivileged uid,
// and what that uid writes lands as 0 on disk. macOS: unsupported, by a small file of its own.
#pragma once

#include "os/fs.h"

namespace scc::os {

struct IdMapping {
  uid_t host_uid = 0;     ///< owner on disk
  uid_t sandbox_uid = 0;  ///< what it appears as
  gid_t host_gid = 0;
  gid_t sandbox_gid = 0;
};

/// Attaches an idmapped, nosuid, nodev clone of `source` (not recursive) at the existing empty directory
/// `target`. Kind::prereq, idmap.unsupported, when the kernel or the file system refuses.
Status mount_idmapped(const stdfs::path& source, const stdfs::path& target, const IdMapping& mapping);
/// Detaches what is mounted at `target`; not mounted is success.
Status unmount(const stdfs::path& target);
/// True when `path` is a mount point (statx mount id differs from its parent's).
bool is_mount_point(const stdfs::path& path) noexcept;

}  // namespace scc::os
