// SPDX-License-Identifier: Apache-2.0
// Signatures by libsodium. libsodium refuses small-order and non-canonical public keys by itself.
#include "os/sign.h"

#include <array>
#include <utility>

#include <sodium.h>

namespace scc::os {

static_assert(kPublicKeyBytes == crypto_sign_PUBLICKEYBYTES);
static_assert(kSignatureBytes == crypto_sign_BYTES);
static_assert(kSeedBytes == crypto_sign_SEEDBYTES);

namespace {

void wipe(std::string& bytes) noexcept {
  if (!bytes.empty()) sodium_memzero(bytes.data(), bytes.size());
  bytes.clear();
}

const unsigned char* raw(std::string_view bytes) noexcept {
  return reinterpret_cast<const unsigned char*>(bytes.data());
}

/// libsodium's own form of the secret key: seed and public key together.
struct Expanded {
  std::array<unsigned char, crypto_sign_PUBLICKEYBYTES> open{};
  std::array<unsigned char, crypto_sign_SECRETKEYBYTES> secret{};
  explicit Expanded(const SecretSeed& seed) {
    crypto_sign_seed_keypair(open.data(), secret.data(), raw(seed.bytes()));
  }
  Expanded(const Expanded&) = delete;
  Expanded& operator=(const Expanded&) = delete;
  ~Expanded() { sodium_memzero(secret.data(), secret.size()); }
};

Status check_seed(const SecretSeed& seed) {
  if (seed.bytes().size() == kSeedBytes) return {};
  return fail(Kind::config, "sign.key", "the secret key does not have 32 bytes");
}

}  // namespace

SecretSeed::SecretSeed(SecretSeed&& other) noexcept : bytes_(std::move(other.bytes_)) {
  wipe(other.bytes_);
}

SecretSeed& SecretSeed::operator=(SecretSeed&& other) noexcept {
  if (this != &other) {
    wipe(bytes_);
    bytes_ = other.bytes_;
    wipe(other.bytes_);
  }
  return *this;
}

SecretSeed::~SecretSeed() {
  wipe(bytes_);
}

SecretSeed sign_keygen() {
  static const int ready = sodium_init();
  static_cast<void>(ready);  // -1 only when the system has no randomness; randombytes_buf aborts then
  std::string seed(kSeedBytes, '\0');
  randombytes_buf(seed.data(), seed.size());
  return SecretSeed{std::move(seed)};
}

Result<std::string> sign_public_key(const SecretSeed& seed) {
  SCC_CHECK(check_seed(seed));
  const Expanded key(seed);
  return std::string(key.open.begin(), key.open.end());
}

Result<std::string> sign_detached(std::string_view message, const SecretSeed& seed) {
  SCC_CHECK(check_seed(seed));
  const Expanded key(seed);
  std::array<unsigned char, crypto_sign_BYTES> signature{};
  crypto_sign_detached(signature.data(), nullptr, raw(message), message.size(), key.secret.data());
  return std::string(signature.begin(), signature.end());
}

bool verify_detached(std::string_view message, std::string_view signature, std::string_view public_key) {
  if (signature.size() != kSignatureBytes || public_key.size() != kPublicKeyBytes) return false;
  return crypto_sign_verify_detached(raw(signature), raw(message), message.size(), raw(public_key)) == 0;
}

Result<std::string> base64_decode(std::string_view text) {
  std::string out(text.size() / 4 * 3 + 3, '\0');
  std::size_t size = 0;
  const char* end = nullptr;
  const int code = sodium_base642bin(reinterpret_cast<unsigned char*>(out.data()), out.size(), text.data(),
                                     text.size(), nullptr, &size, &end, sodium_base64_VARIANT_ORIGINAL);
  if (code != 0 || end != text.data() + text.size()) {
    return fail(Kind::config, "base64.syntax", "not base64 (RFC 4648 section 4, with padding)");
  }
  out.resize(size);
  return out;
}

}  // namespace scc::os
