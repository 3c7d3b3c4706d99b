// SPDX-License-Identifier: Apache-2.0
// One pure function from the parsed layers to the effective configuration, with a derivation for each field.
// Launch, explain, validate and why all use it; nothing else decides. No I/O, no clock: `now` is an input.
#pragma once

#include "base/result.h"
#include "model/effective.h"

namespace scc::policy {

struct Layers {
  const model::Org* org = nullptr;  ///< null: standalone; only personal and project layers, no governance
  std::string team;                 ///< empty: none chosen; the organisation's layers apply all the same
  std::optional<model::TeamFile> team_file;
  std::optional<model::Personal> personal;
  std::optional<model::Project> project;
  std::vector<model::Exception> user_exceptions;
  std::vector<model::Exception> repo_exceptions;  ///< only those of a file that this user approved
  std::int64_t now = 0;                           ///< seconds since the epoch
  /// The chosen provider: whose bindings a bundle takes. Empty: not chosen yet, those of all.
  std::string provider;
  /// The provider's own destinations; they are never part of the result, `why` alone looks at them.
  model::Strings provider_egress;
  /// Directories of the sandbox that the agent can write: no command of an MCP server may lie below one.
  model::Strings agent_writable;
};

/// Kind::config team.unknown for a team that the organisation does not define, team.unresolved for a
/// federated one without its file, egress.invalid for a target that cannot be read; Kind::policy
/// bundle.unknown and egress.unknown-set.
Result<model::Effective> compute(const Layers& layers);

/// Canonical JSON of the result; the digest in a LaunchPlan is its SHA-256. Values of env and headers are not
/// in it, their names are.
json::Value to_json(const model::Effective& effective);
/// The records, as `config explain` and `why` show them.
json::Value to_json(const model::Decision& decision);
json::Value to_json(const model::Blocked& blocked);
json::Value to_json(const model::Denied& denied);
json::Value to_json(const model::Ignored& ignored);
json::Value to_json(const model::Disabled& disabled);
json::Value to_json(const model::EffectiveBundle& bundle);
json::Value to_json(const model::Egress& egress);

/// May this provider run? Kind::policy provider.not-allowed names those that may.
Status check_provider(const model::Effective& effective, std::string_view provider);
/// May this image run? Kind::policy image.blocked. `own`: built by scc itself (block list only).
Status check_image(const model::Effective& effective, std::string_view ref, bool own);

}  // namespace scc::policy
