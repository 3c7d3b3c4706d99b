// SPDX-License-Identifier: Apache-2.0
// Which team a command works for: one order for launching, explaining and everything else. Pure; whether the
// team exists is the organisation's document to say.
#pragma once

#include <optional>
#include <string>

#include "config/user_config.h"

namespace scc::config {

struct TeamRequest {
  std::optional<std::string> flag;  ///< --team
  bool standalone = false;          ///< --standalone: no team at all
};

struct TeamChoice {
  std::string team;    ///< empty: none
  std::string source;  ///< cli, selected_profile, workspace, or empty
  /// The workspace's last team when it differs from the selected one: an interactive start asks about it.
  std::string other;
  std::string notice;  ///< for people when nobody is asked; or empty
};

/// --team, then selected_profile, then the last team of the workspace. `workspace` is its real path.
TeamChoice resolve_team(const TeamRequest& request, const UserConfig& config, const stdfs::path& workspace);

}  // namespace scc::config
