// SPDX-License-Identifier: Apache-2.0
// Points in time as the cache and signatures write them: RFC 3339 in UTC with seconds.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace scc::remote {

inline constexpr std::int64_t kHour = 3600;
inline constexpr std::int64_t kDay = 24 * kHour;

/// "2025-01-31T23:59:59Z" of seconds since 1970.
std::string format_time(std::int64_t seconds);
/// Exactly that form and a day that exists; nullopt for anything else.
std::optional<std::int64_t> parse_time(std::string_view text);
/// "3 days", "5 hours", "12 minutes", for messages.
std::string format_age(std::int64_t seconds);

}  // namespace scc::remote
