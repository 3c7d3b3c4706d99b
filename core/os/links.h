// SPDX-License-Identifier: Apache-2.0
// Symbolic links in a tree that may be hostile, beside what fs.h has for its files: none is followed.
#pragma once

#include <sys/stat.h>

#include "os/fs.h"

namespace scc::os {

/// What lies at root/relative itself. Kind::not_found when nothing does; os.link when a link leads there.
Result<struct stat> look_beneath(const stdfs::path& root, const stdfs::path& relative);
/// The text of a symbolic link.
Result<std::string> read_link_beneath(const stdfs::path& root, const stdfs::path& relative);
/// Makes a symbolic link where nothing is; missing directories are made. Run by root, the link belongs to the
/// root directory's owner.
Status link_beneath(const stdfs::path& root, const stdfs::path& relative, const std::string& text);
/// Removes a regular file or a symbolic link. Nothing there is success.
Status clear_beneath(const stdfs::path& root, const stdfs::path& relative);

}  // namespace scc::os
