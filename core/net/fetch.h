// SPDX-License-Identifier: Apache-2.0
// One document over HTTPS from a place that may be hostile, slow or huge: TLS 1.2 or newer with verified
// names, few redirects and only to https, no header of the caller's to another host, no way from a public
// host into a private network, bytes counted while they stream. There is no switch that weakens any of it.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <string_view>

#include "base/result.h"
#include "os/env.h"

namespace scc::net {

/// The proxy that the user's environment names, as libcurl understands it.
struct Proxy {
  std::string url;      ///< empty: none
  std::string exclude;  ///< NO_PROXY
};
/// https_proxy, else all_proxy; no_proxy; lower case first, then upper case.
Proxy proxy_from(const os::Environment& env);

/// The parts of an https URL.
struct Url {
  std::string host;  ///< lower case; an IPv6 address in brackets
  int port = 443;
  std::string path;   ///< begins with '/', encoded as it was given
  std::string query;  ///< without '?'
  std::string origin() const { return host + ":" + std::to_string(port); }
};
/// Kind::usage fetch.url: not https, credentials in it, no host, or characters that no URL has.
Result<Url> parse_url(std::string_view text);

/// Loopback, private (RFC 1918, RFC 4193), link-local, shared (RFC 6598), unspecified and multicast
/// addresses, also when mapped into IPv6 (RFC 4291, RFC 6052). Text that is no address is not private.
bool is_private_address(std::string_view address);

struct Fetch {
  std::string url;
  std::string method = "GET";
  std::string body;  ///< sent with POST; a redirect of a POST is refused
  /// Dropped for good when a redirect leaves the origin (host and port) of `url`.
  std::map<std::string, std::string> headers;
  std::string etag;     ///< If-None-Match when not empty
  std::string ca_file;  ///< PEM of authorities trusted besides the system's; empty: none
  Proxy proxy;
  std::size_t limit = std::size_t{1} << 20U;  ///< of the body; more is fetch.limit
  unsigned max_redirects = 3;
  unsigned connect_timeout_ms = 5'000;  ///< of each connection
  unsigned timeout_ms = 30'000;         ///< of everything together
  std::function<bool()> cancelled;      ///< polled at least every 100 ms
  /// What counts as private; a test on loopback gives its own.
  std::function<bool(std::string_view address)> is_private = is_private_address;
};

struct Fetched {
  int status = 0;
  std::string body;  ///< of a 200; the body of any other status is not read
  std::string etag;
  std::string url;  ///< after redirects
};

/// Any status but a redirect is an answer. Errors: fetch.url (usage); fetch.redirect (policy: too many, not
/// https, into a private network); fetch.limit, fetch.timeout, fetch.protocol (tool); fetch.tls,
/// fetch.refused, fetch.unreachable (prereq); fetch.cancelled. No message holds a header.
Result<Fetched> fetch(const Fetch& request);

}  // namespace scc::net
