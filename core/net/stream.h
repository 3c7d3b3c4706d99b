// SPDX-License-Identifier: Apache-2.0
// Private to core/net: a connection that libcurl only opened (CURLOPT_CONNECT_ONLY), over which we speak the
// upgrade ourselves and then pass bytes. Bytes that came right behind the answer's head wait in `pending_`.
#pragma once

#include <chrono>
#include <memory>
#include <string>

#include "net/handle.h"

namespace scc::net {

class Connection {
 public:
  Connection(const Endpoint& endpoint, const Address& address) : endpoint_(endpoint), address_(address) {}
  Status open(const Request& request);
  Result<bool> read(unsigned timeout_ms, std::string& bytes);
  Result<std::size_t> write(std::string_view bytes);
  Status close_write();
  int fd() const noexcept { return socket_; }
  /// Puts bytes back in front of what will be read next.
  void unread(std::string_view bytes) { pending_.insert(0, bytes); }

 private:
  Endpoint endpoint_;
  Address address_;
  Handle handle_;
  int socket_ = -1;
  std::string pending_;
};

struct Stream::Impl {
  std::unique_ptr<Connection> connection;
};

struct Opened {
  Response response;
  std::unique_ptr<Connection> connection;  ///< null unless upgraded
};
Result<Opened> open_stream(const Endpoint& endpoint, const Address& address, const Request& request);

}  // namespace scc::net
