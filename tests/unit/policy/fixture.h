// SPDX-License-Identifier: Apache-2.0
// The base fixture of the decision table (docs/config.md) as typed data, for tests that need no documents.
#pragma once

#include <gtest/gtest.h>

#include "model/parse.h"
#include "policy/compute.h"

namespace scc::policy::testing {

constexpr std::int64_t kNow = 1800000000;  // 2027-01-15T08:00:00Z

inline model::Org base_org() {
  model::Org org;
  org.schema_version = "1.1.0";
  org.organization = {"Acme", "acme", "platform@acme.example", ""};
  org.marketplaces["core"].source = "github";
  org.security.blocked_plugins = {"*-beta", "evil*"};
  org.security.blocked_mcp_servers = {"*.bad.example", "rogue-*", "/opt/forbidden/*"};
  org.defaults.enabled_plugins = {"safety@core"};
  org.defaults.network_policy = model::NetworkPolicy::web_egress_enforced;
  org.defaults.session.timeout_hours = 8;
  org.delegation.team_plugins = {"web", "data-*"};
  org.delegation.team_mcp_servers = {"web"};
  org.delegation.team_dev_commands = {"web"};
  org.delegation.projects_inherit = true;
  for (const char* name : {"web", "data-eng", "ops"}) org.profiles[name].name = name;
  org.profiles["web"].allow_project_overrides = true;
  return org;
}

inline Layers layers_of(const model::Org& org, std::string team = "web") {
  Layers layers;
  layers.org = &org;
  layers.team = std::move(team);
  layers.now = kNow;
  return layers;
}

inline model::Effective computed(const Layers& layers) {
  auto result = compute(layers);
  if (!result) {
    ADD_FAILURE() << result.error().id << ": " << result.error().message;
    return {};
  }
  return std::move(*result);
}

inline model::McpServer http_server(std::string name, std::string url) {
  model::McpServer server;
  server.name = std::move(name);
  server.type = "http";
  server.url = std::move(url);
  return server;
}
inline model::McpServer stdio_server(std::string name, std::string command) {
  model::McpServer server;
  server.name = std::move(name);
  server.type = "stdio";
  server.command = std::move(command);
  return server;
}
inline model::Exception exception(std::string id, model::Strings plugins, model::Strings servers = {}) {
  model::Exception out;
  out.id = std::move(id);
  out.scope = "local";
  out.reason = "test";
  out.created_at = model::format_time(kNow - 60);
  out.expires_at = model::format_time(kNow + 3600);
  out.plugins = std::move(plugins);
  out.mcp_servers = std::move(servers);
  return out;
}

}  // namespace scc::policy::testing
