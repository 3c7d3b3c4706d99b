// SPDX-License-Identifier: Apache-2.0
// From checked JSON to the typed pieces that several documents share. Call only after check() found no error:
// nothing is verified here again, absent keys take their defaults. Private to this folder.
#pragma once

#include "json/value.h"
#include "model/org.h"
#include "model/shape.h"

namespace scc::model::build {

/// The member, or nullptr.
inline const json::Value* find(const json::Value& object, std::string_view key) {
  const auto& members = object.members();
  const auto found = members.find(key);
  return found == members.end() ? nullptr : &found->second;
}
/// The member, or null: its items() and members() are empty.
const json::Value& section(const json::Value& object, std::string_view key);

std::string text(const json::Value& object, std::string_view key, std::string_view fallback = {});
std::int64_t integer(const json::Value& object, std::string_view key, std::int64_t fallback);
bool flag(const json::Value& object, std::string_view key, bool fallback);
Strings strings(const json::Value& object, std::string_view key);
std::optional<Strings> maybe_strings(const json::Value& object, std::string_view key);
StringMap map(const json::Value& object, std::string_view key);

std::optional<NetworkPolicy> policy(const json::Value& object);
Session session(const json::Value& object);
DevEnvironment dev_environment(const json::Value& object);
Egress egress(const json::Value& object);
McpServer server(const json::Value& value);
std::vector<McpServer> servers(const json::Value& object, std::string_view key);
/// `path`: the default of github and git sources.
Marketplace marketplace(const json::Value& value, std::string_view path);
std::map<std::string, Marketplace> marketplaces(const json::Value& object);
Exception policy_exception(const json::Value& value);

/// parse_governed.cpp. Conflicts between the canonical and the nested form become problems.
GovernedArtifacts governed(const json::Value& object, std::vector<Problem>& problems);

/// The findings that refuse a document, or nullopt. The first three in the message, all in the context.
std::optional<Error> refusal(const std::vector<Problem>& problems, std::string_view id, std::string_view what,
                             std::string_view hint);
void warnings_of(const std::vector<Problem>& problems, Strings* warnings);
std::vector<Problem> problems_of(std::vector<Finding> findings);

}  // namespace scc::model::build
