// SPDX-License-Identifier: Apache-2.0
// Names, references and paths on their way into an engine's URLs, and an engine's words on their way out.
// Everything from outside is checked or escaped here, once. Pure.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace scc::oci {

/// A sandbox's, volume's or network's name or id: [a-zA-Z0-9][a-zA-Z0-9_.-]{0,254}. Failure SCC_E_USAGE,
/// runtime.name, otherwise; `what` says whose name it is.
std::string checked_name(std::string_view name, std::string_view what);

/// An image reference: repository, tag, digest or id. Failure as above.
std::string checked_image(std::string_view ref);

/// Percent-escapes everything but unreserved characters (RFC 3986), '/', ':' and '@' too unless `query`.
std::string escape_path(std::string_view text);
std::string escape_query(std::string_view text);

/// Foreign text for people: control characters become spaces, long texts are cut.
std::string printable(std::string_view text);

/// Seconds since the epoch as RFC 3339 in UTC; empty for 0 and below.
std::string rfc3339(std::int64_t seconds);

/// An engine's time; the zero time of Go (year 1) becomes empty.
std::string engine_time(std::string_view text);

}  // namespace scc::oci
