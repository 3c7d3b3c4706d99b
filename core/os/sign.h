// SPDX-License-Identifier: Apache-2.0
// Ed25519 detached signatures (RFC 8032, libsodium) and the decoding half of base64. Keys and signatures are
// raw bytes here; callers choose how they are written down.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace scc::os {

inline constexpr std::size_t kPublicKeyBytes = 32;
inline constexpr std::size_t kSignatureBytes = 64;
inline constexpr std::size_t kSeedBytes = 32;

/// The 32-byte seed that a key pair follows from; wiped from memory when it goes. Never printed.
class SecretSeed {
 public:
  explicit SecretSeed(std::string bytes) noexcept : bytes_(std::move(bytes)) {}
  SecretSeed(SecretSeed&& other) noexcept;
  SecretSeed& operator=(SecretSeed&& other) noexcept;
  SecretSeed(const SecretSeed&) = delete;
  SecretSeed& operator=(const SecretSeed&) = delete;
  ~SecretSeed();
  const std::string& bytes() const noexcept { return bytes_; }

 private:
  std::string bytes_;
};

/// A new random seed.
SecretSeed sign_keygen();
/// The public key of a seed. Kind::config sign.key when it does not have 32 bytes.
Result<std::string> sign_public_key(const SecretSeed& seed);
/// The 64-byte signature of `message`. Kind::config sign.key when the seed does not have 32 bytes.
Result<std::string> sign_detached(std::string_view message, const SecretSeed& seed);
/// True only for a signature of exactly these bytes by the owner of the key; sizes that are wrong are false.
bool verify_detached(std::string_view message, std::string_view signature, std::string_view public_key);

/// Standard base64 with padding; anything else (white space, URL alphabet) is Kind::config base64.syntax.
Result<std::string> base64_decode(std::string_view text);

}  // namespace scc::os
