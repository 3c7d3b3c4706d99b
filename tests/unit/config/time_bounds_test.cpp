// SPDX-License-Identifier: Apache-2.0
#include "config/time_bounds.h"

#include <gtest/gtest.h>

#include "config/team.h"
#include "model/types.h"

namespace scc::config {
namespace {

constexpr std::int64_t kDay = 24 * kHour;

std::int64_t at(const char* text) {
  return model::parse_time(text).value();
}
/// Central Europe in 2026: summer time from 29 March 01:00 UTC to 25 October 01:00 UTC.
std::int64_t berlin(std::int64_t utc) {
  return utc >= at("2026-03-29T01:00:00Z") && utc < at("2026-10-25T01:00:00Z") ? 2 * kHour : kHour;
}
std::string end_of(const TimeBound& bound, std::int64_t now, std::int64_t cap = kDefaultCap) {
  const auto end = expiry(bound, now, cap, berlin);
  if (end) return model::format_time(*end);
  EXPECT_EQ(end.error().kind, Kind::usage);
  EXPECT_EQ(end.error().id, "exceptions.time");
  EXPECT_FALSE(end.error().hint.empty());
  return "error: " + end.error().message;
}
bool refused(const TimeBound& bound, std::int64_t now, std::string_view why, std::int64_t cap = kDefaultCap) {
  const std::string text = end_of(bound, now, cap);
  return text.rfind("error", 0) == 0 && text.find(why) != std::string::npos;
}
TimeBound ttl(const char* text) {
  return {text, {}, {}};
}
TimeBound expires(const char* text) {
  return {{}, text, {}};
}
TimeBound until(const char* text) {
  return {{}, {}, text};
}

const std::int64_t kNow = at("2026-06-01T10:00:00Z");

TEST(Expiry, DurationsAndTheDefault) {
  EXPECT_EQ(end_of({}, kNow), "2026-06-01T18:00:00Z");
  EXPECT_EQ(end_of({}, kNow, 2 * kHour), "2026-06-01T12:00:00Z") << "never more than the cap";
  EXPECT_EQ(end_of(ttl("30m"), kNow), "2026-06-01T10:30:00Z");
  EXPECT_EQ(end_of(ttl("8H"), kNow), "2026-06-01T18:00:00Z");
  EXPECT_EQ(end_of(ttl("1d"), kNow), "2026-06-02T10:00:00Z");
  for (const char* bad :
       {"", "8", "h", "0h", "-1h", "1.5h", "1h30m", "8 h", " 8h", "1w", "99999999999999999999h"}) {
    EXPECT_TRUE(refused(ttl(bad), kNow, "no duration")) << bad;
  }
}

TEST(Expiry, TheCapHoldsForEveryForm) {
  EXPECT_TRUE(refused(ttl("25h"), kNow, "longer than 1d"));
  EXPECT_TRUE(refused(ttl("2d"), kNow, "longer than"));
  EXPECT_TRUE(refused(expires("2026-06-02T10:00:01Z"), kNow, "longer than"));
  EXPECT_TRUE(refused(expires("2036-06-02T10:00:01Z"), kNow, "longer than"));
  EXPECT_TRUE(refused(until("11:00"), kNow, "longer than", 2 * kHour));
  EXPECT_EQ(end_of(expires("2026-06-02T10:00:00Z"), kNow), "2026-06-02T10:00:00Z") << "exactly the cap";
  EXPECT_EQ(end_of(ttl("7d"), kNow, 168 * kHour), "2026-06-08T10:00:00Z");
}

TEST(Expiry, AbsoluteTimes) {
  EXPECT_EQ(end_of(expires("2026-06-01T14:00:00+02:00"), kNow), "2026-06-01T12:00:00Z");
  EXPECT_TRUE(refused(expires("2026-06-01T10:00:00Z"), kNow, "before it begins"));
  EXPECT_TRUE(refused(expires("2026-06-01T11:59:00+02:00"), kNow, "before it begins"));
  for (const char* bad : {"", "tomorrow", "2026-06-01", "2026-06-01T14:00:00", "2026-02-30T00:00:00Z"}) {
    EXPECT_TRUE(refused(expires(bad), kNow, "no time with an offset")) << bad;
  }
  EXPECT_TRUE(refused({"1h", "2026-06-01T14:00:00Z", {}}, kNow, "exclude each other"));
  EXPECT_TRUE(refused({"1h", {}, "12:00"}, kNow, "exclude each other"));
}

TEST(Expiry, UntilIsTheNextOneOnTheLocalClock) {
  EXPECT_EQ(end_of(until("18:30"), kNow), "2026-06-01T16:30:00Z");
  EXPECT_EQ(end_of(until("12:01"), kNow), "2026-06-01T10:01:00Z");
  EXPECT_EQ(end_of(until("12:00"), kNow), "2026-06-02T10:00:00Z") << "now is over: tomorrow";
  EXPECT_EQ(end_of(until("00:00"), kNow), "2026-06-01T22:00:00Z");
  for (const char* bad : {"", "8:00", "24:00", "12:60", "12.00", "ab:cd", "12:00:00", "-1:00"}) {
    EXPECT_TRUE(refused(until(bad), kNow, "no time of day")) << bad;
  }
}

TEST(Expiry, ATimeThatTheClocksSkipOrRepeatIsAnError) {
  const std::int64_t spring = at("2026-03-28T22:00:00Z");  // 23:00 before the night without 02:00 to 03:00
  EXPECT_TRUE(refused(until("02:00"), spring, "skipped"));
  EXPECT_TRUE(refused(until("02:30"), spring, "skipped"));
  EXPECT_EQ(end_of(until("01:59"), spring), "2026-03-29T00:59:00Z");
  EXPECT_EQ(end_of(until("03:00"), spring), "2026-03-29T01:00:00Z");
  const std::int64_t after = at("2026-03-29T02:00:00Z");  // 04:00, the gap lies behind
  EXPECT_EQ(end_of(until("02:30"), after), "2026-03-30T00:30:00Z");
  const std::int64_t autumn = at("2026-10-24T20:00:00Z");  // 22:00 before the night with 02:00 to 03:00 twice
  EXPECT_TRUE(refused(until("02:30"), autumn, "comes twice"));
  EXPECT_EQ(end_of(until("01:59"), autumn), "2026-10-24T23:59:00Z");
  EXPECT_EQ(end_of(until("03:00"), autumn), "2026-10-25T02:00:00Z");
  const std::int64_t between = at("2026-10-25T00:45:00Z");  // 02:45 the first time: 02:30 was and comes again
  EXPECT_TRUE(refused(until("02:30"), between, "comes twice"));
  EXPECT_EQ(end_of(until("02:30"), at("2026-10-25T03:00:00Z")), "2026-10-26T01:30:00Z");
}

TEST(Expiry, EveryMinuteOfAYearComesNextOrIsRefused) {
  for (std::int64_t now = at("2026-01-01T00:00:00Z"); now < at("2027-01-01T00:00:00Z");
       now += 7 * kHour + 60) {
    for (const char* clock : {"00:00", "02:30", "13:17"}) {
      const auto end = expiry(until(clock), now, 2 * kDay, berlin);
      if (!end) continue;
      const std::int64_t local = (*end + berlin(*end)) % kDay;
      EXPECT_EQ(local, ((clock[0] - '0') * 10 + clock[1] - '0') * kHour +
                           ((clock[3] - '0') * 10 + clock[4] - '0') * 60);
      EXPECT_GT(*end, now);
      EXPECT_LE(*end, now + kDay + kHour);
    }
  }
}

TEST(RelativeTime, IsShort) {
  const std::vector<std::pair<std::int64_t, std::string>> cases = {
      {0, "expired"},     {-5, "expired"},
      {59, "<1m"},        {60, "1m"},
      {1800, "30m"},      {3 * kHour, "3h"},
      {kDay, "1d"},       {kDay + 2 * kHour + 600, "1d2h"},
      {kDay + 300, "1d"}, {7 * kHour + 45 * 60, "7h45m"}};
  for (const auto& [seconds, text] : cases) EXPECT_EQ(relative_time(seconds), text) << seconds;
}

TEST(Team, FlagThenSelectedThenTheWorkspacesLast) {
  UserConfig config;
  config.workspace_team_map["/w"] = "last";
  EXPECT_EQ(resolve_team({}, config, "/w").team, "last");
  EXPECT_EQ(resolve_team({}, config, "/w").source, "workspace");
  EXPECT_EQ(resolve_team({}, config, "/other").team, "");
  config.selected_profile = "mine";
  const TeamChoice differs = resolve_team({}, config, "/w");
  EXPECT_EQ(differs.team, "mine");
  EXPECT_EQ(differs.source, "selected_profile");
  EXPECT_EQ(differs.other, "last");
  EXPECT_NE(differs.notice.find("--team last"), std::string::npos);
  config.workspace_team_map["/w"] = "mine";
  EXPECT_EQ(resolve_team({}, config, "/w").notice, "");
  EXPECT_EQ(resolve_team({"flag", false}, config, "/w").team, "flag");
  EXPECT_EQ(resolve_team({"flag", false}, config, "/w").source, "cli");
  EXPECT_EQ(resolve_team({"flag", true}, config, "/w").team, "") << "standalone has no team";
}

}  // namespace
}  // namespace scc::config
