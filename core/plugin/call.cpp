// SPDX-License-Identifier: Apache-2.0
#include "plugin/call.h"

#include <algorithm>

#include "base/str.h"
#include "plugin/documents.h"

namespace scc::plugin {

namespace {

constexpr std::size_t kMaxCode = 64;
constexpr std::size_t kMaxText = 8'192;

bool code_text(std::string_view s) {
  return !s.empty() && s.size() <= kMaxCode && std::all_of(s.begin(), s.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' || c == '-' || c == '_';
  });
}

/// The error kind of a status; nullopt for a value that the ABI does not know.
std::optional<Kind> kind_of_status(scc_status status) {
  switch (status) {
    case SCC_E_NOT_FOUND:
    case SCC_E_USAGE:
    case SCC_E_CONFIG:
    case SCC_E_TOOL:
    case SCC_E_PREREQ:
    case SCC_E_POLICY:
    case SCC_E_CANCELLED:
    case SCC_E_INTERNAL:
      return static_cast<Kind>(status);
    case SCC_E_UNSUPPORTED:
    case SCC_E_TIMEOUT:
    case SCC_E_LIMIT:
      return Kind::tool;
    default:
      return std::nullopt;
  }
}

const char* default_code(scc_status status) {
  switch (status) {
    case SCC_E_UNSUPPORTED:
      return "plugin.unsupported";
    case SCC_E_TIMEOUT:
      return "plugin.timeout";
    case SCC_E_LIMIT:
      return "plugin.limit";
    default:
      return "plugin.failed";
  }
}

}  // namespace

ErrorCapture::ErrorCapture() {
  sink_ = {sizeof(scc_error_sink), 0, this, report};
}

void ErrorCapture::report(void* ctx, scc_str code, scc_str message, scc_str hint) noexcept {
  auto& self = *static_cast<ErrorCapture*>(ctx);
  if (self.reported_) return;
  try {
    self.reported_ = true;
    self.code = std::string(text(code).substr(0, kMaxCode + 1));
    self.message = str::printable(text(message).substr(0, kMaxText));
    self.hint = str::printable(text(hint).substr(0, kMaxText));
  } catch (...) {  // NOLINT: out of memory; the status still tells that it failed
  }
}

Collector::Collector(std::size_t limit) : limit_(limit) {
  sink_ = {sizeof(scc_sink), 0, this, write};
}

scc_status Collector::write(void* ctx, scc_str bytes) noexcept {
  auto& self = *static_cast<Collector*>(ctx);
  const std::string_view more = text(bytes);
  if (self.overflowed_ || more.size() > self.limit_ - self.bytes.size()) {
    self.overflowed_ = true;
    return SCC_E_LIMIT;
  }
  try {
    self.bytes.append(more);
    return SCC_OK;
  } catch (...) {
    self.overflowed_ = true;
    return SCC_E_LIMIT;
  }
}

Forwarder::Forwarder(std::function<scc_status(std::string_view)> take) : take_(std::move(take)) {
  sink_ = {sizeof(scc_sink), 0, this, write};
}

scc_status Forwarder::write(void* ctx, scc_str bytes) noexcept {
  try {
    return static_cast<Forwarder*>(ctx)->take_(text(bytes));
  } catch (...) {
    return SCC_E_INTERNAL;
  }
}

std::size_t Caller::max_document() noexcept {
  return kMaxDocument;
}

std::string Caller::where(const char* verb) const {
  return "in plugin " + ref_.plugin + " (" + verb + ")";
}

Status Caller::usable(const char* verb, Use use) const {
  if (!broken_ && (!faulty_ || use == Use::cleanup)) return {};
  Error error{
      Kind::internal,
      "plugin.faulty",
      "the " + ref_.kind + " " + ref_.id + " is out of use for this run: it broke the plugin contract before",
      "see the first error; `scc plugin info " + ref_.plugin + "` names its vendor",
      {}};
  return fail(std::move(error).with(where(verb)));
}

Status Caller::failed(const char* verb, scc_status status, bool threw, const ErrorCapture& error) {
  const std::string label = ref_.kind + " " + ref_.id;
  if (threw) {
    broken_ = true;
    return fail(Error{
        Kind::internal,
        "plugin.exception",
        "an exception left the " + label,
        "report this to the plugin's author",
        {}}.with(where(verb)));
  }
  const std::optional<Kind> kind = kind_of_status(status);
  if (!kind) {
    faulty_ = true;
    return fail(Error{
        Kind::internal,
        "plugin.bad-status",
        "the " + label + " returned the unknown status " + std::to_string(status),
        "report this to the plugin's author",
        {}}.with(where(verb)));
  }
  Error out{*kind, code_text(error.code) ? error.code : default_code(status), error.message, error.hint, {}};
  if (out.message.empty()) {
    out.message = "the " + label + " failed without a reason (status " + std::to_string(status) + ")";
  }
  return fail(std::move(out).with(where(verb)));
}

Result<json::Value> Caller::answer(const char* verb, std::string_view schema, const Collector& out,
                                   const Status& done) {
  const auto fault = [&](const char* id, const std::string& message) {
    faulty_ = true;
    return fail(Error{
        Kind::internal,
        id,
        "the " + ref_.kind + " " + ref_.id + " " + message,
        "report this to the plugin's author",
        {}}.with(where(verb)));
  };
  if (out.overflowed()) return fault("plugin.output-limit", "wrote more than 16 MiB");
  if (!done) return fail(done.error());
  Result<json::Value> document = parse_document(schema, out.bytes);
  if (document) return document;
  if (document.error().kind == Kind::internal) return document;
  const char* id = document.error().id == "document.json" ? "plugin.output-json" : "plugin.output-schema";
  return fault(id, "gave a malformed answer: " + document.error().message);
}

Result<std::string> Caller::request(std::string_view schema, const json::Value& document) {
  if (const Status valid = check_document(schema, document); !valid) {
    return fail(Kind::internal, "plugin.request", "scc built a malformed request: " + valid.error().message,
                "this is a bug of scc; please report it");
  }
  return json::dump(document);
}

}  // namespace scc::plugin
