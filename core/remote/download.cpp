// SPDX-License-Identifier: Apache-2.0
#include "remote/download.h"

#include <algorithm>

#include "base/str.h"

namespace scc::remote {

namespace {

/// A validator that can be kept and sent back.
std::string usable_etag(const std::string& etag) {
  const bool plain = etag.size() <= 512 &&
                     std::all_of(etag.begin(), etag.end(), [](char c) { return c >= ' ' && c < 0x7f; });
  return plain ? etag : std::string{};
}

Error status_error(int status, const std::string& url, bool with_token) {
  const std::string where = str::printable(url) + " answers " + std::to_string(status);
  const std::string token = with_token ? "check that the token of the auth setting is valid and may read it"
                                       : "give a token: set auth to env:NAME or command:PROGRAM";
  switch (status) {
    case 401:
    case 403:
      return {Kind::config, "org.auth", where + " (no access)", token, {}};
    case 404:
    case 410:
      return {Kind::config,
              "org.not-found",
              where + " (no such document)",
              "check owner, repository, reference and path; a private one also needs a token: " + token,
              {}};
    default:
      return {Kind::config, "org.http", where, "try again later, or open the address in a browser", {}};
  }
}

}  // namespace

Result<Downloaded> download(const Download& what, const Transport& transport) {
  return download(Exchange{what, {}, transport.timeout_ms, !what.headers.empty()}, transport);
}

Result<Downloaded> download(const Exchange& exchange, const Transport& transport) {
  const Download& what = exchange.what;
  net::Fetch fetch;
  if (!exchange.body.empty()) fetch.method = "POST";
  fetch.body = exchange.body;
  fetch.url = what.url;
  fetch.etag = what.etag;
  fetch.headers = what.headers;
  fetch.limit = what.limit;
  fetch.proxy = what.proxy;
  fetch.ca_file = transport.ca_file;
  fetch.connect_timeout_ms = transport.connect_timeout_ms;
  fetch.timeout_ms = exchange.timeout_ms;
  fetch.cancelled = transport.cancelled;
  fetch.is_private = transport.is_private;
  SCC_TRY(net::Fetched got, net::fetch(fetch));
  Downloaded out;
  out.etag = usable_etag(got.etag);
  out.url = std::move(got.url);
  if (got.status == 304 && !what.etag.empty()) {
    out.not_modified = true;
    return out;
  }
  if (got.status != 200) return fail(status_error(got.status, what.url, exchange.has_token));
  out.body = std::move(got.body);
  return out;
}

}  // namespace scc::remote
