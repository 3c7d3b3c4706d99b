// SPDX-License-Identifier: Apache-2.0
#include "model/build.h"

#include <algorithm>

namespace scc::model::build {

const json::Value& section(const json::Value& object, std::string_view key) {
  static const json::Value kNone;
  const json::Value* found = find(object, key);
  return found != nullptr ? *found : kNone;
}

std::string text(const json::Value& object, std::string_view key, std::string_view fallback) {
  const json::Value* found = find(object, key);
  return found != nullptr && found->is_string() ? found->as_string() : std::string(fallback);
}

std::int64_t integer(const json::Value& object, std::string_view key, std::int64_t fallback) {
  const json::Value* found = find(object, key);
  return found != nullptr ? found->as_int(fallback) : fallback;
}

bool flag(const json::Value& object, std::string_view key, bool fallback) {
  const json::Value* found = find(object, key);
  return found != nullptr ? found->as_bool(fallback) : fallback;
}

Strings strings(const json::Value& object, std::string_view key) {
  Strings out;
  const auto& items = section(object, key).items();
  out.reserve(items.size());
  for (const json::Value& item : items) {
    if (item.is_string()) out.push_back(item.as_string());
  }
  return out;
}

std::optional<Strings> maybe_strings(const json::Value& object, std::string_view key) {
  if (find(object, key) == nullptr) return std::nullopt;
  return strings(object, key);
}

StringMap map(const json::Value& object, std::string_view key) {
  StringMap out;
  for (const auto& [name, value] : section(object, key).members()) {
    if (value.is_string()) out.emplace_hint(out.end(), name, value.as_string());
  }
  return out;
}

std::optional<NetworkPolicy> policy(const json::Value& object) {
  const json::Value* found = find(object, "network_policy");
  return found != nullptr ? network_policy(found->as_string()) : std::nullopt;
}

Session session(const json::Value& object) {
  Session out;
  const json::Value& value = section(object, "session");
  if (const json::Value* hours = find(value, "timeout_hours")) out.timeout_hours = hours->as_int();
  if (const json::Value* resume = find(value, "auto_resume")) out.auto_resume = resume->as_bool();
  if (const json::Value* live = find(value, "enforce_live")) out.enforce_live = live->as_bool();
  return out;
}

namespace {

std::vector<DevAction> actions(const json::Value& object, std::string_view key) {
  std::vector<DevAction> out;
  for (const auto& [name, value] : section(object, key).members()) {
    DevAction action;
    action.name = name;
    action.argv = strings(value, "argv");
    action.working_directory = text(value, "working_directory", action.working_directory);
    action.timeout_seconds = integer(value, "timeout_seconds", action.timeout_seconds);
    action.description = text(value, "description");
    out.push_back(std::move(action));
  }
  return out;
}

}  // namespace

DevEnvironment dev_environment(const json::Value& object) {
  const json::Value& value = section(object, "dev_environment");
  return {actions(value, "commands"), actions(value, "logs"), actions(value, "health_checks")};
}

Egress egress(const json::Value& object) {
  const json::Value& value = section(object, "egress");
  return {strings(value, "destination_sets"), strings(value, "allow"), strings(value, "deny"),
          maybe_strings(value, "only")};
}

McpServer server(const json::Value& value) {
  McpServer out;
  out.name = text(value, "name");
  out.type = text(value, "type");
  out.url = text(value, "url");
  out.command = text(value, "command");
  out.args = strings(value, "args");
  out.env = map(value, "env");
  out.headers = map(value, "headers");
  return out;
}

std::vector<McpServer> servers(const json::Value& object, std::string_view key) {
  std::vector<McpServer> out;
  for (const json::Value& item : section(object, key).items()) out.push_back(server(item));
  return out;
}

Marketplace marketplace(const json::Value& value, std::string_view path) {
  Marketplace out;
  out.source = text(value, "source");
  out.owner = text(value, "owner");
  out.repo = text(value, "repo");
  out.url = text(value, "url");
  out.branch = text(value, "branch", out.branch);
  const bool repository = out.source == "github" || out.source == "git";
  out.path = text(value, "path", repository ? path : std::string_view());
  out.materialization_mode = text(value, "materialization_mode", out.materialization_mode);
  out.headers = map(value, "headers");
  return out;
}

std::map<std::string, Marketplace> marketplaces(const json::Value& object) {
  std::map<std::string, Marketplace> out;
  for (const auto& [alias, value] : section(object, "marketplaces").members()) {
    out.emplace_hint(out.end(), alias, marketplace(value, "/"));
  }
  return out;
}

Exception policy_exception(const json::Value& value) {
  Exception out;
  out.id = text(value, "id");
  out.scope = "policy";
  out.reason = text(value, "reason");
  out.expires_at = text(value, "expires_at");
  const json::Value& allow = section(value, "allow");
  out.plugins = strings(allow, "plugins");
  out.mcp_servers = strings(allow, "mcp_servers");
  out.teams = maybe_strings(value, "teams");
  return out;
}

std::optional<Error> refusal(const std::vector<Problem>& problems, std::string_view id, std::string_view what,
                             std::string_view hint) {
  constexpr std::size_t kShown = 3;
  Error error{Kind::config, std::string(id), std::string(what), std::string(hint), {}};
  for (const Problem& problem : problems) {
    if (problem.warning) continue;
    if (error.context.size() < kShown) {
      error.message += (error.context.empty() ? ": " : "; ") + to_string(problem);
    }
    error.context.push_back(to_string(problem));
  }
  if (error.context.empty()) return std::nullopt;
  if (error.context.size() > kShown) {
    error.message += " (+" + std::to_string(error.context.size() - kShown) + " more)";
  }
  return error;
}

void warnings_of(const std::vector<Problem>& problems, Strings* warnings) {
  if (warnings == nullptr) return;
  for (const Problem& problem : problems) {
    if (problem.warning) warnings->push_back(to_string(problem));
  }
}

std::vector<Problem> problems_of(std::vector<Finding> findings) {
  std::vector<Problem> out;
  out.reserve(findings.size());
  for (Finding& finding : findings) out.push_back(std::move(finding.problem));
  return out;
}

}  // namespace scc::model::build
