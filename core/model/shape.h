// SPDX-License-Identifier: Apache-2.0
// The shape of configuration documents as data: one table per object says which keys there are, their types
// and ranges. One walk checks a document against it and collects every problem; the published JSON Schema is
// held to the same tables by a test. No I/O. Values never appear in problems: they may be secrets.
#pragma once

#include <cstdint>
#include <limits>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "json/value.h"
#include "model/parse.h"

namespace scc::model {

enum class Type : std::uint8_t { any, text, integer, boolean, list, map, object, tagged };

struct Shape;
using Predicate = bool (*)(std::string_view) noexcept;

struct Field {
  std::string_view key;
  const Shape* shape;
  std::string_view doc;
  bool required = false;
  bool extension = false;   ///< came with schema 1.1.0
  bool deprecated = false;  ///< an input alias: read, with a warning
};
struct Alternative {
  std::string_view tag;
  const Shape* shape;  ///< an object that knows the tag's key as well
};

struct Shape {
  Type type = Type::object;
  std::string_view name = {};     ///< of the definition in the published schema; empty: written in place
  std::string_view expects = {};  ///< ends the sentence "must be ..."
  std::span<const std::string_view> choices = {};
  std::string_view pattern = {};  ///< ECMA 262; the same language as `matches`
  Predicate matches = nullptr;
  std::string_view format = {};  ///< what no pattern can say; the same as `valid`
  Predicate valid = nullptr;
  std::int64_t least = 0;  ///< of an integer, a text's length, the number of a list's elements
  std::int64_t most = std::numeric_limits<std::int64_t>::max();
  const Shape* item = nullptr;  ///< of a list or map
  const Shape* key = nullptr;   ///< of a map: a text
  std::span<const Field> fields = {};
  std::span<const std::string_view> any_of = {};  ///< at least one of these keys is required
  std::string_view tag = {};                      ///< of a tagged object: the key that decides
  std::span<const Alternative> alternatives = {};
  bool strict = false;  ///< an unknown key is an error in every kind of document
};

enum class Cause : std::uint8_t {
  shape,       ///< what a JSON Schema says too
  format,      ///< finer than a JSON Schema
  unknown,     ///< an unknown key in a tolerant document
  extension,   ///< a key of 1.1.0 in a document of 1.0.0
  deprecated,  ///< an input alias
};
struct Finding {
  Problem problem;
  Cause cause;
};

struct CheckOptions {
  bool tolerate_unknown = false;  ///< unknown keys are warnings, unless the object is strict
  bool warn_extensions = false;
};

/// Every problem; of errors and of warnings at most kMostFindings each, and one more that counts the rest.
std::vector<Finding> check(const Shape& shape, const json::Value& value, const CheckOptions& options = {});
inline constexpr std::size_t kMostFindings = 500;

/// RFC 6901: '~' and '/' of a key escaped; control characters made printable.
std::string pointer_token(std::string_view key);

}  // namespace scc::model
