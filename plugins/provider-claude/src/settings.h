// SPDX-License-Identifier: Apache-2.0
// The user's configuration of this provider, and the managed settings made from it. Claude Code gives its
// managed file precedence over everything else, so what is pinned there cannot be changed by a repository, by
// the agent's own files or by an option. Pure.
#pragma once

#include <string>
#include <vector>

#include <scc/sdk/plugin.hpp>

namespace scc::claude {

inline constexpr const char* kManagedSettings = "/etc/claude-code/managed-settings.json";
inline constexpr const char* kSecretName = "api-key";
inline constexpr const char* kSecretFile = "/run/scc/secrets/api-key";
inline constexpr const char* kSystemCaBundle = "/etc/ssl/certs/ca-certificates.crt";
inline constexpr const char* kDefaultBaseUrl = "https://api.anthropic.com";

enum class Auth { login, api_key };

struct Config {
  Auth auth = Auth::login;
  std::string api_key_from = "env:ANTHROPIC_API_KEY";
  std::string base_url = kDefaultBaseUrl;
};

/// Reads `providers.claude` of the user's configuration. Failure SCC_E_CONFIG: claude.config with the key.
Config read_config(const sdk::Json& config);

/// True for https, and for http on a loopback address; no user, query or fragment.
bool valid_base_url(const std::string& url);

struct ManagedInput {
  Config config;
  std::string ca_file;         ///< as the sandbox sees it
  bool may_bypass = false;     ///< the policy's permission_bypass
  sdk::StringMap network_env;  ///< the network policy's variables: the proxy, where there is one
  std::vector<std::string> command_hook = {};  ///< argv that judges a tool call; empty: none
};

/// The text of managed-settings.json.
std::string managed_settings(const ManagedInput& input);

}  // namespace scc::claude
