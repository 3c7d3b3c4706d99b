// SPDX-License-Identifier: Apache-2.0
// The host's answer: what the strict reader takes, and everything that it must refuse.
#include "sandbox/go_frame.h"

#include <cstring>
#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace {

size_t header(const std::string& text) {
  EXPECT_EQ(text.size(), static_cast<size_t>(SCC_GO_HEADER_BYTES));
  return go_header_length(text.data());
}

// The reader works in place; the allocation is exact so that a sanitizer sees a step outside.
bool parse(const std::string& text, GoAnswer* answer, std::vector<char>* storage) {
  storage->assign(text.begin(), text.end());
  storage->push_back('\n');
  return parse_go_payload(storage->data(), text.size(), answer);
}

bool accepts(const std::string& text) {
  GoAnswer answer;
  std::vector<char> storage;
  return parse(text, &answer, &storage);
}

std::string with_secret(const std::string& secret) {
  return R"({"nonce":"n","go":true,"secrets":[)" + secret + "]}";
}

TEST(GoHeader, TakesExactlyItsForm) {
  EXPECT_EQ(header("\x1eSCC-GO 0000001f "), 31U);
  EXPECT_EQ(header("\x1eSCC-GO 0000001F "), 31U);
  EXPECT_EQ(header("\x1eSCC-GO 00100000 "), 1048576U);
  EXPECT_EQ(header("\x1eSCC-GO 00100001 "), 0U) << "over the limit";
  EXPECT_EQ(header("\x1eSCC-GO ffffffff "), 0U);
  EXPECT_EQ(header("\x1eSCC-GO 00000001 "), 0U) << "no JSON object is that short";
  EXPECT_EQ(header("\x1eSCC-GO 0000001f\n"), 0U);
  EXPECT_EQ(header("\x1eSCC-GO +000001f "), 0U);
  EXPECT_EQ(header("\x1eSCC-NO 0000001f "), 0U);
  EXPECT_EQ(header(" SCC-GO 0000001f "), 0U);
}

TEST(GoPayload, ReadsEveryMember) {
  GoAnswer answer;
  std::vector<char> storage;
  ASSERT_TRUE(parse(
      R"( { "nonce" : "abc_-9","go":true,"ack":true,"rows":24,"cols":65535,)"
      R"("secrets":[{"name":"api-key","value_base64":"c2stMQ=="},{"value_base64":"AP8\/","name":"b"}]} )",
      &answer, &storage));
  EXPECT_STREQ(answer.nonce, "abc_-9");
  EXPECT_TRUE(answer.go);
  EXPECT_TRUE(answer.ack);
  EXPECT_EQ(answer.rows, 24);
  EXPECT_EQ(answer.cols, 65535);
  ASSERT_EQ(answer.secret_count, 2U);
  EXPECT_STREQ(answer.secrets[0].name, "api-key");
  EXPECT_EQ(std::string(answer.secrets[0].value, answer.secrets[0].size), "sk-1");
  EXPECT_EQ(std::string(answer.secrets[1].value, answer.secrets[1].size), std::string("\0\xff\x3f", 3));
}

TEST(GoPayload, HasHarmlessDefaults) {
  GoAnswer answer;
  std::vector<char> storage;
  ASSERT_TRUE(parse(R"({"nonce":"n","go":false,"secrets":[]})", &answer, &storage));
  EXPECT_FALSE(answer.go);
  EXPECT_FALSE(answer.ack);
  EXPECT_EQ(answer.secret_count, 0U);
}

TEST(GoPayload, DecodesEscapesToPlainCharactersOnly) {
  GoAnswer answer;
  std::vector<char> storage;
  ASSERT_TRUE(parse(R"({"nonce":"\u0061\/\"\\","go":true})", &answer, &storage));
  EXPECT_STREQ(answer.nonce, "a/\"\\");
  EXPECT_FALSE(accepts(R"({"nonce":"a\u0000b","go":true})"));
  EXPECT_FALSE(accepts(R"({"nonce":"a\nb","go":true})"));
  EXPECT_FALSE(accepts(R"({"nonce":"\u00e9","go":true})"));
  EXPECT_FALSE(accepts("{\"nonce\":\"\xc3\xa9\",\"go\":true}"));
}

