// SPDX-License-Identifier: Apache-2.0
// Private to core/net: libcurl handles that free themselves, the options every connection gets, and one table
// from libcurl's failures to our errors.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include <curl/curl.h>

#include "net/endpoint.h"

namespace scc::net {

struct EasyFree {
  void operator()(CURL* easy) const noexcept { curl_easy_cleanup(easy); }
};
struct MultiFree {
  void operator()(CURLM* multi) const noexcept { curl_multi_cleanup(multi); }
};
struct ListFree {
  void operator()(curl_slist* list) const noexcept { curl_slist_free_all(list); }
};
using List = std::unique_ptr<curl_slist, ListFree>;

/// Where an endpoint's URL leads.
struct Address {
  std::string base;         ///< "http://localhost", "https://host:port"
  std::string host;         ///< for the Host header
  std::string socket_path;  ///< unix sockets only
  bool tls = false;
  bool env_proxy = false;  ///< the proxy of the environment may be used
};
/// Kind::usage, endpoint.url.
Result<Address> parse_endpoint(const Endpoint& endpoint);

/// One transfer's handle inside a multi of its own: the multi holds the connection, and its loop lets us poll
/// for a wish to stop more often than curl_easy_perform would.
class Handle {
 public:
  Handle();
  ~Handle();
  Handle(const Handle&) = delete;
  Handle& operator=(const Handle&) = delete;

  /// Forgets all options, sets the ones every connection has.
  void reset(const Endpoint& endpoint, const Address& address, const Request& request);
  template <class T>
  void set(CURLoption option, T value) {
    curl_easy_setopt(easy_.get(), option, value);
  }
  /// Runs to the end; `stop` is polled at least every 100 ms.
  CURLcode perform(const std::function<bool()>& stop);
  /// Takes the easy handle out of the multi, so that it can be run again.
  void detach();
  CURL* easy() const noexcept { return easy_.get(); }
  int socket() const noexcept;
  /// What went wrong, for `code` of the transfer just made.
  Error error(CURLcode code, const Endpoint& endpoint, const Address& address);

 private:
  std::unique_ptr<CURLM, MultiFree> multi_;
  std::unique_ptr<CURL, EasyFree> easy_;
  bool attached_ = false;
  char text_[CURL_ERROR_SIZE] = {};
};

}  // namespace scc::net
