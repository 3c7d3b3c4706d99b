// SPDX-License-Identifier: Apache-2.0
// The small types that every configuration layer speaks: network policies, MCP servers, marketplaces, bridge
// commands, session limits, egress lists, exceptions. Plain data; no I/O. Source: the configuration
// reference, docs/config.md.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace scc::model {

using Strings = std::vector<std::string>;
using StringMap = std::map<std::string, std::string>;

/// Ordered by rank: a later one is narrower.
enum class NetworkPolicy : std::uint8_t { open, web_egress_enforced, locked_down_web };
std::optional<NetworkPolicy> network_policy(std::string_view text) noexcept;
std::string_view to_string(NetworkPolicy policy) noexcept;

struct McpServer {
  std::string name;
  std::string type;     ///< sse, http, stdio
  std::string url;      ///< sse, http
  std::string command;  ///< stdio
  Strings args;
  StringMap env;      ///< values may hold ${VAR}, expanded inside the sandbox by the agent
  StringMap headers;  ///< likewise
};

struct Marketplace {
  std::string source;  ///< github, git, url, directory
  std::string owner;
  std::string repo;
  std::string url;
  std::string branch = "main";
  std::string path;
  std::string materialization_mode = "self_contained";
  StringMap headers;
};

/// One bridge command, log or health check that runs on the host without a shell.
struct DevAction {
  std::string name;
  Strings argv;
  std::string working_directory = ".";
  std::int64_t timeout_seconds = 120;  ///< 1 to 3600
  std::string description;
};
struct DevEnvironment {
  std::vector<DevAction> commands;  ///< sorted by name, as are the others
  std::vector<DevAction> logs;
  std::vector<DevAction> health_checks;
};

struct Session {
  std::optional<std::int64_t> timeout_hours;  ///< 1 to 24
  std::optional<bool> auto_resume;
  std::optional<bool> enforce_live;
};

struct Egress {
  Strings destination_sets;
  Strings allow;
  Strings deny;
  std::optional<Strings> only;  ///< projects: what remains of allow
};

/// Lifts blocks or denials of exact items (policy exceptions: also of globs) until `expires_at`.
struct Exception {
  std::string id;
  std::string scope;  ///< policy, local
  std::string reason;
  std::string created_at;  ///< RFC 3339 UTC; empty in organisation documents
  std::string expires_at;
  std::string created_by;
  std::string created_on;
  std::string ticket;
  Strings plugins;
  Strings mcp_servers;
  std::optional<Strings> teams;  ///< policy only: globs of team names; absent: every team
};

/// Seconds since the epoch of an RFC 3339 time with an offset or Z; nullopt when it is none.
std::optional<std::int64_t> parse_time(std::string_view text) noexcept;
/// "2026-01-31T00:00:00Z"
std::string format_time(std::int64_t seconds);

}  // namespace scc::model
