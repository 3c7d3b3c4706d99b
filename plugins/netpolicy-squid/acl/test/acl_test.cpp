// SPDX-License-Identifier: Apache-2.0
// What the text says, and that nobody but us can say anything in it. Whether Squid means the same is the
// matter of tests/integration/squid.
#include "acl/acl.h"

#include <algorithm>
#include <sstream>

#include <gmock/gmock.h>

#include <scc/sdk/testing.hpp>

namespace scc_squid {
namespace {

using scc::sdk::Failure;
using testing::EndsWith;
using testing::HasSubstr;
using testing::Not;

Rule allow(const std::string& host, std::vector<int> ports = {443}) {
  return {"org/allow/" + (host[0] == '*' ? host.substr(1) : host),
          true,
          host,
          std::move(ports),
          "org",
          "org.defaults"};
}
Rule deny(const std::string& host, std::vector<int> ports = {}) {
  Rule out{"org/deny/" + host, false, host, std::move(ports), "org", "org.security"};
  if (host[0] == '*') out.id = "org/deny/" + host.substr(1);
  return out;
}

Settings settings() {
  Settings out;
  out.dns_servers = {"192.0.2.53"};
  return out;
}

std::vector<std::string> lines(const std::string& text, const std::string& start) {
  std::vector<std::string> out;
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);) {
    if (line.rfind(start, 0) == 0) out.push_back(line);
  }
  return out;
}

std::string refusal(const std::vector<Rule>& rules, const Settings& with) {
  try {
    compile(rules, with);
  } catch (const Failure& failure) {
    return failure.code;
  }
  return "accepted";
}

TEST(Acl, EqualRulesGiveEqualBytes) {
  const std::vector<Rule> rules = {deny("bad.example.com"), allow("api.example.com"),
                                   allow("*.example.org", {443, 80})};
  EXPECT_EQ(compile(rules, settings()), compile(rules, settings()));
}

TEST(Acl, NamesAreDecidedBeforeAnyLookupAndThereIsOneEnd) {
  const std::string text =
      compile({deny("bad.example.com"), deny("8.8.8.0/24"), allow("api.example.com")}, settings());
  const auto access = lines(text, "http_access ");
  const std::vector<std::string> expected = {"http_access deny manager n_manager",
                                             "http_access deny !agent n_client",
                                             "http_access deny !ok_method n_method",
                                             "http_access deny !tunnel !plain_http n_scheme",
                                             "http_access deny !ok_port n_port",
                                             "http_access deny tunnel port_80 n_port",
                                             "http_access deny !tunnel port_443 n_port",
                                             "http_access deny literal n_literal",
                                             "http_access deny malformed n_malformed",
                                             "http_access deny r0 n0",
                                             "http_access deny !listed n_not-listed",
                                             "http_access deny !open n_host-port",
                                             "http_access deny denied_address n_address",
                                             "http_access deny r1 n1",
                                             "http_access allow r2 n2",
                                             "http_access deny all n_default"};
  EXPECT_EQ(access, expected);
}

TEST(Acl, NoRuleAllowsNothing) {
  const std::string text = compile({}, settings());
  EXPECT_THAT(text, Not(HasSubstr("http_access allow")));
  EXPECT_EQ(lines(text, "http_access ").back(), "http_access deny all n_default");
  EXPECT_THAT(text, Not(HasSubstr(" dst ")));  // nothing is looked up either
}

TEST(Acl, EveryNameIsComparedWithoutLookingBackwards) {
  const std::string text =
      compile({deny("*.bad.example"), allow("*.example.com"), allow("example.com")}, settings());
  for (const std::string& line : lines(text, "acl ")) {
    if (line.find(" dstdomain") != std::string::npos) {
      EXPECT_THAT(line, HasSubstr(" dstdomain -n "));
    }
    if (line.find(" dstdom_regex") != std::string::npos) {
      EXPECT_THAT(line, HasSubstr(" dstdom_regex -n "));
    }
  }
  // A list with a domain and its leading-dot form stops Squid: there is one name an ACL.
  EXPECT_THAT(text, HasSubstr("acl d1 dstdomain -n .example.com\nacl x1 dstdomain -n example.com\n"));
}

