// SPDX-License-Identifier: Apache-2.0
// Calls to one engine over the host's endpoint service, in the dialect of the Engine API that Docker and
// Podman share (docs.docker.com/reference/api/engine, 1.41): JSON requests, error documents, upgraded
// streams. Says no word about which engine it is; a Dialect does. Immutable once made, so an exec may use it
// beside the instance.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <scc/sdk/plugin.hpp>

namespace scc::oci {

/// Where an engine may be.
struct Endpoint {
  std::string url;
  std::optional<sdk::TlsFiles> tls;
  std::string context;  ///< the name under which the user chose it; empty: none
};

struct ApiVersion {
  int major = 0;
  int minor = 0;
  friend bool operator<(ApiVersion a, ApiVersion b) {
    return a.major != b.major ? a.major < b.major : a.minor < b.minor;
  }
  friend bool operator>=(ApiVersion a, ApiVersion b) { return !(a < b); }
  std::string str() const { return std::to_string(major) + "." + std::to_string(minor); }
  /// "1.41"; {0,0} for anything else.
  static ApiVersion parse(std::string_view text);
};

/// What the shared code asks about the engine at hand.
class Dialect {
 public:
  virtual ~Dialect() = default;
  /// "docker", "podman".
  virtual std::string id() const = 0;
  /// Where to look, first choice first; the next is tried only when there is no such socket. Throws a Failure
  /// when the user's settings name no usable place.
  virtual std::vector<Endpoint> endpoints() const = 0;
  /// What the user does about a connection that failed: `code` is one of runtime.missing,
  /// runtime.unreachable, runtime.permission, runtime.tls.
  virtual std::string remedy(std::string_view code, const Endpoint& endpoint) const = 0;
};

struct Call {
  std::string method = "GET";
  std::string path;  ///< without the version, escaped
  std::string body;  ///< JSON; empty: none
  std::uint32_t timeout_ms = 30'000;
  const scc_source* source = nullptr;  ///< a tar in place of `body`
  const scc_sink* sink = nullptr;      ///< takes the answer's body
};

struct Reply {
  int status = 0;
  std::string body;
  std::string headers;  ///< a JSON object, names in lower case
  bool ok() const noexcept { return status >= 200 && status < 400; }
};

class Api {
 public:
  /// Connects to the first of the dialect's endpoints that is there and agrees on a version. Failure as
  /// connection_failure() makes it.
  static Api connect(sdk::Host host, const std::shared_ptr<const Dialect>& dialect);

  Reply call(const Call& call) const;
  /// The reply's document; error() for a status of 400 and more.
  sdk::Json json(const Call& call, std::string_view what) const;
  /// The raw stream behind a POST that upgrades.
  sdk::Stream upgrade(const std::string& path, const std::string& body) const;

  /// The failure for an answer that is none: code, status and hint follow HTTP status and message.
  sdk::Failure error(const Reply& reply, std::string_view what) const;

  const sdk::Host& host() const noexcept { return host_; }
  const Endpoint& endpoint() const noexcept { return endpoint_; }
  ApiVersion version() const noexcept { return version_; }
  /// Podman says so in its answer to a ping.
  bool is_podman() const noexcept { return podman_; }

 private:
  Api(sdk::Host host, std::shared_ptr<const Dialect> dialect, Endpoint endpoint);
  sdk::EndpointRequest request(std::string method, std::string path) const;
  /// Asks for the version: GET /_ping, which costs an engine far less than GET /version.
  void negotiate();
  sdk::Failure translate(const sdk::Failure& failure) const;

  sdk::Host host_;
  std::shared_ptr<const Dialect> dialect_;
  Endpoint endpoint_;
  ApiVersion version_;
  std::string prefix_;
  bool podman_ = false;
};

/// A host's endpoint failure in the words of a runtime: endpoint.missing becomes runtime.missing and so on,
/// with the dialect's remedy.
sdk::Failure connection_failure(const sdk::Failure& failure, const Dialect& dialect,
                                const Endpoint& endpoint);

/// True for what connection_failure() says of an engine that is not there or does not answer.
bool is_connection_failure(const sdk::Failure& failure) noexcept;

}  // namespace scc::oci
