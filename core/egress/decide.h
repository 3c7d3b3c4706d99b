// SPDX-License-Identifier: Apache-2.0
// What the proxy answers to a request, computed: `scc egress explain` uses it, and a differential test
// compares it with the real proxy's verdicts. The order is the proxy's: client and cache manager (its own
// matter), method, scheme, port, literal, malformed name, denied name, name not listed, port not listed for
// that name, address, allowed. Only names that are listed are ever looked up. No I/O.
#pragma once

#include <optional>

#include "egress/address.h"
#include "egress/rules.h"

namespace scc::egress {

struct Request {
  std::string method = "CONNECT";
  std::string scheme;  ///< of the URL of anything but CONNECT; empty: http
  std::string host;    ///< as on the wire
  int port = 443;
};

struct Decision {
  bool allow = false;
  std::string rule;   ///< a rule's id, or "builtin/<reason>"
  std::string layer;  ///< the rule's; "builtin" otherwise
  std::string owner;
  std::string
      reason;  ///< method, scheme, port, literal, malformed, denied, not-listed, host-port, address, allowed
  std::string text;  ///< a sentence for people and models
};

/// `addresses`: what the name resolves to; nullptr where nobody looked, which leaves the address checks out.
/// An empty list (the name does not exist) refuses nothing: there is nowhere to connect to.
Decision decide(const Rules& rules, const Request& request, const model::Strings* addresses = nullptr,
                const Addressing& addressing = {});

json::Value to_json(const Decision& decision);

}  // namespace scc::egress
