// SPDX-License-Identifier: Apache-2.0
// The host as a value. Every method asks SCC_HAS first: a service that this host lacks, or that the
// manifest's grants do not name, is a Failure SCC_E_UNSUPPORTED with the service's id, never a crash.
// Callable from any thread. A Host must not outlive the component that got it.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <scc/sdk/json.hpp>

namespace scc::sdk {

struct ProcessRequest {
  std::vector<std::string> argv;     ///< argv[0] as in grants.process
  std::optional<StringMap> env;      ///< the host's choice when absent
  std::string cwd;                   ///< "/" when empty
  std::optional<std::string> input;  ///< /dev/null when absent
  std::uint32_t timeout_ms = 10'000;
  std::size_t max_output = std::size_t{1} << 20U;  ///< per stream

  void write(JsonWriter& w) const {
    w.begin_object().member("schema", "scc.process-request/1").member("argv", argv);
    w.member_if("env", env).member_if("cwd", cwd).member_if("stdin", input);
    w.member("timeout_ms", timeout_ms).member("max_output", max_output).end_object();
  }
};

struct ProcessResult {
  int exit_code = 0;  ///< 128+n when killed by signal n
  std::string out;
  std::string err;
};

/// A program that serves a socket (Host::serve); ended by its destructor.
class Service {
 public:
  struct State {
    bool running = false;
    std::string output;  ///< what it wrote so far
  };

  Service(const scc_host_process_v1* table, scc_service* service, std::string url) noexcept
      : table_(table), service_(service), url_(std::move(url)) {}
  Service(Service&& other) noexcept
      : table_(other.table_), service_(std::exchange(other.service_, nullptr)), url_(std::move(other.url_)) {}
  Service& operator=(Service&&) = delete;
  ~Service() {
    if (service_ != nullptr) table_->service_end(service_);
  }

  const std::string& url() const noexcept { return url_; }  ///< "unix:///path", for EndpointRequest
  State state() const {
    Collect out;
    ErrorCatch error;
    std::int32_t running = 0;
    const scc_status status = table_->service_state(service_, &running, out.c(), error.c());
    if (status != SCC_OK) fail(status, error, "looking at a service");
    return {running != 0, out.take()};
  }

 private:
  const scc_host_process_v1* table_;
  scc_service* service_;
  std::string url_;
};

struct TlsFiles {
  std::string ca_file;
  std::string cert_file;
  std::string key_file;
  void write(JsonWriter& w) const {
    w.begin_object().member_if("ca_file", ca_file).member_if("cert_file", cert_file);
    w.member_if("key_file", key_file).end_object();
  }
};

struct EndpointRequest {
  std::string endpoint;  ///< unix:///path, tcp://host:port, https://host[:port]; as in grants.endpoints
  std::string method = "GET";
  std::string path = "/";
  StringMap headers = {};
  std::optional<std::string> body = std::nullopt;
  std::optional<std::uint32_t> timeout_ms = std::nullopt;  ///< of the whole transfer; 0: none
  std::optional<TlsFiles> tls = std::nullopt;

  void write(JsonWriter& w) const {
    w.begin_object().member("schema", "scc.endpoint-request/1").member("endpoint", endpoint);
    w.member("method", method).member("path", path).member_if("headers", headers);
    w.member_if("body", body).member_if("timeout_ms", timeout_ms).member_if("tls", tls).end_object();
  }
};

struct EndpointResponse {
  int status = 0;            ///< of HTTP
  std::string headers_json;  ///< an object, names in lower case
  std::string body;          ///< empty when a sink took it
};

/// An upgraded byte stream; closed by its destructor.
class Stream {
 public:
  enum class Read { data, closed, timeout };

  Stream(const scc_host_endpoint_v1* service, scc_stream* stream) noexcept
      : service_(service), stream_(stream) {}
  Stream(Stream&& other) noexcept
      : service_(other.service_), stream_(std::exchange(other.stream_, nullptr)) {}
  Stream& operator=(Stream&& other) noexcept {
    std::swap(service_, other.service_);
    std::swap(stream_, other.stream_);
    return *this;
  }
  ~Stream() {
    if (stream_ != nullptr) service_->stream_close(stream_);
  }

