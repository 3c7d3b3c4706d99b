// SPDX-License-Identifier: Apache-2.0
// Why one thing is allowed or refused, and the smallest change that would flip it and who may make it. Works
// on the same layers as compute and asks compute itself whether a change would do. No I/O.
#pragma once

#include "policy/compute.h"

namespace scc::policy {

/// An edit of one layer's document.
struct Change {
  std::string layer;    ///< org, team.<name> (its own file), project, personal, exception (your own), user
                        ///< (choice of team)
  std::string pointer;  ///< JSON pointer in that layer's document
  std::string action;   ///< add, remove, set
  std::string value;
  std::string who;   ///< "organisation owners (platform@example.org)", "you"
  std::string text;  ///< the same as a sentence
};

struct Why {
  std::string item;
  std::string kind;     ///< plugin, mcp_server, host, provider, image
  std::string verdict;  ///< allowed, blocked, denied, ignored, disabled, not requested
  std::string reason;
  std::string code;
  std::string source;
  std::string rule;
  std::vector<Change> changes;  ///< smallest first; empty when allowed or when nothing would do
};

/// `kind` empty: guessed from the text and the records.
Result<Why> why(const Layers& layers, std::string_view item, std::string_view kind = {});

/// The layers with the change made: what the property test applies before it asks again.
Result<Layers> apply(const Layers& layers, const Change& change, model::Org& storage);

json::Value to_json(const Change& change);
json::Value to_json(const Why& why);

/// The server behind a record's `requested_by` and `entry`; null when there is none.
const model::McpServer* requested_server(const Layers& layers, std::string_view by, std::string_view entry);

/// What a local override must name to lift the denial of a server: `item`, its name; of a project's server,
/// which could take the name of any other, the URL or the command.
std::string override_target(const Layers& layers, const std::string& item, std::string_view by,
                            std::string_view entry);

}  // namespace scc::policy
