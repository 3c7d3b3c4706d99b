// SPDX-License-Identifier: Apache-2.0
// A JSON Schema (draft-07, in the subset that draft 4 knows too) of a shape: what the published file must
// say.
#pragma once

#include "json/value.h"
#include "model/shape.h"

namespace scc::model::testing_data {

class SchemaOf {
 public:
  json::Value document(const Shape& shape, std::string_view title) {
    json::Value out = body(shape);
    out["$schema"] = "http://json-schema.org/draft-07/schema#";
    out["title"] = title;
    out["definitions"] = definitions_;
    return out;
  }

 private:
  /// A reference for a shape with a name, else the shape in place.
  json::Value of(const Shape& shape) {
    if (shape.name.empty()) return body(shape);
    if (!definitions_.has("/" + std::string(shape.name))) {
      definitions_[shape.name] = json::Object{};  // before the body: a shape may name itself
      definitions_[shape.name] = body(shape);
    }
    json::Value out;
    out["$ref"] = "#/definitions/" + std::string(shape.name);
    return out;
  }

  json::Value body(const Shape& shape) {
    switch (shape.type) {
      case Type::any:
        return json::Object{};
      case Type::text:
        return text(shape);
      case Type::integer:
        return integer(shape);
      case Type::boolean:
        return typed("boolean");
      case Type::list:
        return list(shape);
      case Type::map:
        return map(shape);
      case Type::object:
        return object(shape);
      case Type::tagged:
        return tagged(shape);
    }
    return {};
  }

  static json::Value typed(std::string_view name) {
    json::Value out;
    out["type"] = name;
    return out;
  }
  static json::Value names(std::span<const std::string_view> words) {
    json::Array out;
    for (const std::string_view word : words) out.emplace_back(word);
    return json::Value(std::move(out));
  }

  static json::Value text(const Shape& shape) {
    json::Value out = typed("string");
    if (!shape.choices.empty()) out["enum"] = names(shape.choices);
    if (!shape.pattern.empty()) out["pattern"] = shape.pattern;
    if (!shape.format.empty()) out["format"] = shape.format;
    if (shape.least > 0) out["minLength"] = shape.least;
    return out;
  }
  static json::Value integer(const Shape& shape) {
    json::Value out = typed("integer");
    out["minimum"] = shape.least;
    out["maximum"] = shape.most;
    return out;
  }
  json::Value list(const Shape& shape) {
    json::Value out = typed("array");
    out["items"] = of(*shape.item);
    if (shape.least > 0) out["minItems"] = shape.least;
    return out;
  }
  json::Value map(const Shape& shape) {
    json::Value out = typed("object");
    if (shape.key != nullptr && !shape.key->pattern.empty()) {
      out["patternProperties"][shape.key->pattern] = of(*shape.item);
      out["additionalProperties"] = false;
    } else {
      out["additionalProperties"] = of(*shape.item);
    }
    return out;
  }
  json::Value object(const Shape& shape) {
    json::Value out = typed("object");
    out["additionalProperties"] = false;
    out["properties"] = json::Object{};
    json::Array required;
    for (const Field& field : shape.fields) {
      json::Value member = of(*field.shape);
      std::string doc(field.doc);
      if (field.deprecated) doc = "Deprecated: " + doc + ".";
      if (field.extension) doc += doc.empty() ? "Since schema 1.1.0." : " Since schema 1.1.0.";
      // Beside "$ref" every other keyword is ignored, so a reference goes into an allOf.
      if (!doc.empty() && member.has("/$ref")) member = json::Object{{"allOf", json::Array{member}}};
      if (!doc.empty()) member["description"] = doc;
      if (field.required) required.emplace_back(field.key);
      out["properties"][field.key] = std::move(member);
    }
    if (!required.empty()) out["required"] = std::move(required);
    json::Array any;
    for (const std::string_view key : shape.any_of) {
      any.push_back(json::Object{{"required", json::Array{json::Value(key)}}});
    }
    if (!any.empty()) out["anyOf"] = std::move(any);
    return out;
  }
  json::Value tagged(const Shape& shape) {
    json::Value out = typed("object");
    json::Array alternatives;
    for (const Alternative& alternative : shape.alternatives) alternatives.push_back(of(*alternative.shape));
    out["oneOf"] = std::move(alternatives);
    return out;
  }

  json::Value definitions_{json::Object{}};
};

}  // namespace scc::model::testing_data
