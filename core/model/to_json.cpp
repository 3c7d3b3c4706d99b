// SPDX-License-Identifier: Apache-2.0
// The typed pieces back as JSON, in the form that the parsers read.
#include "model/parse.h"

namespace scc::model {

namespace {

json::Value object_of(const StringMap& map) {
  json::Object out;
  for (const auto& [key, value] : map) out.emplace(key, value);
  return json::Value(std::move(out));
}

}  // namespace

json::Value to_json(const McpServer& server) {
  json::Value out;
  out["name"] = server.name;
  out["type"] = server.type;
  if (!server.url.empty()) out["url"] = server.url;
  if (!server.command.empty()) out["command"] = server.command;
  if (!server.args.empty()) out["args"] = json::Value::strings(server.args);
  if (!server.env.empty()) out["env"] = object_of(server.env);
  if (!server.headers.empty()) out["headers"] = object_of(server.headers);
  return out;
}

json::Value to_json(const DevAction& action) {
  json::Value out;
  out["name"] = action.name;
  out["argv"] = json::Value::strings(action.argv);
  out["working_directory"] = action.working_directory;
  out["timeout_seconds"] = action.timeout_seconds;
  if (!action.description.empty()) out["description"] = action.description;
  return out;
}

json::Value to_json(const Personal& personal) {
  json::Value out;
  out["version"] = "2";
  out["repo_id"] = personal.repo_id;
  if (!personal.saved_at.empty()) out["saved_at"] = personal.saved_at;
  out["plugins"] = json::Object{};
  for (const auto& [ref, on] : personal.plugins) out["plugins"][ref] = on;
  json::Array servers;
  for (const McpServer& server : personal.mcp_servers) servers.push_back(to_json(server));
  out["mcp_servers"] = std::move(servers);
  return out;
}

}  // namespace scc::model
