// SPDX-License-Identifier: Apache-2.0
// Ed25519 against the vectors of RFC 8032 section 7.1, and base64 both ways.
#include "os/sign.h"

#include <gtest/gtest.h>

#include "base/str.h"

namespace scc::os {
namespace {

std::string unhex(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i + 1 < text.size(); i += 2) {
    out += static_cast<char>(std::stoi(std::string(text.substr(i, 2)), nullptr, 16));
  }
  return out;
}

TEST(Sign, Rfc8032Vector2) {
  const SecretSeed seed(unhex("4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb"));
  const std::string key = sign_public_key(seed).value();
  EXPECT_EQ(str::hex(key), "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c");
  const std::string signature = sign_detached("\x72", seed).value();
  EXPECT_EQ(str::hex(signature),
            "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
            "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00");
  EXPECT_TRUE(verify_detached("\x72", signature, key));
}

TEST(Sign, RefusesEverythingElse) {
  const SecretSeed seed = sign_keygen();
  const std::string key = sign_public_key(seed).value();
  const std::string signature = sign_detached("message", seed).value();
  ASSERT_TRUE(verify_detached("message", signature, key));
  EXPECT_FALSE(verify_detached("messagf", signature, key));
  EXPECT_FALSE(verify_detached("", signature, key));
  for (std::size_t i = 0; i < signature.size(); ++i) {
    std::string bent = signature;
    bent[i] = static_cast<char>(bent[i] ^ 1);
    EXPECT_FALSE(verify_detached("message", bent, key)) << i;
  }
  EXPECT_FALSE(verify_detached("message", signature, sign_public_key(sign_keygen()).value()));
  EXPECT_FALSE(verify_detached("message", signature.substr(1), key));
  EXPECT_FALSE(verify_detached("message", signature, key.substr(1)));
  EXPECT_FALSE(verify_detached("message", "", ""));
  // The neutral element as a key would accept made-up signatures.
  EXPECT_FALSE(
      verify_detached("message", std::string(64, '\0'), std::string("\1", 1) + std::string(31, '\0')));
}

TEST(Sign, WrongSeedSizeAndMoves) {
  EXPECT_EQ(sign_detached("m", SecretSeed("short")).error().id, "sign.key");
  EXPECT_EQ(sign_public_key(SecretSeed("")).error().id, "sign.key");
  SecretSeed first = sign_keygen();
  const std::string bytes = first.bytes();
  SecretSeed second = std::move(first);
  EXPECT_TRUE(first.bytes().empty());  // NOLINT: a moved-from seed holds nothing
  EXPECT_EQ(second.bytes(), bytes);
  EXPECT_NE(sign_keygen().bytes(), bytes);
}

TEST(Base64, RoundTripAndRefusals) {
  for (std::size_t n = 0; n < 70; ++n) {
    std::string bytes;
    for (std::size_t i = 0; i < n; ++i) bytes += static_cast<char>(i * 37 + n);
    EXPECT_EQ(base64_decode(str::base64(bytes)).value(), bytes);
  }
  for (const char* bad : {"A", "AA", "AAA", "A===", "AAAA\n", " AAAA", "AA-_", "AA==AA=="}) {
    EXPECT_FALSE(base64_decode(bad)) << bad;
  }
  EXPECT_FALSE(base64_decode(std::string_view("AAA=\0", 5)));
  EXPECT_TRUE(base64_decode("AAA="));
}

}  // namespace
}  // namespace scc::os
