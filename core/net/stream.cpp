// SPDX-License-Identifier: Apache-2.0
#include "net/stream.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <poll.h>

#include <sys/socket.h>

#include "base/str.h"
#include "net/wire.h"

namespace scc::net {
namespace {

using Clock = std::chrono::steady_clock;
constexpr std::size_t kReadSize = std::size_t{64} << 10U;
constexpr unsigned kPollMs = 100;
constexpr std::size_t kMaxRefusal = std::size_t{1} << 20U;  // the body of an answer that is no upgrade

/// Milliseconds left, at most `cap`.
unsigned left_until(Clock::time_point deadline, unsigned cap) {
  const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(deadline - Clock::now()).count();
  return static_cast<unsigned>(std::clamp<long long>(left, 0, cap));
}

void wait_for(int fd, short events, unsigned timeout_ms) {
  pollfd entry{fd, events, 0};
  (void)poll(&entry, 1, static_cast<int>(timeout_ms));  // EINTR: the caller tries again anyway
}

/// The time and the wish to stop that bound one upgrade.
struct Budget {
  const Request& request;
  const std::string& url;
  Clock::time_point deadline;

  Status check() const {
    if (request.cancelled && request.cancelled()) {
      return fail(Kind::cancelled, "endpoint.cancelled",
                  "cancelled while waiting for " + str::printable(url));
    }
    if (request.timeout_ms != 0 && Clock::now() >= deadline) {
      return fail(Kind::tool, "endpoint.timeout", str::printable(url) + " did not answer in time");
    }
    return {};
  }
};

Status send_all(Connection& connection, std::string_view bytes, const Budget& budget) {
  while (!bytes.empty()) {
    SCC_CHECK(budget.check());
    SCC_TRY(const std::size_t sent, connection.write(bytes));
    bytes.remove_prefix(sent);
    if (sent == 0) wait_for(connection.fd(), POLLOUT, kPollMs);
  }
  return {};
}

/// Appends what comes next; false at the end of the stream.
Result<bool> read_more(Connection& connection, std::string& bytes, const Budget& budget) {
  const auto before = bytes.size();
  while (true) {
    SCC_CHECK(budget.check());
    SCC_TRY(const bool open, connection.read(kPollMs, bytes));
    if (!open || bytes.size() > before) return open;
  }
}

tl::unexpected<Error> ended_early(const std::string& url) {
  return fail(Kind::tool, "endpoint.protocol",
              str::printable(url) + " closed the connection before its answer ended");
}

Result<Head> read_head(Connection& connection, std::string& bytes, const Budget& budget) {
  while (true) {
    SCC_TRY(auto head, parse_head(bytes));
    if (head && head->status >= 100 && head->status < 200 && head->status != 101) {
      bytes.erase(0, head->size);  // interim answer
      continue;
    }
    if (head) return std::move(*head);
    SCC_TRY(const bool open, read_more(connection, bytes, budget));
    if (!open) return ended_early(budget.url);
  }
}

/// The rest of an answer that is no upgrade.
Result<std::string> read_body(Connection& connection, const Framing& framing, std::string bytes,
                              const Budget& budget) {
  while (true) {
    if (framing.kind == Framing::Kind::length && bytes.size() >= framing.length) {
      return bytes.substr(0, framing.length);
    }
    if (framing.kind == Framing::Kind::chunked) {
      SCC_TRY(auto body, decode_chunked(bytes));
      if (body) return std::move(*body);
    }
    if (bytes.size() > kMaxRefusal) return fail(Kind::tool, "endpoint.limit", "the answer is too large");
    SCC_TRY(const bool open, read_more(connection, bytes, budget));
    if (!open && framing.kind == Framing::Kind::until_close) return bytes;
    if (!open) return ended_early(budget.url);
  }
}

bool is_upgraded(const Head& head, const Framing& framing) {
  // Old engines answer 200 and then speak raw; a 200 whose body has a framing is an ordinary answer.
  return head.status == 101 || (head.status == 200 && framing.kind == Framing::Kind::until_close);
}

}  // namespace

Status Connection::open(const Request& request) {
  handle_.reset(endpoint_, address_, request);
  handle_.set(CURLOPT_URL, (address_.base + "/").c_str());
  handle_.set(CURLOPT_CONNECT_ONLY, 1L);
  bool cancelled = false;
  const CURLcode code = handle_.perform([&] {
    cancelled = request.cancelled && request.cancelled();
    return cancelled;
  });
  if (cancelled) return fail(Kind::cancelled, "endpoint.cancelled", "cancelled while connecting");
  if (code != CURLE_OK) return fail(handle_.error(code, endpoint_, address_));
  socket_ = handle_.socket();
  if (socket_ < 0) return fail(Kind::internal, "endpoint.internal", "the connection has no socket");
  return {};
}

Result<bool> Connection::read(unsigned timeout_ms, std::string& bytes) {
  if (!pending_.empty()) {
    const auto size = std::min(pending_.size(), kReadSize);
    bytes.append(pending_, 0, size);
    pending_.erase(0, size);
    return true;
  }
  const auto deadline = Clock::now() + std::chrono::milliseconds(timeout_ms);
  const auto before = bytes.size();
  bytes.resize(before + kReadSize);
  while (true) {
    std::size_t size = 0;
    const CURLcode code = curl_easy_recv(handle_.easy(), bytes.data() + before, kReadSize, &size);
    if (code == CURLE_AGAIN) {
      const unsigned wait = left_until(deadline, timeout_ms);
      if (wait != 0) {
        wait_for(socket_, POLLIN, wait);
        continue;
      }
      bytes.resize(before);
      return true;
    }
    bytes.resize(before + (code == CURLE_OK ? size : 0));
    if (code == CURLE_OK) return size != 0;
    // A unix peer that closes with unread input resets us, after all that it sent was read: that is an end.
    long os = 0;
    curl_easy_getinfo(handle_.easy(), CURLINFO_OS_ERRNO, &os);
    if (code == CURLE_RECV_ERROR && os == ECONNRESET && !address_.socket_path.empty()) return false;
    return fail(handle_.error(code, endpoint_, address_));
  }
}

Result<std::size_t> Connection::write(std::string_view bytes) {
  if (bytes.empty()) return std::size_t{0};
  std::size_t sent = 0;
  const CURLcode code = curl_easy_send(handle_.easy(), bytes.data(), bytes.size(), &sent);
  if (code == CURLE_OK) return sent;
  if (code == CURLE_AGAIN) return std::size_t{0};
  return fail(Kind::tool, "endpoint.closed", str::printable(endpoint_.url) + " takes no more input");
}

Status Connection::close_write() {
  if (address_.tls) {
    return fail(Kind::tool, "endpoint.unsupported", "a TLS connection cannot be closed for writing alone",
                "use the engine's unix socket, or end the input with the terminal's end-of-file key");
  }
  if (shutdown(socket_, SHUT_WR) == 0 || errno == ENOTCONN) return {};
  return fail(Kind::tool, "endpoint.closed", std::string("cannot close the input: ") + std::strerror(errno));
}

Result<Opened> open_stream(const Endpoint& endpoint, const Address& address, const Request& request) {
  auto connection = std::make_unique<Connection>(endpoint, address);
  const Budget budget{request, endpoint.url, Clock::now() + std::chrono::milliseconds(request.timeout_ms)};
  SCC_CHECK(connection->open(request));
  SCC_CHECK(send_all(*connection,
                     request_text(request.method, request.path, address.host, request.headers, request.body),
                     budget));
  std::string bytes;
  SCC_TRY(Head head, read_head(*connection, bytes, budget));
  bytes.erase(0, head.size);
  SCC_TRY(const Framing framing, framing_of(head));
  Opened opened;
  opened.response.status = head.status;
  opened.response.headers = std::move(head.headers);
  if (is_upgraded({head.status, {}, 0}, framing)) {
    connection->unread(bytes);
    opened.connection = std::move(connection);
  } else {
    SCC_TRY(opened.response.body, read_body(*connection, framing, std::move(bytes), budget));
  }
  return opened;
}

}  // namespace scc::net
