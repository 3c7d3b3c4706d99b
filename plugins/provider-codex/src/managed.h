// SPDX-License-Identifier: Apache-2.0
// The two files that stand above everything else the agent reads. Codex 0.169 merges its configuration from
// /etc/codex/config.toml (weakest), $CODEX_HOME/config.toml, a trusted project's .codex/config.toml, `-c`
// options and /etc/codex/managed_config.toml (strongest): what is set in the last one cannot be changed by a
// repository, by the agent's own files or by an option. /etc/codex/requirements.toml says what may be chosen
// at all. Both were tried on the real agent. Pure.
#pragma once

#include <string>
#include <vector>

#include <scc/sdk/plugin.hpp>

#include "config.h"

namespace scc::codex {

inline constexpr const char* kManagedConfig = "/etc/codex/managed_config.toml";
inline constexpr const char* kRequirements = "/etc/codex/requirements.toml";

/// An MCP server that governance lets through: one of command and url is set.
struct McpServer {
  std::string name;
  std::vector<std::string> command;
  sdk::StringMap env;
  std::string url;
  sdk::StringMap headers;
};

/// The servers of a launch request. What the agent cannot use is left out with a note.
std::vector<McpServer> read_servers(const sdk::Json& mcp, std::vector<std::string>& notes);

struct ManagedInput {
  Config config;
  bool may_bypass = false;            ///< the policy's permission_bypass
  std::vector<std::string> projects;  ///< directories whose own configuration is not loaded
  std::vector<McpServer> servers;
  std::vector<std::string> command_hook;  ///< argv that judges a tool call; empty: none
};

std::string managed_config(const ManagedInput& input);
std::string requirements(const ManagedInput& input);

}  // namespace scc::codex
