// SPDX-License-Identifier: Apache-2.0
#include "app/mounts.h"

namespace scc::app {

json::Value bind_mount(const std::string& source, const std::string& target, bool read_only) {
  json::Value out;
  out["type"] = "bind";
  out["source"] = source;
  out["target"] = target;
  out["read_only"] = read_only;
  return out;
}

json::Value tmpfs_mount(const std::string& target, const std::string& mode, std::int64_t megabytes, bool exec,
                        const std::optional<MountOwner>& owner) {
  json::Value out;
  out["type"] = "tmpfs";
  out["target"] = target;
  out["read_only"] = false;
  out["options"]["size"] = megabytes << 20;
  out["options"]["mode"] = mode;
  out["options"]["exec"] = exec;
  if (owner) {
    out["options"]["uid"] = owner->uid;
    out["options"]["gid"] = owner->gid;
  }
  return out;
}

}  // namespace scc::app
