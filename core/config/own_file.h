// SPDX-License-Identifier: Apache-2.0
// Whether a file of the user's own is the user's alone: what is in it decides, or proves, something. Only the
// file and its directory are judged; directories above may be the group's, as umask 002 makes them.
#pragma once

#include <string_view>

#include "os/fs.h"

namespace scc::config {

/// Both belong to the euid or to root (run by root: to anyone) and neither can be written by the group or by
/// others. An absent file is fine; a link is not. Kind::policy, the id given; the hint is the line that mends
/// it.
Status check_own_file(const std::filesystem::path& file, std::string_view error_id);

}  // namespace scc::config
