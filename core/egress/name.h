// SPDX-License-Identifier: Apache-2.0
// Host names, hygienically: one spelling for each name, for rules and for what is compared with them. What
// two readers could take for different hosts is refused. No I/O (the library for international names is
// mapped).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

namespace scc::egress {

enum class Use : std::uint8_t { allow, deny };

/// The host of a rule in its one spelling: "api.example.com" or "*.example.com" (".example.com" means the
/// same), lower case, no dot at the end, international labels as punycode. Kind::config egress.host for white
/// space, control characters, quotes, '#', addresses in any spelling, labels that DNS does not know. To allow
/// also: at least two labels, and no wildcard over what many owners register names in. That last check is a
/// small rule, not the public suffix list: a wildcard over a top-level domain, and over a second level like
/// co.uk of a country's domain.
Result<std::string> rule_host(std::string_view text, Use use);

/// A name typed by a person: international labels as punycode, lower case. Kind::config egress.host.
Result<std::string> to_ascii(std::string_view text);

enum class Form : std::uint8_t {
  name,       ///< can be compared with rules
  literal,    ///< an address, or what some reader takes for one: 127.1, 0x7f.1, 2130706433, [::1]
  malformed,  ///< no host name: characters or labels that DNS does not know
};
struct Wire {
  Form form = Form::malformed;
  std::string name;  ///< lower case, without dots at the end
};
/// A host as a request names it. Nothing is converted beyond case and dots at the end, as the proxy does too.
Wire wire_host(std::string_view text);

}  // namespace scc::egress
