// SPDX-License-Identifier: Apache-2.0
// What the kernel's files say about this process and this machine, as far as it decides how Podman must be
// started and what it can be asked for. Parsing is pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include <scc/sdk/plugin.hpp>

namespace scc::podman {

/// True when version 1 controllers and the version 2 hierarchy are both mounted (/proc/self/cgroup): crun
/// refuses to run there, runc does not.
bool hybrid_cgroups(std::string_view proc_self_cgroup);

/// A hard limit of /proc/self/limits by its row, such as "Max open files"; nullopt: unlimited or absent.
std::optional<std::int64_t> hard_limit(std::string_view proc_self_limits, std::string_view row);

/// CAP_SYS_RESOURCE in CapEff of /proc/self/status: without it nobody gets more than the hard limit.
bool may_raise_limits(std::string_view proc_self_status);

/// The value of "oom_kill N" in a cgroup's memory.oom_control (version 1) or memory.events (version 2).
std::int64_t oom_kills(std::string_view cgroup_file);

/// The limits that a process of a sandbox can be given on this machine.
struct Limits {
  std::optional<std::int64_t> open_files;  ///< nullopt: any
  std::int64_t processes = 0;
};
Limits limits_of(sdk::Host host);

}  // namespace scc::podman
