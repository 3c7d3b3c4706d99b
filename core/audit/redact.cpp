// SPDX-License-Identifier: Apache-2.0
#include "audit/redact.h"

#include <algorithm>
#include <array>
#include <cctype>

#include "base/str.h"
#include "config/secrets.h"

namespace scc::audit {

namespace {

constexpr std::size_t kMaxField = 4096;
constexpr std::size_t kLongRandom = 32;
constexpr std::size_t kObjectId = 40;

/// Options of curl and wget whose value is a user with a password, a cookie or a body.
constexpr std::array kSecretOptions{"-u",
                                    "--user",
                                    "-U",
                                    "--proxy-user",
                                    "-b",
                                    "--cookie",
                                    "-d",
                                    "--data",
                                    "--data-raw",
                                    "--data-binary",
                                    "--data-urlencode",
                                    "--json",
                                    "-F",
                                    "--form",
                                    "--form-string",
                                    "--post-data",
                                    "--body-data",
                                    "--http-password",
                                    "--http-user",
                                    "--password",
                                    "--proxy-password",
                                    "--ftp-password",
                                    "--oauth2-bearer",
                                    "--pass"};

bool hex(char c) {
  return std::isxdigit(static_cast<unsigned char>(c)) != 0;
}
bool token_char(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_' || c == '-' || c == '+';
}

/// Long, with letters and digits taking turns; not the name of a git object.
bool random_run(std::string_view run) {
  if (run.size() < kLongRandom) return false;
  if (run.size() == kObjectId && std::all_of(run.begin(), run.end(), hex)) return false;
  int turns = 0;
  char before = '\0';
  for (const char c : run) {
    if (std::isalnum(static_cast<unsigned char>(c)) == 0) continue;
    const char kind = std::isdigit(static_cast<unsigned char>(c)) != 0 ? '0' : 'a';
    turns += before != '\0' && before != kind ? 1 : 0;
    before = kind;
  }
  return turns >= 3;
}

std::string hide_random(const std::string& word) {
  std::string out;
  for (std::size_t at = 0; at < word.size();) {
    std::size_t end = at;
    while (end < word.size() && token_char(word[end])) ++end;
    const std::string_view run = std::string_view(word).substr(at, end - at);
    out += random_run(run) ? kHidden : run;
    if (end < word.size()) out += word[end++];
    at = end;
  }
  return out;
}

/// scheme://user:password@host keeps scheme and host.
std::string hide_userinfo(const std::string& word) {
  std::string out;
  std::size_t at = 0;
  for (std::size_t mark = word.find("://"); mark != std::string::npos; mark = word.find("://", at)) {
    const std::size_t begin = mark + 3;
    const std::size_t end = std::min(word.find_first_of("/?#", begin), word.size());
    const std::size_t sign = word.rfind('@', end == 0 ? 0 : end - 1);
    out += word.substr(at, begin - at);
    at = begin;
    if (sign == std::string::npos || sign < begin || sign >= end) continue;
    out += kHidden;
    at = sign;
  }
  return out + word.substr(at);
}

/// "Name: value" and "name=value", where the name says that the value is secret. Also
/// "?name=value&name=value".
std::string hide_named(const std::string& word) {
  std::string out;
  std::size_t name = 0;
  for (std::size_t at = 0; at < word.size(); ++at) {
    const char c = word[at];
    if (c == '?' || c == '&' || c == ';' || c == ' ') name = at + 1;
    const bool marks = c == '=' || (c == ':' && at + 1 < word.size() && word[at + 1] == ' ');
    if (!marks || !config::secret_name(std::string_view(word).substr(name, at - name))) continue;
    const std::size_t end = c == ':' ? word.size() : std::min(word.find_first_of("&;", at), word.size());
    out = word.substr(0, at + 1) + std::string(c == ':' ? " " : "") + std::string(kHidden);
    return out + (end < word.size() ? hide_named(word.substr(end)) : "");
  }
  return word;
}

/// "--token" and "-u", whose value is the next word.
bool value_is_secret(const std::string& word, bool web) {
  if (web && std::find(kSecretOptions.begin(), kSecretOptions.end(), word) != kSecretOptions.end())
    return true;
  return str::starts_with(word, "--") && word.find('=') == std::string::npos &&
         config::secret_name(word.substr(2));
}

/// "-uNAME:PASSWORD", "--user=NAME:PASSWORD"
std::string hide_joined(const std::string& word) {
  for (const std::string_view option : kSecretOptions) {
    if (option.size() == 2 && str::starts_with(word, option) && word.size() > 2)
      return std::string(option) + std::string(kHidden);
    if (option.size() > 2 && str::starts_with(word, std::string(option) + "="))
      return std::string(option) + "=" + std::string(kHidden);
  }
  return word;
}

std::string redact_word(const std::string& word, bool web) {
  std::string out = hide_named(hide_userinfo(web ? hide_joined(word) : word));
  if (config::issued_token(out) && out.find("://" + std::string(kHidden)) == std::string::npos)
    return std::string(kHidden);
  return hide_random(out);
}

}  // namespace

std::string clean(std::string_view name, const std::string& text) {
  const bool secret = config::issued_token(text) ||
                      (config::secret_name(name) && !text.empty() && !config::shareable_setting(text));
  return secret ? std::string(kHidden) : bounded(text);
}

std::string bounded(const std::string& text) {
  std::string out = str::valid_utf8(text) ? text : str::printable(text);
  if (out.size() <= kMaxField) return out;
  out.resize(kMaxField);
  while (!str::valid_utf8(out)) out.pop_back();
  return out + "...";
}

std::vector<std::string> redact_argv(const std::vector<std::string>& words) {
  std::vector<std::string> out;
  out.reserve(words.size());
  const bool web = !words.empty() && (str::ends_with(words[0], "curl") || str::ends_with(words[0], "wget"));
  bool hide_next = false;
  for (const std::string& word : words) {
    out.push_back(hide_next ? std::string(kHidden) : redact_word(word, web));
    hide_next = !hide_next && value_is_secret(word, web);
  }
  return out;
}

}  // namespace scc::audit
