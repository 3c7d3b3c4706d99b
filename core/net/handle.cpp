// SPDX-License-Identifier: Apache-2.0
#include "net/handle.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <stdexcept>

#include <sys/un.h>

#include "base/str.h"

namespace scc::net {
namespace {

tl::unexpected<Error> bad_url(const std::string& url, std::string_view why) {
  return fail(Kind::usage, "endpoint.url",
              "not an endpoint: " + str::printable(url) + ": " + std::string(why),
              "use unix:///path, tcp://host:port or https://host[:port]");
}

bool is_authority(std::string_view text) noexcept {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           std::strchr(".-_[]:", c) != nullptr;
  });
}

/// libcurl wants this once before any other thread uses it; the static makes that so.
void global_init() {
  static const CURLcode ready = curl_global_init(CURL_GLOBAL_DEFAULT);
  if (ready != CURLE_OK) throw std::runtime_error(curl_easy_strerror(ready));
}

Error connect_error(int code, const Endpoint& endpoint, const Address& address) {
  const std::string where = str::printable(endpoint.url);
  const bool local = !address.socket_path.empty();
  const std::string path = str::printable(address.socket_path);
  switch (code) {
    case ENOENT:
      return {Kind::prereq,
              "endpoint.missing",
              "no socket at " + where + ": no such file",
              "start the service that makes " + path,
              {}};
    case EACCES:
    case EPERM:
      return {
          Kind::prereq,
          "endpoint.denied",
          "cannot connect to " + where + ": permission denied",
          local ? "join the group that owns " + path + " (see: ls -l " + path + "), then log in again" : "",
          {}};
    case ECONNREFUSED:
      return {
          Kind::prereq,
          "endpoint.refused",
          "cannot connect to " + where + ": connection refused",
          local ? "nothing listens on " + path + ": start its service" : "start the service behind " + where,
          {}};
    default:
      return {Kind::prereq,
              "endpoint.unreachable",
              "cannot connect to " + where + (code != 0 ? ": " + std::string(std::strerror(code)) : ""),
              "check that the service runs and the address is right",
              {}};
  }
}

}  // namespace

Result<Address> parse_endpoint(const Endpoint& endpoint) {
  const std::string_view url = endpoint.url;
  Address address;
  if (str::starts_with(url, "unix://")) {
    address.socket_path = url.substr(7);
    if (address.socket_path.empty() || address.socket_path.front() != '/')
      return bad_url(endpoint.url, "no path");
    if (address.socket_path.find('\0') != std::string::npos ||
        address.socket_path.size() >= sizeof(sockaddr_un::sun_path)) {
      return bad_url(endpoint.url, "the kernel allows 107 bytes for a socket's path");
    }
    address.base = "http://localhost";
    address.host = "localhost";
    return address;
  }
  const bool tcp = str::starts_with(url, "tcp://");
  if (!tcp && !str::starts_with(url, "https://")) return bad_url(endpoint.url, "unknown scheme");
  auto host = url.substr(tcp ? 6 : 8);
  if (!host.empty() && host.back() == '/') host.remove_suffix(1);
  if (!is_authority(host)) return bad_url(endpoint.url, "no usable host");
  if (tcp && host.rfind(':') == std::string_view::npos) return bad_url(endpoint.url, "no port");
  address.tls = !tcp || endpoint.tls.has_value();
  address.env_proxy = !tcp;
  address.host = host;
  address.base = (address.tls ? "https://" : "http://") + std::string(host);
  return address;
}

Handle::Handle() {
  global_init();
  multi_.reset(curl_multi_init());
  easy_.reset(curl_easy_init());
  if (!multi_ || !easy_) throw std::bad_alloc();
}

Handle::~Handle() {
  detach();
}

void Handle::detach() {
  if (attached_) curl_multi_remove_handle(multi_.get(), easy_.get());
  attached_ = false;
}

