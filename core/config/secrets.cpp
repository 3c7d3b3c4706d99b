// SPDX-License-Identifier: Apache-2.0
#include "config/secrets.h"

#include <algorithm>
#include <array>
#include <cctype>

#include "base/str.h"

namespace scc::config {

namespace {

constexpr std::array kSecretWords{
    "token",  "secret",        "password",    "passwd", "pass", "pwd",     "apikey",  "credential", "cookie",
    "bearer", "authorization", "credentials", "auth",   "key",  "private", "session", "signature"};
// Issuers mark their tokens so that scanners find them.
constexpr std::array kPrefixes{"sk-",         "sk_",   "pk_live_", "ghp_", "gho_", "ghu_", "ghs_",  "ghr_",
                               "github_pat_", "glpat", "xoxb",     "xoxp", "xoxa", "xapp", "AKIA",  "ASIA",
                               "AIza",        "eyJ",   "npm_",     "pypi", "hf_",  "dop_", "shpat_"};

bool word_char(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) != 0;
}
char lower(char c) {
  return static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
}

/// The words of a name: split at marks and where a small letter meets a capital.
std::vector<std::string> words(std::string_view name) {
  std::vector<std::string> out;
  std::string word;
  char before = '\0';
  for (const char c : name) {
    const bool hump = std::isupper(static_cast<unsigned char>(c)) != 0 &&
                      std::islower(static_cast<unsigned char>(before)) != 0;
    if (!word_char(c) || hump) {
      if (!word.empty()) out.push_back(std::move(word));
      word.clear();
    }
    if (word_char(c)) word += lower(c);
    before = c;
  }
  if (!word.empty()) out.push_back(std::move(word));
  return out;
}

/// The text without its ${VAR}; `found` says whether there was one.
std::string without_references(std::string_view value, bool& found) {
  std::string out;
  found = false;
  while (!value.empty()) {
    const std::size_t start = value.find("${");
    const std::size_t end = start == std::string_view::npos ? start : value.find('}', start);
    if (end == std::string_view::npos) break;
    out += value.substr(0, start);
    found = true;
    value.remove_prefix(end + 1);
  }
  return out + std::string(value);
}

/// Long, with letters and digits taking turns: what a person does not type.
bool random_looking(std::string_view text) {
  if (text.size() < 20) return false;
  int turns = 0;
  char before = '\0';
  for (const char c : text) {
    if (!word_char(c)) continue;
    const char kind = std::isdigit(static_cast<unsigned char>(c)) != 0 ? '0' : 'a';
    turns += before != '\0' && before != kind ? 1 : 0;
    before = kind;
  }
  return turns >= 3;
}

bool password_in_url(std::string_view text) {
  const std::size_t scheme = text.find("://");
  if (scheme == std::string_view::npos) return false;
  std::string_view authority = text.substr(scheme + 3);
  authority = authority.substr(0, authority.find_first_of("/?#"));
  return authority.find('@') != std::string_view::npos;
}

/// What lies between the marks that join words, paths and addresses.
std::vector<std::string> pieces(std::string_view text) {
  std::vector<std::string> out(1);
  for (const char c : text) {
    if (std::string_view(" \t\r\n\"'=:,;/.@?&").find(c) == std::string_view::npos) {
      out.back() += c;
    } else if (!out.back().empty()) {
      out.emplace_back();
    }
  }
  return out;
}

template <class Visit>
void visit_strings(const json::Value& value, const std::string& pointer, std::string_view name,
                   const Visit& visit) {
  if (value.is_string()) return visit(value.as_string(), pointer, name);
  for (const auto& [key, member] : value.members()) visit_strings(member, pointer + "/" + key, key, visit);
  for (std::size_t i = 0; i < value.items().size(); ++i) {
    visit_strings(value.items()[i], pointer + "/" + std::to_string(i), name, visit);
  }
}

bool likely_secret(std::string_view value, std::string_view name) {
  bool reference = false;
  const std::string rest = without_references(value, reference);
  if (secret_value(rest)) return true;
  return secret_name(name) && !value.empty() && !shareable_setting(value);
}

}  // namespace

bool secret_name(std::string_view name) {
  for (const std::string& word : words(name)) {
    if (std::find(kSecretWords.begin(), kSecretWords.end(), word) != kSecretWords.end()) return true;
  }
  return false;
}

bool issued_token(std::string_view value) {
  bool reference = false;
  const std::string text = without_references(value, reference);
  if (text.find("PRIVATE KEY-----") != std::string::npos || password_in_url(text)) return true;
  const std::vector<std::string> parts = pieces(text);
  return std::any_of(parts.begin(), parts.end(), [](const std::string& part) {
    return part.size() >= 12 && std::any_of(kPrefixes.begin(), kPrefixes.end(), [&part](const char* prefix) {
             return str::starts_with(part, prefix);
           });
  });
}

bool secret_value(std::string_view value) {
  if (issued_token(value)) return true;
  bool reference = false;
  const std::vector<std::string> parts = pieces(without_references(value, reference));
  for (std::size_t i = 0; i < parts.size(); ++i) {
    const bool digest = i > 0 && parts[i - 1] == "sha256" && parts[i].size() == 64;
    if (!digest && random_looking(parts[i])) return true;
  }
  return false;
}

bool shareable_setting(std::string_view value) {
  bool reference = false;
  const std::string kept = without_references(value, reference);
  const std::string_view rest = str::trim(kept);
  if (reference) {
    const bool word =
        rest.size() <= 16 && std::all_of(rest.begin(), rest.end(), [](char c) {
          return std::isalpha(static_cast<unsigned char>(c)) != 0 || c == '-' || c == ':' || c == ' ';
        });
    return word;
  }
  if (rest == "true" || rest == "false" || rest.empty()) return true;
  return rest.size() <= 5 && rest.find_first_not_of("0123456789") == std::string_view::npos;
}

std::vector<std::string> find_secrets(const json::Value& value) {
  std::vector<std::string> out;
  visit_strings(value, "", "",
                [&out](const std::string& text, const std::string& pointer, std::string_view name) {
                  if (likely_secret(text, name)) out.push_back(pointer);
                });
  return out;
}

json::Value mask_secrets(json::Value value) {
  const auto mask = [](const auto& self, json::Value& at, std::string_view name) -> void {
    if (at.is_string()) {
      const std::string& text = at.as_string();
      if (name == "auth" && str::starts_with(text, "env:")) return;
      if (name == "auth" && str::starts_with(text, "command:")) {
        at = "command:***";
      } else if (name != "public_key" && name != "auth_header" && likely_secret(text, name)) {
        at = "***";
      }
      return;
    }
    if (at.is_object()) {
      for (auto& [key, member] : at.object()) self(self, member, key);
    } else if (at.is_array()) {
      for (json::Value& item : at.array()) self(self, item, name);
    }
  };
  mask(mask, value, "");
  return value;
}

}  // namespace scc::config
