// SPDX-License-Identifier: Apache-2.0
// Private to core/net: what fetch.cpp needs of URLs beyond the public parts.
#pragma once

#include <memory>
#include <string>

#include <curl/curl.h>

#include "net/fetch.h"

namespace scc::net {

/// The absolute URL that a Location header means (RFC 3986 section 5); any scheme, so that the caller can
/// name what it refuses.
Result<std::string> resolve_location(const std::string& base, const std::string& location);

/// localhost and names below it, which resolve to loopback (RFC 6761 section 6.3).
bool is_local_name(std::string_view host);

}  // namespace scc::net
