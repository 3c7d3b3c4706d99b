// SPDX-License-Identifier: Apache-2.0
// How long an exception lasts: --ttl, --expires-at or --until, all under one cap, and times for people. Pure:
// now and the time zone come from the caller.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"

namespace scc::config {

/// Offset of local time from UTC at an instant; seconds, east is positive.
using Zone = std::function<std::int64_t(std::int64_t utc)>;
/// Of the process (TZ, /etc/localtime).
Zone local_zone();

/// As given on the command line; at most one of them.
struct TimeBound {
  std::optional<std::string> ttl;         ///< "30m", "8h", "1d"
  std::optional<std::string> expires_at;  ///< RFC 3339 with an offset
  std::optional<std::string> until;       ///< "HH:MM", the next one on the local clock
};

constexpr std::int64_t kHour = 3600;
constexpr std::int64_t kDefaultCap = 24 * kHour;

/// When it ends, seconds since the epoch; without a bound 8 hours, or the cap if that is less. Kind::usage
/// exceptions.time: malformed, past, beyond now + cap, two bounds at once, a local time that a change of
/// clocks skips or repeats.
Result<std::int64_t> expiry(const TimeBound& bound, std::int64_t now, std::int64_t cap_seconds,
                            const Zone& zone);

/// "1d2h", "1d", "7h45m", "3h", "30m", "<1m", "expired".
std::string relative_time(std::int64_t seconds);

}  // namespace scc::config
