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
  std::uint32_t first_answer_ms = 10'000;
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

struct Call {
  std::string method = "GET";
  std::string path;  ///< without the version, escaped
  std::string body;  ///< JSON; empty: none
  std::uint32_t timeout_ms = 30'000;
  const scc_source* source = nullptr;  ///< a tar in place of `body`
  const scc_sink* sink = nullptr;      ///< takes the answer's body
  bool versioned = true;               ///< false: the path has its own version
};

/// What the engine at hand can enforce.
struct Abilities {
  bool memory = true;
  bool swap = true;
  bool pids = true;
  bool cpus = true;
  bool bind_nonrecursive = true;  ///< API 1.40
};

class Api;

/// What the shared code asks about the engine at hand. What is not pure virtual is as the Engine API has it.
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

  /// Whether the next endpoint is tried after one that failed with `code`.
  virtual bool tries_next(std::string_view code) const { return code == "runtime.missing"; }
  /// An engine that is started for this instance; asked when no endpoint is left. nullopt: there is none.
  virtual std::optional<Endpoint> start() const { return std::nullopt; }
  /// The failure behind one that came when what start() gave was asked for the first time.
  virtual sdk::Failure start_failure(const sdk::Failure& failure) const { return failure; }
  /// True once what start() gave has ended: it has to be asked again.
  virtual bool ended() const { return false; }
  /// The failure behind an engine's error text that this engine is known for; nullopt: nothing special.
  virtual std::optional<sdk::Failure> known_error(const std::string& text) const {
    static_cast<void>(text);
    return std::nullopt;
  }

  /// The engine as it is now: everything of `info` but reachable, endpoint, context, local and runtime_id.
  virtual void describe(const Api& api, sdk::RuntimeInfo& info, Abilities& able) const;
  /// The engine's name for an image that we name, and ours for one that it names.
  virtual std::string engine_image(const std::string& ref) const { return ref; }
  virtual std::string our_image(const std::string& ref) const { return ref; }
  /// The change of an import that sets a label.
  virtual std::string label_change(const std::string& name, const std::string& value) const;
  /// The call that makes a sandbox of scc.sandbox-spec/1; what cannot be enforced is left out and told.
  virtual Call create_call(const sdk::Json& spec, const Abilities& able,
                           std::vector<std::string>& warnings) const;
  /// True where create_call() gives a sandbox all its networks; else each further one is a call of its own.
  virtual bool creates_with_networks() const { return false; }
  /// The call that makes a network of scc.network-request/1; its answer has /Id or /id.
  virtual Call network_call(const sdk::Json& request) const;
  /// Whether memory ran out in a sandbox that still runs. `look_twice`: a process of it was just killed.
  virtual bool ran_out_of_memory(const Api& api, const std::string& id, bool look_twice) const;
};

struct Reply {
  int status = 0;
  std::string body;
  std::string headers;  ///< a JSON object, names in lower case
  bool ok() const noexcept { return status >= 200 && status < 400; }
};

class Api {
 public:
  /// Connects to the first of the dialect's endpoints that is there, or to the engine that it starts, and
  /// agrees on a version. Failure as connection_failure() makes it.
  static Api connect(sdk::Host host, const std::shared_ptr<const Dialect>& dialect);

  Reply call(const Call& call) const;
  /// The reply's document; error() for a status of 400 and more.
  sdk::Json json(const Call& call, std::string_view what) const;
  /// The raw stream behind a POST that upgrades.
  sdk::Stream upgrade(const std::string& path, const std::string& body) const;

  const Dialect& dialect() const noexcept { return *dialect_; }
  /// The failure for an answer that is none: code, status and hint follow HTTP status and message.
  sdk::Failure error(const Reply& reply, std::string_view what) const;

  const sdk::Host& host() const noexcept { return host_; }
  const Endpoint& endpoint() const noexcept { return endpoint_; }
  ApiVersion version() const noexcept { return version_; }
  /// Podman says so in its answer to a ping.
  bool is_podman() const noexcept { return !libpod_version_.empty(); }
  const std::string& libpod_version() const noexcept { return libpod_version_; }

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
  std::string libpod_version_;
};

/// A host's endpoint failure in the words of a runtime: endpoint.missing becomes runtime.missing and so on,
/// with the dialect's remedy.
sdk::Failure connection_failure(const sdk::Failure& failure, const Dialect& dialect,
                                const Endpoint& endpoint);

/// True for what connection_failure() says of an engine that is not there or does not answer.
bool is_connection_failure(const sdk::Failure& failure) noexcept;

}  // namespace scc::oci
