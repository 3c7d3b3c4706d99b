// SPDX-License-Identifier: Apache-2.0
// The use cases of `scc config explain`, `scc config validate` and `scc why`: the same layers and the same
// function as a launch, from what is cached, told in full. [main]
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "app/governance.h"
#include "app/resolve.h"
#include "policy/why.h"

namespace scc::app {

struct ExplainRequest {
  std::string workspace;  ///< as typed; empty: the one here, or none
  std::string team;
  std::string provider;
};

struct Situation {
  std::optional<Resolved> here;  ///< absent outside of any workspace
  Governance governance;
};
/// The layers as a launch here would see them, from what is cached.
Result<Situation> look(Host& host, const ExplainRequest& request);

struct Explained {
  json::Value data;  ///< docs/config.md, ConfigExplain
};
/// Kind::usage explain.field for a part that there is not.
Result<Explained> explain(Host& host, const ExplainRequest& request, const std::string& field);

struct Validated {
  json::Value data;  ///< ConfigValidate
  std::vector<std::string> warnings;
  bool clean = true;  ///< nothing of the project's is blocked or denied
};
Result<Validated> validate_project(Host& host, const ExplainRequest& request);

Result<policy::Why> why(Host& host, const ExplainRequest& request, const std::string& item,
                        const std::string& kind);

}  // namespace scc::app
