// SPDX-License-Identifier: Apache-2.0
// The organisation's document from its source: fetched, verified, cached, bounded in age. This layer knows
// bytes, signatures and time; whether a document means anything is the validator's judgement, made on every
// load, also of a cached one. An organisation that is configured but cannot be read is an error, never
// "no organisation".
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "net/fetch.h"
#include "os/env.h"
#include "remote/auth.h"
#include "remote/clock.h"
#include "remote/source.h"

namespace scc::remote {

/// What the validator says of a document that it accepts.
struct ValidDoc {
  std::int64_t ttl_hours = 24;  ///< defaults.cache_ttl_hours
};
/// Gates of config.md §1.1, §1.13; its error is passed on as it is.
using Validator = std::function<Result<ValidDoc>(std::string_view bytes)>;

inline constexpr std::size_t kOrgLimit = std::size_t{1} << 20U;

/// How documents are reached; shared by organisation and teams.
struct Transport {
  std::string ca_file;  ///< tls.ca_file or SCC_CA_FILE; empty: the system's authorities alone
  unsigned connect_timeout_ms = 5'000;
  unsigned timeout_ms = 30'000;
  std::function<bool()> cancelled;
  std::function<bool(std::string_view address)> is_private = net::is_private_address;  ///< for tests
};

struct OrgRequest {
  Source source;
  std::string auth;         ///< spec of §5.2; empty: none (see detect_auth)
  std::string auth_header;  ///< empty: Authorization
  os::Environment env;
  os::Paths paths;
  std::int64_t now = 0;  ///< seconds since 1970
  Validator validator;
  std::string public_key;          ///< base64; empty: signatures are not asked for
  bool force = false;              ///< fetch also when the cache is fresh
  bool offline = false;            ///< cache only
  bool record = true;              ///< remember the policy version seen; a dry run only compares
  bool accept_stale = false;       ///< with offline: the user agreed to a copy older than max_stale
  std::int64_t max_ttl_hours = 0;  ///< the user's upper bound for the document's own; 0: none
  std::int64_t max_stale = 7 * kDay;
  Transport transport;
};

enum class OrgStatus : std::uint8_t {
  file,       ///< read from a local file
  cached,     ///< fresh, nothing was asked
  updated,    ///< fetched, and different from the cached one
  unchanged,  ///< the source says that the cached one is current
  stale,      ///< the source could not be asked; `fetch_error` says why
  offline,    ///< the source was not to be asked
};
std::string_view status_name(OrgStatus status) noexcept;

struct OrgDocument {
  std::string bytes;
  OrgStatus status = OrgStatus::cached;
  std::string origin;           ///< URL or path
  std::int64_t fetched_at = 0;  ///< when the bytes came
  std::int64_t checked_at = 0;  ///< when they were last known to be current
  std::int64_t expires_at = 0;  ///< when they are asked for again
  std::int64_t age = 0;         ///< now - checked_at, seconds
  bool stale = false;           ///< past expires_at and not confirmed now
  std::string etag;
  std::string fingerprint;  ///< SHA-256 of the bytes
  std::optional<std::int64_t> policy_version;
  std::string key_id;                  ///< of the signature
  std::int64_t signature_expires = 0;  ///< 0: unsigned
  std::vector<std::string> warnings;
  std::optional<Error> fetch_error;
};

/// §5.3. Errors: org.unreadable (config: no usable copy, with the cause; also a file), org.stale (config: the
/// copy is older than max_stale), org.missing (config: offline without a copy), org.auth, org.not-found,
/// org.unreadable, org.encoding (config), the validator's own, and policy.* of signature.h (policy). A
/// document that the validator or the signature check refuses is an error even when an older one is cached;
/// the older one stays.
Result<OrgDocument> load_org(const OrgRequest& request);

/// The word for it in `org update` and update checks (§5.4): updated, unchanged, offline, auth_failed,
/// no_cache; "error" for a document that was refused.
std::string_view update_status(const Result<OrgDocument>& result) noexcept;

/// The document and its signature as the source has them now: no cache, no validator, nothing recorded. With
/// a pinned key an invalid signature is the error. For `org validate` and previews.
Result<OrgDocument> read_org(const OrgRequest& request);

/// Where the cache is, for messages and `config paths`.
os::stdfs::path org_cache_file(const os::Paths& paths);

}  // namespace scc::remote
