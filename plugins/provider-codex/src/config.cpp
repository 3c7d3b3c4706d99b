// SPDX-License-Identifier: Apache-2.0
#include "config.h"

#include <algorithm>
#include <array>
#include <string_view>

namespace scc::codex {

namespace {

using sdk::Failure;
using sdk::Json;

constexpr std::array<std::string_view, 3> kKeys = {"auth", "api_key_from", "base_url"};
constexpr std::string_view kDigits = "0123456789";
constexpr std::string_view kHostCharacters =
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-";
// RFC 3986: pchar and "/", without percent-encoding, which no API's path needs.
constexpr std::string_view kPathCharacters =
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~!$&'()*+,;=:/";

Failure bad(const std::string& key, const std::string& reason, const std::string& hint) {
  return {SCC_E_CONFIG, "codex.config", "providers.codex." + key + " " + reason, hint};
}

bool only(std::string_view text, std::string_view characters) {
  return text.find_first_not_of(characters) == std::string_view::npos;
}

/// HOST or HOST:PORT or [::1]:PORT. Splits it; false when it is none of these.
bool split_authority(std::string_view authority, std::string_view& host, std::string_view& port) {
  const std::size_t bracket = authority.rfind(']');
  const std::size_t colon = authority.rfind(':');
  const bool has_port =
      colon != std::string_view::npos && (bracket == std::string_view::npos || colon > bracket);
  host = authority.substr(0, has_port ? colon : std::string_view::npos);
  port = has_port ? authority.substr(colon + 1) : std::string_view();
  if (has_port &&
      (port.empty() || port.size() > 5 || !only(port, kDigits) || std::stoi(std::string(port)) > 65535)) {
    return false;
  }
  return host == "[::1]" || (!host.empty() && host.size() <= 253 && only(host, kHostCharacters));
}

bool loopback(std::string_view host) {
  return host == "localhost" || host == "[::1]" ||
         (host.substr(0, 4) == "127." && only(host.substr(4), "0123456789."));
}

}  // namespace

bool valid_base_url(const std::string& url) {
  std::string_view rest = url;
  const bool https = rest.substr(0, 8) == "https://";
  if (!https && rest.substr(0, 7) != "http://") return false;
  rest.remove_prefix(https ? 8 : 7);
  const std::size_t slash = rest.find('/');
  std::string_view host;
  std::string_view port;
  if (!split_authority(rest.substr(0, slash), host, port)) return false;
  return (https || loopback(host)) &&
         (slash == std::string_view::npos || only(rest.substr(slash), kPathCharacters));
}

Config read_config(const Json& config) {
  for (const auto& [key, value] : config.members()) {
    if (std::find(kKeys.begin(), kKeys.end(), key) == kKeys.end()) {
      throw bad(key, "is not a setting of this provider", "the settings are auth, api_key_from and base_url");
    }
    if (value.type() != SCC_JSON_STRING) throw bad(key, "must be a string", "correct it in config.json");
  }
  Config out;
  const std::string auth = config.str("/auth", "login");
  if (auth != "login" && auth != "api_key") {
    throw bad("auth", "is \"" + auth + "\"", "use \"login\" or \"api_key\"");
  }
  out.auth = auth == "api_key" ? Auth::api_key : Auth::login;
  out.api_key_from = config.str("/api_key_from", out.api_key_from);
  if (out.api_key_from != "env:OPENAI_API_KEY" && out.api_key_from != "env:SCC_CODEX_API_KEY") {
    throw bad("api_key_from", "is \"" + out.api_key_from + "\", which this plugin is not granted",
              "use \"env:OPENAI_API_KEY\" or \"env:SCC_CODEX_API_KEY\"");
  }
  out.base_url = config.str("/base_url", out.base_url);
  if (!valid_base_url(out.base_url)) {
    throw bad("base_url", "is \"" + out.base_url + "\"",
              "use https://HOST[:PORT][/PATH]; http only for a loopback address");
  }
  return out;
}

}  // namespace scc::codex
