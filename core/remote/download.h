// SPDX-License-Identifier: Apache-2.0
// Private to core/remote: one document over HTTPS with the token of an auth spec, and HTTP's answers in our
// errors.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "remote/org.h"

namespace scc::remote {

struct Download {
  std::string url;
  std::string etag;
  std::map<std::string, std::string> headers;
  std::size_t limit = kOrgLimit;
  net::Proxy proxy;
};

/// A request of a protocol above HTTP.
struct Exchange {
  Download what;
  std::string body;         ///< not empty: POST
  unsigned timeout_ms = 0;  ///< instead of the transport's
  bool has_token = false;   ///< for the hint of a 401
};

struct Downloaded {
  bool not_modified = false;
  std::string body;
  std::string etag;
  std::string url;  ///< after redirects
};

/// 200 and 304 are answers. Errors keep net::fetch's ids; org.auth (401, 403), org.not-found (404, 410),
/// org.http for other statuses, all Kind::config.
Result<Downloaded> download(const Download& what, const Transport& transport);
Result<Downloaded> download(const Exchange& exchange, const Transport& transport);

}  // namespace scc::remote
