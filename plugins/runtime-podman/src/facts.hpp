// SPDX-License-Identifier: Apache-2.0
// What Podman says about itself (GET /libpod/info), as far as it is used. Podman takes about a second for the
// answer, because it asks the package manager for versions, so it is kept in the plugin's store for a while.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <scc/oci/api.hpp>

namespace scc::podman {

struct Facts {
  std::string version;
  std::string os;
  std::string arch;
  std::int64_t memory_bytes = 0;
  std::string cgroup_version;            ///< "1", "2"
  std::vector<std::string> controllers;  ///< that the engine may use
  bool swap_limit = false;
  bool rootless = false;
  bool seccomp = false;
  bool apparmor = false;
  bool selinux = false;
  std::string network_backend;  ///< "netavark", "cni"
  std::string storage_driver;   ///< "overlay", "vfs"
  std::string storage_root;     ///< the directory of images and containers: what makes it this engine
  std::string oci_runtime;      ///< "crun", "runc"
  bool slirp4netns = false;
  bool pasta = false;
  std::int64_t mapped_ids = 0;  ///< size of a rootless user's uid map; 0 when rootful

  bool controls(std::string_view controller) const;
};

/// Of GET /libpod/info and GET /info.
Facts facts_of(const sdk::Json& libpod_info);
std::string to_json(const Facts& facts);
/// Of to_json().
Facts facts_from(const sdk::Json& stored);

/// From the store when it was written for the same `key` less than ten minutes ago, else from the engine.
/// `now`: seconds since the epoch.
Facts facts(const oci::Api& api, const std::string& key, std::int64_t now);

oci::Abilities abilities_of(const Facts& facts);

}  // namespace scc::podman