  /// Appends what has arrived, at most 64 KiB.
  Read read(std::uint32_t timeout_ms, std::string& bytes) {
    Collect out;
    ErrorCatch error;
    const scc_status status = service_->stream_read(stream_, timeout_ms, out.c(), error.c());
    if (status == SCC_E_TIMEOUT) return Read::timeout;
    if (status != SCC_OK) fail(status, error, "reading from a stream");
    bytes += out.str();
    return out.str().empty() ? Read::closed : Read::data;
  }
  /// How many bytes were taken without waiting; may be 0.
  std::size_t write(std::string_view bytes) {
    std::size_t written = 0;
    ErrorCatch error;
    const scc_status status = service_->stream_write(stream_, view(bytes), &written, error.c());
    if (status != SCC_OK) fail(status, error, "writing to a stream");
    return written;
  }
  void close_write() {
    ErrorCatch error;
    const scc_status status = service_->stream_close_write(stream_, error.c());
    if (status != SCC_OK) fail(status, error, "closing a stream for writing");
  }
  int fd() const noexcept { return service_->stream_fd(stream_); }  ///< for poll(2) only

 private:
  const scc_host_endpoint_v1* service_;
  scc_stream* stream_;
};

class Host {
 public:
  explicit Host(const scc_host_v1* host) noexcept : host_(host) {}

  const scc_host_v1* c() const noexcept { return host_; }

  void log(scc_log_level level, std::string_view message) const {
    if (SCC_HAS(host_, log)) host_->log(host_, level, view(message));
  }
  void debug(std::string_view message) const { log(SCC_LOG_DEBUG, message); }
  void info(std::string_view message) const { log(SCC_LOG_INFO, message); }
  void warn(std::string_view message) const { log(SCC_LOG_WARN, message); }
  void error(std::string_view message) const { log(SCC_LOG_ERROR, message); }

  bool cancelled() const { return SCC_HAS(host_, cancelled) && host_->cancelled(host_) != 0; }
  void stop_if_cancelled() const {
    if (cancelled()) throw Failure(SCC_E_CANCELLED, "sdk.cancelled", "cancelled");
  }

  Json parse(std::string_view json) const { return Json::parse(host_, json); }

  /// The table of a service, or nullptr: the host is older, or the grants do not ask for it.
  template <class Table>
  const Table* service(std::string_view id) const {
    if (!SCC_HAS(host_, service)) return nullptr;
    return static_cast<const Table*>(host_->service(host_, view(id)));
  }

  ProcessResult run(const ProcessRequest& request) const {
    const auto* s = service<scc_host_process_v1>(SCC_HOST_PROCESS);
    if (!SCC_HAS(s, run)) throw absent(SCC_HOST_PROCESS);
    Collect out;
    Collect err_out;
    ErrorCatch error;
    std::int32_t exit_code = 0;
    const std::string json = text_of(request);
    const scc_status status = s->run(host_, view(json), &exit_code, out.c(), err_out.c(), error.c());
    if (status != SCC_OK) fail(status, error, "running " + first(request.argv));
    return {exit_code, out.take(), err_out.take()};
  }

  /// Starts a program that serves a socket while the Service lives; of the request, argv, env and cwd count.
  Service serve(const ProcessRequest& request) const {
    const auto* s = service<scc_host_process_v1>(SCC_HOST_PROCESS);
    const bool complete = SCC_HAS(s, serve) && SCC_HAS(s, service_state) && SCC_HAS(s, service_end);
    if (!complete) throw absent(SCC_HOST_PROCESS);
    Collect url;
    ErrorCatch error;
    scc_service* made = nullptr;
    const std::string json = text_of(request);
    const scc_status status = s->serve(host_, view(json), &made, url.c(), error.c());
    if (status != SCC_OK) fail(status, error, "starting " + first(request.argv));
    return {s, made, url.take()};
  }

  /// Any HTTP status is a response. `body_out` takes the body as it arrives instead of collecting it; `body`
  /// is bulk input in place of request.body.
  EndpointResponse request(const EndpointRequest& request, const scc_sink* body_out = nullptr,
                           const scc_source* body = nullptr) const {
    const auto* s = service<scc_host_endpoint_v1>(SCC_HOST_ENDPOINT);
    if (!SCC_HAS(s, request)) throw absent(SCC_HOST_ENDPOINT);
    Collect headers;
    Collect collected;
    ErrorCatch error;
    std::int32_t http_status = 0;
    const std::string json = text_of(request);
    const scc_sink* out = body_out != nullptr ? body_out : collected.c();
    const scc_status status = s->request(host_, view(json), body, &http_status, headers.c(), out, error.c());
    if (status != SCC_OK) fail(status, error, request.method + " " + request.path);
    return {http_status, headers.take(), collected.take()};
  }

