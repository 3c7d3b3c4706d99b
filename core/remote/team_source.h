// SPDX-License-Identifier: Apache-2.0
// Federated team documents (config.md §5.6): one file from GitHub, a git repository or a URL, with its own
// freshness and a cache bound to the source it came from. What the document may add is judged by trust.h.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "remote/org.h"

namespace scc::remote {

inline constexpr std::string_view kDefaultTeamPath = "team-config.json";
inline constexpr std::size_t kTeamLimit = std::size_t{256} << 10U;

/// profiles.<team>.config_source of the organisation's document.
struct TeamSource {
  enum class Type : std::uint8_t { github, git, url };
  Type type = Type::github;
  std::string owner;  ///< github
  std::string repo;   ///< github
  std::string url;    ///< git, url
  std::string branch = "main";
  std::string path;                            ///< empty or "/": kDefaultTeamPath at the root
  std::map<std::string, std::string> headers;  ///< values may hold ${VAR}
};

/// The source as it will be fetched. Pure.
struct TeamPlan {
  bool git = false;
  bool local = false;  ///< a repository on this machine
  std::string url;     ///< https; a path when local
  std::string branch;
  std::string path;       ///< inside the repository
  std::string canonical;  ///< what the cache is bound to; holds no value of a variable
  std::string cache_key;  ///< 32 hex digits of its SHA-256
};
/// Kind::config: team.source (owner, repository, branch, URL), team.path (dot segments), team.ssh,
/// source.http.
Result<TeamPlan> plan_team(const TeamSource& source);

/// `${VAR}` replaced where VAR is in `trusted`: Kind::policy team.env names another variable, which could
/// carry a secret to whoever wrote the source; Kind::config team.env-unset.
Result<std::map<std::string, std::string>> expand_headers(const std::map<std::string, std::string>& headers,
                                                          const os::Environment& env,
                                                          const std::vector<std::string>& trusted);

struct TeamRequest {
  std::string team;  ///< for messages
  TeamSource source;
  os::Environment env;
  os::Paths paths;
  std::int64_t now = 0;
  Validator validator;  ///< ttl_hours is not used
  std::vector<std::string> trusted_env;
  bool allow_local = false;  ///< a repository on this machine may be named
  bool force = false;
  bool offline = false;
  std::int64_t fresh = kDay;
  std::int64_t max_stale = 7 * kDay;
  unsigned git_timeout_ms = 120'000;  ///< of all exchanges of one clone
  Transport transport;
};

struct TeamDocument {
  std::string bytes;
  OrgStatus status = OrgStatus::cached;
  std::string source_url;
  std::string branch;
  std::string commit_sha;  ///< git sources
  std::string etag;        ///< url sources
  std::int64_t fetched_at = 0;
  std::int64_t checked_at = 0;
  std::int64_t age = 0;  ///< now - checked_at
  bool stale = false;    ///< older than `fresh` and not confirmed now
  std::vector<std::string> warnings;
  std::optional<Error> fetch_error;
};

/// Younger than `fresh`: the cache. Else fetched; when that fails and the cache is younger than `max_stale`,
/// the cache with a warning. Kind::config: team.unavailable (hint by category), team.stale, team.no-cache
/// (offline), the validator's own; Kind::policy: team.local, team.env. Only validated bytes are stored.
Result<TeamDocument> load_team(const TeamRequest& request);

}  // namespace scc::remote
