// SPDX-License-Identifier: Apache-2.0
// `scc config explain` as data: every effective value with the layer and rule that decided it, every refusal
// with the smallest change that would undo it, and what the backend in use really enforces. Only what it is
// given: the caller reads the layers and says what the backend does. No I/O; equal inputs give equal bytes.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "policy/compute.h"

namespace scc::policy {

/// What the provider, the engine and the network policy in use do with the result. Claimed is what is true
/// here; everything else is reported as not enforced.
struct Backend {
  std::string provider;            ///< empty: not chosen
  bool plugins = false;            ///< renders the plugins into files that the agent cannot change
  bool marketplaces = false;       ///< mounts marketplaces read-only
  bool servers = false;            ///< renders the MCP servers likewise
  bool servers_exclusive = false;  ///< no server of the repository or of a plugin loads beside them
  bool network = false;     ///< has a network policy plugin for the effective policy; verified at launch
  bool safety_net = false;  ///< runs the guard
  bool timeout = false;     ///< ends sessions in time
  bool images = true;       ///< asks check_image before anything starts
};

/// Where a layer came from.
struct Origin {
  std::string name;    ///< org, team.<name>, personal, project, exceptions.user, ...
  std::string origin;  ///< URL or path
  std::string sha256;
  std::string fetched_at;
  bool stale = false;
};

struct ExplainInput {
  const Layers& layers;
  const model::Effective& effective;
  Backend backend;
  std::vector<Origin> origins;
  model::Strings warnings;          ///< of the readers
  model::Strings skipped_personal;  ///< what the profile held and may not
  json::Value rendered;             ///< array of what the provider rendered; null: nothing
};

/// The `data` of ConfigExplain (docs/config.md).
json::Value explain(const ExplainInput& input);

/// One part of it, with organisation and team. Kind::usage explain.field lists the parts.
Result<json::Value> explain_field(const json::Value& data, std::string_view field);
const model::Strings& explain_fields();

/// One line for people; the renderer only sets it.
struct ExplainRow {
  std::string section;  ///< "Plugins", "Blocked", ...
  std::string item;
  std::string value;
  std::string source;  ///< layer
  std::string rule;    ///< pointer in its document
  std::string note;
  model::Strings remedies;  ///< "ask organisation owners (...): ..."
};
/// In the order in which they are shown; sections are contiguous. Takes explain's or explain_field's result.
std::vector<ExplainRow> explain_rows(const json::Value& data);

/// "1d2h", "7h45m", "30m", "expired".
std::string remaining(std::string_view expires_at, std::int64_t now);
/// A value of env or headers as it may be shown: a reference to a variable stays, anything else is masked.
std::string masked(std::string_view value);

}  // namespace scc::policy
