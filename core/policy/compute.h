// SPDX-License-Identifier: Apache-2.0
// One pure function from the parsed layers to the effective configuration, with a derivation for each field.
// Launch, explain, validate and why all use it; nothing else decides. No I/O, no clock: `now` is an input.
#pragma once

#include <functional>

#include "base/result.h"
#include "model/effective.h"

namespace scc::policy {

/// A federated team's file, fetched and trusted.
struct TeamLayer {
  model::TeamFile file;
};

struct Layers {
  const model::Org* org = nullptr;  ///< null: standalone; only personal and project layers, no governance
  std::string team;                 ///< empty: none chosen; the organisation's layers apply all the same
  std::optional<model::TeamFile> team_file;
  std::optional<model::Personal> personal;
  std::optional<model::Project> project;
  std::vector<model::Exception> user_exceptions;
  std::vector<model::Exception> repo_exceptions;  ///< only those of a file that this user approved
  std::int64_t now = 0;                           ///< seconds since the epoch
};

/// Kind::config team.unknown for a team that the organisation does not define; Kind::policy bundle.unknown.
Result<model::Effective> compute(const Layers& layers);

/// Canonical JSON of the result; the digest in a LaunchPlan is its SHA-256. Values of env and headers are not
/// in it, their names are.
json::Value to_json(const model::Effective& effective);

/// May this provider run? Kind::policy PROVIDER_NOT_ALLOWED names those that may.
Status check_provider(const model::Effective& effective, std::string_view provider);
/// May this image run? Kind::policy IMAGE_PATTERN. `own`: built by scc itself (block list only).
Status check_image(const model::Effective& effective, std::string_view ref, bool own);

}  // namespace scc::policy
