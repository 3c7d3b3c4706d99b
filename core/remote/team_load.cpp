// SPDX-License-Identifier: Apache-2.0
// Fetching and caching of team documents.
#include <algorithm>
#include <chrono>

#include "base/str.h"
#include "git/fetch.h"
#include "remote/cache_file.h"
#include "remote/download.h"
#include "remote/team_source.h"

namespace scc::remote {

namespace {

using Clock = std::chrono::steady_clock;

constexpr std::int64_t kClockSlack = 300;
/// Longer than any clone may take; what is older was left behind by a killed process.
constexpr std::chrono::hours kLeftover{1};

/// Bytes as they came.
struct Fetched {
  bool unchanged = false;
  std::string bytes;
  std::string etag;
  std::string commit;
};

class TeamLoader {
 public:
  TeamLoader(const TeamRequest& request, TeamPlan plan)
      : request_(request),
        plan_(std::move(plan)),
        cache_(request.paths.cache / "team_configs" / (plan_.cache_key + ".json"),
               request.paths.runtime / "locks" / "team-config-cache.lock", request.env, "team-cache.store") {}
  Result<TeamDocument> load();

 private:
  void load_cache();
  Result<Fetched> fetch();
  Result<Fetched> fetch_url(const std::map<std::string, std::string>& headers);
  Result<Fetched> fetch_git(const std::map<std::string, std::string>& headers);
  Result<TeamDocument> accept(Fetched got);
  Result<TeamDocument> fall_back(Error cause);
  Result<TeamDocument> offline();
  Status validate(const std::string& bytes) const;
  TeamDocument document(const CacheEntry& entry, OrgStatus status) const;
  std::string who() const { return "the document of team " + str::printable(request_.team); }
  std::int64_t age(const CacheEntry& entry) const {
    if (entry.checked_at > request_.now + kClockSlack) return request_.max_stale + kDay;
    return std::max<std::int64_t>(request_.now - entry.checked_at, 0);
  }

