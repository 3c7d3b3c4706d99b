// SPDX-License-Identifier: Apache-2.0
// Order of checks for bytes that came from elsewhere: signature, validator, then the version already seen
// (record_seen, on every way out of here); only then are they stored and shown to anybody.
#include "remote/org.h"

#include <algorithm>

#include "base/str.h"
#include "remote/cache_file.h"
#include "remote/download.h"
#include "remote/signature.h"

namespace scc::remote {

namespace {

/// How far a cache's time may lie ahead of ours before it is not believed.
constexpr std::int64_t kClockSlack = 300;
constexpr std::size_t kSignatureLimit = 4096;

/// A document that passed every check.
struct Checked {
  std::int64_t ttl = 0;  ///< seconds
  std::optional<PolicySignature> signature;
};

class Loader {
 public:
  explicit Loader(const OrgRequest& request)
      : request_(request),
        cache_(org_cache_file(request.paths), request.paths.runtime / "locks" / "org-config-cache.lock",
               request.env, "org-cache.store") {}

  Result<OrgDocument> load();
  Result<OrgDocument> read();

 private:
  Result<Checked> check(const std::string& bytes, const std::string& signature_text);
  Status commit(const CacheEntry& entry, const Checked& checked);
  Status seen(const PolicySignature& signature) const;
  Result<std::string> file_bytes(OrgDocument& out);
  Result<OrgDocument> load_file();
  void load_cache();
  Result<void> prepare_headers();
  Result<std::string> fetch_signature();
  Result<OrgDocument> fetch();
  Result<OrgDocument> confirm(const Downloaded& got);
  Result<OrgDocument> accept(Downloaded got);
  Result<OrgDocument> fall_back(Error cause);
  Result<OrgDocument> offline();
  OrgDocument document(const CacheEntry& entry, OrgStatus status) const;
  void store(const CacheEntry& entry);
  bool pinned() const noexcept { return !request_.public_key.empty(); }
  /// Seconds since the source confirmed the cached copy; past max_stale when the clock makes no sense.
  std::int64_t age(const CacheEntry& entry) const {
    if (entry.checked_at > request_.now + kClockSlack) return request_.max_stale + kDay;
    return std::max<std::int64_t>(request_.now - entry.checked_at, 0);
  }

