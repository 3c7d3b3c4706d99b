// SPDX-License-Identifier: Apache-2.0
// scc.host.endpoint/1: HTTP and upgraded byte streams to endpoints that the manifest's grants name, over
// core/net. The check happens before anything connects, on the comparable form of the URL.
#include <algorithm>

#include "base/str.h"
#include "plugin/documents.h"
#include "plugin/grants.h"
#include "plugin/host.h"

struct scc_stream {
  std::unique_ptr<scc::net::Client> client;  // kept: the stream came from it
  std::unique_ptr<scc::net::Stream> stream;
};

namespace scc::plugin {

namespace {

constexpr std::int64_t kMaxTimeoutMs = 24LL * 3'600'000;
constexpr std::size_t kMaxErrorBody = 4'096;

struct Call {
  net::Endpoint endpoint;
  net::Request request;
  std::string key;  ///< of the client pool
};

Status check_tls(const HostContext& context, const net::Tls& tls) {
  for (const std::string* file : {&tls.ca_file, &tls.cert_file, &tls.key_file}) {
    if (file->empty() || file_granted(context.grants(), context.services().env, *file)) continue;
    return fail(Kind::policy, "grant.files",
                "plugin " + context.plugin() + " has no grant to use the TLS file " + str::printable(*file),
                "its manifest must name the file in grants.files");
  }
  return {};
}

Result<Call> prepare(HostContext& context, scc_str request_json) {
  SCC_TRY(const json::Value doc, parse_document("endpoint-request", text(request_json)));
  Call call;
  call.endpoint.url = doc.str("/endpoint");
  const bool own_service = context.serves(call.endpoint.url);
  if (!own_service && !endpoint_granted(context.grants(), context.services().env, call.endpoint.url)) {
    return fail(Kind::policy, "grant.endpoints",
                "plugin " + context.plugin() + " has no grant to reach " + str::printable(call.endpoint.url),
                "its manifest must name the endpoint in grants.endpoints");
  }
  // The canonical form is what was judged, so it is what is used.
  call.endpoint.url = canonical_endpoint(call.endpoint.url).value_or(call.endpoint.url);
  call.key = call.endpoint.url;
  if (doc.has("/tls")) {
    net::Tls tls{doc.str("/tls/ca_file"), doc.str("/tls/cert_file"), doc.str("/tls/key_file")};
    SCC_CHECK(check_tls(context, tls));
    call.key += "\n" + tls.ca_file + "\n" + tls.cert_file + "\n" + tls.key_file;
    call.endpoint.tls = std::move(tls);
  }
  call.request.method = doc.str("/method", "GET");
  call.request.path = doc.str("/path", "/");
  call.request.headers = doc.map_at("/headers");
  call.request.body = doc.str("/body");
  call.request.timeout_ms =
      static_cast<unsigned>(std::clamp<std::int64_t>(doc.integer("/timeout_ms", 30'000), 0, kMaxTimeoutMs));
  call.request.cancelled = [&context] { return context.cancelled(); };
  return call;
}

/// A plugin's source as a callback of core/net.
auto body_from(const scc_source* body, scc_status& failed) {
  return [body, &failed](char* buffer, std::size_t capacity) -> std::optional<std::size_t> {
    std::size_t size = 0;
    failed = body->read(body->ctx, buffer, capacity, &size);
    if (failed != SCC_OK || size > capacity) return std::nullopt;
    return size;
  };
}

json::Value headers_of(const net::Response& response) {
  json::Object out;
  for (const auto& [name, value] : response.headers) {
    if (str::valid_utf8(value)) out.emplace(name, value);
  }
  return json::Value(std::move(out));
}

scc_status request(const scc_host_v1* host, scc_str request_json, const scc_source* body,
                   std::int32_t* http_status, const scc_sink* headers_json, const scc_sink* body_out,
                   const scc_error_sink* err) noexcept {
  return serve(err, [&]() -> scc_status {
    HostContext& context = HostContext::from(host);
    Result<Call> call = prepare(context, request_json);
    if (!call) return report(err, call.error());
    scc_status source_status = SCC_OK;
    scc_status sink_status = SCC_OK;
    if (SCC_HAS(body, read)) call->request.body_source = body_from(body, source_status);
    if (body_out != nullptr) {
      call->request.on_body = [&](std::string_view bytes) {
        sink_status = write_to(body_out, bytes);
        return sink_status == SCC_OK;
      };
    }
    std::unique_ptr<net::Client> client = context.take_client(call->key, call->endpoint);
    const Result<net::Response> response = client->send(call->request);
    if (sink_status != SCC_OK) return report(err, sink_status, "endpoint.sink", "the answer was not taken");
    if (source_status != SCC_OK) return report(err, source_status, "endpoint.source", "the body broke off");
    if (!response) return report(err, response.error());
    context.give_back(call->key, std::move(client));
    if (http_status != nullptr) *http_status = response->status;
    if (headers_json == nullptr) return SCC_OK;
    return write_to(headers_json, json::dump(headers_of(*response)));
  });
}

scc_status upgrade(const scc_host_v1* host, scc_str request_json, std::int32_t* http_status, scc_stream** out,
                   const scc_error_sink* err) noexcept {
  return serve(err, [&]() -> scc_status {
    HostContext& context = HostContext::from(host);
    if (out == nullptr) return report(err, SCC_E_USAGE, "endpoint.argument", "no place for the stream");
    Result<Call> call = prepare(context, request_json);
    if (!call) return report(err, call.error());
    auto client = std::make_unique<net::Client>(call->endpoint);
    Result<net::Client::Upgraded> upgraded = client->upgrade(call->request);
    if (!upgraded) return report(err, upgraded.error());
    if (http_status != nullptr) *http_status = upgraded->response.status;
    if (!upgraded->stream) {
      const std::string shown = str::printable(upgraded->response.body.substr(0, kMaxErrorBody));
      return report(err, SCC_E_TOOL, "endpoint.not-upgraded",
                    "the endpoint answered " + std::to_string(upgraded->response.status) + ": " + shown);
    }
    auto stream = std::make_unique<scc_stream>();
    stream->client = std::move(client);
    stream->stream = std::move(upgraded->stream);
    *out = stream.release();
    return SCC_OK;
  });
}

scc_status stream_read(scc_stream* s, std::uint32_t timeout_ms, const scc_sink* out,
                       const scc_error_sink* err) noexcept {
  return serve(err, [&]() -> scc_status {
    if (s == nullptr) return report(err, SCC_E_USAGE, "endpoint.argument", "no stream");
    std::string bytes;
    const Result<bool> open = s->stream->read(timeout_ms, bytes);
    if (!open) return report(err, open.error());
    if (!bytes.empty()) return write_to(out, bytes);
    return *open ? SCC_E_TIMEOUT : SCC_OK;
  });
}

scc_status stream_write(scc_stream* s, scc_str bytes, std::size_t* written,
                        const scc_error_sink* err) noexcept {
  return serve(err, [&]() -> scc_status {
    if (s == nullptr || written == nullptr) return report(err, SCC_E_USAGE, "endpoint.argument", "no stream");
    *written = 0;
    const Result<std::size_t> sent = s->stream->write(text(bytes));
    if (!sent) return report(err, sent.error());
    *written = *sent;
    return SCC_OK;
  });
}

scc_status stream_close_write(scc_stream* s, const scc_error_sink* err) noexcept {
  return serve(err, [&]() -> scc_status {
    if (s == nullptr) return report(err, SCC_E_USAGE, "endpoint.argument", "no stream");
    const Status closed = s->stream->close_write();
    return closed ? SCC_OK : report(err, closed.error());
  });
}

std::int32_t stream_fd(const scc_stream* s) noexcept {
  return s == nullptr ? -1 : s->stream->fd();
}

void stream_close(scc_stream* s) noexcept {
  delete s;
}

}  // namespace

const scc_host_endpoint_v1* endpoint_service() noexcept {
  static constexpr scc_host_endpoint_v1 kTable{
      sizeof(scc_host_endpoint_v1), 0,         request,     upgrade, stream_read, stream_write,
      stream_close_write,           stream_fd, stream_close};
  return &kTable;
}

}  // namespace scc::plugin
