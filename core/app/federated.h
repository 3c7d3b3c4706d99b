// SPDX-License-Identifier: Apache-2.0
// A federated team's own file: fetched by the rules of its source, judged, and trusted only as far as the
// organisation's grant goes. [main]
#pragma once

#include <string>
#include <vector>

#include "app/governance.h"

namespace scc::app {

struct FetchedTeam {
  model::TeamFile file;
  std::string origin;
  std::string commit;
  std::string sha256;
  std::string fetched_at;
  bool stale = false;
  std::vector<std::string> warnings;
};

/// `team.config_source` must be present. Kind::config team.* when it cannot be read; Kind::policy team.trust
/// when it asks for what the grant does not give.
Result<FetchedTeam> fetch_team_file(Host& host, const model::Org& org, const model::Team& team,
                                    const GovernOptions& options);

}  // namespace scc::app
