// SPDX-License-Identifier: Apache-2.0
#include "remote/signature.h"

#include <algorithm>

#include "base/str.h"
#include "json/value.h"
#include "os/sign.h"
#include "remote/clock.h"

namespace scc::remote {

namespace {

namespace stdfs = os::stdfs;

constexpr std::string_view kSchema = "scc.policy-signature/1";
constexpr std::string_view kSeenSchema = "scc.policy-seen/1";
constexpr std::string_view kKeyLine = "scc-ed25519-secret-1 ";
constexpr std::int64_t kMaxVersion = 1'000'000'000'000;
constexpr std::int64_t kMaxTime = 253'402'300'799;  // 9999-12-31T23:59:59Z
constexpr unsigned kLockMs = 5'000;

tl::unexpected<Error> bad_signature(const std::string& why) {
  return fail(Kind::policy, "policy.signature",
              "the signature of the organisation's document is not valid: " + why,
              "ask the publisher to sign it again (scc org sign), or check the pinned key");
}

bool is_hex(std::string_view text, std::size_t size) {
  return text.size() == size && std::all_of(text.begin(), text.end(), [](char c) {
           return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
         });
}

Result<os::SecretSeed> read_secret(const stdfs::path& file) {
  const std::string shown = str::printable(file.native());
  auto text = os::read_file(file, 4096);
  if (!text) return fail(std::move(text).error().with("while reading the secret key"));
  std::error_code ec;
  const auto mode = stdfs::status(file, ec).permissions();
  if (ec || (mode & (stdfs::perms::group_all | stdfs::perms::others_all)) != stdfs::perms::none) {
    return fail(Kind::policy, "policy.key-mode", shown + ": others may read this secret key",
                "run: chmod 600 " + shown + "   (and make a new key if somebody may have read it)");
  }
  const std::string_view line = str::trim(*text);
  if (str::starts_with(line, kKeyLine)) {
    auto seed = os::base64_decode(line.substr(kKeyLine.size()));
    if (seed && seed->size() == os::kSeedBytes) return os::SecretSeed(*std::move(seed));
  }
  return fail(Kind::config, "policy.key", shown + " holds no secret key of scc", "make one: scc org keygen");
}

Result<GeneratedKey> describe(const os::SecretSeed& seed) {
  SCC_TRY(const std::string open, os::sign_public_key(seed));
  return GeneratedKey{str::base64(open), key_id(open)};
}

stdfs::path seen_file(const stdfs::path& state) {
  return state / "policy-seen.json";
}

std::string seen_key(std::string_view public_key) {
  return os::sha256_hex(str::trim(public_key));
}

tl::unexpected<Error> bad_state(const stdfs::path& state, std::string_view why) {
  const std::string shown = str::printable(seen_file(state).native());
  return fail(Kind::policy, "policy.state",
              shown + " cannot be used (" + std::string(why) + "), so a downgrade could not be noticed",
              "look at the file; removing it forgets the highest policy version seen");
}

Result<json::Value> read_state(const stdfs::path& state) {
  const auto text = os::read_file(seen_file(state), std::size_t{1} << 20U);
  if (!text && text.error().kind == Kind::not_found) return json::Value(json::Object{});
  if (!text) return bad_state(state, text.error().message);
  auto value = json::parse(*text);
  if (!value) return bad_state(state, value.error().message);
  if (value->str("/schema") != kSeenSchema || !value->has("/keys"))
    return bad_state(state, "unknown content");
  return value;
}

}  // namespace

std::string signing_bytes(const PolicySignature& s) {
  return std::string(kSchema) + "\nkey_id " + s.key_id + "\npolicy_version " +
         std::to_string(s.policy_version) + "\nexpires_at " + format_time(s.expires_at) + "\nsha256 " +
         s.sha256 + "\n";
}

std::string render_signature(const PolicySignature& s) {
  json::Value out;
  out["schema"] = kSchema;
  out["key_id"] = s.key_id;
  out["policy_version"] = s.policy_version;
  out["expires_at"] = format_time(s.expires_at);
  out["sha256"] = s.sha256;
  out["signature"] = str::base64(s.signature);
  return json::pretty(out) + "\n";
}

Result<PolicySignature> parse_signature(std::string_view text) {
  const auto value = json::parse(text, {.bytes = 4096, .depth = 4});
  if (!value) return bad_signature(value.error().message);
  if (value->str("/schema") != kSchema) return bad_signature("not a " + std::string(kSchema) + " document");
  if (value->members().size() != 6) return bad_signature("it must hold exactly six members");
  PolicySignature out;
  out.key_id = value->str("/key_id");
  const json::Value* version = value->at("/policy_version");
  out.policy_version = version != nullptr && version->is_int() ? version->as_int() : 0;
  const auto expires = parse_time(value->str("/expires_at"));
  out.sha256 = value->str("/sha256");
  auto signature = os::base64_decode(value->str("/signature"));
  if (!is_hex(out.key_id, 16)) return bad_signature("key_id is not 16 hex digits");
  if (out.policy_version < 1 || out.policy_version > kMaxVersion)
    return bad_signature("policy_version is no positive number");
  if (!expires) return bad_signature("expires_at is not like 2030-01-31T00:00:00Z");
  if (!is_hex(out.sha256, 64)) return bad_signature("sha256 is not 64 hex digits");
  if (!signature || signature->size() != os::kSignatureBytes)
    return bad_signature("signature is not 64 bytes in base64");
  out.expires_at = *expires;
  out.signature = *std::move(signature);
  return out;
}

Result<std::string> parse_public_key(std::string_view base64) {
  auto raw = os::base64_decode(str::trim(base64));
  if (raw && raw->size() == os::kPublicKeyBytes) return raw;
  return fail(Kind::config, "policy.key", "the pinned key is not 32 bytes in base64",
              "pin the public_key that scc org keygen printed");
}

std::string key_id(std::string_view public_key) {
  return os::sha256_hex(public_key).substr(0, 16);
}

Result<GeneratedKey> generate_key(const stdfs::path& secret_file) {
  std::error_code ec;
  if (stdfs::symlink_status(secret_file, ec).type() != stdfs::file_type::not_found) {
    return fail(Kind::usage, "policy.key-exists", str::printable(secret_file.native()) + " exists already",
                "choose another file; a secret key is never overwritten");
  }
  const os::SecretSeed seed = os::sign_keygen();
  SCC_TRY(GeneratedKey key, describe(seed));
  SCC_CHECK(
      os::write_file_atomic(secret_file, std::string(kKeyLine) + str::base64(seed.bytes()) + "\n", 0600));
  return key;
}

Result<GeneratedKey> read_public_key(const stdfs::path& secret_file) {
  SCC_TRY(const os::SecretSeed seed, read_secret(secret_file));
  return describe(seed);
}

Result<std::string> sign_document(const stdfs::path& secret_file, std::string_view document,
                                  std::int64_t policy_version, std::int64_t expires_at) {
  if (policy_version < 1 || policy_version > kMaxVersion) {
    return fail(Kind::usage, "policy.version", "the policy version must be a positive number",
                "count up from 1 with each publication");
  }
  if (expires_at <= 0 || expires_at > kMaxTime) {
    return fail(Kind::usage, "policy.expires", "the date of expiry is out of range",
                "give a date like 2030-01-31T00:00:00Z");
  }
  SCC_TRY(const os::SecretSeed seed, read_secret(secret_file));
  SCC_TRY(const GeneratedKey key, describe(seed));
  PolicySignature out{key.key_id, policy_version, expires_at, os::sha256_hex(document), {}};
  SCC_TRY(out.signature, os::sign_detached(signing_bytes(out), seed));
  return render_signature(out);
}

Result<PolicySignature> verify_document(std::string_view document, std::string_view signature_text,
                                        std::string_view public_key, std::int64_t now) {
  if (str::trim(signature_text).empty()) {
    return fail(Kind::policy, "policy.unsigned",
                "a signing key is pinned, but the organisation's document has no signature",
                "the publisher runs scc org sign and puts the .sig file next to the document");
  }
  SCC_TRY(const std::string key, parse_public_key(public_key));
  SCC_TRY(PolicySignature signature, parse_signature(signature_text));
  if (signature.key_id != key_id(key)) {
    return bad_signature("it was made with key " + signature.key_id + ", pinned is " + key_id(key));
  }
  if (!os::verify_detached(signing_bytes(signature), signature.signature, key)) {
    return bad_signature("the pinned key did not make it");
  }
  if (signature.sha256 != os::sha256_hex(document))
    return bad_signature("the document was changed after signing");
  if (now >= signature.expires_at) {
    return fail(
        Kind::policy, "policy.expired",
        "the signature of the organisation's document expired at " + format_time(signature.expires_at),
        "run scc org update; if that does not help, the publisher must sign it again");
  }
  return signature;
}

Result<std::optional<SeenPolicy>> read_seen(const stdfs::path& state, std::string_view public_key) {
  SCC_TRY(const json::Value value, read_state(state));
  const json::Value* entry = value.at("/keys/" + seen_key(public_key));
  if (entry == nullptr) return std::optional<SeenPolicy>{};
  SeenPolicy seen{entry->integer("/policy_version"), entry->str("/sha256")};
  if (seen.policy_version < 1 || !is_hex(seen.sha256, 64)) return bad_state(state, "unknown content");
  return std::optional<SeenPolicy>(std::move(seen));
}

Status check_seen(const PolicySignature& signature, const std::optional<SeenPolicy>& seen) {
  if (!seen || signature.policy_version > seen->policy_version) return {};
  const std::string version = std::to_string(signature.policy_version);
  if (signature.policy_version < seen->policy_version) {
    return fail(Kind::policy, "policy.downgrade",
                "policy version " + version + " is older than version " +
                    std::to_string(seen->policy_version) + ", which was seen before",
                "the publisher must sign with a higher --policy-version");
  }
  if (signature.sha256 == seen->sha256) return {};
  return fail(Kind::policy, "policy.downgrade",
              "policy version " + version + " was seen before with other content",
              "the publisher must sign with a higher --policy-version");
}

Status record_seen(const stdfs::path& state, std::string_view public_key, const PolicySignature& signature,
                   const std::function<void()>& before_write) {
  if (!before_write) {  // the usual case needs no lock
    SCC_TRY(const auto known, read_seen(state, public_key));
    SCC_CHECK(check_seen(signature, known));
    if (known && known->policy_version == signature.policy_version) return {};
  }
  SCC_CHECK(os::make_dirs(state));
  SCC_TRY(const os::FileLock lock, os::FileLock::acquire(state / "policy-seen.lock", kLockMs));
  SCC_TRY(const auto seen, read_seen(state, public_key));
  SCC_CHECK(check_seen(signature, seen));
  if (before_write) before_write();
  if (seen && seen->policy_version == signature.policy_version) return {};
  SCC_TRY(json::Value value, read_state(state));
  value["schema"] = kSeenSchema;
  json::Value& entry = value["keys"][seen_key(public_key)];
  entry["policy_version"] = signature.policy_version;
  entry["sha256"] = signature.sha256;
  return os::write_file_atomic(seen_file(state), json::pretty(value) + "\n");
}

}  // namespace scc::remote
