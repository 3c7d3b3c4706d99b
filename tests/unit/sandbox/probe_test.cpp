// SPDX-License-Identifier: Apache-2.0
#include "sandbox/probe.h"

#include <cstring>
#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace {

bool split(std::string text, ProbeLine* out) {
  static std::string kept;  // the words point into it
  kept = std::move(text);
  return probe_split(kept.data(), out);
}

TEST(ProbeText, SplitsALineAtTabs) {
  ProbeLine line;
  ASSERT_TRUE(split("p1\ttcp\t192.0.2.1\t\t9", &line));
  EXPECT_EQ(line.count, 5);
  EXPECT_STREQ(line.words[1], "tcp");
  EXPECT_STREQ(line.words[3], "");
  for (const char* bad : {"", "p1", "p1\t", "p 1\ttcp", "p1\tt/p", "a\tb\tc\td\te\tf\tg\th\ti"}) {
    EXPECT_FALSE(split(bad, &line)) << bad;
  }
}

TEST(ProbeText, UnescapesBytes) {
  std::string text = "a%00b%0d%0A%25";
  EXPECT_EQ(probe_unescape(text.data()), 6);
  EXPECT_EQ(std::memcmp(text.data(), "a\0b\r\n%", 6), 0);
  for (const char* bad : {"%", "%1", "%zz", "a%f"}) {
    std::string broken = bad;
    EXPECT_EQ(probe_unescape(broken.data()), -1) << bad;
  }
}

TEST(ProbeText, AFindingIsOneLineOfPlainCharacters) {
  ProbeFinding finding;
  probe_set(&finding, "none", "4\t03", "a\nb\x7f\xff");
  EXPECT_STREQ(finding.value, "4?03");
  EXPECT_STREQ(finding.text, "a?b??");
  for (int i = 0; i < 100; ++i) probe_add(&finding, "a long text that is added again and again");
  EXPECT_LT(std::strlen(finding.text), sizeof finding.text);
}

TEST(ProbeNet, ReadsAddressesOfBothFamilies) {
  struct sockaddr_storage at;
  socklen_t size = 0;
  EXPECT_TRUE(probe_address("192.0.2.1", 9, &at, &size));
  EXPECT_TRUE(probe_address("fe80::1%3", 9, &at, &size));
  for (const char* bad : {"", "example.com", "192.0.2", "1.2.3.4.5", "fe80:::1"}) {
    EXPECT_FALSE(probe_address(bad, 9, &at, &size)) << bad;
  }
}

TEST(ProbeDns, AsksAndAnswers) {
  uint8_t query[kProbeDnsMax];
  uint8_t answer[kProbeDnsMax];
  const size_t size = probe_dns_query("Web.abc.example", 7, query, sizeof query);
  ASSERT_GT(size, 0U);
  char name[256];
  uint16_t type = 0;
  ASSERT_TRUE(probe_dns_question(query, size, name, sizeof name, &type));
  EXPECT_STREQ(name, "web.abc.example");
  EXPECT_EQ(type, 1);
  const char* addresses[] = {"192.0.2.1", "::1", "127.0.0.1", "no address"};
  const size_t got = probe_dns_answer(query, size, addresses, 4, "ptr.example", answer, sizeof answer);
  EXPECT_EQ(got, size + 2 * 16);
  EXPECT_EQ(answer[7], 2) << "two A records: the asked family only";
  EXPECT_EQ(answer[2] & 0x80, 0x80);
  EXPECT_EQ(std::memcmp(answer + got - 4, "\x7f\0\0\x01", 4), 0);
}

TEST(ProbeDns, RefusesWhatIsNoNameAndWhatIsNoQuery) {
  uint8_t packet[kProbeDnsMax];
  for (const std::string& bad :
       {std::string(), std::string("."), std::string("a..b"), std::string(64, 'a'), std::string(300, 'a')}) {
    EXPECT_EQ(probe_dns_query(bad.c_str(), 1, packet, sizeof packet), 0U) << bad;
  }
  const size_t size = probe_dns_query("a.example", 1, packet, sizeof packet);
  char name[256];
  uint16_t type = 0;
  for (size_t i = 0; i < size; ++i) {
    EXPECT_FALSE(probe_dns_question(packet, i, name, sizeof name, &type)) << "cut at " << i;
  }
  EXPECT_FALSE(probe_dns_question(packet, size, name, 4, &type)) << "no room for the name";
  packet[12] = 0xC0;  // a pointer has no place in a question
  EXPECT_FALSE(probe_dns_question(packet, size, name, sizeof name, &type));
}

}  // namespace
