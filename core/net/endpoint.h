// SPDX-License-Identifier: Apache-2.0
// HTTP over a unix socket, plain TCP on loopback, or TLS, and the raw byte stream after an upgrade; the one
// place that includes libcurl. Who may reach what is decided by the caller (plugin services). One Client
// serves one endpoint and reuses its connection; not thread-safe.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"

namespace scc::net {

struct Tls {
  std::string ca_file;
  std::string cert_file;
  std::string key_file;
};

struct Endpoint {
  std::string url;  ///< unix:///path, tcp://host:port (http), https://host[:port]; tcp with tls set is https
  std::optional<Tls> tls;
};

struct Request {
  std::string method = "GET";
  std::string path = "/";
  std::map<std::string, std::string> headers;
  std::string body;
  /// Streamed body instead of `body`: fills the buffer, 0 at the end, nullopt aborts.
  std::function<std::optional<std::size_t>(char* buffer, std::size_t capacity)> body_source;
  unsigned connect_timeout_ms = 5'000;
  unsigned timeout_ms = 30'000;  ///< whole transfer; 0: none, then `cancelled` is the way to end it
  std::function<bool(std::string_view bytes)> on_body;  ///< false ends the transfer: Kind::cancelled
  std::function<bool()> cancelled;                      ///< polled at least every 200 ms
};

struct Response {
  int status = 0;
  std::map<std::string, std::string> headers;  ///< names in lower case
  std::string body;                            ///< empty when on_body took it; at most 16 MiB
};

/// A connected byte stream (CURLOPT_CONNECT_ONLY). Not thread-safe.
class Stream {
 public:
  ~Stream();
  Stream(const Stream&) = delete;
  /// Appends at most 64 KiB; true: data or timeout (nothing appended), false: the peer closed.
  Result<bool> read(unsigned timeout_ms, std::string& bytes);
  /// Sends what fits without waiting; how much, may be 0.
  Result<std::size_t> write(std::string_view bytes);
  /// Half close. Over TLS: Kind::tool endpoint.unsupported (libcurl offers no close_notify alone).
  Status close_write();
  /// For poll(2). Bytes may wait in memory: read until nothing comes before polling.
  int fd() const noexcept;

 private:
  friend class Client;
  struct Impl;
  explicit Stream(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

class Client {
 public:
  explicit Client(Endpoint endpoint);
  ~Client();
  Client(const Client&) = delete;
  /// No connection is Kind::prereq: endpoint.missing (no such socket), endpoint.denied, endpoint.refused,
  /// endpoint.tls, else endpoint.unreachable. Kind::tool: endpoint.timeout, endpoint.protocol,
  /// endpoint.limit. Kind::cancelled. Any HTTP status is a Response.
  Result<Response> send(const Request& request);
  /// The stream after 101, or 200 without a framed body; another answer is returned as Response. Adds
  /// "Connection: Upgrade" and "Upgrade: tcp" unless given. `body_source` and `on_body` are not used.
  struct Upgraded {
    Response response;
    std::unique_ptr<Stream> stream;  ///< null unless upgraded
  };
  Result<Upgraded> upgrade(const Request& request);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace scc::net
