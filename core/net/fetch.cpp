// SPDX-License-Identifier: Apache-2.0
// The loop over redirects is ours: libcurl would keep custom headers across hosts and knows nothing of
// private networks. Addresses are checked where the socket is made, after name resolution, so a name cannot
// change its meaning between check and connection.
#include "net/fetch.h"

#include <algorithm>
#include <arpa/inet.h>
#include <chrono>
#include <netinet/in.h>
#include <unistd.h>

#include <sys/socket.h>

#include "base/str.h"
#include "net/handle.h"
#include "net/url.h"
#include "net/wire.h"

namespace scc::net {

namespace {

using Clock = std::chrono::steady_clock;

constexpr std::chrono::milliseconds kTimerSlack{5};  // libcurl counts from a moment later, in whole ones
constexpr std::size_t kMaxHeaders = std::size_t{64} << 10U;

/// What the callbacks of one hop share; they note why they ended it.
struct Hop {
  explicit Hop(const Fetch& f) : request(f) {}
  const Fetch& request;
  CURL* easy = nullptr;
  bool refuse_private = false;  ///< a redirect away from a public host
  bool proxied = false;
  std::map<std::string, std::string> headers;
  std::string body;
  std::size_t header_bytes = 0;
  enum class Stop { none, cancelled, limit, headers, status, private_peer, exception } stop = Stop::none;

