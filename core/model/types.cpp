// SPDX-License-Identifier: Apache-2.0
// Names of the network policies and RFC 3339 times.
#include "model/types.h"

#include <array>
#include <chrono>
#include <cstdio>

namespace scc::model {

namespace {

constexpr std::array<std::string_view, 3> kPolicies{"open", "web-egress-enforced", "locked-down-web"};

/// Reads exactly `digits` digits from the front; -1 when they are not there.
int take(std::string_view& text, std::size_t digits) noexcept {
  if (text.size() < digits) return -1;
  int value = 0;
  for (std::size_t i = 0; i < digits; ++i) {
    if (text[i] < '0' || text[i] > '9') return -1;
    value = value * 10 + (text[i] - '0');
  }
  text.remove_prefix(digits);
  return value;
}

bool skip(std::string_view& text, char c) noexcept {
  if (text.empty() || text.front() != c) return false;
  text.remove_prefix(1);
  return true;
}

/// Seconds that the offset at the end of a time adds to UTC; nullopt when it is none.
std::optional<std::int64_t> take_offset(std::string_view text) noexcept {
  if (text == "Z" || text == "z") return 0;
  const bool behind = skip(text, '-');
  if (!behind && !skip(text, '+')) return std::nullopt;
  const int hours = take(text, 2);
  if (hours < 0 || hours > 23 || !skip(text, ':')) return std::nullopt;
  const int minutes = take(text, 2);
  if (minutes < 0 || minutes > 59 || !text.empty()) return std::nullopt;
  const std::int64_t seconds = (std::int64_t{hours} * 60 + minutes) * 60;
  return behind ? -seconds : seconds;
}

}  // namespace

std::optional<NetworkPolicy> network_policy(std::string_view text) noexcept {
  for (std::size_t i = 0; i < kPolicies.size(); ++i) {
    if (kPolicies[i] == text) return static_cast<NetworkPolicy>(i);
  }
  return std::nullopt;
}

std::string_view to_string(NetworkPolicy policy) noexcept {
  const auto index = static_cast<std::size_t>(policy);
  return index < kPolicies.size() ? kPolicies[index] : kPolicies.back();
}

std::optional<std::int64_t> parse_time(std::string_view text) noexcept {
  const int year = take(text, 4);
  if (year < 0 || !skip(text, '-')) return std::nullopt;
  const int month = take(text, 2);
  if (month < 0 || !skip(text, '-')) return std::nullopt;
  const int day = take(text, 2);
  if (day < 0 || (!skip(text, 'T') && !skip(text, 't') && !skip(text, ' '))) return std::nullopt;
  const std::chrono::year_month_day date{std::chrono::year(year),
                                         std::chrono::month(static_cast<unsigned>(month)),
                                         std::chrono::day(static_cast<unsigned>(day))};
  if (!date.ok()) return std::nullopt;
  const int hour = take(text, 2);
  if (hour < 0 || hour > 23 || !skip(text, ':')) return std::nullopt;
  const int minute = take(text, 2);
  if (minute < 0 || minute > 59 || !skip(text, ':')) return std::nullopt;
  const int second = take(text, 2);
  if (second < 0 || second > 60) return std::nullopt;  // 60: a leap second, RFC 3339 section 5.7
  if (skip(text, '.')) {
    const std::size_t digits = text.find_first_not_of("0123456789");
    if (digits == 0 || digits == std::string_view::npos) return std::nullopt;
    text.remove_prefix(digits);  // rounded down: an expiry never moves later
  }
  const auto offset = take_offset(text);
  if (!offset) return std::nullopt;
  const std::int64_t days = std::chrono::sys_days(date).time_since_epoch().count();
  return days * 86400 + std::int64_t{hour} * 3600 + std::int64_t{minute} * 60 + second - *offset;
}

std::string format_time(std::int64_t seconds) {
  // Years 0 to 9999, the range of the format.
  constexpr std::int64_t kFirst = -62167219200;
  constexpr std::int64_t kLast = 253402300799;
  if (seconds < kFirst) seconds = kFirst;
  if (seconds > kLast) seconds = kLast;
  const std::chrono::sys_seconds time{std::chrono::seconds(seconds)};
  const auto midnight = std::chrono::floor<std::chrono::days>(time);
  const std::chrono::year_month_day date(midnight);
  const std::chrono::hh_mm_ss clock(time - midnight);
  std::array<char, 64> out{};
  std::snprintf(out.data(), out.size(), "%04d-%02u-%02uT%02d:%02d:%02dZ", static_cast<int>(date.year()),
                static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                static_cast<int>(clock.hours().count()), static_cast<int>(clock.minutes().count()),
                static_cast<int>(clock.seconds().count()));
  return out.data();
}

}  // namespace scc::model