TEST(GoPayload, RefusesMalformedUnknownAndRepeatedMembers) {
  for (const char* bad : {"",
                          "{}",
                          "[]",
                          R"({"go":true})",
                          R"({"nonce":"n"})",
                          R"({"nonce":"n","go":1})",
                          R"({"nonce":n,"go":true})",
                          R"({"nonce":"n","go":true,})",
                          R"({"nonce":"n","go":true}x)",
                          R"({"nonce":"n","go":true}{})",
                          R"({"nonce":"n","go":true,"go":true})",
                          R"({"nonce":"n","nonce":"n","go":true})",
                          R"({"nonce":"n","go":true,"extra":1})",
                          R"({"nonce":"n","go":truex})",
                          R"({"nonce":"n","go":true)",
                          R"({"nonce":"n","go":true,"rows":65536})",
                          R"({"nonce":"n","go":true,"rows":-1})",
                          R"({"nonce":"n","go":true,"rows":007})",
                          R"({"nonce":"n","go":true,"rows":1e3})",
                          R"({"nonce":"n","go":true,"rows":})",
                          R"({'nonce':'n','go':true})",
                          R"({"nonce":null,"go":true})"}) {
    EXPECT_FALSE(accepts(bad)) << bad;
  }
  EXPECT_FALSE(accepts(std::string("{\"nonce\":\"n\0\",\"go\":true}", 24)));
}

TEST(GoPayload, RefusesEveryTruncation) {
  const std::string whole =
      R"({"nonce":"n\u0041","go":true,"ack":false,"secrets":[{"name":"a","value_base64":"YQ=="}],"rows":1})";
  ASSERT_TRUE(accepts(whole));
  for (size_t size = 0; size < whole.size(); ++size) EXPECT_FALSE(accepts(whole.substr(0, size))) << size;
}

TEST(GoSecrets, RefusesNamesThatAreNoPlainFileNames) {
  EXPECT_TRUE(accepts(with_secret(R"({"name":"a-1","value_base64":"YQ=="})")));
  for (const char* name : {"", ".", "..", "../x", "a/b", "A", "a_b", "a.b", "a b"}) {
    EXPECT_FALSE(accepts(with_secret(R"({"name":")" + std::string(name) + R"(","value_base64":"YQ=="})")))
        << name;
  }
  EXPECT_TRUE(accepts(with_secret(R"({"name":")" + std::string(64, 'a') + R"(","value_base64":"YQ=="})")));
  EXPECT_FALSE(accepts(with_secret(R"({"name":")" + std::string(65, 'a') + R"(","value_base64":"YQ=="})")));
}

TEST(GoSecrets, RefusesBadBase64) {
  for (const char* value :
       {"", "YQ", "YQ=", "YQ===", "Y===", "====", "YQ==YQ==", "YR==", "YWJ=", "Y Q=", "YQ-_", "YQ=a"}) {
    EXPECT_FALSE(accepts(with_secret(R"({"name":"a","value_base64":")" + std::string(value) + R"("})")))
        << value;
  }
}

TEST(GoSecrets, RefusesMissingRepeatedAndTooMany) {
  EXPECT_FALSE(accepts(with_secret(R"({"name":"a"})")));
  EXPECT_FALSE(accepts(with_secret(R"({"value_base64":"YQ=="})")));
  EXPECT_FALSE(accepts(with_secret(R"({"name":"a","value_base64":"YQ==","x":"y"})")));
  EXPECT_FALSE(accepts(with_secret(R"({"name":"a","name":"b","value_base64":"YQ=="})")));
  EXPECT_FALSE(
      accepts(with_secret(R"({"name":"a","value_base64":"YQ=="},{"name":"a","value_base64":"YQ=="})")));
  std::string many;
  for (int i = 0; i < SCC_SECRETS_MAX; ++i) {
    many += (i == 0 ? "" : ",") + (R"({"name":"n)" + std::to_string(i)) + R"(","value_base64":"YQ=="})";
  }
  EXPECT_TRUE(accepts(with_secret(many)));
  EXPECT_FALSE(accepts(with_secret(many + R"(,{"name":"x","value_base64":"YQ=="})")));
}

TEST(GoSecrets, BoundsTheDecodedSize) {
  // 65536 = 3 * 21845 + 1: one more group with two padding characters.
  const std::string groups(4UL * 21845, 'A');
  EXPECT_TRUE(accepts(with_secret(R"({"name":"a","value_base64":")" + groups + R"(AA=="})")));
  EXPECT_FALSE(accepts(with_secret(R"({"name":"a","value_base64":")" + groups + R"(AAA="})")));
}

}  // namespace
