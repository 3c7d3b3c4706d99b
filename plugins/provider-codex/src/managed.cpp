// SPDX-License-Identifier: Apache-2.0
#include "managed.h"

#include <sstream>
#include <string_view>

#define TOML_EXCEPTIONS 1
#include <toml++/toml.h>

namespace scc::codex {

namespace {

using sdk::Json;
using sdk::StringMap;

/// The provider that carries the key; a built-in one cannot be given a program that hands out its token.
constexpr const char* kKeyProvider = "scc";
constexpr int kHookSeconds = 10;

// With an untrusted project the agent does not read the repository's notes by itself.
constexpr const char* kNotes =
    "The repository may hold notes for coding agents: AGENTS.override.md or AGENTS.md, in its root and in "
    "the "
    "directories below. Before you work, read the one in the root, and the ones on the way to the files that "
    "you "
    "touch, and follow them unless the user says otherwise.";

std::string text_of(const toml::table& table) {
  std::ostringstream out;
  out << toml::toml_formatter(table, toml::toml_formatter::default_flags &
                                         ~toml::format_flags::allow_literal_strings &
                                         ~toml::format_flags::allow_multi_line_strings)
      << '\n';
  return out.str();
}

toml::array strings(const std::vector<std::string>& list) {
  toml::array out;
  for (const std::string& each : list) out.push_back(each);
  return out;
}

toml::table strings(const StringMap& map) {
  toml::table out;
  for (const auto& [key, value] : map) out.insert(key, value);
  return out;
}

bool valid_name(std::string_view name) {
  static constexpr std::string_view kAllowed =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-";
  return !name.empty() && name.find_first_not_of(kAllowed) == std::string_view::npos;
}

toml::table server_table(const McpServer& server) {
  toml::table out;
  if (!server.url.empty()) {
    out.insert("url", server.url);
    if (!server.headers.empty()) out.insert("http_headers", strings(server.headers));
    return out;
  }
  out.insert("command", server.command.front());
  out.insert("args", strings(std::vector<std::string>(server.command.begin() + 1, server.command.end())));
  if (!server.env.empty()) out.insert("env", strings(server.env));
  return out;
}

void insert_key_provider(toml::table& out, const Config& config) {
  toml::table auth{{"command", "/bin/cat"}, {"args", toml::array{kSecretFile}}};
  // The name is what the agent shows, and what tells it that this API is the vendor's.
  toml::table provider{{"name", "OpenAI"}, {"base_url", config.base_url}, {"wire_api", "responses"}};
  provider.insert("auth", std::move(auth));
  out.insert("model_provider", kKeyProvider);
  out.insert("model_providers", toml::table{{kKeyProvider, std::move(provider)}});
}

void insert_provider(toml::table& out, const Config& config) {
  if (config.auth == Auth::api_key) {
    insert_key_provider(out, config);
  } else {
    out.insert("model_provider", "openai");
  }
  // Empty means "as if nobody had set it": the address then depends on how the user signed in.
  out.insert("openai_base_url", config.base_url == kDefaultBaseUrl ? "" : config.base_url);
  out.insert("chatgpt_base_url", "https://chatgpt.com/backend-api/");
}

void insert_privacy(toml::table& out) {
  out.insert("check_for_update_on_startup", false);
  out.insert("analytics", toml::table{{"enabled", false}});
  out.insert("feedback", toml::table{{"enabled", false}});
  out.insert("otel",
             toml::table{{"exporter", "none"}, {"metrics_exporter", "none"}, {"trace_exporter", "none"}});
}

/// The agent gives a hook's command to a shell, so each word is quoted for one.
std::string shell_line(const std::vector<std::string>& words) {
  std::string out;
  for (const std::string& word : words) {
    out += out.empty() ? "'" : " '";
    for (const char c : word) out += c == '\'' ? std::string("'\\''") : std::string(1, c);
    out += '\'';
  }
  return out;
}

/// Each command line is judged before it runs. Hooks of the requirements are the managed ones, which neither
/// the agent nor its files can switch off; the feature is pinned for the same reason.
void insert_hooks(toml::table& out, std::vector<std::string> hook) {
  if (hook.empty()) return;
  const std::string program = hook.front();
  hook.insert(hook.end(), {"--format", "codex"});
  toml::table command{{"type", "command"}, {"command", shell_line(hook)}, {"timeout", kHookSeconds}};
  toml::table group{{"matcher", "^Bash$"}, {"hooks", toml::array{std::move(command)}}};
  toml::table hooks{{"managed_dir", program.substr(0, program.rfind('/'))}};
  hooks.insert("PreToolUse", toml::array{std::move(group)});
  out.insert("features", toml::table{{"hooks", true}});
  out.insert("hooks", std::move(hooks));
}

}  // namespace

std::vector<McpServer> read_servers(const Json& mcp, std::vector<std::string>& notes) {
  std::vector<McpServer> out;
  for (const Json& item : mcp.items()) {
    McpServer server;
    server.name = item.require_str("/name");
    const std::string type = item.require_str("/type");
    server.command = item.strings("/command");
    server.env = item.map("/env");
    server.url = item.str("/url");
    server.headers = item.map("/headers");
    const bool known =
        (type == "stdio" && !server.command.empty()) || (type == "http" && !server.url.empty());
    if (known && valid_name(server.name)) {
      if (type == "stdio") server.url.clear();
      out.push_back(std::move(server));
    } else {
      notes.push_back("Codex cannot use the MCP server " + server.name + " (" + type +
                      "): it speaks stdio and streamable http, and takes letters, digits, _ and - as a name");
    }
  }
  return out;
}

std::string managed_config(const ManagedInput& input) {
  toml::table out;
  insert_provider(out, input.config);
  insert_privacy(out);
  // There is no keyring in a sandbox; the file lies in the credential volume.
  out.insert("cli_auth_credentials_store", "file");
  out.insert("mcp_oauth_credentials_store", "file");
  out.insert("notify", toml::array{});
  // Plugins and connectors would bring servers and hooks that nobody has judged, and the background server
  // would outlive the session.
  out.insert("features", toml::table{{"plugins", false}, {"apps", false}, {"daemon_auto_start", false}});
  if (!input.may_bypass) {
    out.insert("approval_policy", "on-request");
    out.insert("sandbox_mode", "read-only");
  }
  toml::table projects;
  for (const std::string& path : input.projects) {
    projects.insert_or_assign(path, toml::table{{"trust_level", "untrusted"}});
  }
  out.insert("projects", std::move(projects));
  toml::table servers;
  for (const McpServer& server : input.servers) servers.insert_or_assign(server.name, server_table(server));
  if (!servers.empty()) out.insert("mcp_servers", std::move(servers));
  return text_of(out);
}

std::string requirements(const ManagedInput& input) {
  toml::table out;
  out.insert("additional_developer_instructions", kNotes);
  out.insert("allow_managed_hooks_only", true);
  insert_hooks(out, input.command_hook);
  if (!input.may_bypass) {
    out.insert("allowed_approval_policies", toml::array{"on-request"});
    out.insert("allowed_sandbox_modes", toml::array{"read-only"});
  }
  // Empty means none: servers that the user's or the agent's own files name are not started.
  toml::table servers;
  for (const McpServer& server : input.servers) {
    toml::table identity;
    if (server.url.empty()) {
      identity.insert("command", server.command.front());
    } else {
      identity.insert("url", server.url);
    }
    servers.insert_or_assign(server.name, toml::table{{"identity", std::move(identity)}});
  }
  out.insert("mcp_servers", std::move(servers));
  return text_of(out);
}

}  // namespace scc::codex
