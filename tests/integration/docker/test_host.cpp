// SPDX-License-Identifier: Apache-2.0
#include "integration/docker/test_host.h"

#include <fstream>
#include <iterator>
#include <memory>

#include "json/value.h"
#include "net/endpoint.h"
#include "scc/sdk/support.hpp"

struct scc_stream {
  std::unique_ptr<scc::net::Stream> stream;
};
struct scc_json {
  scc::json::Value value;
};

namespace scc::test {
namespace {

using sdk::text;
using sdk::view;

scc_status status_of(const Error& error) {
  switch (error.kind) {
    case Kind::internal:
      return SCC_E_INTERNAL;
    default:
      return static_cast<scc_status>(error.kind);
  }
}

scc_status report(const scc_error_sink* err, const Error& error) {
  if (err != nullptr) err->report(err->ctx, view(error.id), view(error.message), view(error.hint));
  return status_of(error);
}

scc_status put(const scc_sink* sink, std::string_view bytes) {
  return sink == nullptr ? SCC_OK : sink->write(sink->ctx, view(bytes));
}

net::Endpoint endpoint_of(const json::Value& doc) {
  net::Endpoint endpoint{doc.str("/endpoint"), std::nullopt};
  if (doc.has("/tls")) {
    endpoint.tls = net::Tls{doc.str("/tls/ca_file"), doc.str("/tls/cert_file"), doc.str("/tls/key_file")};
  }
  return endpoint;
}

net::Request request_of(const scc_host_v1* host, const json::Value& doc) {
  net::Request request;
  request.method = doc.str("/method", "GET");
  request.path = doc.str("/path", "/");
  request.headers = doc.map_at("/headers");
  request.body = doc.str("/body");
  request.timeout_ms = static_cast<unsigned>(doc.integer("/timeout_ms", 30'000));
  request.cancelled = [host] { return static_cast<TestHost*>(host->ctx)->cancelled.load(); };
  return request;
}

scc_status request(const scc_host_v1* host, scc_str text_, const scc_source* body, std::int32_t* http_status,
                   const scc_sink* headers, const scc_sink* out, const scc_error_sink* err) {
  const auto doc = json::parse(text(text_));
  if (!doc) return report(err, doc.error());
  net::Request wire = request_of(host, *doc);
  if (body != nullptr) {
    wire.body_source = [body](char* buffer, std::size_t capacity) -> std::optional<std::size_t> {
      std::size_t size = 0;
      if (body->read(body->ctx, buffer, capacity, &size) != SCC_OK) return std::nullopt;
      return size;
    };
  }
  wire.on_body = [out](std::string_view bytes) { return put(out, bytes) == SCC_OK; };
  net::Client client(endpoint_of(*doc));
  const auto response = client.send(wire);
  if (!response) return report(err, response.error());
  *http_status = response->status;
  json::Object names;
  for (const auto& [name, value] : response->headers) names.emplace(name, value);
  return put(headers, json::dump(json::Value(std::move(names))));
}

scc_status upgrade(const scc_host_v1* host, scc_str text_, std::int32_t* http_status, scc_stream** out,
                   const scc_error_sink* err) {
  const auto doc = json::parse(text(text_));
  if (!doc) return report(err, doc.error());
  auto upgraded = net::Client(endpoint_of(*doc)).upgrade(request_of(host, *doc));
  if (!upgraded) return report(err, upgraded.error());
  *http_status = upgraded->response.status;
  if (!upgraded->stream)
    return report(err, Error{Kind::tool, "endpoint.not-upgraded", upgraded->response.body, "", {}});
  *out = new scc_stream{std::move(upgraded->stream)};
  return SCC_OK;
}

scc_status stream_read(scc_stream* s, std::uint32_t timeout_ms, const scc_sink* out,
                       const scc_error_sink* err) {
  std::string bytes;
  const auto open = s->stream->read(timeout_ms, bytes);
  if (!open) return report(err, open.error());
  if (!bytes.empty()) return put(out, bytes);
  return *open ? SCC_E_TIMEOUT : SCC_OK;
}

scc_status stream_write(scc_stream* s, scc_str bytes, std::size_t* written, const scc_error_sink* err) {
  const auto sent = s->stream->write(text(bytes));
  if (!sent) return report(err, sent.error());
  *written = *sent;
  return SCC_OK;
}

scc_status stream_close_write(scc_stream* s, const scc_error_sink* err) {
  const auto closed = s->stream->close_write();
  return closed ? static_cast<scc_status>(SCC_OK) : report(err, closed.error());
}

scc_status read_file(const scc_host_v1*, scc_str path, const scc_sink* out, const scc_error_sink*) {
  std::ifstream file(std::string(text(path)), std::ios::binary);
  if (!file) return SCC_E_NOT_FOUND;
  return put(out, std::string(std::istreambuf_iterator<char>(file), {}));
}

void fill(const json::Value* value, scc_json_view* out) {
  out->type = SCC_JSON_ABSENT;
  if (value == nullptr) return;
  if (value->is_null()) out->type = SCC_JSON_NULL;
  if (value->is_bool()) out->type = SCC_JSON_BOOL;
  if (value->is_number()) out->type = SCC_JSON_NUMBER;
  if (value->is_string()) out->type = SCC_JSON_STRING;
  if (value->is_array()) out->type = SCC_JSON_ARRAY;
  if (value->is_object()) out->type = SCC_JSON_OBJECT;
  out->integer = value->is_bool() ? (value->as_bool() ? 1 : 0)
                                  : value->as_int(static_cast<std::int64_t>(value->as_double()));
  out->number = value->as_double(static_cast<double>(value->as_int()));
  out->str = view(value->as_string());
  out->size = value->is_array() ? value->items().size() : value->members().size();
}

scc_status parse(const scc_host_v1*, scc_str json, scc_json** out, const scc_error_sink* err) {
  auto value = json::parse(text(json));
  if (!value) return report(err, value.error());
  *out = new scc_json{std::move(*value)};
  return SCC_OK;
}

void child(const scc_json* doc, scc_str pointer, std::size_t index, scc_json_view* out) {
  const json::Value* parent = doc->value.at(text(pointer));
  fill(nullptr, out);
  if (parent == nullptr) return;
  if (parent->is_array() && index < parent->items().size()) fill(&parent->items()[index], out);
  if (parent->is_object() && index < parent->members().size()) {
    const auto member = std::next(parent->members().begin(), static_cast<std::ptrdiff_t>(index));
    fill(&member->second, out);
    out->key = view(member->first);
  }
}

constexpr scc_host_endpoint_v1 kEndpoint{sizeof kEndpoint,
                                         0,
                                         request,
                                         upgrade,
                                         stream_read,
                                         stream_write,
                                         stream_close_write,
                                         [](const scc_stream* s) -> std::int32_t { return s->stream->fd(); },
                                         [](scc_stream* s) { delete s; }};
constexpr scc_host_files_v1 kFiles{sizeof kFiles, 0, read_file};
constexpr scc_host_json_v1 kJson{
    sizeof kJson,
    0,
    parse,
    [](scc_json* doc) { delete doc; },
    [](const scc_json* doc, scc_str pointer, scc_json_view* out) { fill(doc->value.at(text(pointer)), out); },
    child};

const void* service(const scc_host_v1*, scc_str id) {
  if (text(id) == SCC_HOST_ENDPOINT) return &kEndpoint;
  if (text(id) == SCC_HOST_FILES) return &kFiles;
  if (text(id) == SCC_HOST_JSON) return &kJson;
  return nullptr;
}

}  // namespace

TestHost::TestHost() {
  host_ = {
      sizeof(scc_host_v1),
      SCC_ABI_MAJOR,
      SCC_ABI_MINOR,
      this,
      view("test"),
      view("1.0.0"),
      [](const scc_host_v1*, scc_log_level, scc_str) {},
      [](const scc_host_v1* h) -> std::int32_t { return static_cast<TestHost*>(h->ctx)->cancelled ? 1 : 0; },
      service};
}

}  // namespace scc::test
