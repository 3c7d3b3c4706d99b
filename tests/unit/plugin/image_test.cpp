// SPDX-License-Identifier: Apache-2.0
// The ELF reader on real libraries, whole, cut at every length, and with every byte of its headers changed:
// it may refuse, it must not crash (the sanitizer build proves that it reads nothing outside).
#include "plugin/image.h"

#include <cstring>
#include <elf.h>

#include <gmock/gmock.h>

#include "unit/plugin/plugin_fixture.h"

namespace scc::plugin {
namespace {

std::string good() {
  return test::slurp(std::filesystem::path(BAD_PLUGIN_DIR) / "good.so");
}

TEST(Image, AcceptsAGoodLibrary) {
  const auto image = check_image(good());
  ASSERT_TRUE(image) << image.error().message;
  ASSERT_EQ(image->exports.size(), 1U);
  EXPECT_EQ(image->exports[0], kEntrySymbol);
  const auto other = check_image(test::slurp(std::filesystem::path(BAD_PLUGIN_DIR) / "thread_leak.so"));
  ASSERT_TRUE(other) << other.error().message;
  EXPECT_THAT(other->needed, testing::Contains("libc.so.6"));
}

TEST(Image, SurvivesTruncationAtEveryLength) {
  const std::string bytes = good();
  std::size_t refused = 0;
  for (std::size_t n = 0; n < bytes.size(); ++n) {
    // A copy of exactly this size, so that a sanitizer sees one byte too many.
    const std::string part = bytes.substr(0, n);
    refused += check_image(part) ? 0U : 1U;
  }
  EXPECT_GT(refused, bytes.size() / 2);
  EXPECT_FALSE(check_image(bytes.substr(0, bytes.size() / 3)));
}

TEST(Image, SurvivesEveryChangedByteOfTheDynamicParts) {
  const std::string bytes = good();
  std::string copy = bytes;
  for (std::size_t at = 0; at < bytes.size(); ++at) {
    copy[at] = static_cast<char>(static_cast<unsigned char>(bytes[at]) ^ (at % 2 == 0 ? 0xffU : 0x81U));
    static_cast<void>(check_image(copy));
    copy[at] = bytes[at];
  }
  EXPECT_TRUE(check_image(copy));
}

TEST(Image, RefusesOtherFiles) {
  for (const std::string& bytes :
       {std::string(),
        std::string("\x7f"
                    "ELF"),
        std::string("#!/bin/sh\n"), std::string(4096, 'A'), test::slurp("/proc/self/exe")}) {
    const auto image = check_image(bytes);
    ASSERT_FALSE(image);
    EXPECT_EQ(image.error().id, "plugin.image");
  }
}

TEST(Image, RefusesAnotherMachine) {
  std::string bytes = good();
  Elf64_Ehdr header;
  std::memcpy(&header, bytes.data(), sizeof(header));
  header.e_machine = EM_PPC64;
  std::memcpy(bytes.data(), &header, sizeof(header));
  const auto image = check_image(bytes);
  ASSERT_FALSE(image);
  EXPECT_NE(image.error().message.find("another machine"), std::string::npos);
}

}  // namespace
}  // namespace scc::plugin
