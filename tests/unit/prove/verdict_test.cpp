// SPDX-License-Identifier: Apache-2.0
#include "prove/verdict.h"

#include <gtest/gtest.h>

#include "prove/report.h"

namespace scc::prove {
namespace {

const Controls kWorked = {{"tcp", "reached"}, {"proxy", "200"}};

Probe raw() {
  return {"raw/tcp", "tcp", "TCP", "tcp\t192.0.2.1\t9", Stage::near, Expect::unreached};
}
Probe asked(Expect expect = Expect::refused) {
  return {"name/x", "proxy", "a name", "http\tx", Stage::near, expect};
}
Verdict verdict(const Probe& probe, const Finding& finding, const Controls& controls = kWorked) {
  return judge(probe, finding, controls, true).verdict;
}

TEST(Verdict, ReadsALineOfTheProgram) {
  const auto found = parse_finding("p7\tstatus\t403\tHTTP/1.1 403 Forbidden");
  ASSERT_TRUE(found);
  EXPECT_EQ(found->first, "p7");
  EXPECT_EQ(found->second.kind, "status");
  EXPECT_EQ(found->second.value, "403");
  for (const char* bad :
       {"", "done", "p7\tstatus\t403", "\tnone\t\tx", "p7\tgone\t\tx", "p7\tnone\t\tx\ty"}) {
    EXPECT_FALSE(parse_finding(bad)) << bad;
  }
}

TEST(Verdict, ARefusalCountsOnlyBesideAControlThatWorked) {
  EXPECT_EQ(verdict(raw(), {"none", "", "Network is unreachable"}), Verdict::refused);
  EXPECT_EQ(verdict(raw(), {"none", "", "Network is unreachable"}, {}), Verdict::inconclusive);
  EXPECT_EQ(verdict(raw(), {"none", "", "refused"}, {{"udp", "reached"}}), Verdict::inconclusive);
  EXPECT_EQ(verdict(asked(), {"status", "403", ""}, {}), Verdict::inconclusive);
}

TEST(Verdict, WhatWasReachedEscapedWhateverTheControlSays) {
  EXPECT_EQ(verdict(raw(), {"reached", "", "192.0.2.1"}), Verdict::escaped);
  EXPECT_EQ(verdict(raw(), {"reached", "", "192.0.2.1"}, {}), Verdict::escaped);
  EXPECT_EQ(verdict(asked(), {"status", "200+", ""}, {}), Verdict::escaped);
}

TEST(Verdict, ABrokenAttemptAndAMissingFindingAreNoPass) {
  EXPECT_EQ(verdict(raw(), {"broken", "", ""}), Verdict::inconclusive);
  EXPECT_EQ(judge(raw(), std::nullopt, kWorked, true).verdict, Verdict::inconclusive);
}

TEST(Verdict, AProxyThatTriedHasLetItThrough) {
  for (const char* status : {"403", "400", "405", "501"}) {
    EXPECT_EQ(verdict(asked(), {"status", status, ""}), Verdict::refused) << status;
  }
  for (const char* status : {"200+", "200-", "204-", "301", "404", "500", "502", "503", "504"}) {
    EXPECT_EQ(verdict(asked(), {"status", status, ""}), Verdict::escaped) << status;
  }
  EXPECT_EQ(verdict(asked(), {"none", "", "closed"}), Verdict::refused);
}

TEST(Verdict, AFlippingNameLeadsToTheStandInOrNowhere) {
  const Probe probe = asked(Expect::contained);
  EXPECT_EQ(verdict(probe, {"status", "200+ 403 403", ""}), Verdict::refused);
  EXPECT_EQ(verdict(probe, {"status", "200+ 200+", ""}), Verdict::refused);
  EXPECT_EQ(verdict(probe, {"status", "200+ 200-", ""}), Verdict::escaped);
  EXPECT_EQ(verdict(probe, {"status", "200+ 503", ""}), Verdict::escaped);
}

TEST(Verdict, WithoutAClaimWhatIsReachedIsReachable) {
  EXPECT_EQ(judge(raw(), Finding{"reached", "", ""}, kWorked, false).verdict, Verdict::reachable);
  EXPECT_EQ(judge(raw(), Finding{"none", "", ""}, kWorked, false).verdict, Verdict::refused);
}

TEST(Verdict, TheRecordMayHoldOnlyWhatThePolicyLetsThrough) {
  Targets t;
  t.label = "abc";
  t.stand_in = "172.18.0.2";
  t.peer = "172.18.0.3";
  t.port = 4000;
  const auto allowed = [&](const char* line, bool proxy = true) {
    return record_line_allowed(line, t, proxy);
  };
  EXPECT_TRUE(allowed("dns-udp 53 1 web.abc.scc-prove.example from 172.18.0.4"));
  EXPECT_TRUE(allowed("tcp 443 - from 172.18.0.4"));
  EXPECT_TRUE(allowed("tcp 4000 - from 172.18.0.3")) << "the peer's own";
  EXPECT_FALSE(allowed("dns-udp 53 1 unlisted-abc.scc-canary.example from 172.18.0.4"));
  EXPECT_FALSE(allowed("dns-tcp 53 28 web.other.scc-prove.example from 172.18.0.4"));
  EXPECT_TRUE(allowed("dns-udp 53 12 1.0.0.127.in-addr.arpa from 172.18.0.4")) << "who the client is";
  EXPECT_FALSE(allowed("dns-udp 53 12 2.0.18.172.in-addr.arpa from 172.18.0.4"));
  EXPECT_FALSE(allowed("tcp 80 - from 172.18.0.4"));
  EXPECT_FALSE(allowed("udp 443 - from 172.18.0.4"));
  EXPECT_FALSE(allowed("tcp 443 - from 172.18.0.4", false)) << "a policy without a proxy";
  EXPECT_FALSE(allowed("garbage"));
  Targets inside = t;
  inside.inside = "172.18.0.2/29";
  inside.proxy = "172.18.0.5:3128";
  EXPECT_TRUE(record_line_allowed("dns-udp 53 12 2.0.18.172.in-addr.arpa from 172.18.0.4", inside, true));
  EXPECT_TRUE(record_line_allowed("dns-udp 53 12 5.0.18.172.in-addr.arpa from 172.18.0.4", inside, true));
  EXPECT_FALSE(record_line_allowed("dns-udp 53 12 9.0.18.172.in-addr.arpa from 172.18.0.4", inside, true));
}

TEST(Report, IsProvedOnlyWhenNothingElseHappened) {
  Report report;
  report.policy = "web-egress-enforced";
  EXPECT_EQ(report.verdict(), "inconclusive") << "nothing was tried";
  report.results.push_back({"a", "", Verdict::refused, "", ""});
  report.results.push_back({"b", "", Verdict::skipped, "", "why"});
  EXPECT_EQ(report.verdict(), "proved");
  report.results.push_back({"c", "", Verdict::inconclusive, "", "why"});
  EXPECT_EQ(report.verdict(), "inconclusive");
  report.results.push_back({"d", "", Verdict::escaped, "", ""});
  EXPECT_EQ(report.verdict(), "escaped");
  EXPECT_EQ(report.to_json().integer("/counts/escaped"), 1);
}

TEST(Report, OfThePolicyOpenClaimsNothing) {
  Report report;
  report.policy = "open";
  report.results.push_back({"a", "", Verdict::refused, "", ""});
  report.results.push_back({"b", "", Verdict::reachable, "", ""});
  EXPECT_EQ(report.verdict(), "open");
}

}  // namespace
}  // namespace scc::prove
