// SPDX-License-Identifier: Apache-2.0
// JSON values of the host: parse with bounds, read with pointers, write canonically. RapidJSON does the
// parsing and lives behind this folder. Objects keep their members sorted by key, so equal values have equal
// bytes. Not for streaming. Values are plain data and may be shared between threads that only read.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/result.h"

namespace scc::json {

class Value;
using Array = std::vector<Value>;
using Object = std::map<std::string, Value, std::less<>>;

class Value {
 public:
  Value() = default;
  Value(std::nullptr_t) {}
  Value(bool v) : data_(v) {}
  Value(std::int64_t v) : data_(v) {}
  Value(int v) : data_(static_cast<std::int64_t>(v)) {}
  Value(unsigned v) : data_(static_cast<std::int64_t>(v)) {}
  Value(double v) : data_(v) {}
  Value(std::string v) : data_(std::move(v)) {}
  Value(std::string_view v) : data_(std::string(v)) {}
  Value(const char* v) : data_(std::string(v)) {}
  Value(Array v) : data_(std::move(v)) {}
  Value(Object v) : data_(std::move(v)) {}
  /// An array of strings.
  static Value strings(const std::vector<std::string>& items);

  bool is_null() const noexcept { return std::holds_alternative<std::monostate>(data_); }
  bool is_bool() const noexcept { return std::holds_alternative<bool>(data_); }
  bool is_int() const noexcept { return std::holds_alternative<std::int64_t>(data_); }
  bool is_number() const noexcept { return is_int() || std::holds_alternative<double>(data_); }
  bool is_string() const noexcept { return std::holds_alternative<std::string>(data_); }
  bool is_array() const noexcept { return std::holds_alternative<Array>(data_); }
  bool is_object() const noexcept { return std::holds_alternative<Object>(data_); }

  bool as_bool(bool fallback = false) const noexcept;
  std::int64_t as_int(std::int64_t fallback = 0) const noexcept;
  double as_double(double fallback = 0) const noexcept;
  /// The string, or an empty one for another type.
  const std::string& as_string() const noexcept;
  /// The elements, or none for another type.
  const Array& items() const noexcept;
  /// The members, or none for another type.
  const Object& members() const noexcept;
  Array& array();    ///< becomes an empty array first if it is not one
  Object& object();  ///< becomes an empty object first if it is not one

  /// The value at an RFC 6901 pointer ("" is this value), or nullptr.
  const Value* at(std::string_view pointer) const noexcept;
  bool has(std::string_view pointer) const noexcept { return at(pointer) != nullptr; }
  std::string str(std::string_view pointer, std::string_view fallback = {}) const;
  std::int64_t integer(std::string_view pointer, std::int64_t fallback = 0) const noexcept;
  bool flag(std::string_view pointer, bool fallback = false) const noexcept;
  /// The strings of an array; elements of another type are left out.
  std::vector<std::string> strings_at(std::string_view pointer) const;
  /// The string values of an object's members.
  std::map<std::string, std::string> map_at(std::string_view pointer) const;

  /// Member access that creates: v["a"]["b"] = 1.
  Value& operator[](std::string_view key);

  friend bool operator==(const Value& a, const Value& b) { return a.data_ == b.data_; }

 private:
  std::variant<std::monostate, bool, std::int64_t, double, std::string, Array, Object> data_;
};

struct Limits {
  std::size_t bytes = std::size_t{16} << 20U;  ///< of the text
  std::size_t depth = 64;                      ///< of nesting
};

/// Parses one document. Refused (Kind::config): bad syntax (json.syntax, with line and column), too large or
/// too deep (json.limit), a duplicate key (json.duplicate-key, with its pointer), invalid UTF-8.
Result<Value> parse(std::string_view text, const Limits& limits = {});

/// Canonical bytes: sorted keys, no white space, control characters escaped, integers without exponent.
std::string dump(const Value& value);
/// The same with two spaces of indent, for people.
std::string pretty(const Value& value);

}  // namespace scc::json
