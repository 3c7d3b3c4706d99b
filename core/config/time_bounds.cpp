// SPDX-License-Identifier: Apache-2.0
#include "config/time_bounds.h"

#include <algorithm>
#include <charconv>
#include <ctime>
#include <set>

#include "base/str.h"
#include "model/types.h"

namespace scc::config {

namespace {

constexpr std::int64_t kMinute = 60;
constexpr std::int64_t kDay = 24 * kHour;

tl::unexpected<Error> bad(std::string message, std::string hint) {
  return fail(Kind::usage, "exceptions.time", std::move(message), std::move(hint));
}

std::int64_t floor_day(std::int64_t seconds) {
  const std::int64_t rest = seconds % kDay;
  return seconds - (rest < 0 ? rest + kDay : rest);
}

Result<std::int64_t> from_ttl(std::string_view text, std::int64_t now) {
  const std::string hint = "write it as 30m, 8h or 1d";
  std::int64_t count = 0;
  const char* end = text.data() + text.size();
  const auto [rest, code] = std::from_chars(text.data(), end, count);
  const std::int64_t most = 1'000'000;
  if (code != std::errc{} || end - rest != 1 || count <= 0 || count > most) {
    return bad("--ttl " + str::printable(text) + " is no duration", hint);
  }
  switch (*rest) {
    case 'm':
    case 'M':
      return now + count * kMinute;
    case 'h':
    case 'H':
      return now + count * kHour;
    case 'd':
    case 'D':
      return now + count * kDay;
    default:
      return bad("--ttl " + str::printable(text) + " is no duration", hint);
  }
}

/// The instants at which local clocks show `local` (seconds as if they were UTC): none in a gap, two when
/// clocks are set back.
std::set<std::int64_t> instants(std::int64_t local, const Zone& zone) {
  std::set<std::int64_t> found;
  // Offsets of the neighbourhood; zones change by hours, their offsets by at most 14 h from UTC.
  for (std::int64_t probe = local - kDay; probe <= local + kDay; probe += kHour) {
    const std::int64_t candidate = local - zone(probe);
    if (candidate + zone(candidate) == local) found.insert(candidate);
  }
  return found;
}

Result<std::int64_t> from_until(std::string_view text, std::int64_t now, const Zone& zone) {
  const auto two = [&text](std::size_t at) {
    const bool digits = text[at] >= '0' && text[at] <= '9' && text[at + 1] >= '0' && text[at + 1] <= '9';
    return digits ? (text[at] - '0') * 10 + (text[at + 1] - '0') : -1;
  };
  const bool shape = text.size() == 5 && text[2] == ':';
  const int hour = shape ? two(0) : -1;
  const int minute = shape ? two(3) : -1;
  if (hour < 0 || hour > 23 || minute < 0 || minute > 59) {
    return bad("--until " + str::printable(text) + " is no time of day", "write it as HH:MM");
  }
  const std::int64_t today = floor_day(now + zone(now));
  for (int day = 0; day < 3; ++day) {
    const std::int64_t local = today + day * kDay + hour * kHour + minute * kMinute;
    const std::set<std::int64_t> found = instants(local, zone);
    if (found.size() == 1 && *found.begin() <= now) continue;  // over today
    if (found.size() > 1 && *found.rbegin() <= now) continue;
    if (found.size() == 1) return *found.begin();
    if (found.empty() && local <= now + zone(now)) continue;
    return bad(
        "--until " + std::string(text) +
            (found.empty() ? " is skipped by a change of clocks" : " comes twice, by a change of clocks"),
        "give the time with --expires-at and an offset");
  }
  return bad("--until " + std::string(text) + " does not come", "use --expires-at");
}

}  // namespace

Zone local_zone() {
  return [](std::int64_t utc) {
    const auto time = static_cast<std::time_t>(utc);
    std::tm parts{};
    if (::localtime_r(&time, &parts) == nullptr) return std::int64_t{0};
    return static_cast<std::int64_t>(parts.tm_gmtoff);
  };
}

Result<std::int64_t> expiry(const TimeBound& bound, std::int64_t now, std::int64_t cap_seconds,
                            const Zone& zone) {
  const int given =
      int{bound.ttl.has_value()} + int{bound.expires_at.has_value()} + int{bound.until.has_value()};
  if (given > 1) return bad("--ttl, --expires-at and --until exclude each other", "give one of them");
  std::int64_t end = now + std::min(8 * kHour, cap_seconds);
  if (bound.ttl) {
    SCC_TRY(end, from_ttl(*bound.ttl, now));
  } else if (bound.until) {
    SCC_TRY(end, from_until(*bound.until, now, zone));
  } else if (bound.expires_at) {
    const auto parsed = model::parse_time(*bound.expires_at);
    if (!parsed) {
      return bad("--expires-at " + str::printable(*bound.expires_at) + " is no time with an offset",
                 "write it as 2026-01-31T18:00:00+01:00");
    }
    end = *parsed;
  }
  if (end <= now) return bad("the exception would end before it begins", "give a time that lies ahead");
  if (end - now > cap_seconds) {
    return bad(
        "the exception would last longer than " + relative_time(cap_seconds) + ", the most that is allowed",
        "give a shorter time; a policy exception of the organisation may last longer");
  }
  return end;
}

std::string relative_time(std::int64_t seconds) {
  if (seconds <= 0) return "expired";
  if (seconds < kMinute) return "<1m";
  const std::int64_t days = seconds / kDay;
  const std::int64_t hours = seconds % kDay / kHour;
  const std::int64_t minutes = seconds % kHour / kMinute;
  std::string out;
  if (days > 0) out += std::to_string(days) + "d";
  if (hours > 0) out += std::to_string(hours) + "h";
  if (days == 0 && minutes > 0) out += std::to_string(minutes) + "m";
  return out;
}

}  // namespace scc::config
