// SPDX-License-Identifier: Apache-2.0
// What an MCP server is compared with: its names, its host, its command, each in every spelling that a block
// list must catch and in none that an allow list may be fooled by. And the rules for commands (stdio). No
// I/O.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "model/types.h"
#include "policy/matcher.h"

namespace scc::policy {

/// The type, inferred from `command` or `url` where it is not written.
std::string mcp_type(const model::McpServer& server);
/// sse or http.
bool is_network(const model::McpServer& server);
/// What records call it: its name, else its URL.
std::string mcp_item(const model::McpServer& server);
/// Why this is no server at all; empty when it is one.
std::string mcp_problem(const model::McpServer& server);
/// "host", or "host:port" where the port is not the scheme's own; empty when the URL has no plain host.
std::string mcp_destination(const model::McpServer& server);

/// What must be open for it: the same, with the port where that is not 443, which an entry without a port
/// means.
std::string mcp_egress(const model::McpServer& server);

/// Name, URL, host, host:port, command, the command's normal path and its last part.
model::Strings block_candidates(const model::McpServer& server);
/// The first pattern that blocks the server; candidates in order, then patterns.
std::optional<std::size_t> find_block(const GlobList& list, const model::McpServer& server);

/// A pattern with "://" is compared with the URL, part by part; "name:<glob>" with the name; any other with
/// host, host:port, or the command's normal path. `by_name`: schema 1.0.0 compares names too; set when only
/// that hit.
std::optional<std::size_t> find_allow(const GlobList& list, const model::McpServer& server, bool names_too,
                                      bool* by_name = nullptr);

/// Does an exception's target name this server? Names count only where `names_too`, or written "name:<glob>".
bool exception_matches(const std::string& target, const model::McpServer& server, bool names_too,
                       bool wildcards);

/// "/a/./b//../c" as "/a/c". nullopt: not absolute, leaves the root, or holds a control character.
std::optional<std::string> normal_path(std::string_view path);

struct StdioRules {
  bool allowed = false;
  model::Strings prefixes;
  model::Strings agent_writable;
};
struct StdioRefusal {
  std::string code;
  std::string reason;
  std::string rule;  ///< in the organisation's document
};
std::optional<StdioRefusal> check_stdio(const model::McpServer& server, const StdioRules& rules);

}  // namespace scc::policy