  /// The raw stream after an upgrade; any other answer is a Failure SCC_E_TOOL.
  Stream upgrade(const EndpointRequest& request) const {
    const auto* s = service<scc_host_endpoint_v1>(SCC_HOST_ENDPOINT);
    const bool complete = SCC_HAS(s, upgrade) && SCC_HAS(s, stream_read) && SCC_HAS(s, stream_write) &&
                          SCC_HAS(s, stream_close_write) && SCC_HAS(s, stream_fd) && SCC_HAS(s, stream_close);
    if (!complete) throw absent(SCC_HOST_ENDPOINT);
    ErrorCatch error;
    std::int32_t http_status = 0;
    scc_stream* stream = nullptr;
    const std::string json = text_of(request);
    const scc_status status = s->upgrade(host_, view(json), &http_status, &stream, error.c());
    if (status != SCC_OK) fail(status, error, request.method + " " + request.path);
    return {s, stream};
  }

  /// Bytes of a granted regular file of at most 1 MiB; nullopt when it is absent.
  std::optional<std::string> read_file(std::string_view path) const {
    const auto* s = service<scc_host_files_v1>(SCC_HOST_FILES);
    if (!SCC_HAS(s, read)) throw absent(SCC_HOST_FILES);
    Collect out;
    ErrorCatch error;
    const scc_status status = s->read(host_, view(path), out.c(), error.c());
    if (status == SCC_E_NOT_FOUND) return std::nullopt;
    if (status != SCC_OK) fail(status, error, "reading " + std::string(path));
    return out.take();
  }

  /// This plugin's private store. Keys are [a-z0-9._-]{1,64}, values at most 1 MiB.
  std::optional<std::string> state(std::string_view key) const {
    const auto* s = service<scc_host_state_v1>(SCC_HOST_STATE);
    if (!SCC_HAS(s, get)) throw absent(SCC_HOST_STATE);
    Collect out;
    ErrorCatch error;
    const scc_status status = s->get(host_, view(key), out.c(), error.c());
    if (status == SCC_E_NOT_FOUND) return std::nullopt;
    if (status != SCC_OK) fail(status, error, "reading the state " + std::string(key));
    return out.take();
  }
  void set_state(std::string_view key, std::string_view bytes) const {
    const auto* s = service<scc_host_state_v1>(SCC_HOST_STATE);
    if (!SCC_HAS(s, put)) throw absent(SCC_HOST_STATE);
    ErrorCatch error;
    const scc_status status = s->put(host_, view(key), view(bytes), error.c());
    if (status != SCC_OK) fail(status, error, "writing the state " + std::string(key));
  }

  /// Tells the user what goes on; silent on a host without a user.
  void step(std::string_view title) const {
    const auto* s = service<scc_host_ui_v1>(SCC_HOST_UI);
    if (SCC_HAS(s, step)) s->step(host_, view(title));
  }
  /// nullopt when nobody can answer.
  std::optional<bool> confirm(std::string_view question, bool default_yes = false) const {
    const auto* s = service<scc_host_ui_v1>(SCC_HOST_UI);
    if (!SCC_HAS(s, confirm)) return std::nullopt;
    std::int32_t yes = 0;
    const scc_status status = s->confirm(host_, view(question), default_yes ? 1 : 0, &yes);
    if (status == SCC_E_UNSUPPORTED) return std::nullopt;
    ErrorCatch error;
    if (status != SCC_OK) fail(status, error, "asking the user");
    return yes != 0;
  }

  /// An scc.audit-event/1. False when the host keeps no journal.
  bool audit(std::string_view event_json) const {
    const auto* s = service<scc_host_audit_v1>(SCC_HOST_AUDIT);
    if (!SCC_HAS(s, emit)) return false;
    ErrorCatch error;
    const scc_status status = s->emit(host_, view(event_json));
    if (status != SCC_OK) fail(status, error, "writing an audit event");
    return true;
  }

  static Failure absent(const char* id) {
    return {SCC_E_UNSUPPORTED, "sdk.no-service", std::string("the host does not offer ") + id,
            "add what it needs to the grants of plugin.json, or use a newer scc"};
  }

 private:
  template <class Document>
  static std::string text_of(const Document& document) {
    JsonWriter w;
    document.write(w);
    return w.take();
  }
  static std::string first(const std::vector<std::string>& argv) {
    return argv.empty() ? std::string("nothing") : argv.front();
  }

  const scc_host_v1* host_;
};

}  // namespace scc::sdk
