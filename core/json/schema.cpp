// SPDX-License-Identifier: Apache-2.0
#include "json/schema.h"

#include "base/str.h"
#include "json/rapid.h"
#include "json/sax.h"

namespace scc::json {

struct Schema::Impl {
  explicit Impl(const rapidjson::Document& document) : schema(document) {}
  rapidjson::SchemaDocument schema;
};

Schema::Schema(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Schema::Schema(Schema&&) noexcept = default;
Schema& Schema::operator=(Schema&&) noexcept = default;
Schema::~Schema() = default;

Result<Schema> Schema::compile(const Value& document) {
  rapidjson::Document parsed;
  const std::string text = dump(document);
  parsed.Parse<rapidjson::kParseIterativeFlag>(text.data(), text.size());
  if (parsed.HasParseError() || !parsed.IsObject()) {
    return fail(Kind::config, "json.schema", "the schema is not a JSON object");
  }
  return Schema(std::make_unique<Impl>(parsed));
}

Status Schema::check(const Value& document) const {
  rapidjson::SchemaValidator validator(impl_->schema);
  if (emit(document, validator) && validator.IsValid()) return {};
  rapidjson::StringBuffer where;
  validator.GetInvalidDocumentPointer().Stringify(where);
  const char* keyword = validator.GetInvalidSchemaKeyword();
  const std::string at = where.GetSize() == 0 ? "the document" : str::printable(where.GetString());
  return fail(Kind::config, "json.schema", at + " violates \"" + (keyword != nullptr ? keyword : "?") + "\"");
}

}  // namespace scc::json
