// SPDX-License-Identifier: Apache-2.0
// What the files of this folder share. Nothing outside core/os includes it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "os/fs.h"
#include "os/process.h"

namespace scc::os::detail {

/// An error that names what `shown` is when `info` is no regular file.
Status refuse_unless_regular(const stdfs::path& shown, const struct stat& info);
/// Everything from a descriptor of a regular file, at most `limit` bytes.
Result<std::string> read_all(int fd, const stdfs::path& shown, std::size_t limit);
/// Opens a regular file for reading; never a device, FIFO, directory or link.
Result<Fd> open_regular(const stdfs::path& path);
/// The whole of `bytes`, restarted after signals and short writes.
Status write_all(int fd, const stdfs::path& shown, std::string_view bytes);

/// Which mount a descriptor is on. Two bind mounts of one file system have one st_dev but different ids.
/// nullopt where the system cannot tell (then callers that guard deletion must refuse).
std::optional<std::uint64_t> mount_id(int fd) noexcept;

/// The program that argv[0] means: a path, or a name in PATH of the request's environment.
Result<std::string> find_program(const ProcessRequest& request);
/// No NUL bytes and no malformed names in what the kernel is to get.
Status check_strings(const ProcessRequest& request);
/// The null-terminated array of the strings, which must outlive it.
std::vector<char*> pointers(const std::vector<std::string>& items);

}  // namespace scc::os::detail