  int status() const {
    long code = 0;
    curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &code);
    return static_cast<int>(code);
  }
};

/// Runs `body`; an exception must not cross libcurl's C frames.
template <class F>
std::size_t guarded(Hop& hop, std::size_t failure, F&& body) noexcept {
  try {
    return body();
  } catch (...) {
    hop.stop = Hop::Stop::exception;
    return failure;
  }
}

std::size_t on_body(char* data, std::size_t, std::size_t size, void* context) noexcept {
  auto& hop = *static_cast<Hop*>(context);
  return guarded(hop, size + 1, [&] {
    if (hop.status() != 200) {
      hop.stop = Hop::Stop::status;  // nobody reads this body
      return size + 1;
    }
    if (size > hop.request.limit - std::min(hop.request.limit, hop.body.size())) {
      hop.stop = Hop::Stop::limit;
      return size + 1;
    }
    hop.body.append(data, size);
    return size;
  });
}

std::size_t on_header(char* data, std::size_t, std::size_t size, void* context) noexcept {
  auto& hop = *static_cast<Hop*>(context);
  return guarded(hop, size + 1, [&] {
    hop.header_bytes += size;
    if (hop.header_bytes > kMaxHeaders) {
      hop.stop = Hop::Stop::headers;
      return size + 1;
    }
    std::string_view line(data, size);
    while (!line.empty() && (line.back() == '\n' || line.back() == '\r')) line.remove_suffix(1);
    if (line.substr(0, 5) == "HTTP/") {
      hop.headers.clear();  // the head of a proxy or an interim answer came before
    } else {
      add_header(line, hop.headers);
    }
    return size;
  });
}

std::string text_of(const curl_sockaddr& address) {
  char text[INET6_ADDRSTRLEN] = {};
  if (address.family == AF_INET) {
    sockaddr_in v4{};
    std::copy_n(reinterpret_cast<const char*>(&address.addr), sizeof v4, reinterpret_cast<char*>(&v4));
    inet_ntop(AF_INET, &v4.sin_addr, text, sizeof text);
  } else if (address.family == AF_INET6) {
    sockaddr_in6 v6{};
    std::copy_n(reinterpret_cast<const char*>(&address.addr), sizeof v6, reinterpret_cast<char*>(&v6));
    inet_ntop(AF_INET6, &v6.sin6_addr, text, sizeof text);
  }
  return text;
}

curl_socket_t on_socket(void* context, curlsocktype, curl_sockaddr* address) noexcept {
  auto& hop = *static_cast<Hop*>(context);
  bool refused = false;
  guarded(hop, 0, [&]() -> std::size_t {
    refused = hop.refuse_private && !hop.proxied && hop.request.is_private(text_of(*address));
    return 0;
  });
  if (refused) hop.stop = Hop::Stop::private_peer;
  if (hop.stop != Hop::Stop::none) return CURL_SOCKET_BAD;
  return ::socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

/// Where a proxy is configured, NO_PROXY may still mean a direct connection; that is known only once it
/// stands.
int on_connected(void* context, char* peer, char*, int, int) noexcept {
  auto& hop = *static_cast<Hop*>(context);
  guarded(hop, 0, [&]() -> std::size_t {
    long connect_code = 0;
    curl_easy_getinfo(hop.easy, CURLINFO_HTTP_CONNECTCODE, &connect_code);
    if (hop.refuse_private && connect_code == 0 && hop.request.is_private(peer)) {
      hop.stop = Hop::Stop::private_peer;
    }
    return 0;
  });
  return hop.stop == Hop::Stop::none ? CURL_PREREQFUNC_OK : CURL_PREREQFUNC_ABORT;
}

List header_list(const Fetch& request, bool same_origin) {
  List list;
  const auto add = [&](const std::string& line) {
    curl_slist* grown = curl_slist_append(list.get(), line.c_str());
    if (grown == nullptr) throw std::bad_alloc();
    (void)list.release();
    list.reset(grown);
  };
  if (same_origin) {
    for (const auto& [name, value] : request.headers) {
      std::string line = name;
      add(value.empty() ? line.append(";") : line.append(": ").append(value));
    }
  }
  if (!request.etag.empty()) add("If-None-Match: " + request.etag);
  add("Expect:");
  return list;
}

void set_options(Handle& handle, const Fetch& request, Hop& hop) {
  handle.set(CURLOPT_PROTOCOLS_STR, "https");
  handle.set(CURLOPT_USERAGENT, "scc");
  handle.set(CURLOPT_HEADEROPT, static_cast<long>(CURLHEADER_SEPARATE));
  handle.set(CURLOPT_PROXY, request.proxy.url.c_str());
  handle.set(CURLOPT_NOPROXY, request.proxy.exclude.c_str());
  handle.set(CURLOPT_FRESH_CONNECT, 1L);  // each connection is checked when it is made
  if (request.method == "POST") {
    handle.set(CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(request.body.size()));
    handle.set(CURLOPT_POSTFIELDS, request.body.data());
  }
  handle.set(CURLOPT_WRITEFUNCTION, on_body);
  handle.set(CURLOPT_WRITEDATA, &hop);
  handle.set(CURLOPT_HEADERFUNCTION, on_header);
  handle.set(CURLOPT_HEADERDATA, &hop);
  handle.set(CURLOPT_OPENSOCKETFUNCTION, on_socket);
  handle.set(CURLOPT_OPENSOCKETDATA, &hop);
  if (hop.proxied) {
    handle.set(CURLOPT_PREREQFUNCTION, on_connected);
    handle.set(CURLOPT_PREREQDATA, &hop);
  }
}

tl::unexpected<Error> refused(const std::string& why, const std::string& url) {
  return fail(Kind::policy, "fetch.redirect", "redirect refused: " + why + ": " + str::printable(url),
              "use the address that the document really has");
}

Error stopped(const Hop& hop, const std::string& where) {
  switch (hop.stop) {
    case Hop::Stop::limit:
      return {Kind::tool,
              "fetch.limit",
              where + " sends more than " + std::to_string(hop.request.limit) + " bytes",
              "check that this is the right document",
              {}};
    case Hop::Stop::headers:
      return {Kind::tool, "fetch.limit", where + " sends more than 64 KiB of headers", "", {}};
    case Hop::Stop::private_peer:
      return refused("a public host leads into a private network", where).value();
    case Hop::Stop::exception:
      return {Kind::internal, "fetch.internal", "a callback threw an exception", "", {}};
    default:
      return {Kind::cancelled, "fetch.cancelled", "cancelled while waiting for " + where, "", {}};
  }
}

/// The failure of a connection in the words of this header.
Error failure(Error error) {
  const std::string from = std::move(error.id);
  error.id = "fetch.protocol";
  if (from == "endpoint.tls") error.id = "fetch.tls";
  if (from == "endpoint.timeout") error.id = "fetch.timeout";
  if (from == "endpoint.refused" || from == "endpoint.denied") error.id = "fetch.refused";
  if (from == "endpoint.unreachable") error.id = "fetch.unreachable";
  if (from == "endpoint.internal") error.id = "fetch.internal";
  if (error.id == "fetch.tls") {
    error.hint =
        "if a proxy or server of your own signs with its own authority, name its certificate: set "
        "tls.ca_file in config.json or SCC_CA_FILE";
  } else if (error.id == "fetch.refused" || error.id == "fetch.unreachable") {
    error.hint = "check the network, the host name and HTTPS_PROXY";
  }
  return error;
}

Error too_late(const std::string& where) {
  return {
      Kind::tool, "fetch.timeout", where + " did not answer in time", "try again, or check the network", {}};
}

/// One request and its answer, without following anything.
Result<Fetched> exchange(const Fetch& request, const std::string& url, const Url& parsed, Hop& hop,
                         bool same_origin, Clock::time_point deadline, bool& peer_private) {
  const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(deadline - Clock::now()).count();
  const std::string where = "https://" + parsed.origin();
  if (left <= 0) return fail(too_late(where));
  Endpoint endpoint{where, Tls{request.ca_file, "", ""}};
  SCC_TRY(const Address address, parse_endpoint(endpoint));
  Request limits;
  limits.connect_timeout_ms = request.connect_timeout_ms;
  limits.timeout_ms = static_cast<unsigned>(left);
  Handle handle;
  handle.reset(endpoint, address, limits);
  hop.easy = handle.easy();
  set_options(handle, request, hop);
  const List headers = header_list(request, same_origin);
  handle.set(CURLOPT_HTTPHEADER, headers.get());
  handle.set(CURLOPT_URL, url.c_str());
  const CURLcode code = handle.perform([&] {
    if (!request.cancelled || !request.cancelled()) return false;
    hop.stop = Hop::Stop::cancelled;
    return true;
  });
  if (hop.stop != Hop::Stop::none && hop.stop != Hop::Stop::status) return fail(stopped(hop, where));
  if (code == CURLE_OPERATION_TIMEDOUT && Clock::now() + kTimerSlack >= deadline)
    return fail(too_late(where));
  if (code != CURLE_OK && hop.stop != Hop::Stop::status) {
    return fail(failure(handle.error(code, endpoint, address)));
  }
  const char* peer = nullptr;
  curl_easy_getinfo(handle.easy(), CURLINFO_PRIMARY_IP, &peer);
  peer_private = !hop.proxied && peer != nullptr && request.is_private(peer);
  Fetched out;
  out.status = hop.status();
  if (out.status == 200) out.body = std::move(hop.body);
  if (const auto tag = hop.headers.find("etag"); tag != hop.headers.end()) out.etag = tag->second;
  out.url = url;
  return out;
}

bool is_redirect(int status) noexcept {
  return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}

bool names_private(const Fetch& request, const std::string& host) {
  std::string bare = host;
  if (bare.size() > 2 && bare.front() == '[') bare = bare.substr(1, bare.size() - 2);
  return is_local_name(host) || request.is_private(bare);
}

}  // namespace

Proxy proxy_from(const os::Environment& env) {
  const auto first = [&](std::initializer_list<const char*> names) -> std::string {
    for (const char* name : names) {
      if (const auto value = env.get(name); value && !value->empty()) return *value;
    }
    return {};
  };
  return {first({"https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"}), first({"no_proxy", "NO_PROXY"})};
}

Result<Fetched> fetch(const Fetch& request) {
  SCC_CHECK(check_request(request.method, "/", request.headers));
  SCC_CHECK(check_request(request.method, "/", {{"If-None-Match", request.etag}}));
  SCC_TRY(const Url first, parse_url(request.url));
  const auto deadline = Clock::now() + std::chrono::milliseconds(request.timeout_ms);
  std::string url = request.url;
  Url at = first;
  bool same_origin = true;
  bool original_private = names_private(request, first.host);
  for (unsigned hops = 0;; ++hops) {
    Hop hop(request);
    hop.proxied = !request.proxy.url.empty();
    hop.refuse_private = hops > 0 && !original_private;
    bool peer_private = false;
    SCC_TRY(Fetched answer, exchange(request, url, at, hop, same_origin, deadline, peer_private));
    if (hops == 0) original_private = original_private || peer_private;
    if (!is_redirect(answer.status)) return answer;
    const auto location = hop.headers.find("location");
    if (location == hop.headers.end()) return answer;
    if (request.method != "GET") return refused("the request carries a body", location->second);
    if (hops >= request.max_redirects) {
      return refused("more than " + std::to_string(request.max_redirects) + " in a row", location->second);
    }
    auto next = resolve_location(url, location->second);
    if (!next) return refused("its target cannot be understood", location->second);
    auto parsed = parse_url(*next);
    if (!parsed) return refused("its target is no plain https URL", *next);
    if (!original_private && names_private(request, parsed->host)) {
      return refused("a public host leads into a private network", *next);
    }
    same_origin = same_origin && parsed->origin() == first.origin();
    url = *std::move(next);
    at = *std::move(parsed);
  }
}

}  // namespace scc::net
