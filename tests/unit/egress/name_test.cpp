// SPDX-License-Identifier: Apache-2.0
#include "egress/name.h"

#include <gtest/gtest.h>

namespace scc::egress {
namespace {

std::string host(std::string_view text, Use use = Use::allow) {
  const auto out = rule_host(text, use);
  return out ? *out : out.error().id;
}

TEST(RuleHost, HasOneSpelling) {
  EXPECT_EQ(host("API.Example.COM"), "api.example.com");
  EXPECT_EQ(host("api.example.com."), "api.example.com");
  EXPECT_EQ(host(".example.com"), "*.example.com");
  EXPECT_EQ(host("*.Example.com."), "*.example.com");
  EXPECT_EQ(host("b\xc3\xbc"
                 "cher.example"),
            "xn--bcher-kva.example");
  EXPECT_EQ(host("B\xc3\x9c"
                 "CHER.example"),
            "xn--bcher-kva.example");
  EXPECT_EQ(host("*.b\xc3\xbc"
                 "cher.example"),
            "*.xn--bcher-kva.example");
  // The ideographic full stop is a dot (UTS 46).
  EXPECT_EQ(host("a\xe3\x80\x82"
                 "example.com"),
            "a.example.com");
}

TEST(RuleHost, RefusesWhatTwoReadersCouldReadDifferently) {
  const std::string nul("a\0.example.com", 14);
  for (const std::string& text : {std::string(),
                                  std::string("*"),
                                  std::string("."),
                                  std::string("*."),
                                  std::string("**.example.com"),
                                  std::string("a.*.com"),
                                  std::string(" a.example.com"),
                                  std::string("a.example.com "),
                                  std::string("a.example.com\n"),
                                  std::string("a\texample.com"),
                                  std::string("\"a.example.com\""),
                                  std::string("'a.example.com'"),
                                  std::string("a.example.com#x"),
                                  std::string("a.example.com\\"),
                                  std::string("a_b.example.com"),
                                  std::string("a..example.com"),
                                  std::string("a.example.com.."),
                                  std::string("-a.example.com"),
                                  std::string("a-.example.com"),
                                  std::string("a%2e.example.com"),
                                  std::string("u@example.com"),
                                  std::string("example.com:443"),
                                  std::string("example.com/x"),
                                  std::string("127.0.0.1"),
                                  std::string("127.1"),
                                  std::string("0x7f.1"),
                                  std::string("0x7f000001"),
                                  std::string("2130706433"),
                                  std::string("017700000001"),
                                  std::string("[::1]"),
                                  std::string("::1"),
                                  std::string("::ffff:10.0.0.1"),
                                  std::string("10.0.0.0/8"),
                                  std::string("a.example.1"),
                                  std::string("a.example.0x1f"),
                                  std::string("localhost"),
                                  std::string("\xff.example"),
                                  std::string("a\xc2\xa0.example.com"),
                                  std::string(64, 'a') + ".example.com",
                                  std::string(250, 'a') + ".com",
                                  nul}) {
    EXPECT_EQ(host(text), "egress.host") << text;
  }
}

TEST(RuleHost, RefusesWildcardsOverOtherPeoplesNames) {
  for (const char* text : {"*.com", ".com", "*.uk", "*.co.uk", "*.com.au", ".gov.br", "*.ac.jp"}) {
    EXPECT_EQ(host(text), "egress.host") << text;
  }
  EXPECT_EQ(host("*.example.com"), "*.example.com");
  EXPECT_EQ(host("*.acme.co.uk"), "*.acme.co.uk");
  EXPECT_EQ(host("co.uk"), "co.uk");  // the host itself
}

TEST(RuleHost, DenialsMayBeBroad) {
  EXPECT_EQ(host("*.com", Use::deny), "*.com");
  EXPECT_EQ(host("localhost", Use::deny), "localhost");
  EXPECT_EQ(host("127.0.0.1", Use::deny), "egress.host");
}

TEST(WireHost, TellsNamesFromAddressesAndNonsense) {
  EXPECT_EQ(wire_host("A.Example.com..").name, "a.example.com");
  EXPECT_EQ(wire_host("a.example.com").form, Form::name);
  EXPECT_EQ(wire_host("localhost").form, Form::name);
  for (const char* text : {"127.0.0.1", "127.1", "0x7F.1", "0x7f000001", "2130706433", "017700000001",
                           "[::1]", "::1", "[::ffff:10.0.0.1]", "1.2.3.4.", "a.example.1", "a.0x", "0x"}) {
    EXPECT_EQ(wire_host(text).form, Form::literal) << text;
  }
  for (const char* text : {"", ".", ".a.example.com", "a..example.com", "a_b.example.com", "a%2e.example.com",
                           "u@example.com", "a b.example.com",
                           "b\xc3\xbc"
                           "cher.example",
                           "a.example.com\r\n"}) {
    EXPECT_EQ(wire_host(text).form, Form::malformed) << text;
  }
  EXPECT_EQ(wire_host(std::string(64, 'a') + ".example.com").form, Form::malformed);
}

}  // namespace
}  // namespace scc::egress
