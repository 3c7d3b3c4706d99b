// SPDX-License-Identifier: Apache-2.0
#include "auth.h"

#include <string>

namespace scc::claude {

namespace {

using sdk::AuthStatus;
using sdk::Json;

constexpr const char* kSignIn = "run `scc provider login claude`; the sign-in stays in the credential volume";

/// The string there, or "" for anything else: these files are the agent's, a wrong type is no failure of
/// ours.
std::string lenient(const Json& json, const char* pointer) {
  return json.type(pointer) == SCC_JSON_STRING ? json.str(pointer) : std::string();
}

AuthStatus judge_key(const Json& request) {
  const bool set = request.flag("/env/ANTHROPIC_API_KEY") || request.flag("/env/SCC_CLAUDE_API_KEY");
  if (set) return {"present", "api_key", ""};
  return {"missing", "api_key",
          "export ANTHROPIC_API_KEY (or what providers.claude.api_key_from names), then retry"};
}

/// .credentials.json: {"claudeAiOauth": {accessToken, refreshToken, expiresAt (ms), ...}}
AuthStatus judge_oauth(const Json& oauth, std::int64_t now_ms) {
  const bool token = !lenient(oauth, "/accessToken").empty();
  const bool refresh = !lenient(oauth, "/refreshToken").empty();
  if (!token && !refresh) {
    return {"missing", "oauth_file", std::string("the credential file holds no token; ") + kSignIn};
  }
  const bool timed = oauth.type("/expiresAt") == SCC_JSON_NUMBER;
  const bool over = timed && oauth.integer("/expiresAt") <= now_ms;
  if (!refresh && over) {
    return {"expired", "oauth_file", std::string("the token is too old and cannot be refreshed; ") + kSignIn};
  }
  return {"present", "oauth_file", ""};
}

}  // namespace

AuthStatus judge_auth(const Json& request, std::int64_t now_ms) {
  if (request.str("/mode") == "api_key") return judge_key(request);
  const Json credentials = request.child("/files/.credentials.json");
  const Json state = request.child("/files/.claude.json");
  if (credentials.flag("/present") && credentials.integer("/size") > 0) {
    if (credentials.type("/json") != SCC_JSON_OBJECT) {
      return {"missing", "oauth_file", std::string("the credential file is damaged; ") + kSignIn};
    }
    if (credentials.type("/json/claudeAiOauth") == SCC_JSON_OBJECT) {
      return judge_oauth(credentials.child("/json/claudeAiOauth"), now_ms);
    }
  }
  // A sign-in with a console account leaves a key of its own here. "oauthAccount" beside it only tells whose
  // account it was.
  if (!lenient(state, "/json/primaryApiKey").empty()) return {"present", "console_key", ""};
  return {"missing", "oauth_file", kSignIn};
}

}  // namespace scc::claude
