// SPDX-License-Identifier: Apache-2.0
#include <charconv>

#include <scc/oci/api.hpp>
#include <scc/oci/text.hpp>

namespace scc::oci {
namespace {

// Versions whose create, exec and build documents this code was written against. 1.40 brought
// BindOptions.NonRecursive; newer engines refuse versions below 1.44, hence the range.
constexpr ApiVersion kOldest{1, 40};
constexpr ApiVersion kNewest{1, 47};

bool contains(std::string_view text, std::string_view part) {
  return text.find(part) != std::string_view::npos;
}

/// What an engine says when a bind's source is the trouble (Engine, Desktop, Colima, Podman).
bool about_mounts(std::string_view message) {
  for (const std::string_view part :
       {"statfs /", "invalid mount config", "bind source path does not exist", "mounts denied",
        "error mounting", "error while creating mount source path", "invalid bind mount",
        "is not shared from the host"}) {
    if (contains(message, part)) return true;
  }
  return false;
}

}  // namespace

ApiVersion ApiVersion::parse(std::string_view text) {
  ApiVersion version;
  const auto* end = text.data() + text.size();
  const auto major = std::from_chars(text.data(), end, version.major);
  if (major.ec != std::errc{} || major.ptr == end || *major.ptr != '.') return {};
  const auto minor = std::from_chars(major.ptr + 1, end, version.minor);
  return minor.ec == std::errc{} && minor.ptr == end ? version : ApiVersion{};
}

sdk::Failure connection_failure(const sdk::Failure& failure, const Dialect& dialect,
                                const Endpoint& endpoint) {
  static constexpr std::pair<std::string_view, const char*> kCodes[] = {
      {"endpoint.missing", "runtime.missing"},
      {"endpoint.denied", "runtime.permission"},
      {"endpoint.refused", "runtime.unreachable"},
      {"endpoint.unreachable", "runtime.unreachable"},
      {"endpoint.tls", "runtime.tls"},
      {"endpoint.timeout", "runtime.timeout"},
      {"endpoint.protocol", "runtime.api"},
      {"endpoint.limit", "runtime.api"},
      {"endpoint.closed", "runtime.stream"},
      {"endpoint.not-upgraded", "runtime.api"}};
  for (const auto& [theirs, ours] : kCodes) {
    if (failure.code != theirs) continue;
    sdk::Failure result(failure.status, ours, failure.message, failure.hint);
    if (failure.status == SCC_E_PREREQ) result.hint = dialect.remedy(ours, endpoint);
    return result;
  }
  return failure;
}

bool is_connection_failure(const sdk::Failure& failure) noexcept {
  return failure.code == "runtime.missing" || failure.code == "runtime.unreachable" ||
         failure.code == "runtime.permission" || failure.code == "runtime.tls" ||
         failure.code == "runtime.timeout";
}

Api::Api(sdk::Host host, std::shared_ptr<const Dialect> dialect, Endpoint endpoint)
    : host_(host), dialect_(std::move(dialect)), endpoint_(std::move(endpoint)) {}

Api Api::connect(sdk::Host host, const std::shared_ptr<const Dialect>& dialect) {
  const std::vector<Endpoint> candidates = dialect->endpoints();
  std::optional<sdk::Failure> first;
  for (const Endpoint& candidate : candidates) {
    Api api(host, dialect, candidate);
    try {
      api.negotiate();
      return api;
    } catch (const sdk::Failure& failure) {
      if (!dialect->tries_next(failure.code)) throw;
      if (!first) first = failure;
    }
  }
  if (const auto started = dialect->start()) {
    Api api(host, dialect, *started);
    try {
      api.negotiate();
    } catch (const sdk::Failure& failure) {
      throw sdk::Failure(dialect->start_failure(failure));
    }
    return api;
  }
  if (first) throw sdk::Failure(*first);
  throw sdk::Failure(SCC_E_PREREQ, "runtime.missing", "there is no place to look for an engine");
}

void Api::negotiate() {
  Call ping;
  ping.path = "/_ping";
  ping.timeout_ms = endpoint_.first_answer_ms;
  const Reply reply = call(ping);
  if (!reply.ok()) throw error(reply, "asking for the engine's version");
  const sdk::Json headers = host_.parse(reply.headers);
  libpod_version_ = headers.str("/libpod-api-version");
  const std::string text = headers.str("/api-version", "?");
  const ApiVersion offered = ApiVersion::parse(text);
  if (offered < kOldest) {
    throw sdk::Failure(SCC_E_PREREQ, "runtime.too-old",
                       "what answers at " + printable(endpoint_.url) + " speaks version " + printable(text) +
                           " of the Engine API, " + kOldest.str() + " is needed",
                       "upgrade the engine");
  }
  version_ = kNewest < offered ? kNewest : offered;
  prefix_ = "/v" + version_.str();
}

sdk::EndpointRequest Api::request(std::string method, std::string path) const {
  sdk::EndpointRequest request;
  request.endpoint = endpoint_.url;
  request.tls = endpoint_.tls;
  request.method = std::move(method);
  request.path = std::move(path);
  return request;
}

sdk::Failure Api::translate(const sdk::Failure& failure) const {
  return connection_failure(failure, *dialect_, endpoint_);
}

Reply Api::call(const Call& call) const {
  sdk::EndpointRequest wire = request(call.method, (call.versioned ? prefix_ : std::string()) + call.path);
  wire.timeout_ms = call.timeout_ms;
  if (call.source != nullptr) {
    wire.headers["Content-Type"] = "application/x-tar";
  } else if (!call.body.empty()) {
    wire.headers["Content-Type"] = "application/json";
    wire.body = call.body;
  }
  try {
    sdk::EndpointResponse response = host_.request(wire, call.sink, call.source);
    return {response.status, std::move(response.body), std::move(response.headers_json)};
  } catch (const sdk::Failure& failure) {
    throw translate(failure);
  }
}

sdk::Json Api::json(const Call& call_, std::string_view what) const {
  const Reply reply = call(call_);
  if (!reply.ok()) throw error(reply, what);
  return host_.parse(reply.body);
}

sdk::Stream Api::upgrade(const std::string& path, const std::string& body) const {
  sdk::EndpointRequest wire = request("POST", prefix_ + path);
  wire.headers["Content-Type"] = "application/json";
  wire.body = body;
  try {
    return host_.upgrade(wire);
  } catch (const sdk::Failure& failure) {
    throw translate(failure);
  }
}

sdk::Failure Api::error(const Reply& reply, std::string_view what) const {
  std::string message;
  try {
    message = host_.parse(reply.body).str("/message");
  } catch (const sdk::Failure&) {
    message = reply.body;  // not an error document; show what there is
  }
  message = printable(message);
  const std::string text =
      std::string(what) + ": " +
      (message.empty() ? "the engine answered with HTTP " + std::to_string(reply.status) : message);
  if (auto known = dialect_->known_error(message)) {
    known->message = std::string(what) + ": " + known->message;
    return std::move(*known);
  }
  if (contains(message, "no space left on device")) {
    return {SCC_E_PREREQ, "runtime.no-space", text,
            "free disk space: scc prune, then remove images you do not need"};
  }
  if (contains(message, "No such image") || contains(message, "no such image") ||
      contains(message, "image not known")) {
    return {SCC_E_NOT_FOUND, "runtime.no-image", text, "scc image build"};
  }
  if (about_mounts(message)) {
    return {SCC_E_PREREQ, "runtime.mount", text,
            "check that the path exists and that the engine may share it (an engine in a virtual machine "
            "sees only "
            "the directories that it was given)"};
  }
  if (reply.status == 404) return {SCC_E_NOT_FOUND, "runtime.not-found", text, "scc list"};
  const bool conflict = reply.status == 409 || contains(message, "already in use") ||
                        contains(message, "is being used") || contains(message, "container state improper");
  if (conflict) return {SCC_E_TOOL, "runtime.conflict", text, "scc list shows what is there"};
  return {SCC_E_TOOL, "runtime.api", text};
}

}  // namespace scc::oci