TEST(Acl, RefusesWhatWouldBeAnotherDirective) {
  for (const char* host : {"",
                           "*",
                           "*.",
                           ".",
                           "a",
                           "a.com\nhttp_access allow all",
                           "a.com http_access",
                           "a.com\r",
                           "a.com\t",
                           "a.com#",
                           "\"a.com\"",
                           "a.com'",
                           "A.com",
                           "a..com",
                           ".a.com",
                           "a.com.",
                           "-a.com",
                           "a-.com",
                           "a.com/",
                           "a.com:443",
                           "a_b.com",
                           "127.0.0.1",
                           "::1",
                           "[::1]",
                           "2130706433",
                           "a.0x7f",
                           "a.1",
                           "*.*.com",
                           "a.*.com",
                           "\xc3\xa9.com",
                           "a.com\\",
                           "a%2ecom",
                           "*.10.0.0.1",
                           "!a.com",
                           "include.com\ninclude /etc/passwd",
                           "10.0.0.0/8"}) {
    Rule rule = allow("a.com");
    rule.host = host;
    EXPECT_EQ(refusal({rule}, settings()), "egress.rule") << host;
  }
  std::string nul = "a.com";
  nul.push_back('\0');
  Rule rule = allow("a.com");
  rule.host = nul;
  EXPECT_EQ(refusal({rule}, settings()), "egress.rule");
  rule.host = std::string(64, 'a') + ".com";
  EXPECT_EQ(refusal({rule}, settings()), "egress.rule");
}

TEST(Acl, RefusesIdsAndPortsOutsideTheirGrammar) {
  for (const char* id : {"", "A", "a b", "a\nb", "a\"", "/a", "builtin/address", "a#", "a=b"}) {
    Rule rule = allow("a.com");
    rule.id = id;
    EXPECT_EQ(refusal({rule}, settings()), "egress.rule") << id;
  }
  for (const int port : {0, -1, 65536})
    EXPECT_EQ(refusal({allow("a.com", {port})}, settings()), "egress.rule");
  EXPECT_EQ(refusal({allow("a.com", {})}, settings()), "egress.rule");
  EXPECT_EQ(refusal({allow("a.com"), allow("a.com")}, settings()), "egress.rule");
  std::vector<Rule> many;
  for (int i = 0; i < 4097; ++i) many.push_back(allow("h" + std::to_string(i) + ".example.com"));
  EXPECT_EQ(refusal(many, settings()), "egress.rule");
  many.pop_back();
  EXPECT_EQ(refusal(many, settings()), "accepted");
}

TEST(Acl, AnOwnerCannotLeaveItsQuotes) {
  Rule rule = deny("bad.example.com");
  rule.owner = "x\" rule=org/other\nhttp_access allow all\\";
  const std::string text = compile({rule}, settings());
  EXPECT_THAT(text, HasSubstr("owner=\"x? rule?org/other?http_access allow all?\"\n"));
}

TEST(Acl, RefusesSettingsThatCouldWriteDirectives) {
  const auto with = [](auto change) {
    Settings out = settings();
    change(out);
    return refusal({allow("a.com")}, out);
  };
  EXPECT_EQ(with([](Settings&) {}), "accepted");
  EXPECT_EQ(with([](Settings& s) { s.listen_address = "0.0.0.0"; }), "egress.settings");
  EXPECT_EQ(with([](Settings& s) { s.listen_address = "::"; }), "egress.settings");
  EXPECT_EQ(with([](Settings& s) { s.listen_address = "127.0.0.1\nx"; }), "egress.settings");
  EXPECT_EQ(with([](Settings& s) { s.listen_port = 0; }), "egress.settings");
  EXPECT_EQ(with([](Settings& s) { s.clients = {}; }), "egress.settings");
  EXPECT_EQ(with([](Settings& s) { s.clients = {"all"}; }), "egress.settings");
  EXPECT_EQ(with([](Settings& s) { s.dns_servers = {}; }), "egress.settings");
  EXPECT_EQ(with([](Settings& s) { s.dns_servers = {"dns.example"}; }), "egress.settings");
  EXPECT_EQ(with([](Settings& s) { s.access_log = "/a b"; }), "egress.settings");
  EXPECT_EQ(with([](Settings& s) { s.cache_log = "/a\nb"; }), "egress.settings");
  EXPECT_EQ(with([](Settings& s) { s.error_dir = "errors"; }), "egress.settings");
  EXPECT_EQ(with([](Settings& s) { s.user = "root\n"; }), "egress.settings");
  EXPECT_EQ(with([](Settings& s) { s.denied_blocks = {"x"}; }), "egress.settings");
  EXPECT_EQ(with([](Settings& s) { s.peer = {"proxy.corp", 3128, false, "", "u:p w"}; }), "egress.settings");
  EXPECT_EQ(with([](Settings& s) { s.peer = {"proxy.corp", 0, false, "", ""}; }), "egress.settings");
  EXPECT_EQ(with([](Settings& s) { s.peer = {"a b", 3128, false, "", ""}; }), "egress.settings");
  EXPECT_EQ(with([](Settings& s) {
              s.peer = {"proxy.corp", 3128, true, "/etc/ca.pem", "u:p%20w"};
            }),
            "accepted");
}

