// SPDX-License-Identifier: Apache-2.0
#include "config/team.h"

#include "base/str.h"

namespace scc::config {

TeamChoice resolve_team(const TeamRequest& request, const UserConfig& config, const stdfs::path& workspace) {
  if (request.standalone) return {};
  if (request.flag) return {*request.flag, "cli", {}, {}};
  const auto pinned = config.workspace_team_map.find(workspace.native());
  const std::string last = pinned == config.workspace_team_map.end() ? "" : pinned->second;
  if (config.selected_profile.empty()) {
    if (last.empty()) return {};
    return {last, "workspace", {}, {}};
  }
  TeamChoice choice{config.selected_profile, "selected_profile", {}, {}};
  if (!last.empty() && last != config.selected_profile) {
    choice.other = last;
    choice.notice = "using the selected team " + config.selected_profile + "; the last one here was " + last +
                    " (--team " + last + " uses it again)";
  }
  return choice;
}

}  // namespace scc::config
