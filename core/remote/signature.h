// SPDX-License-Identifier: Apache-2.0
// Signed policy: a detached Ed25519 signature next to an organisation's document, bound to a version that
// only grows and to a date. The highest version seen is kept in the state directory, so that clearing a cache
// does not bring an old document back. `scc org keygen|sign|verify` are these functions.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "os/fs.h"

namespace scc::remote {

/// The JSON document `<source>.sig`, schema scc.policy-signature/1.
struct PolicySignature {
  std::string key_id;
  std::int64_t policy_version = 0;
  std::int64_t expires_at = 0;
  std::string sha256;     ///< of the signed document, lower-case hex
  std::string signature;  ///< 64 raw bytes
};

/// Everything but the signature, as the bytes that are signed: a first line that no other use of the key
/// shares, then one line for each member.
std::string signing_bytes(const PolicySignature& signature);
std::string render_signature(const PolicySignature& signature);
/// Kind::policy policy.signature for anything malformed, or an unknown member.
Result<PolicySignature> parse_signature(std::string_view text);

/// 32 raw bytes from base64. Kind::config policy.key.
Result<std::string> parse_public_key(std::string_view base64);
/// The first 16 hex digits of the raw public key's SHA-256.
std::string key_id(std::string_view public_key);

struct GeneratedKey {
  std::string public_key;  ///< base64, to be pinned
  std::string key_id;
};
/// Writes a new secret key (0600) to a path that does not exist yet: Kind::usage policy.key-exists.
Result<GeneratedKey> generate_key(const os::stdfs::path& secret_file);
/// The public half of a secret key file. Kind::config policy.key; Kind::policy policy.key-mode when others
/// may read the file.
Result<GeneratedKey> read_public_key(const os::stdfs::path& secret_file);
/// The text of the signature file. `policy_version` is at least 1.
Result<std::string> sign_document(const os::stdfs::path& secret_file, std::string_view document,
                                  std::int64_t policy_version, std::int64_t expires_at);

/// Kind::policy: policy.unsigned (empty text), policy.signature (malformed, another key, other bytes),
/// policy.expired (`now` is at or after its date). `public_key` is base64.
Result<PolicySignature> verify_document(std::string_view document, std::string_view signature_text,
                                        std::string_view public_key, std::int64_t now);

/// What was accepted last under a key.
struct SeenPolicy {
  std::int64_t policy_version = 0;
  std::string sha256;
};
/// From <state>/policy-seen.json. Kind::policy policy.state when the file cannot be understood: forgetting
/// would permit a downgrade.
Result<std::optional<SeenPolicy>> read_seen(const os::stdfs::path& state, std::string_view public_key);
/// Kind::policy policy.downgrade: a lower version, or the same version of other bytes.
Status check_seen(const PolicySignature& signature, const std::optional<SeenPolicy>& seen);
/// check_seen, then `before_write` (if given), then records it; all under one lock. Writes nothing when the
/// version is the one that is recorded.
Status record_seen(const os::stdfs::path& state, std::string_view public_key,
                   const PolicySignature& signature, const std::function<void()>& before_write = {});

}  // namespace scc::remote
