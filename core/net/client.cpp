// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cstring>

#include "net/endpoint.h"
#include "net/handle.h"
#include "net/stream.h"
#include "net/wire.h"

namespace scc::net {
namespace {

constexpr std::size_t kMaxHeaders = std::size_t{256} << 10U;

/// What the callbacks of one transfer share. Each notes why it ended the transfer, because libcurl only says
/// that one did.
struct Transfer {
  const Request& request;
  Response response;
  std::size_t header_bytes = 0;
  bool head_ended = false;
  enum class Stop { none, cancelled, sink, source, body_limit, header_limit, exception } stop = Stop::none;

  bool cancelled() {
    if (!request.cancelled || !request.cancelled()) return false;
    stop = Stop::cancelled;
    return true;
  }
};

/// Runs `body`; an exception must not cross libcurl's C frames.
template <class F>
std::size_t guarded(Transfer& transfer, std::size_t failure, F&& body) noexcept {
  try {
    return body();
  } catch (...) {
    transfer.stop = Transfer::Stop::exception;
    return failure;
  }
}

std::size_t on_body(char* data, std::size_t, std::size_t size, void* context) noexcept {
  auto& transfer = *static_cast<Transfer*>(context);
  return guarded(transfer, size + 1, [&] {
    if (transfer.cancelled()) return size + 1;
    if (transfer.request.on_body) {
      if (transfer.request.on_body({data, size})) return size;
      transfer.stop = Transfer::Stop::sink;
      return size + 1;
    }
    if (transfer.response.body.size() + size > kMaxBody) {
      transfer.stop = Transfer::Stop::body_limit;
      return size + 1;
    }
    transfer.response.body.append(data, size);
    return size;
  });
}

std::size_t on_header(char* data, std::size_t, std::size_t size, void* context) noexcept {
  auto& transfer = *static_cast<Transfer*>(context);
  return guarded(transfer, size + 1, [&] {
    transfer.header_bytes += size;
    if (transfer.header_bytes > kMaxHeaders) {
      transfer.stop = Transfer::Stop::header_limit;
      return size + 1;
    }
    std::string_view line(data, size);
    while (!line.empty() && (line.back() == '\n' || line.back() == '\r')) line.remove_suffix(1);
    if (line.empty()) transfer.head_ended = true;
    if (line.substr(0, 5) == "HTTP/") {
      transfer.head_ended = false;
      transfer.response.headers.clear();  // a 100 came before
    } else {
      add_header(line, transfer.response.headers);
    }
    return size;
  });
}

std::size_t on_read(char* buffer, std::size_t, std::size_t capacity, void* context) noexcept {
  auto& transfer = *static_cast<Transfer*>(context);
  return guarded(transfer, CURL_READFUNC_ABORT, [&]() -> std::size_t {
    if (transfer.cancelled()) return CURL_READFUNC_ABORT;
    const auto size = transfer.request.body_source(buffer, capacity);
    if (size && *size <= capacity) return *size;
    transfer.stop = Transfer::Stop::source;
    return CURL_READFUNC_ABORT;
  });
}

List header_list(const Request& request) {
  List list;
  bool content_type = false;
  const auto add = [&](const std::string& line) {
    curl_slist* grown = curl_slist_append(list.get(), line.c_str());
    if (grown == nullptr) throw std::bad_alloc();
    (void)list.release();
    list.reset(grown);
  };
  for (const auto& [name, value] : request.headers) {
    content_type |= name.size() == 12 && strncasecmp(name.c_str(), "content-type", 12) == 0;
    std::string line = name;
    add(value.empty() ? line.append(";") : line.append(": ").append(value));
  }
  if (!content_type) add("Content-Type:");  // libcurl would claim a form
  add("Expect:");                           // an engine never says "100 Continue"; do not wait for it
  return list;
}

void set_method(Handle& handle, const Request& request, Transfer& transfer) {
  if (request.body_source) {
    handle.set(CURLOPT_UPLOAD, 1L);
    handle.set(CURLOPT_READFUNCTION, on_read);
    handle.set(CURLOPT_READDATA, &transfer);
    // A body that can be read only once must not meet a kept connection that the peer has closed meanwhile.
    handle.set(CURLOPT_FRESH_CONNECT, 1L);
  } else if (request.method == "HEAD") {
    handle.set(CURLOPT_NOBODY, 1L);
  } else if (!request.body.empty() || request.method == "POST" || request.method == "PUT") {
    handle.set(CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(request.body.size()));
    handle.set(CURLOPT_POSTFIELDS, request.body.data());
  }
  handle.set(CURLOPT_CUSTOMREQUEST, request.method.c_str());
}

tl::unexpected<Error> stopped(Transfer::Stop why, const std::string& url) {
  using Stop = Transfer::Stop;
  switch (why) {
    case Stop::sink:
      return fail(Kind::cancelled, "endpoint.cancelled", "the receiver ended the transfer");
    case Stop::source:
      return fail(Kind::cancelled, "endpoint.cancelled", "the sender ended the transfer");
    case Stop::body_limit:
      return fail(Kind::tool, "endpoint.limit", "the answer of " + url + " is larger than 16 MiB");
    case Stop::header_limit:
      return fail(Kind::tool, "endpoint.limit", "the headers of " + url + " are larger than 256 KiB");
    case Stop::exception:
      return fail(Kind::internal, "endpoint.internal", "a callback threw an exception");
    case Stop::none:
    case Stop::cancelled:
      break;
  }
  return fail(Kind::cancelled, "endpoint.cancelled", "cancelled while waiting for " + url);
}

}  // namespace

struct Client::Impl {
  explicit Impl(Endpoint e) : endpoint(std::move(e)), address(parse_endpoint(endpoint)) {}
  Endpoint endpoint;
  Result<Address> address;
  std::unique_ptr<Handle> handle;  ///< made by the first request
};

Client::Client(Endpoint endpoint) : impl_(std::make_unique<Impl>(std::move(endpoint))) {}
Client::~Client() = default;

Result<Response> Client::send(const Request& request) {
  if (!impl_->address) return fail(impl_->address.error());
  SCC_CHECK(check_request(request.method, request.path, request.headers));
  const Address& address = *impl_->address;
  if (!impl_->handle) impl_->handle = std::make_unique<Handle>();
  Handle& handle = *impl_->handle;
  Transfer transfer{request, {}, 0, false, Transfer::Stop::none};
  handle.reset(impl_->endpoint, address, request);
  handle.set(CURLOPT_URL, (address.base + request.path).c_str());
  const List headers = header_list(request);
  handle.set(CURLOPT_HTTPHEADER, headers.get());
  set_method(handle, request, transfer);
  handle.set(CURLOPT_WRITEFUNCTION, on_body);
  handle.set(CURLOPT_WRITEDATA, &transfer);
  handle.set(CURLOPT_HEADERFUNCTION, on_header);
  handle.set(CURLOPT_HEADERDATA, &transfer);
  const CURLcode code = handle.perform([&] { return transfer.cancelled(); });
  Result<Response> result = [&]() -> Result<Response> {
    if (transfer.stop != Transfer::Stop::none) return stopped(transfer.stop, impl_->endpoint.url);
    if (code != CURLE_OK) return fail(handle.error(code, impl_->endpoint, address));
    if (!transfer.head_ended) {  // libcurl takes a connection that ends within the headers for an answer
      return fail(Kind::tool, "endpoint.protocol",
                  "the headers of " + impl_->endpoint.url + " end too early");
    }
    long status = 0;
    curl_easy_getinfo(handle.easy(), CURLINFO_RESPONSE_CODE, &status);
    transfer.response.status = static_cast<int>(status);
    return std::move(transfer.response);
  }();
  handle.detach();  // its options point into this call
  return result;
}

Result<Client::Upgraded> Client::upgrade(const Request& request) {
  if (!impl_->address) return fail(impl_->address.error());
  SCC_CHECK(check_request(request.method, request.path, request.headers));
  SCC_TRY(auto opened, open_stream(impl_->endpoint, *impl_->address, request));
  Upgraded upgraded;
  upgraded.response = std::move(opened.response);
  if (opened.connection) {
    auto state = std::make_unique<Stream::Impl>();
    state->connection = std::move(opened.connection);
    upgraded.stream.reset(new Stream(std::move(state)));
  }
  return upgraded;
}

Stream::Stream(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Stream::~Stream() = default;
Result<bool> Stream::read(unsigned timeout_ms, std::string& bytes) {
  return impl_->connection->read(timeout_ms, bytes);
}
Result<std::size_t> Stream::write(std::string_view bytes) {
  return impl_->connection->write(bytes);
}
Status Stream::close_write() {
  return impl_->connection->close_write();
}
int Stream::fd() const noexcept {
  return impl_->connection->fd();
}

}  // namespace scc::net
