// SPDX-License-Identifier: Apache-2.0
#include "settings.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <string_view>

namespace scc::claude {

namespace {

using sdk::Failure;
using sdk::Json;
using sdk::JsonWriter;
using sdk::StringMap;

constexpr int kHookSeconds = 10;

Failure bad_config(const std::string& key, const std::string& reason, const std::string& hint) {
  return {SCC_E_CONFIG, "claude.config", "providers.claude." + key + " " + reason, hint};
}

bool starts_with(std::string_view s, std::string_view prefix) {
  return s.substr(0, prefix.size()) == prefix;
}

bool loopback(std::string_view host) {
  if (host == "localhost" || host == "[::1]") return true;
  if (!starts_with(host, "127.")) return false;
  return std::all_of(host.begin(), host.end(), [](char c) { return c == '.' || (c >= '0' && c <= '9'); });
}

bool valid_host(std::string_view host) {
  if (host == "[::1]") return true;
  const auto allowed = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '-';
  };
  return !host.empty() && host.size() <= 253 && std::all_of(host.begin(), host.end(), allowed);
}

bool valid_port(std::string_view port) {
  const bool digits = std::all_of(port.begin(), port.end(), [](char c) { return c >= '0' && c <= '9'; });
  return digits && !port.empty() && port.size() <= 5 && std::stoi(std::string(port)) <= 65535;
}

bool valid_path(std::string_view path) {
  static constexpr std::string_view kForbidden = "?#\\\"<>^`{|}@";
  return std::all_of(path.begin(), path.end(), [](char c) {
    const auto u = static_cast<unsigned char>(c);
    return u > 0x20 && u < 0x7F && kForbidden.find(c) == std::string_view::npos;
  });
}

/// Variables through which a settings file could send the key elsewhere, with the values that stop it. Found
/// by trying hostile repositories against the real agent; the setting sources (arguments.cpp) are the other
/// belt.
StringMap pinned_environment(const ManagedInput& input) {
  StringMap env = {{"ANTHROPIC_BASE_URL", input.config.base_url},
                   {"ANTHROPIC_CUSTOM_HEADERS", ""},
                   {"ANTHROPIC_BEDROCK_BASE_URL", ""},
                   {"ANTHROPIC_VERTEX_BASE_URL", ""},
                   {"CLAUDE_CODE_USE_BEDROCK", ""},
                   {"CLAUDE_CODE_USE_VERTEX", ""},
                   {"CLAUDE_CODE_USE_FOUNDRY", ""},
                   {"CLAUDE_CODE_USE_ANTHROPIC_AWS", ""},
                   {"CLAUDE_CODE_USE_GATEWAY", ""},
                   {"CLAUDE_CODE_USE_MANTLE", ""},
                   {"ANTHROPIC_UNIX_SOCKET", ""},
                   {"CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC", "1"},
                   {"DISABLE_AUTOUPDATER", "1"},
                   {"NODE_EXTRA_CA_CERTS", input.ca_file},
                   {"NODE_TLS_REJECT_UNAUTHORIZED", "1"}};
  for (const char* name : {"HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY", "NO_PROXY", "https_proxy", "http_proxy",
                           "all_proxy", "no_proxy"}) {
    const auto given = input.network_env.find(name);
    env[name] = given != input.network_env.end() ? given->second : "";
  }
  return env;
}

/// Each command line is judged before it runs. No shell between (args), and a hook that cannot start, takes
/// too long or ends otherwise than the protocol says is a refusal (onFailure). The matcher names the tools
/// that take a shell line.
void write_hooks(JsonWriter& w, const std::vector<std::string>& hook) {
  std::vector<std::string> arguments(hook.begin() + 1, hook.end());
  arguments.insert(arguments.end(), {"--format", "claude"});
  w.key("hooks").begin_object().key("PreToolUse").begin_array().begin_object();
  w.member("matcher", "Bash|Monitor|PowerShell").key("hooks").begin_array().begin_object();
  w.member("type", "command").member("command", hook.front()).member("args", arguments);
  w.member("timeout", kHookSeconds).member("onFailure", "block");
  w.end_object().end_array().end_object().end_array().end_object();
}

}  // namespace

bool valid_base_url(const std::string& url) {
  const bool https = starts_with(url, "https://");
  if (!https && !starts_with(url, "http://")) return false;
  const std::string_view rest = std::string_view(url).substr(https ? 8 : 7);
  const std::size_t slash = rest.find('/');
  const std::string_view authority = rest.substr(0, slash);
  if (authority.empty()) return false;
  const std::size_t colon = authority.back() == ']' ? std::string_view::npos : authority.rfind(':');
  const std::string_view host = authority.substr(0, colon);
  if (!valid_host(host) || (!https && !loopback(host))) return false;
  if (colon != std::string_view::npos && !valid_port(authority.substr(colon + 1))) return false;
  return slash == std::string_view::npos || valid_path(rest.substr(slash));
}

Config read_config(const Json& config) {
  static constexpr std::array<std::string_view, 3> kKeys = {"auth", "api_key_from", "base_url"};
  for (const auto& [key, value] : config.members()) {
    if (std::find(kKeys.begin(), kKeys.end(), key) == kKeys.end()) {
      throw bad_config(key, "is not a setting of this provider",
                       "the settings are auth, api_key_from and base_url");
    }
    if (value.type() != SCC_JSON_STRING)
      throw bad_config(key, "must be a string", "correct it in config.json");
  }
  Config out;
  const std::string auth = config.str("/auth", "login");
  if (auth != "login" && auth != "api_key") {
    throw bad_config("auth", "is \"" + auth + "\"", "use \"login\" or \"api_key\"");
  }
  out.auth = auth == "api_key" ? Auth::api_key : Auth::login;
  out.api_key_from = config.str("/api_key_from", out.api_key_from);
  if (out.api_key_from != "env:ANTHROPIC_API_KEY" && out.api_key_from != "env:SCC_CLAUDE_API_KEY") {
    throw bad_config("api_key_from", "is \"" + out.api_key_from + "\", which this plugin is not granted",
                     "use \"env:ANTHROPIC_API_KEY\" or \"env:SCC_CLAUDE_API_KEY\"");
  }
  out.base_url = config.str("/base_url", out.base_url);
  if (!valid_base_url(out.base_url)) {
    throw bad_config("base_url", "is \"" + out.base_url + "\"",
                     "use https://HOST[:PORT][/PATH]; http only for a loopback address");
  }
  return out;
}

std::string managed_settings(const ManagedInput& input) {
  JsonWriter w;
  w.begin_object();
  w.member("env", pinned_environment(input));
  if (input.config.auth == Auth::api_key) w.member("apiKeyHelper", std::string("cat ") + kSecretFile);
  w.member("allowManagedHooksOnly", true).member("disableAllHooksInCheckout", true);
  if (!input.command_hook.empty()) write_hooks(w, input.command_hook);
  w.member("allowManagedMcpServersOnly", true).member("allowedMcpServers", std::vector<std::string>());
  if (input.may_bypass) {
    // The agent's own warning before it works unasked ("No, exit" first). Who plans the bypass is the host,
    // and only in a sandbox that it has verified.
    w.member("skipDangerousModePermissionPrompt", true);
  } else {
    w.key("permissions").begin_object().member("disableBypassPermissionsMode", "disable").end_object();
  }
  w.end_object();
  return w.take() + "\n";
}

}  // namespace scc::claude
