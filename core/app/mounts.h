// SPDX-License-Identifier: Apache-2.0
// Elements of `mounts` in a scc.sandbox-spec/1.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "json/value.h"

namespace scc::app {

struct MountOwner {
  std::int64_t uid = 0;
  std::int64_t gid = 0;
};

json::Value bind_mount(const std::string& source, const std::string& target, bool read_only);
/// `mode` in octal digits. Without an owner it belongs to root.
json::Value tmpfs_mount(const std::string& target, const std::string& mode, std::int64_t megabytes, bool exec,
                        const std::optional<MountOwner>& owner = std::nullopt);

}  // namespace scc::app