void Handle::reset(const Endpoint& endpoint, const Address& address, const Request& request) {
  detach();
  curl_easy_reset(easy_.get());
  text_[0] = '\0';
  set(CURLOPT_ERRORBUFFER, text_);
  set(CURLOPT_NOSIGNAL, 1L);
  set(CURLOPT_PROTOCOLS_STR, "http,https");
  set(CURLOPT_FOLLOWLOCATION, 0L);
  set(CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_1_1));
  set(CURLOPT_PATH_AS_IS, 1L);
  set(CURLOPT_NETRC, static_cast<long>(CURL_NETRC_IGNORED));
  set(CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(request.connect_timeout_ms));
  set(CURLOPT_TIMEOUT_MS, static_cast<long>(request.timeout_ms));
  if (!address.socket_path.empty()) set(CURLOPT_UNIX_SOCKET_PATH, address.socket_path.c_str());
  if (!address.env_proxy) {
    set(CURLOPT_PROXY, "");
    set(CURLOPT_NOPROXY, "*");
  }
  if (address.tls) {
    set(CURLOPT_SSL_VERIFYPEER, 1L);
    set(CURLOPT_SSL_VERIFYHOST, 2L);
    set(CURLOPT_SSLVERSION, static_cast<long>(CURL_SSLVERSION_TLSv1_2));
    const Tls tls = endpoint.tls.value_or(Tls{});
    if (!tls.ca_file.empty()) set(CURLOPT_CAINFO, tls.ca_file.c_str());
    if (!tls.cert_file.empty()) set(CURLOPT_SSLCERT, tls.cert_file.c_str());
    if (!tls.key_file.empty()) set(CURLOPT_SSLKEY, tls.key_file.c_str());
  }
}

CURLcode Handle::perform(const std::function<bool()>& stop) {
  constexpr int kPollMs = 100;
  if (curl_multi_add_handle(multi_.get(), easy_.get()) != CURLM_OK) return CURLE_FAILED_INIT;
  attached_ = true;
  while (true) {
    int running = 0;
    if (curl_multi_perform(multi_.get(), &running) != CURLM_OK) return CURLE_FAILED_INIT;
    int left = 0;
    while (const CURLMsg* message = curl_multi_info_read(multi_.get(), &left)) {
      if (message->msg == CURLMSG_DONE) return message->data.result;
    }
    if (running == 0) return CURLE_FAILED_INIT;
    if (stop && stop()) return CURLE_ABORTED_BY_CALLBACK;
    curl_multi_poll(multi_.get(), nullptr, 0, kPollMs, nullptr);
  }
}

int Handle::socket() const noexcept {
  curl_socket_t fd = CURL_SOCKET_BAD;
  curl_easy_getinfo(easy_.get(), CURLINFO_ACTIVESOCKET, &fd);
  return fd;
}

Error Handle::error(CURLcode code, const Endpoint& endpoint, const Address& address) {
  const std::string where = str::printable(endpoint.url);
  const std::string detail = str::printable(text_[0] != '\0' ? text_ : curl_easy_strerror(code));
  switch (code) {
    case CURLE_COULDNT_CONNECT: {
      long os = 0;
      curl_easy_getinfo(easy_.get(), CURLINFO_OS_ERRNO, &os);
      return connect_error(static_cast<int>(os), endpoint, address);
    }
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_RESOLVE_PROXY:
      return {Kind::prereq,
              "endpoint.unreachable",
              "cannot connect to " + where + ": " + detail,
              "check the host name",
              {}};
    case CURLE_OPERATION_TIMEDOUT: {
      curl_off_t connected = 0;
      curl_easy_getinfo(easy_.get(), CURLINFO_PRETRANSFER_TIME_T, &connected);
      if (connected == 0) return connect_error(ETIMEDOUT, endpoint, address);
      return {Kind::tool, "endpoint.timeout", where + " did not answer in time", "", {}};
    }
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_SSL_CERTPROBLEM:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_ISSUER_ERROR:
    case CURLE_SSL_CIPHER:
      return {Kind::prereq,
              "endpoint.tls",
              "no trusted TLS connection to " + where + ": " + detail,
              "check the certificate, its authority and the host name",
              {}};
    case CURLE_OUT_OF_MEMORY:
    case CURLE_FAILED_INIT:
      return {Kind::internal, "endpoint.internal", detail, "", {}};
    default:
      return {Kind::tool, "endpoint.protocol", "the exchange with " + where + " failed: " + detail, "", {}};
  }
}

}  // namespace scc::net
