// SPDX-License-Identifier: Apache-2.0
#include "auth.h"

#include <string>

namespace scc::codex {

namespace {

using sdk::AuthStatus;
using sdk::Json;

constexpr const char* kSignIn = "run `scc provider login codex`; the sign-in stays in the credential volume";

/// The string there, or "" for anything else: a wrong type is no failure of ours.
std::string lenient(const Json& json, const char* pointer) {
  return json.type(pointer) == SCC_JSON_STRING ? json.str(pointer) : std::string();
}

AuthStatus judge_key(const Json& request) {
  const bool set = request.flag("/env/OPENAI_API_KEY") || request.flag("/env/SCC_CODEX_API_KEY");
  if (set) return {"present", "api_key", ""};
  return {"missing", "api_key",
          "export OPENAI_API_KEY (or what providers.codex.api_key_from names), then retry"};
}

}  // namespace

// auth.json: {"auth_mode", "OPENAI_API_KEY", "tokens": {"id_token", "access_token", "refresh_token", ...},
// "last_refresh"}. The access token is short-lived and renewed with the refresh token, so only the latter
// says that the sign-in still works; when it was last used proves nothing.
AuthStatus judge_auth(const Json& request) {
  if (request.str("/mode") == "api_key") return judge_key(request);
  const Json file = request.child("/files/auth.json");
  if (!file.flag("/present") || file.integer("/size") <= 0) return {"missing", "auth_json_file", kSignIn};
  if (file.type("/json") != SCC_JSON_OBJECT) {
    return {"missing", "auth_json_file", std::string("the sign-in file is damaged; ") + kSignIn};
  }
  if (!lenient(file, "/json/OPENAI_API_KEY").empty()) return {"present", "stored_api_key", ""};
  if (file.type("/json/tokens") == SCC_JSON_OBJECT) {
    if (!lenient(file, "/json/tokens/refresh_token").empty()) return {"present", "auth_json_file", ""};
    if (!lenient(file, "/json/tokens/access_token").empty()) {
      return {"expired", "auth_json_file",
              std::string("the sign-in holds no token to renew itself with; ") + kSignIn};
    }
  }
  return {"missing", "auth_json_file", std::string("the sign-in file holds no token; ") + kSignIn};
}

}  // namespace scc::codex
