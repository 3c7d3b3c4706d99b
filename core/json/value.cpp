// SPDX-License-Identifier: Apache-2.0
#include "json/value.h"

#include <charconv>
#include <cmath>

#include "base/str.h"
#include "json/rapid.h"
#include "json/sax.h"

namespace scc::json {

namespace {

const std::string kEmptyString;
const Array kEmptyArray;
const Object kEmptyObject;

std::string escape_pointer(std::string_view key) {
  std::string out;
  for (const char c : key) {
    if (c == '~') {
      out += "~0";
    } else if (c == '/') {
      out += "~1";
    } else {
      out += c;
    }
  }
  return out;
}

/// Builds a Value from reader events with an explicit stack, so that depth costs heap and never the call
/// stack.
class Builder : public rapidjson::BaseReaderHandler<rapidjson::UTF8<>, Builder> {
 public:
  explicit Builder(std::size_t depth) : depth_(depth) {}

  bool Null() { return put(Value()); }
  bool Bool(bool v) { return put(Value(v)); }
  bool Int(int v) { return put(Value(v)); }
  bool Uint(unsigned v) { return put(Value(v)); }
  bool Int64(std::int64_t v) { return put(Value(v)); }
  bool Uint64(std::uint64_t v) {
    return v <= static_cast<std::uint64_t>(INT64_MAX) ? put(Value(static_cast<std::int64_t>(v)))
                                                      : put(Value(static_cast<double>(v)));
  }
  bool Double(double v) { return put(Value(v)); }
  bool String(const char* s, rapidjson::SizeType n, bool /*copy*/) {
    return put(Value(std::string_view(s, n)));
  }
  bool StartObject() { return open(Value(Object{})); }
  bool Key(const char* s, rapidjson::SizeType n, bool /*copy*/) {
    Frame& frame = stack_.back();
    frame.key.assign(s, n);
    if (frame.value.members().count(frame.key) != 0) {
      duplicate = pointer() + "/" + escape_pointer(frame.key);
      return false;
    }
    return true;
  }
  bool EndObject(rapidjson::SizeType /*n*/) { return close(); }
  bool StartArray() { return open(Value(Array{})); }
  bool EndArray(rapidjson::SizeType /*n*/) { return close(); }

  Value root;
  std::string duplicate;
  bool too_deep = false;

 private:
  struct Frame {
    Value value;
    std::string key;
  };

  bool put(Value value) {
    if (stack_.empty()) {
      root = std::move(value);
    } else if (Frame& top = stack_.back(); top.value.is_array()) {
      top.value.array().push_back(std::move(value));
    } else {
      top.value.object().insert_or_assign(top.key, std::move(value));
    }
    return true;
  }
  bool open(Value value) {
    if (stack_.size() >= depth_) {
      too_deep = true;
      return false;
    }
    stack_.push_back({std::move(value), {}});
    return true;
  }
  bool close() {
    Value done = std::move(stack_.back().value);
    stack_.pop_back();
    return put(std::move(done));
  }
  std::string pointer() const {
    std::string out;
    for (std::size_t i = 0; i + 1 < stack_.size(); ++i) {
      const Frame& frame = stack_[i];
      out += "/" + (frame.value.is_array() ? std::to_string(frame.value.items().size())
                                           : escape_pointer(frame.key));
    }
    return out;
  }

