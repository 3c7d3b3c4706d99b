// SPDX-License-Identifier: Apache-2.0
// What ails a machine as far as Podman is concerned, each with the line that mends it. Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include <scc/sdk/plugin.hpp>

#include "facts.hpp"

namespace scc::podman {

/// The known trouble behind an error text of Podman, crun, runc, slirp4netns or netavark; nullopt: none.
std::optional<sdk::Failure> known_trouble(const std::string& text);

/// What is wrong with an engine that answers.
struct Circumstances {
  bool rootless = false;
  bool has_runtime_dir = true;  ///< XDG_RUNTIME_DIR is set
  bool tun_usable = true;       ///< /dev/net/tun may be opened by this user
  bool hybrid_cgroups = false;  ///< both versions of cgroups are mounted
  bool own_service = true;      ///< scc started the service, so scc chooses the OCI runtime
};
void add_problems(const Facts& facts, const Circumstances& here, sdk::RuntimeInfo& info);

}  // namespace scc::podman
