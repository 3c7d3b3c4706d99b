// SPDX-License-Identifier: Apache-2.0
#include "json/schema.h"

#include <mutex>

#include "base/str.h"
#include "json/rapid.h"
#include "json/sax.h"

namespace scc::json {

struct Schema::Impl {
  explicit Impl(const rapidjson::Document& document) : schema(document) {}
  rapidjson::SchemaDocument schema;
  std::mutex
      one;  ///< RapidJSON 1.1 keeps the state of a "pattern" that is being matched in the schema itself
};

namespace {

/// RapidJSON 1.1 leaves its validator without a schema for a key that patternProperties knows when
/// additionalProperties is false, and then writes past a buffer. A schema that nothing satisfies says the
/// same and takes the sound way.
void avoid_overflow(Value& schema) {
  if (schema.is_array()) {
    for (Value& item : schema.array()) avoid_overflow(item);
  }
  if (!schema.is_object()) return;
  Object& members = schema.object();
  const auto additional = members.find("additionalProperties");
  if (additional != members.end() && additional->second == Value(false) &&
      members.count("patternProperties") != 0) {
    additional->second = Object{{"not", Object{}}};
  }
  for (auto& [key, member] : members) {
    if (key != "enum") avoid_overflow(member);  // enum holds data
  }
}

}  // namespace

Schema::Schema(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Schema::Schema(Schema&&) noexcept = default;
Schema& Schema::operator=(Schema&&) noexcept = default;
Schema::~Schema() = default;

Result<Schema> Schema::compile(const Value& document) {
  rapidjson::Document parsed;
  Value safe = document;
  avoid_overflow(safe);
  const std::string text = dump(safe);
  parsed.Parse<rapidjson::kParseIterativeFlag>(text.data(), text.size());
  if (parsed.HasParseError() || !parsed.IsObject()) {
    return fail(Kind::config, "json.schema", "the schema is not a JSON object");
  }
  return Schema(std::make_unique<Impl>(parsed));
}

Status Schema::check(const Value& document) const {
  const std::lock_guard<std::mutex> alone(impl_->one);
  rapidjson::SchemaValidator validator(impl_->schema);
  if (emit(document, validator) && validator.IsValid()) return {};
  rapidjson::StringBuffer where;
  validator.GetInvalidDocumentPointer().Stringify(where);
  const char* keyword = validator.GetInvalidSchemaKeyword();
  const std::string at = where.GetSize() == 0 ? "the document" : str::printable(where.GetString());
  return fail(Kind::config, "json.schema", at + " violates \"" + (keyword != nullptr ? keyword : "?") + "\"");
}

}  // namespace scc::json
