// SPDX-License-Identifier: Apache-2.0
// The use cases of `scc profile`: a person's own layer for one repository. [main]
#pragma once

#include <string>
#include <vector>

#include "app/governance.h"
#include "config/personal.h"

namespace scc::app {

struct ProfileEdit {
  std::vector<std::string> enable;     ///< plugin references
  std::vector<std::string> disable;    ///< likewise
  std::vector<std::string> mcp_files;  ///< JSON: one server, or {"mcpServers": {...}}
  std::vector<std::string> drop;       ///< plugin references and server names to take out
};

struct ProfileChange {
  std::string repo_id;
  std::string file;
  bool replaces = false;  ///< there was a profile
  config::ProfileDiff diff;
  std::vector<std::string> warnings;
};

/// Kind::config profile.invalid, plugin-ref.*; Kind::not_found profile.item for a drop that is not in it.
Result<ProfileChange> save_profile(Host& host, const std::string& workspace, const ProfileEdit& edit);

/// A profile document (formats 1 and 2) becomes this repository's. `preview`: nothing is written.
Result<ProfileChange> apply_profile(Host& host, const std::string& workspace, const std::string& file,
                                    bool preview);

struct ProfileStatus {
  std::string repo_id;
  std::string file;
  std::string saved_at;  ///< empty: there is none
  std::vector<std::string> effective;
  std::vector<std::string> refused;  ///< "item: reason"
};
Result<ProfileStatus> profile_status(Host& host, const std::string& workspace, const std::string& team);

}  // namespace scc::app
