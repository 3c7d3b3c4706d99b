// SPDX-License-Identifier: Apache-2.0
// Signed policy: keys, signatures, every way in which one must be refused, and the version that only grows.
#include "remote/signature.h"

#include <gmock/gmock.h>

#include "base/str.h"
#include "json/value.h"
#include "os/sign.h"
#include "remote/clock.h"
#include "unit/os/scratch.h"

namespace scc::remote {
namespace {

using testing::HasSubstr;
using testing::Not;
namespace stdfs = std::filesystem;

constexpr std::int64_t kNow = 1'900'000'000;

class SignatureTest : public test::Scratch {
 protected:
  void SetUp() override {
    Scratch::SetUp();
    key = generate_key(dir / "secret").value();
  }
  std::string sign(std::string_view document, std::int64_t version = 1,
                   std::int64_t expires = kNow + kDay) const {
    return sign_document(dir / "secret", document, version, expires).value();
  }
  std::string verify(std::string_view document, std::string_view signature, std::int64_t now = kNow) const {
    const auto done = verify_document(document, signature, key.public_key, now);
    EXPECT_TRUE(done || done.error().kind == Kind::policy);
    return done ? "ok" : done.error().id;
  }
  GeneratedKey key;
};

TEST_F(SignatureTest, KeyFile) {
  EXPECT_EQ(stdfs::status(dir / "secret").permissions(),
            stdfs::perms::owner_read | stdfs::perms::owner_write);
  EXPECT_EQ(read_public_key(dir / "secret")->public_key, key.public_key);
  EXPECT_EQ(key.key_id, key_id(parse_public_key(key.public_key).value()));
  EXPECT_EQ(generate_key(dir / "secret").error().id, "policy.key-exists");
  stdfs::create_symlink("nowhere", dir / "link");
  EXPECT_EQ(generate_key(dir / "link").error().id, "policy.key-exists");
  stdfs::permissions(dir / "secret", stdfs::perms::group_read, stdfs::perm_options::add);
  const auto open = sign_document(dir / "secret", "x", 1, kNow);
  EXPECT_EQ(open.error().id, "policy.key-mode");
  EXPECT_THAT(open.error().hint, HasSubstr("chmod 600"));
  write("other", "scc-ed25519-secret-1 AAAA\n");
  stdfs::permissions(dir / "other", stdfs::perms::owner_read);
  EXPECT_EQ(read_public_key(dir / "other").error().id, "policy.key");
  EXPECT_THAT(read_public_key(dir / "other").error().message, Not(HasSubstr("AAAA")));
}

TEST_F(SignatureTest, RoundTrip) {
  const std::string signature = sign("document", 7);
  const auto done = verify_document("document", signature, " " + key.public_key + "\n", kNow);
  ASSERT_TRUE(done) << done.error().message;
  EXPECT_EQ(done->policy_version, 7);
  EXPECT_EQ(done->key_id, key.key_id);
  EXPECT_EQ(done->expires_at, kNow + kDay);
  EXPECT_THAT(signature, HasSubstr("scc.policy-signature/1"));
  EXPECT_EQ(sign_document(dir / "secret", "x", 0, kNow).error().id, "policy.version");
  EXPECT_EQ(sign_document(dir / "secret", "x", 1, std::int64_t{1} << 40U).error().id, "policy.expires");
  EXPECT_EQ(sign("document", 7), signature);  // Ed25519 has no randomness
}

TEST_F(SignatureTest, Refusals) {
  const std::string signature = sign("document");
  EXPECT_EQ(verify("document", signature), "ok");
  EXPECT_EQ(verify("documenT", signature), "policy.signature");
  EXPECT_EQ(verify("document", ""), "policy.unsigned");
  EXPECT_EQ(verify("document", " \n"), "policy.unsigned");
  EXPECT_EQ(verify("document", "{}"), "policy.signature");
  EXPECT_EQ(verify("document", "nonsense"), "policy.signature");
  EXPECT_EQ(verify("document", signature, kNow + kDay - 1), "ok");
  EXPECT_EQ(verify("document", signature, kNow + kDay), "policy.expired");
  const GeneratedKey other = generate_key(dir / "other").value();
  const auto stranger = verify_document("document", signature, other.public_key, kNow);
  EXPECT_EQ(stranger.error().id, "policy.signature");
  EXPECT_THAT(stranger.error().message, HasSubstr(key.key_id));
  EXPECT_EQ(verify_document("document", signature, "AAAA", kNow).error().id, "policy.key");
}

TEST_F(SignatureTest, EveryMemberIsCovered) {
  const json::Value good = json::parse(sign("document", 2)).value();
  const auto changed = [&](const char* member, json::Value value) {
    json::Value copy = good;
    copy[member] = std::move(value);
    return verify("document", json::dump(copy));
  };
  EXPECT_EQ(changed("policy_version", 2), "ok");
  EXPECT_EQ(changed("policy_version", 3), "policy.signature");
  EXPECT_EQ(changed("policy_version", 0), "policy.signature");
  EXPECT_EQ(changed("policy_version", "2"), "policy.signature");
  EXPECT_EQ(changed("policy_version", 2.0), "policy.signature");
  EXPECT_EQ(changed("expires_at", format_time(kNow + 2 * kDay)), "policy.signature");
  EXPECT_EQ(changed("expires_at", "2099-02-30T00:00:00Z"), "policy.signature");
  EXPECT_EQ(changed("sha256", std::string(64, 'a')), "policy.signature");
  EXPECT_EQ(changed("key_id", std::string(16, 'a')), "policy.signature");
  EXPECT_EQ(changed("schema", "scc.policy-signature/2"), "policy.signature");
  EXPECT_EQ(changed("signature", str::base64(std::string(64, 'a'))), "policy.signature");
  EXPECT_EQ(changed("more", 1), "policy.signature");
  // A signature of the document itself, without the envelope, is none.
  const std::string raw = os::sign_detached("document", os::sign_keygen()).value();
  EXPECT_EQ(changed("signature", str::base64(raw)), "policy.signature");
}

TEST_F(SignatureTest, RandomDamageIsNeverAccepted) {
  const std::string signature = sign("document");
  const auto original = parse_signature(signature).value();
  for (std::size_t i = 0; i < signature.size(); ++i) {
    for (const char bit : {'\1', '\4', ' '}) {
      std::string bent = signature;
      bent[i] = static_cast<char>(bent[i] ^ bit);
      const auto done = verify_document("document", bent, key.public_key, kNow);
      // White space may change; what is said may not.
      EXPECT_TRUE(!done || signing_bytes(*done) == signing_bytes(original)) << i;
    }
  }
}

TEST_F(SignatureTest, VersionsOnlyGrow) {
  const auto parsed = [&](std::string_view document, std::int64_t version) {
    return parse_signature(sign(document, version)).value();
  };
  const auto record = [&](const PolicySignature& signature) -> std::string {
    const auto done = record_seen(dir / "state", key.public_key, signature);
    return done ? "ok" : done.error().id;
  };
  EXPECT_FALSE(read_seen(dir / "state", key.public_key)->has_value());
  EXPECT_EQ(record(parsed("a", 5)), "ok");
  EXPECT_EQ(record(parsed("a", 5)), "ok");
  EXPECT_EQ(record(parsed("b", 5)), "policy.downgrade");
  EXPECT_EQ(record(parsed("a", 4)), "policy.downgrade");
  EXPECT_EQ(record(parsed("b", 6)), "ok");
  EXPECT_EQ(record(parsed("a", 5)), "policy.downgrade");
  EXPECT_EQ(read_seen(dir / "state", key.public_key).value()->policy_version, 6);
  // Another key has its own count.
  const GeneratedKey other = generate_key(dir / "other").value();
  EXPECT_FALSE(read_seen(dir / "state", other.public_key)->has_value());
  EXPECT_TRUE(record_seen(dir / "state", other.public_key, parsed("a", 1)));
  EXPECT_EQ(read_seen(dir / "state", key.public_key).value()->policy_version, 6);
}

TEST_F(SignatureTest, AnUnreadableCountRefuses) {
  const auto signature = parse_signature(sign("a", 1)).value();
  ASSERT_TRUE(record_seen(dir / "state", key.public_key, signature));
  for (const char* text :
       {"", "{", "{}", "{\"schema\":\"scc.policy-seen/1\"}", "{\"schema\":\"other\",\"keys\":{}}"}) {
    write("state/policy-seen.json", text);
    const auto seen = read_seen(dir / "state", key.public_key);
    ASSERT_FALSE(seen) << text;
    EXPECT_EQ(seen.error().id, "policy.state");
    EXPECT_EQ(seen.error().kind, Kind::policy);
    EXPECT_FALSE(record_seen(dir / "state", key.public_key, signature));
  }
}

TEST(Clock, Times) {
  EXPECT_EQ(format_time(0), "1970-01-01T00:00:00Z");
  EXPECT_EQ(format_time(951'782'400), "2000-02-29T00:00:00Z");
  for (const std::int64_t t : {std::int64_t{0}, kNow, std::int64_t{4'102'444'799}})
    EXPECT_EQ(parse_time(format_time(t)), t);
  for (const char* bad :
       {"", "2000-01-01", "2000-02-30T00:00:00Z", "2000-01-01T24:00:00Z", "2000-01-01T00:00:60Z",
        "2000-01-01t00:00:00z", "2000-01-01T00:00:00+", " 2000-01-01T00:00:00", "2000-1-01T00:00:00Z"}) {
    EXPECT_FALSE(parse_time(bad)) << bad;
  }
  EXPECT_EQ(format_age(59), "59 seconds");
  EXPECT_EQ(format_age(3600), "1 hour");
  EXPECT_EQ(format_age(47 * kHour), "47 hours");
  EXPECT_EQ(format_age(8 * kDay), "8 days");
}

}  // namespace
}  // namespace scc::remote
