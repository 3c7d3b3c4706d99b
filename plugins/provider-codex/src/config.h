// SPDX-License-Identifier: Apache-2.0
// The user's configuration of this provider: `providers.codex` in config.json. Pure.
#pragma once

#include <string>

#include <scc/sdk/plugin.hpp>

namespace scc::codex {

inline constexpr const char* kDefaultBaseUrl = "https://api.openai.com/v1";
inline constexpr const char* kSecretName = "api-key";
inline constexpr const char* kSecretFile = "/run/scc/secrets/api-key";

enum class Auth { login, api_key };

struct Config {
  Auth auth = Auth::login;
  std::string api_key_from = "env:OPENAI_API_KEY";
  std::string base_url = kDefaultBaseUrl;
};

/// Failure SCC_E_CONFIG: codex.config with the key.
Config read_config(const sdk::Json& config);

/// True for https, and for http on a loopback address; no user, query or fragment.
bool valid_base_url(const std::string& url);

}  // namespace scc::codex
