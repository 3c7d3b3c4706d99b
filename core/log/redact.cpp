// SPDX-License-Identifier: Apache-2.0
// Redaction of log lines. Two nets: exact values that the host knows to be secret, and words that usually
// stand before one. It errs on the side of hiding too much.
#include <algorithm>
#include <array>
#include <mutex>
#include <vector>

#include "log/log.h"

namespace scc::log {

namespace {

constexpr std::string_view kMask = "[redacted]";
constexpr std::size_t kMinSecret = 6;

// What follows one of these (after separators) is hidden up to the next delimiter.
constexpr std::array<std::string_view, 12> kWords{
    "authorization", "bearer", "api_key", "api-key", "apikey",          "password",
    "passwd",        "secret", "token",   "cookie",  "x-registry-auth", "private_key"};
// A word that begins with one of these is hidden itself.
constexpr std::array<std::string_view, 5> kPrefixes{"sk-", "ghp_", "github_pat_", "xoxb-", "AKIA"};

std::mutex& secrets_mutex() {
  static std::mutex mutex;
  return mutex;
}
std::vector<std::string>& secrets() {
  static std::vector<std::string> values;
  return values;
}

char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

bool matches(std::string_view text, std::size_t at, std::string_view word) {
  if (text.size() - at < word.size()) return false;
  for (std::size_t i = 0; i < word.size(); ++i) {
    if (lower(text[at + i]) != lower(word[i])) return false;
  }
  return true;
}

bool delimiter(char c) {
  return c == ' ' || c == ',' || c == '"' || c == '\'' || c == '&' || c == ';' || c == '}' || c == ')';
}
bool separator(char c) {
  return c == ' ' || c == '"' || c == '\'' || c == ':' || c == '=';
}
bool word_char(char c) {
  return (lower(c) >= 'a' && lower(c) <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
}

std::size_t end_of_value(std::string_view text, std::size_t at) {
  while (at < text.size() && !delimiter(text[at])) ++at;
  return at;
}

/// The position behind the separators after `at`, or `at` when none with ':' or '=' or a space follows.
std::size_t skip_separators(std::string_view text, std::size_t at) {
  std::size_t end = at;
  while (end < text.size() && separator(text[end])) ++end;
  return end;
}

std::string mask_known(std::string_view text) {
  std::string out(text);
  const std::lock_guard<std::mutex> lock(secrets_mutex());
  for (const std::string& value : secrets()) {
    for (std::size_t at = out.find(value); at != std::string::npos; at = out.find(value, at + kMask.size())) {
      out.replace(at, value.size(), kMask);
    }
  }
  return out;
}

}  // namespace

void add_secret(std::string_view value) {
  if (value.size() < kMinSecret) return;
  const std::lock_guard<std::mutex> lock(secrets_mutex());
  secrets().emplace_back(value);
}

std::string redact(std::string_view raw) {
  const std::string text = mask_known(raw);
  std::string out;
  std::size_t at = 0;
  while (at < text.size()) {
    const bool starts_word = at == 0 || !word_char(text[at - 1]);
    const auto is_prefix = [&](std::string_view p) { return matches(text, at, p); };
    if (starts_word && std::any_of(kPrefixes.begin(), kPrefixes.end(), is_prefix)) {
      out += kMask;
      at = end_of_value(text, at);
      continue;
    }
    const auto* const word = std::find_if(kWords.begin(), kWords.end(), is_prefix);
    const std::size_t value = word == kWords.end() ? at : skip_separators(text, at + word->size());
    if (word == kWords.end() || value == at + word->size()) {
      out += text[at++];
      continue;
    }
    out += text.substr(at, value - at);
    // "Authorization: Bearer x": the scheme is no secret, the next word is.
    std::size_t end = end_of_value(text, value);
    const std::string scheme = text.substr(value, end - value);
    if ((scheme.size() == 6 && matches(scheme, 0, "bearer")) ||
        (scheme.size() == 5 && matches(scheme, 0, "basic"))) {
      end = end_of_value(text, skip_separators(text, end));
    }
    out += kMask;
    at = end;
  }
  return out;
}

}  // namespace scc::log
