// SPDX-License-Identifier: Apache-2.0
#include "plugin/grants.h"

#include <algorithm>

#include "base/str.h"
#include "json/value.h"

namespace scc::plugin {

namespace {

constexpr std::size_t kMaxFile = std::size_t{1} << 20U;
constexpr std::size_t kMaxMatches = 256;

/// The path without "." and doubled slashes; nullopt when it is relative, has ".." or a NUL.
std::optional<std::string> normal_path(std::string_view text) {
  if (text.empty() || text.front() != '/' || text.find('\0') != std::string_view::npos) return std::nullopt;
  std::string out;
  for (const std::string& part : str::split(text, '/')) {
    if (part == "..") return std::nullopt;
    if (!part.empty() && part != ".") out += "/" + part;
  }
  return out.empty() ? std::optional<std::string>("/") : out;
}

/// A grant's path with its variables replaced. A value that brings an asterisk of its own would widen the
/// grant.
std::optional<std::string> expand_pattern(const os::Environment& env, std::string_view pattern) {
  const std::optional<std::string> text = env.expand(pattern);
  if (!text) return std::nullopt;
  if (std::count(text->begin(), text->end(), '*') != std::count(pattern.begin(), pattern.end(), '*')) {
    return std::nullopt;
  }
  return normal_path(*text);
}

bool path_matches(std::string_view pattern, std::string_view path) {
  const std::vector<std::string> wanted = str::split(pattern, '/');
  const std::vector<std::string> parts = str::split(path, '/');
  return wanted.size() == parts.size() &&
         std::equal(wanted.begin(), wanted.end(), parts.begin(),
                    [](const std::string& w, const std::string& p) { return str::glob_component(w, p); });
}

/// The existing paths that a pattern stands for.
std::vector<os::stdfs::path> matches_of(const std::string& pattern) {
  std::vector<os::stdfs::path> found{"/"};
  for (const std::string& part : str::split(pattern, '/')) {
    if (part.empty()) continue;
    std::vector<os::stdfs::path> next;
    for (const os::stdfs::path& dir : found) {
      if (part.find('*') == std::string::npos) {
        next.push_back(dir / part);
        continue;
      }
      std::error_code code;
      for (os::stdfs::directory_iterator it(dir, code), end; !code && it != end; it.increment(code)) {
        const std::string name = it->path().filename().string();
        if (str::glob_component(part, name) && next.size() < kMaxMatches) next.push_back(dir / name);
      }
    }
    found = std::move(next);
  }
  return found;
}

/// The URLs that a "path#pointer" grant stands for now.
std::vector<std::string> recorded_urls(const os::Environment& env, std::string_view grant) {
  std::vector<std::string> urls;
  const std::size_t hash = grant.find('#');
  if (hash == std::string_view::npos) return urls;
  const std::optional<std::string> pattern = expand_pattern(env, grant.substr(0, hash));
  if (!pattern) return urls;
  for (const os::stdfs::path& file : matches_of(*pattern)) {
    const Result<std::string> text = os::read_file(file, kMaxFile);
    if (!text) continue;
    const Result<json::Value> doc = json::parse(*text);
    if (!doc) continue;
    std::string url = doc->str(grant.substr(hash + 1));
    if (!url.empty()) urls.push_back(std::move(url));
  }
  return urls;
}

std::string lower(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
  return out;
}

std::optional<std::string> canonical_host(std::string_view scheme, std::string_view rest) {
  if (str::ends_with(rest, "/")) rest.remove_suffix(1);
  const bool plain = std::all_of(rest.begin(), rest.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
           c == '-' || c == ':' || c == '[' || c == ']' || c == '_';
  });
  if (rest.empty() || !plain) return std::nullopt;
  std::string host = lower(rest);
  const std::size_t colon = host.rfind(':');
  const std::size_t bracket = host.rfind(']');
  const bool port = colon != std::string::npos && (bracket == std::string::npos || colon > bracket);
  if (!port && scheme == "https") host += ":443";
  if (!port && scheme == "http") host += ":80";
  return std::string(scheme) + "://" + host;
}

}  // namespace

bool process_granted(const Grants& grants, std::string_view program) {
  return !program.empty() &&
         std::find(grants.process.begin(), grants.process.end(), program) != grants.process.end();
}

bool file_granted(const Grants& grants, const os::Environment& env, std::string_view path) {
  const std::optional<std::string> wanted = normal_path(path);
  if (!wanted || *wanted != path) return false;
  return std::any_of(grants.files.begin(), grants.files.end(), [&](const std::string& grant) {
    const std::optional<std::string> pattern = expand_pattern(env, grant);
    return pattern && path_matches(*pattern, *wanted);
  });
}

std::optional<std::string> canonical_endpoint(std::string_view url) {
  if (str::starts_with(url, "unix://")) {
    const std::optional<std::string> path = normal_path(url.substr(7));
    return path ? std::optional<std::string>("unix://" + *path) : std::nullopt;
  }
  for (const std::string_view scheme : {"tcp", "http", "https"}) {
    const std::string head = std::string(scheme) + "://";
    if (str::starts_with(url, head)) return canonical_host(scheme, url.substr(head.size()));
  }
  return std::nullopt;
}

bool endpoint_granted(const Grants& grants, const os::Environment& env, std::string_view url) {
  const std::optional<std::string> wanted = canonical_endpoint(url);
  if (!wanted) return false;
  const auto same = [&](std::string_view other) { return canonical_endpoint(other) == wanted; };
  for (const std::string& grant : grants.endpoints) {
    const std::string_view text = grant;
    if (str::starts_with(text, "unix:")) {
      const std::optional<std::string> path = env.expand(text.substr(5));
      if (path && same("unix://" + *path)) return true;
    } else if (str::starts_with(text, "https://")) {
      if (same(text)) return true;
    } else if (str::starts_with(text, "env:")) {
      const std::optional<std::string> value = env.get(text.substr(4));
      if (value && same(*value)) return true;
    } else if (str::starts_with(text, "file:")) {
      for (const std::string& recorded : recorded_urls(env, text.substr(5))) {
        if (same(recorded)) return true;
      }
    }
  }
  return false;
}

}  // namespace scc::plugin