  std::vector<Frame> stack_;
  std::size_t depth_;
};

std::string position(std::string_view text, std::size_t offset) {
  std::size_t line = 1;
  std::size_t column = 1;
  for (std::size_t i = 0; i < offset && i < text.size(); ++i) {
    column = text[i] == '\n' ? 1 : column + 1;
    line += text[i] == '\n' ? 1U : 0U;
  }
  return "line " + std::to_string(line) + ", column " + std::to_string(column);
}

}  // namespace

Value Value::strings(const std::vector<std::string>& items) {
  Array out;
  for (const std::string& item : items) out.emplace_back(item);
  return Value(std::move(out));
}

bool Value::as_bool(bool fallback) const noexcept {
  const bool* v = std::get_if<bool>(&data_);
  return v != nullptr ? *v : fallback;
}

std::int64_t Value::as_int(std::int64_t fallback) const noexcept {
  if (const auto* v = std::get_if<std::int64_t>(&data_)) return *v;
  if (const auto* d = std::get_if<double>(&data_)) {
    if (std::isnan(*d)) return fallback;
    if (*d >= 9223372036854775807.0) return INT64_MAX;
    if (*d <= -9223372036854775808.0) return INT64_MIN;
    return static_cast<std::int64_t>(*d);
  }
  return fallback;
}

double Value::as_double(double fallback) const noexcept {
  if (const auto* d = std::get_if<double>(&data_)) return *d;
  if (const auto* v = std::get_if<std::int64_t>(&data_)) return static_cast<double>(*v);
  return fallback;
}

const std::string& Value::as_string() const noexcept {
  const auto* v = std::get_if<std::string>(&data_);
  return v != nullptr ? *v : kEmptyString;
}

const Array& Value::items() const noexcept {
  const auto* v = std::get_if<Array>(&data_);
  return v != nullptr ? *v : kEmptyArray;
}

const Object& Value::members() const noexcept {
  const auto* v = std::get_if<Object>(&data_);
  return v != nullptr ? *v : kEmptyObject;
}

Array& Value::array() {
  if (!is_array()) data_ = Array{};
  return std::get<Array>(data_);
}

Object& Value::object() {
  if (!is_object()) data_ = Object{};
  return std::get<Object>(data_);
}

const Value* Value::at(std::string_view pointer) const noexcept {
  const Value* here = this;
  while (!pointer.empty()) {
    if (pointer.front() != '/') return nullptr;
    pointer.remove_prefix(1);
    const std::size_t end = pointer.find('/');
    const std::string_view raw = pointer.substr(0, end);
    pointer = end == std::string_view::npos ? std::string_view{} : pointer.substr(end);
    if (here->is_array()) {
      std::size_t index = 0;
      const auto [last, code] = std::from_chars(raw.data(), raw.data() + raw.size(), index);
      if (code != std::errc{} || last != raw.data() + raw.size() || index >= here->items().size())
        return nullptr;
      here = &here->items()[index];
      continue;
    }
    std::string key;
    for (std::size_t i = 0; i < raw.size(); ++i) {
      if (raw[i] == '~' && i + 1 < raw.size() && (raw[i + 1] == '0' || raw[i + 1] == '1')) {
        key += raw[++i] == '0' ? '~' : '/';
      } else {
        key += raw[i];
      }
    }
    const auto found = here->members().find(key);
    if (found == here->members().end()) return nullptr;
    here = &found->second;
  }
  return here;
}

std::string Value::str(std::string_view pointer, std::string_view fallback) const {
  const Value* v = at(pointer);
  return v != nullptr && v->is_string() ? v->as_string() : std::string(fallback);
}

std::int64_t Value::integer(std::string_view pointer, std::int64_t fallback) const noexcept {
  const Value* v = at(pointer);
  return v != nullptr ? v->as_int(fallback) : fallback;
}

bool Value::flag(std::string_view pointer, bool fallback) const noexcept {
  const Value* v = at(pointer);
  return v != nullptr ? v->as_bool(fallback) : fallback;
}

std::vector<std::string> Value::strings_at(std::string_view pointer) const {
  std::vector<std::string> out;
  if (const Value* v = at(pointer)) {
    for (const Value& item : v->items()) {
      if (item.is_string()) out.push_back(item.as_string());
    }
  }
  return out;
}

std::map<std::string, std::string> Value::map_at(std::string_view pointer) const {
  std::map<std::string, std::string> out;
  if (const Value* v = at(pointer)) {
    for (const auto& [key, member] : v->members()) {
      if (member.is_string()) out.emplace(key, member.as_string());
    }
  }
  return out;
}

Value& Value::operator[](std::string_view key) {
  Object& members = object();
  const auto found = members.find(key);
  return found != members.end() ? found->second : members[std::string(key)];
}

Result<Value> parse(std::string_view text, const Limits& limits) {
  if (text.size() > limits.bytes) {
    return fail(Kind::config, "json.limit",
                "the document has more than " + std::to_string(limits.bytes) + " bytes");
  }
  constexpr unsigned kFlags = rapidjson::kParseFullPrecisionFlag | rapidjson::kParseValidateEncodingFlag |
                              rapidjson::kParseIterativeFlag;
  Builder builder(limits.depth);
  rapidjson::Reader reader;
  rapidjson::MemoryStream stream(text.data(), text.size());
  rapidjson::EncodedInputStream<rapidjson::UTF8<>, rapidjson::MemoryStream> input(stream);
  const rapidjson::ParseResult result = reader.Parse<kFlags>(input, builder);
  if (!result.IsError()) {
    // The reader takes a NUL for the end: whatever is behind it would be hashed and signed, and not read.
    const std::size_t nul = text.find('\0');
    if (nul == std::string_view::npos) return std::move(builder.root);
    return fail(Kind::config, "json.syntax", position(text, nul) + ": a NUL byte");
  }
  const std::string where = position(text, result.Offset());
  if (!builder.duplicate.empty()) {
    return fail(Kind::config, "json.duplicate-key",
                where + ": the key " + str::printable(builder.duplicate) + " occurs twice");
  }
  if (builder.too_deep) {
    return fail(Kind::config, "json.limit", where + ": nested deeper than " + std::to_string(limits.depth));
  }
  return fail(Kind::config, "json.syntax", where + ": " + rapidjson::GetParseError_En(result.Code()));
}

std::string dump(const Value& value) {
  rapidjson::StringBuffer buffer;
  rapidjson::Writer<rapidjson::StringBuffer> writer(buffer);
  emit(value, writer);
  return {buffer.GetString(), buffer.GetSize()};
}

std::string pretty(const Value& value) {
  rapidjson::StringBuffer buffer;
  rapidjson::PrettyWriter<rapidjson::StringBuffer> writer(buffer);
  writer.SetIndent(' ', 2);
  emit(value, writer);
  return {buffer.GetString(), buffer.GetSize()};
}

}  // namespace scc::json
