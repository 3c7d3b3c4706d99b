// SPDX-License-Identifier: Apache-2.0
#include "plugin/documents.h"

#include <map>
#include <mutex>
#include <string>

#include "json/embedded.h"
#include "json/schema.h"

namespace scc::plugin {

namespace {

/// Compiled on first use and kept: a launch checks the same few documents again and again.
const json::Schema* schema_of(std::string_view name) {
  static std::mutex mutex;
  static std::map<std::string, json::Schema, std::less<>> compiled;
  const std::lock_guard<std::mutex> lock(mutex);
  if (const auto found = compiled.find(name); found != compiled.end()) return &found->second;
  const std::string_view text = json::embedded_schema(std::string(name) + "-1");
  if (text.empty()) return nullptr;
  const Result<json::Value> document = json::parse(text);
  if (!document) return nullptr;
  Result<json::Schema> schema = json::Schema::compile(*document);
  if (!schema) return nullptr;
  return &compiled.emplace(std::string(name), std::move(*schema)).first->second;
}

}  // namespace

Status check_document(std::string_view name, const json::Value& document) {
  const std::string label = "scc." + std::string(name) + "/1";
  const json::Schema* schema = schema_of(name);
  if (schema == nullptr) {
    return fail(Kind::internal, "document.no-schema", "this build of scc has no schema for " + label);
  }
  if (document.str("/schema") != label) {
    return fail(Kind::config, "document.schema", "/schema must be \"" + label + "\"");
  }
  if (const Status valid = schema->check(document); !valid) {
    return fail(Kind::config, "document.schema", label + ": " + valid.error().message);
  }
  return {};
}

Result<json::Value> parse_document(std::string_view name, std::string_view text) {
  Result<json::Value> document = json::parse(text, {kMaxDocument, 64});
  if (!document) {
    return fail(Kind::config, "document.json",
                "scc." + std::string(name) + "/1 is no valid JSON: " + document.error().message);
  }
  SCC_CHECK(check_document(name, *document));
  return document;
}

}  // namespace scc::plugin
