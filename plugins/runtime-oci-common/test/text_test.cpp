// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <scc/oci/text.hpp>
#include <scc/sdk/failure.hpp>

namespace scc::oci {
namespace {

TEST(Text, ChecksNames) {
  for (const char* good : {"a", "scc-oci-0123456789abcdef", "A_b.c-9"})
    EXPECT_EQ(checked_name(good, "x"), good);
  for (const char* bad : {"", "-a", ".a", "a/b", "a b", "a?b", "a%2f", "ü", "a\n", "..", "a:b"}) {
    EXPECT_THROW(checked_name(bad, "x"), sdk::Failure) << bad;
  }
  EXPECT_THROW(checked_name(std::string(256, 'a'), "x"), sdk::Failure);
}

TEST(Text, ChecksImages) {
  for (const char* good :
       {"a", "reg.example:5000/x/y:1.2", "a@sha256:00", "sha256:abc", "scc-base:0.1.0-0a"}) {
    EXPECT_EQ(checked_image(good), good);
  }
  for (const char* bad : {"", "-a", "/a", "a/../b", "a//b", "a b", "a?b", "a#b", "a%2e"}) {
    EXPECT_THROW(checked_image(bad), sdk::Failure) << bad;
  }
}

TEST(Text, EscapesForUrls) {
  EXPECT_EQ(escape_path("a/b:c@d"), "a/b:c@d");
  EXPECT_EQ(escape_path("a b?c#d%e"), "a%20b%3Fc%23d%25e");
  EXPECT_EQ(escape_query("/a b&c=\xc3\xbc\n"), "%2Fa%20b%26c%3D%C3%BC%0A");
}

TEST(Text, MakesForeignTextPrintable) {
  EXPECT_EQ(printable("a\x1b[31mb\r\n"), "a [31mb");
  EXPECT_EQ(printable(std::string(3000, 'x')), std::string(2000, 'x') + " ...");
  EXPECT_EQ(printable("\n"), "");
}

TEST(Text, WritesTimes) {
  EXPECT_EQ(rfc3339(1'700'000'000), "2023-11-14T22:13:20Z");
  EXPECT_EQ(rfc3339(0), "");
  EXPECT_EQ(engine_time("0001-01-01T00:00:00Z"), "");
  EXPECT_EQ(engine_time("2023-11-14T22:13:20.5Z"), "2023-11-14T22:13:20.5Z");
}

}  // namespace
}  // namespace scc::oci