TEST(Acl, InternalBlocksOpenPrivateRangesOnly) {
  Settings with = settings();
  for (const char* block :
       {"127.0.0.0/8", "169.254.169.254", "0.0.0.0/0", "::1", "fe80::/10", "8.8.8.8", "10.0.0.0/7"}) {
    with.internal_blocks = {block};
    EXPECT_EQ(refusal({allow("a.com")}, with), "egress.settings") << block;
  }
  with.internal_blocks = {"10.0.0.0/8", "100.64.0.0/10", "fc00::/7"};
  const std::string text = compile({allow("a.com")}, with);
  EXPECT_THAT(text, Not(HasSubstr("denied_address dst 10.0.0.0/8\n")));
  EXPECT_THAT(text, HasSubstr("denied_address dst 100.100.100.200\n"));
  EXPECT_THAT(text, HasSubstr("denied_address dst fd00:ec2::254\n"));
  EXPECT_THAT(text, HasSubstr("denied_address dst 192.168.0.0/16\n"));
}

TEST(Acl, AnUpstreamProxyTakesEverything) {
  Settings with = settings();
  with.peer = {"proxy.corp.example", 8080, true, "/etc/scc/peer.pem", "user:secret"};
  const std::string text = compile({allow("a.com")}, with);
  EXPECT_THAT(
      text,
      HasSubstr("cache_peer proxy.corp.example parent 8080 0 no-query no-digest no-netdb-exchange default "
                "name=scc_upstream tls tls-cafile=/etc/scc/peer.pem login=user:secret\nnever_direct allow "
                "all\n"));
}

TEST(Acl, EachPageThatIsReferredToExists) {
  const std::vector<Rule> rules = {deny("bad.example.com"), allow("api.example.com"),
                                   allow("*.example.org", {80, 8443})};
  const auto files = pages(rules);
  std::size_t seen = 0;
  for (const std::string& line : lines(compile(rules, settings()), "deny_info 403:")) {
    const std::string name = line.substr(14, line.find(' ', 14) - 14);
    EXPECT_EQ(files.count(name), 1U) << name;
    ++seen;
  }
  EXPECT_EQ(seen, 12U);
  EXPECT_THAT(files.at("ERR_SCC_NOT_LISTED"), HasSubstr("api.example.com, *.example.org:80:8443"));
  EXPECT_THAT(pages({}).at("ERR_SCC_NOT_LISTED"), HasSubstr("no host is allowed"));
}

TEST(Acl, CurlTellsOfARefusedConnect) {
  const std::string text = curl_settings({allow("api.example.com"), deny("bad.example.com")});
  EXPECT_THAT(text, HasSubstr("\nwrite-out = \"%{onerror}%{stderr}scc: "));
  EXPECT_THAT(text, HasSubstr("Allowed instead: api.example.com. "));
  EXPECT_THAT(text, EndsWith("\\n\"\n"));
  EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 2) << "one setting, on one line";
}

}  // namespace
}  // namespace scc_squid