  const OrgRequest& request_;
  CacheFile cache_;
  std::optional<CacheEntry> cached_;
  Checked cached_check_;
  std::optional<Error> cache_error_;  ///< why a cached copy of this source was refused
  std::map<std::string, std::string> headers_;
  std::vector<std::string> warnings_;
};

Result<Checked> Loader::check(const std::string& bytes, const std::string& signature_text) {
  Checked out;
  if (pinned()) {
    SCC_TRY(PolicySignature signature,
            verify_document(bytes, signature_text, request_.public_key, request_.now));
    out.signature = std::move(signature);
  }
  if (!str::valid_utf8(bytes)) {
    return fail(Kind::config, "org.encoding", "the organisation's document is not UTF-8",
                "the publisher must save it as UTF-8");
  }
  if (request_.validator) {
    SCC_TRY(const ValidDoc valid, request_.validator(bytes));
    std::int64_t hours = std::max<std::int64_t>(valid.ttl_hours, 0);
    if (request_.max_ttl_hours > 0) hours = std::min(hours, request_.max_ttl_hours);
    out.ttl = std::min(std::min<std::int64_t>(hours, 24 * 366) * kHour, request_.max_stale);
  }
  return out;
}

OrgDocument Loader::document(const CacheEntry& entry, OrgStatus status) const {
  OrgDocument out;
  out.bytes = entry.document;
  out.status = status;
  out.origin = entry.source;
  out.fetched_at = entry.fetched_at;
  out.checked_at = entry.checked_at;
  out.expires_at = entry.expires_at;
  out.age = age(entry);
  out.stale = status != OrgStatus::file && request_.now >= entry.expires_at;
  out.etag = entry.etag;
  out.fingerprint = os::sha256_hex(entry.document);
  out.warnings = warnings_;
  return out;
}

void add_signature(OrgDocument& out, const Checked& checked) {
  if (!checked.signature) return;
  out.policy_version = checked.signature->policy_version;
  out.key_id = checked.signature->key_id;
  out.signature_expires = checked.signature->expires_at;
}

// ---- files: read every time, no cache ----

Result<std::string> Loader::file_bytes(OrgDocument& out) {
  const auto path = request_.source.file;
  const auto unreadable = [&](Error error) {
    error.id = "org.unreadable";
    error.kind = Kind::config;
    error.message = "the organisation's document cannot be read: " + error.message;
    error.hint = "put the file back, or name another one: scc setup --org SOURCE";
    return fail(std::move(error));
  };
  auto bytes = os::read_file(path, kOrgLimit);
  if (!bytes) return unreadable(std::move(bytes).error());
  out.bytes = *std::move(bytes);
  if (!pinned()) return std::string{};
  auto signature = os::read_file(path.native() + ".sig", kSignatureLimit);
  if (!signature && signature.error().kind == Kind::not_found) return std::string{};
  if (!signature) return unreadable(std::move(signature).error());
  return signature;
}

Result<OrgDocument> Loader::load_file() {
  OrgDocument raw;
  SCC_TRY(const std::string signature, file_bytes(raw));
  SCC_TRY(const Checked checked, check(raw.bytes, signature));
  if (checked.signature) SCC_CHECK(seen(*checked.signature));
  CacheEntry entry{request_.source.file.native(),
                   std::move(raw.bytes),
                   request_.now,
                   request_.now,
                   request_.now,
                   {},
                   {},
                   {}};
  OrgDocument out = document(entry, OrgStatus::file);
  add_signature(out, checked);
  return out;
}

// ---- URLs ----

void Loader::load_cache() {
  auto loaded = cache_.load(request_.source.resolved_url);
  if (!loaded.entry) {
    // A cache of another source is no news; a broken one is.
    if (!loaded.problem.empty() && loaded.problem.find("belongs to another source") == std::string::npos) {
      warnings_.push_back("the cached organisation document is not used: " + loaded.problem);
    }
    return;
  }
  auto checked = check(loaded.entry->document, loaded.entry->signature);
  // A writer that was killed after storing it has not counted it.
  if (checked && checked->signature) {
    const auto known = seen(*checked->signature);
    if (!known) checked = fail(known.error());
  }
  if (!checked) {
    cache_error_ = std::move(checked).error();
    warnings_.push_back("the cached organisation document is not used: " + cache_error_->message);
    return;
  }
  cached_check_ = *std::move(checked);
  cached_ = *std::move(loaded.entry);
}

Result<void> Loader::prepare_headers() {
  SCC_TRY(const AuthSpec spec, parse_auth_spec(request_.auth));
  SCC_TRY(const Token token, resolve_token(spec, request_.env, AuthOrigin::user));
  warnings_.insert(warnings_.end(), token.warnings.begin(), token.warnings.end());
  SCC_TRY(const auto header, auth_header(token, request_.auth_header));
  if (header) headers_.insert(*header);
  return {};
}

/// Empty when the source has none.
Result<std::string> Loader::fetch_signature() {
  if (!pinned()) return std::string{};
  const Download what{signature_url(request_.source.resolved_url),
                      {},
                      headers_,
                      kSignatureLimit,
                      net::proxy_from(request_.env)};
  auto got = download(what, request_.transport);
  if (!got && got.error().id == "org.not-found") return std::string{};
  if (!got) return fail(std::move(got).error().with("while fetching the signature"));
  return std::move(got->body);
}

void Loader::store(const CacheEntry& entry) {
  if (const auto stored = cache_.store(entry); !stored) {
    warnings_.push_back("the organisation document could not be cached: " + stored.error().message);
  }
}

Status Loader::seen(const PolicySignature& signature) const {
  if (request_.record) return record_seen(request_.paths.state, request_.public_key, signature);
  SCC_TRY(const auto known, read_seen(request_.paths.state, request_.public_key));
  return check_seen(signature, known);
}

/// Stored first, counted second: a kill between the two leaves a cache that still counts as new, while the
/// other order would leave an old one that counts as a downgrade.
Status Loader::commit(const CacheEntry& entry, const Checked& checked) {
  if (checked.signature) {
    return record_seen(request_.paths.state, request_.public_key, *checked.signature, [&] { store(entry); });
  }
  store(entry);
  return {};
}

/// The source says that the cached bytes are current; their signature may still be a newer one.
Result<OrgDocument> Loader::confirm(const Downloaded& got) {
  CacheEntry entry = *cached_;
  Checked checked = cached_check_;
  if (pinned()) {
    SCC_TRY(entry.signature, fetch_signature());
    SCC_TRY(checked, check(entry.document, entry.signature));
  }
  entry.checked_at = request_.now;
  entry.expires_at = request_.now + checked.ttl;
  if (!got.etag.empty()) entry.etag = got.etag;
  SCC_CHECK(commit(entry, checked));
  OrgDocument out = document(entry, OrgStatus::unchanged);
  add_signature(out, checked);
  return out;
}

Result<OrgDocument> Loader::accept(Downloaded got) {
  CacheEntry entry{request_.source.resolved_url,
                   std::move(got.body),
                   request_.now,
                   request_.now,
                   0,
                   std::move(got.etag),
                   {},
                   {}};
  SCC_TRY(entry.signature, fetch_signature());
  SCC_TRY(const Checked checked, check(entry.document, entry.signature));
  entry.expires_at = request_.now + checked.ttl;
  const bool same = cached_ && cached_->document == entry.document;
  SCC_CHECK(commit(entry, checked));
  OrgDocument out = document(entry, same ? OrgStatus::unchanged : OrgStatus::updated);
  add_signature(out, checked);
  return out;
}

/// What the source could not answer at all, as opposed to an answer that was judged.
bool is_transport_error(const Error& error) {
  return str::starts_with(error.id, "fetch.") || error.id == "org.auth" || error.id == "org.not-found" ||
         error.id == "org.http";
}

Result<OrgDocument> Loader::fetch() {
  SCC_CHECK(prepare_headers());
  Download what{request_.source.resolved_url, cached_ ? cached_->etag : "", headers_, kOrgLimit,
                net::proxy_from(request_.env)};
  auto got = download(what, request_.transport);
  auto result = got && got->not_modified ? confirm(*got)
                : got                    ? accept(*std::move(got))
                                         : fail(std::move(got).error());
  const bool mismatch = !result && !what.etag.empty() && result.error().kind == Kind::policy;
  if (mismatch) {
    // A cache on the way may still confirm bytes whose new signature is already there: ask without the tag.
    what.etag.clear();
    got = download(what, request_.transport);
    result = got ? accept(*std::move(got)) : fail(std::move(got).error());
  }
  return result;
}

Result<OrgDocument> Loader::fall_back(Error cause) {
  if (cause.kind == Kind::cancelled) return fail(std::move(cause));
  const std::string why = cause.message;
  if (!cached_) {
    if (cache_error_ && cache_error_->kind == Kind::policy) return fail(*cache_error_);
    Error error{Kind::config,
                cause.id == "org.auth" || cause.id == "org.not-found" ? cause.id : "org.unreadable",
                "the organisation's document cannot be fetched and no usable copy is cached: " + why,
                cause.hint, std::move(cause.context)};
    for (const auto& warning : warnings_) error.context.push_back(warning);
    return fail(std::move(error));
  }
  const std::int64_t old = age(*cached_);
  if (old > request_.max_stale) {
    return fail(Kind::config, "org.stale",
                "the organisation's document cannot be fetched (" + why +
                    ") and the cached copy, last confirmed " + format_time(cached_->checked_at) +
                    ", is older than " + format_age(request_.max_stale),
                cause.hint.empty() ? "run: scc org update" : cause.hint);
  }
  warnings_.push_back("the organisation's document could not be refreshed (" + why +
                      "); using the copy from " + format_age(old) + " ago");
  OrgDocument out = document(*cached_, OrgStatus::stale);
  add_signature(out, cached_check_);
  out.fetch_error = std::move(cause);
  return out;
}

Result<OrgDocument> Loader::offline() {
  if (!cached_) {
    if (cache_error_ && cache_error_->kind == Kind::policy) return fail(*cache_error_);
    Error error{Kind::config, "org.missing",
                "offline, and no usable copy of the organisation's document is cached",
                "run scc org update with a network", warnings_};
    return fail(std::move(error));
  }
  const std::int64_t old = age(*cached_);
  if (old > request_.max_stale && !request_.accept_stale) {
    return fail(Kind::config, "org.stale",
                "the cached organisation document, last confirmed " + format_time(cached_->checked_at) +
                    ", is older than " + format_age(request_.max_stale),
                "run scc org update with a network");
  }
  if (request_.now >= cached_->expires_at) {
    warnings_.push_back("offline: the organisation's document was last confirmed " + format_age(old) +
                        " ago");
  }
  OrgDocument out = document(*cached_, OrgStatus::offline);
  add_signature(out, cached_check_);
  return out;
}

Result<OrgDocument> Loader::load() {
  if (pinned()) SCC_CHECK(parse_public_key(request_.public_key));
  if (request_.source.is_file()) return load_file();
  load_cache();
  if (request_.offline) return offline();
  if (cached_ && !request_.force) {
    // The document's own time counts even if the file was edited to say something longer.
    const std::int64_t until = std::min(cached_->expires_at, cached_->checked_at + cached_check_.ttl);
    if (cached_->checked_at <= request_.now + kClockSlack && request_.now < until) {
      OrgDocument out = document(*cached_, OrgStatus::cached);
      add_signature(out, cached_check_);
      return out;
    }
  }
  auto result = fetch();
  if (!result && is_transport_error(result.error())) return fall_back(std::move(result).error());
  return result;
}

Result<OrgDocument> Loader::read() {
  OrgDocument out;
  std::string signature;
  if (request_.source.is_file()) {
    SCC_TRY(signature, file_bytes(out));
    out.origin = request_.source.file.native();
    out.status = OrgStatus::file;
  } else {
    SCC_CHECK(prepare_headers());
    const Download what{request_.source.resolved_url, {}, headers_, kOrgLimit, net::proxy_from(request_.env)};
    auto got = download(what, request_.transport);
    if (!got && got.error().kind != Kind::cancelled) got.error().kind = Kind::config;
    if (!got) return fail(std::move(got).error());
    out.bytes = std::move(got->body);
    out.etag = got->etag;
    out.origin = request_.source.resolved_url;
    out.status = OrgStatus::updated;
    SCC_TRY(signature, fetch_signature());
  }
  if (pinned()) {
    Checked checked;
    SCC_TRY(checked.signature, verify_document(out.bytes, signature, request_.public_key, request_.now));
    add_signature(out, checked);
  }
  out.fetched_at = out.checked_at = out.expires_at = request_.now;
  out.fingerprint = os::sha256_hex(out.bytes);
  out.warnings = warnings_;
  return out;
}

}  // namespace

std::string_view status_name(OrgStatus status) noexcept {
  switch (status) {
    case OrgStatus::file:
      return "file";
    case OrgStatus::cached:
      return "cached";
    case OrgStatus::updated:
      return "updated";
    case OrgStatus::unchanged:
      return "unchanged";
    case OrgStatus::stale:
      return "stale";
    case OrgStatus::offline:
      break;
  }
  return "offline";
}

std::string_view update_status(const Result<OrgDocument>& result) noexcept {
  if (!result) {
    const std::string& id = result.error().id;
    if (id == "org.auth") return "auth_failed";
    if (id == "org.missing") return "no_cache";
    return id == "org.unreadable" || id == "org.stale" || id == "org.not-found" ? "offline" : "error";
  }
  if (result->fetch_error) return result->fetch_error->id == "org.auth" ? "auth_failed" : "offline";
  if (result->status == OrgStatus::updated || result->status == OrgStatus::file) return "updated";
  return result->status == OrgStatus::offline ? "offline" : "unchanged";
}

os::stdfs::path org_cache_file(const os::Paths& paths) {
  return paths.cache / "org" / "org_config.json";
}

Result<OrgDocument> load_org(const OrgRequest& request) {
  return Loader(request).load();
}

Result<OrgDocument> read_org(const OrgRequest& request) {
  return Loader(request).read();
}

}  // namespace scc::remote
