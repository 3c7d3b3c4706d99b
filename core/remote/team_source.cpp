// SPDX-License-Identifier: Apache-2.0
#include "remote/team_source.h"

#include <algorithm>

#include "base/str.h"
#include "git/fetch.h"
#include "json/value.h"

namespace scc::remote {

namespace {

tl::unexpected<Error> bad(const char* id, std::string_view what, std::string hint = {}) {
  if (hint.empty()) hint = "correct config_source of the team in the organisation's document";
  return fail(Kind::config, id, "the team's config_source cannot be used: " + std::string(what),
              std::move(hint));
}

bool name_of(std::string_view text, std::string_view extra) {
  return !text.empty() && text != "." && text != ".." && std::all_of(text.begin(), text.end(), [&](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           extra.find(c) != std::string_view::npos;
  });
}

Result<std::string> plan_path(std::string_view given) {
  std::string_view path = given;
  while (!path.empty() && path.front() == '/') path.remove_prefix(1);
  if (path.empty()) return std::string(kDefaultTeamPath);
  const auto parts = str::split(path, '/');
  const bool dots = std::any_of(parts.begin(), parts.end(), [](const std::string& part) {
    return part.empty() || part == "." || part == "..";
  });
  const bool control =
      std::any_of(path.begin(), path.end(), [](char c) { return static_cast<unsigned char>(c) < 0x20; });
  if (dots || control)
    return bad("team.path", "path " + str::printable(given) + " leads elsewhere than it says");
  return std::string(path);
}

Status plan_git_url(const std::string& url, TeamPlan& plan) {
  if (str::starts_with(url, "/") || str::starts_with(url, "file://")) {
    plan.local = true;
    plan.url = str::starts_with(url, "file://") ? url.substr(7) : url;
    return {};
  }
  if (str::starts_with(url, "git@") || str::starts_with(url, "ssh://")) {
    return bad("team.ssh", str::printable(url) + ": repositories are not read over ssh",
               "use the https address of the repository, with a token in headers if it is private");
  }
  SCC_TRY(const Source source, parse_url_source(url));
  plan.url = source.resolved_url;
  return {};
}

}  // namespace

Result<TeamPlan> plan_team(const TeamSource& source) {
  TeamPlan plan;
  plan.git = source.type != TeamSource::Type::url;
  if (source.type == TeamSource::Type::url) {
    SCC_TRY(const Source url, parse_url_source(source.url));
    plan.url = url.resolved_url;
  } else {
    SCC_TRY(plan.path, plan_path(source.path));
    plan.branch = source.branch.empty() ? "main" : source.branch;
    if (!git::valid_branch(plan.branch)) return bad("team.source", "branch " + str::printable(plan.branch));
  }
  if (source.type == TeamSource::Type::github) {
    if (!name_of(source.owner, "-") || source.owner.front() == '-' || source.owner.back() == '-' ||
        !name_of(source.repo, "._-")) {
      return bad("team.source", "owner or repo " + str::printable(source.owner + "/" + source.repo));
    }
    plan.url = "https://github.com/" + source.owner + "/" + source.repo + ".git";
  } else if (source.type == TeamSource::Type::git) {
    SCC_CHECK(plan_git_url(source.url, plan));
  }
  json::Value canonical;
  canonical["type"] = plan.git ? "git" : "url";
  canonical["url"] = plan.url;
  canonical["branch"] = plan.branch;
  canonical["path"] = plan.path;
  json::Value& headers = canonical["headers"];
  headers.object();
  for (const auto& [name, value] : source.headers) headers[name] = value;
  plan.canonical = json::dump(canonical);
  plan.cache_key = os::sha256_hex(plan.canonical).substr(0, 32);
  return plan;
}

Result<std::map<std::string, std::string>> expand_headers(const std::map<std::string, std::string>& headers,
                                                          const os::Environment& env,
                                                          const std::vector<std::string>& trusted) {
  std::map<std::string, std::string> out;
  for (const auto& [name, value] : headers) {
    std::string& text = out[name];
    std::size_t at = 0;
    for (std::size_t open = 0; (open = value.find("${", at)) != std::string::npos;) {
      const std::size_t close = value.find('}', open);
      if (close == std::string::npos) break;
      const std::string variable = value.substr(open + 2, close - open - 2);
      if (std::find(trusted.begin(), trusted.end(), variable) == trusted.end()) {
        return fail(Kind::policy, "team.env",
                    "header " + str::printable(name) + " of the team's source asks for the variable " +
                        str::printable(variable),
                    "if that host may have it, add it to trusted_env in config.json");
      }
      const auto found = env.get(variable);
      if (!found || found->empty()) {
        return fail(Kind::config, "team.env-unset",
                    "the variable " + str::printable(variable) + " for header " + str::printable(name) +
                        " is not set",
                    "set it, or correct headers of the team's source");
      }
      text += value.substr(at, open - at) + *found;
      at = close + 1;
    }
    text += value.substr(at);
  }
  return out;
}

}  // namespace scc::remote