  const TeamRequest& request_;
  TeamPlan plan_;
  CacheFile cache_;
  std::optional<CacheEntry> cached_;
  std::vector<std::string> warnings_;
};

Status TeamLoader::validate(const std::string& bytes) const {
  if (!str::valid_utf8(bytes)) {
    return fail(Kind::config, "team.encoding", who() + " is not UTF-8", "the team must save it as UTF-8");
  }
  if (request_.validator) SCC_CHECK(request_.validator(bytes));
  return {};
}

void TeamLoader::load_cache() {
  auto loaded = cache_.load(plan_.canonical);
  std::string problem = loaded.problem;
  if (loaded.entry) {
    if (const auto valid = validate(loaded.entry->document); valid) {
      cached_ = *std::move(loaded.entry);
    } else {
      problem = valid.error().message;
    }
  }
  if (!problem.empty()) warnings_.push_back("the cached copy of " + who() + " is not used: " + problem);
}

TeamDocument TeamLoader::document(const CacheEntry& entry, OrgStatus status) const {
  TeamDocument out;
  out.bytes = entry.document;
  out.status = status;
  out.source_url = plan_.url;
  out.branch = plan_.branch;
  out.commit_sha = entry.commit;
  out.etag = entry.etag;
  out.fetched_at = entry.fetched_at;
  out.checked_at = entry.checked_at;
  out.age = age(entry);
  out.stale = out.age >= request_.fresh;
  out.warnings = warnings_;
  return out;
}

Result<Fetched> TeamLoader::fetch_url(const std::map<std::string, std::string>& headers) {
  const Download what{plan_.url, cached_ ? cached_->etag : "", headers, kTeamLimit,
                      net::proxy_from(request_.env)};
  SCC_TRY(Downloaded got, download(what, request_.transport));
  return Fetched{got.not_modified, std::move(got.body), std::move(got.etag), {}};
}

void remove_leftovers(const os::stdfs::path& work) {
  std::error_code ec;
  const auto now = os::stdfs::file_time_type::clock::now();
  for (const auto& entry : os::stdfs::directory_iterator(work, ec)) {
    const auto time = os::stdfs::last_write_time(entry.path(), ec);
    if (!ec && now - time > kLeftover) (void)os::remove_tree(entry.path());
  }
}

bool same_origin(const std::string& a, const std::string& b) {
  const auto first = net::parse_url(a);
  const auto second = net::parse_url(b);
  return first && second && first->origin() == second->origin();
}

Result<Fetched> TeamLoader::fetch_git(const std::map<std::string, std::string>& headers) {
  const git::FileRequest file{plan_.branch, {}, plan_.path, kTeamLimit};
  if (plan_.local) {
    SCC_TRY(git::FileAtCommit got, git::read_local_file(plan_.url, file));
    return Fetched{false, std::move(got.bytes), {}, std::move(got.commit)};
  }
  const os::stdfs::path work = request_.paths.cache / "clones";
  SCC_CHECK(os::make_dirs(work));
  remove_leftovers(work);
  const auto deadline = Clock::now() + std::chrono::milliseconds(request_.git_timeout_ms);
  git::RemoteRequest request;
  request.url = plan_.url;
  request.file = file;
  request.known_commit = cached_ ? cached_->commit : "";
  request.work = work;
  request.http = [&](const git::HttpRequest& what) -> Result<git::HttpReply> {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(deadline - Clock::now()).count();
    if (left <= 0)
      return fail(Kind::tool, "fetch.timeout", str::printable(plan_.url) + " did not answer in time");
    Exchange exchange;
    exchange.what = {what.url, {}, {}, what.limit, net::proxy_from(request_.env)};
    // Discovery may have led to another host, which the headers were not meant for.
    if (same_origin(what.url, plan_.url)) exchange.what.headers = headers;
    exchange.what.headers["Accept"] = what.accept;
    exchange.body = what.body;
    if (!what.body.empty()) exchange.what.headers["Content-Type"] = what.content_type;
    exchange.timeout_ms = static_cast<unsigned>(left);
    exchange.has_token = !headers.empty();
    SCC_TRY(Downloaded got, download(exchange, request_.transport));
    return git::HttpReply{std::move(got.body), std::move(got.url)};
  };
  SCC_TRY(git::FileAtCommit got, git::read_remote_file(request));
  return Fetched{got.unchanged, std::move(got.bytes), {}, std::move(got.commit)};
}

Result<Fetched> TeamLoader::fetch() {
  SCC_TRY(const auto headers, expand_headers(request_.source.headers, request_.env, request_.trusted_env));
  return plan_.git ? fetch_git(headers) : fetch_url(headers);
}

Result<TeamDocument> TeamLoader::accept(Fetched got) {
  CacheEntry entry;
  bool same = got.unchanged;
  if (got.unchanged) {
    entry = *cached_;
  } else {
    SCC_CHECK(validate(got.bytes));
    same = cached_ && cached_->document == got.bytes;
    entry.source = plan_.canonical;
    entry.document = std::move(got.bytes);
    entry.fetched_at = request_.now;
  }
  if (!got.etag.empty() || !got.unchanged) entry.etag = got.etag;
  if (!got.commit.empty()) entry.commit = got.commit;
  entry.checked_at = request_.now;
  entry.expires_at = request_.now + request_.fresh;
  if (const auto stored = cache_.store(entry); !stored) {
    warnings_.push_back(who() + " could not be cached: " + stored.error().message);
  }
  return document(entry, same ? OrgStatus::unchanged : OrgStatus::updated);
}

/// §5.6: a remedy by category.
std::string hint_of(const Error& cause) {
  if (cause.id == "org.auth")
    return "the repository is private: give a token in headers of the team's source";
  if (cause.id == "org.not-found")
    return "check owner, repository and path; a private repository also needs a token";
  return cause.hint.empty() ? "run scc team validate for details" : cause.hint;
}

Result<TeamDocument> TeamLoader::fall_back(Error cause) {
  if (cause.kind == Kind::cancelled) return fail(std::move(cause));
  if (!cached_) {
    Error error{Kind::config, "team.unavailable",
                who() + " cannot be fetched and no usable copy is cached: " + cause.message, hint_of(cause),
                warnings_};
    return fail(std::move(error));
  }
  const std::int64_t old = age(*cached_);
  if (old >= request_.max_stale) {
    return fail(Kind::config, "team.stale",
                who() + " cannot be fetched (" + cause.message + ") and the cached copy, last confirmed " +
                    format_time(cached_->checked_at) + ", is older than " + format_age(request_.max_stale),
                hint_of(cause));
  }
  warnings_.push_back(who() + " could not be refreshed (" + cause.message + "); using the copy from " +
                      format_age(old) + " ago");
  TeamDocument out = document(*cached_, OrgStatus::stale);
  out.fetch_error = std::move(cause);
  return out;
}

Result<TeamDocument> TeamLoader::offline() {
  if (!cached_) {
    Error error{Kind::config, "team.no-cache", "offline, and no usable copy of " + who() + " is cached",
                "run scc org update --team " + str::printable(request_.team) + " with a network", warnings_};
    return fail(std::move(error));
  }
  if (age(*cached_) >= request_.max_stale) {
    return fail(Kind::config, "team.stale",
                "the cached copy of " + who() + ", last confirmed " + format_time(cached_->checked_at) +
                    ", is older than " + format_age(request_.max_stale),
                "run scc org update --team " + str::printable(request_.team) + " with a network");
  }
  return document(*cached_, OrgStatus::offline);
}

/// What concerns reaching the source, as opposed to what it holds or what it asks of us.
bool is_fetch_error(const Error& error) {
  for (const std::string_view prefix : {"fetch.", "git.", "org.", "os.", "lock."}) {
    if (str::starts_with(error.id, prefix)) return true;
  }
  return false;
}

Result<TeamDocument> TeamLoader::load() {
  if (plan_.local && !request_.allow_local) {
    return fail(Kind::policy, "team.local",
                who() + " names a repository on this machine, which a fetched document may not",
                "use the https address of the repository");
  }
  load_cache();
  if (request_.offline) return offline();
  if (cached_ && !request_.force && age(*cached_) < request_.fresh)
    return document(*cached_, OrgStatus::cached);
  auto got = fetch();
  if (got) return accept(*std::move(got));
  if (is_fetch_error(got.error())) return fall_back(std::move(got).error());
  return fail(std::move(got).error());
}

}  // namespace

Result<TeamDocument> load_team(const TeamRequest& request) {
  SCC_TRY(TeamPlan plan, plan_team(request.source));
  return TeamLoader(request, std::move(plan)).load();
}

}  // namespace scc::remote
