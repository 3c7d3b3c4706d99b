// SPDX-License-Identifier: Apache-2.0
// JSON without a parser of our own: `Json` is a cursor over a document that the host parsed, `JsonWriter`
// writes one. Absent and null members give the fallback; a member of another type than asked for is a Failure
// with its JSON pointer (ABI-11). Members that nobody asks for are ignored.
#pragma once

#include <cmath>
#include <cstdio>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include <scc/sdk/failure.hpp>

namespace scc::sdk {

using StringMap = std::map<std::string, std::string>;

/// Writes one JSON text: begin/end pairs, key() before each value in an object. Always valid UTF-8: a byte
/// that is not becomes U+FFFD, so the host never refuses a document for a name found on disk.
class JsonWriter {
 public:
  JsonWriter& begin_object() { return open('{'); }
  JsonWriter& end_object() { return close('}'); }
  JsonWriter& begin_array() { return open('['); }
  JsonWriter& end_array() { return close(']'); }

  JsonWriter& key(std::string_view name) {
    separate();
    quote(name);
    out_ += ':';
    after_key_ = true;
    return *this;
  }

  JsonWriter& null() { return put("null"); }
  JsonWriter& value(std::string_view s) {
    separate();
    quote(s);
    return *this;
  }
  JsonWriter& value(const std::string& s) { return value(std::string_view(s)); }
  JsonWriter& value(const char* s) { return value(std::string_view(s)); }
  /// bool, integers and floating point; NaN and infinities become null.
  template <class T, std::enable_if_t<std::is_arithmetic_v<T>, int> = 0>
  JsonWriter& value(T v) {
    if constexpr (std::is_same_v<T, bool>) {
      return put(v ? "true" : "false");
    } else if constexpr (std::is_integral_v<T>) {
      return put(std::to_string(v));
    } else {
      return std::isfinite(v) ? put(format(static_cast<double>(v))) : null();
    }
  }
  JsonWriter& value(const std::vector<std::string>& list) {
    begin_array();
    for (const std::string& s : list) value(std::string_view(s));
    return end_array();
  }
  JsonWriter& value(const StringMap& map) {
    begin_object();
    for (const auto& [k, v] : map) key(k).value(std::string_view(v));
    return end_object();
  }
  template <class T>
  JsonWriter& value(const std::optional<T>& v) {
    return v ? value(*v) : null();
  }
  /// A document's struct (documents.hpp).
  template <class T, class = decltype(std::declval<const T&>().write(std::declval<JsonWriter&>()))>
  JsonWriter& value(const T& document) {
    document.write(*this);
    return *this;
  }
  template <class T, class = decltype(std::declval<const T&>().write(std::declval<JsonWriter&>()))>
  JsonWriter& value(const std::vector<T>& documents) {
    begin_array();
    for (const T& d : documents) d.write(*this);
    return end_array();
  }
  /// Text that is JSON already.
  JsonWriter& raw(std::string_view json) { return put(json); }

  template <class T>
  JsonWriter& member(std::string_view name, const T& v) {
    key(name);
    return value(v);
  }
  /// Left out when empty.
  template <class T>
  JsonWriter& member_if(std::string_view name, const T& v) {
    if constexpr (std::is_same_v<T, const char*> || std::is_array_v<T>) {
      return std::string_view(v).empty() ? *this : member(name, v);
    } else {
      return is_empty(v) ? *this : member(name, v);
    }
  }

  const std::string& str() const noexcept { return out_; }
  std::string take() { return std::move(out_); }

 private:
  template <class T>
  static bool is_empty(const std::optional<T>& v) {
    return !v.has_value();
  }
  template <class T>
  static auto is_empty(const T& v) -> decltype(v.empty()) {
    return v.empty();
  }

  JsonWriter& open(char bracket) {
    separate();
    out_ += bracket;
    first_ = true;
    return *this;
  }
  JsonWriter& close(char bracket) {
    out_ += bracket;
    first_ = false;
    return *this;
  }
  JsonWriter& put(std::string_view token) {
    separate();
    out_ += token;
    return *this;
  }
  void separate() {
    if (!after_key_ && !first_) out_ += ',';
    after_key_ = first_ = false;
  }
  static std::string format(double v) {
    char buffer[40];
    const int n = std::snprintf(buffer, sizeof buffer, "%.17g", v);
    std::string s(buffer, n > 0 ? static_cast<std::size_t>(n) : 0);
    for (char& c : s) {
      if (c == ',') c = '.';  // snprintf follows the locale of the process
    }
    return s;
  }

  /// Length of the UTF-8 sequence at s[i], 0 when it is not one (overlong, surrogate, cut off).
  static std::size_t utf8_length(std::string_view s, std::size_t i) noexcept {
    const auto at = [&](std::size_t k) { return static_cast<unsigned char>(s[k]); };
    const unsigned char c = at(i);
    const std::size_t n = c < 0x80 ? 1 : c >= 0xC2 && c < 0xE0 ? 2 : c >= 0xE0 && c < 0xF0 ? 3 : 4;
    if ((c >= 0x80 && c < 0xC2) || c > 0xF4 || i + n > s.size()) return 0;
    for (std::size_t k = 1; k < n; ++k) {
      if ((at(i + k) & 0xC0U) != 0x80U) return 0;
    }
    if (n > 2) {
      const unsigned char d = at(i + 1);
      if ((c == 0xE0 && d < 0xA0) || (c == 0xED && d > 0x9F)) return 0;
      if ((c == 0xF0 && d < 0x90) || (c == 0xF4 && d > 0x8F)) return 0;
    }
    return n;
  }

  void quote(std::string_view s) {
    static constexpr char kHex[] = "0123456789abcdef";
    out_ += '"';
    for (std::size_t i = 0; i < s.size();) {
      const auto c = static_cast<unsigned char>(s[i]);
      const std::size_t n = utf8_length(s, i);
      if (n == 0) {
        out_ += "\xEF\xBF\xBD";
        ++i;
        continue;
      }
      if (c == '"' || c == '\\') {
        out_ += '\\';
        out_ += s[i];
      } else if (c < 0x20 || c == 0x7F) {
        out_ += "\\u00";
        out_ += kHex[c >> 4U];
        out_ += kHex[c & 0xFU];
      } else {
        out_ += s.substr(i, n);
      }
      i += n;
    }
    out_ += '"';
  }

  std::string out_;
  bool first_ = true;
  bool after_key_ = false;
};

/// A position in a host-parsed document. Copies share the document. Pointers are RFC 6901, relative to this
/// position ("" is the position itself).
class Json {
 public:
  Json() = default;

  /// Parses with the host's JSON service. Failure: SCC_E_CONFIG for a text that is not JSON.
  static Json parse(const scc_host_v1* host, std::string_view json) {
    Json result;
    const auto* service = find_service(host);
    if (service == nullptr) {
      // A host that only logs (the probe) creates components with an empty configuration.
      if (json.find_first_not_of(" \t\r\n{}") == std::string_view::npos) return result;
      throw Failure(SCC_E_UNSUPPORTED, "sdk.no-json", "the host offers no JSON service", "use a newer scc");
    }
    scc_json* raw = nullptr;
    ErrorCatch error;
    const scc_status status = service->parse(host, view(json), &raw, error.c());
    if (status != SCC_OK) fail(status, error, "parsing a document");
    result.document_ = std::make_shared<Document>(service, raw);
    return result;
  }

  scc_json_type type(std::string_view pointer = {}) const { return at(pointer).type; }
  /// Present and not null.
  bool has(std::string_view pointer) const { return type(pointer) > SCC_JSON_NULL; }

  std::string str(std::string_view pointer = {}, std::string_view fallback = {}) const {
    const scc_json_view v = at(pointer, SCC_JSON_STRING);
    return std::string(v.type == SCC_JSON_STRING ? text(v.str) : fallback);
  }
  std::int64_t integer(std::string_view pointer = {}, std::int64_t fallback = 0) const {
    const scc_json_view v = at(pointer, SCC_JSON_NUMBER);
    return v.type == SCC_JSON_NUMBER ? v.integer : fallback;
  }
  double number(std::string_view pointer = {}, double fallback = 0) const {
    const scc_json_view v = at(pointer, SCC_JSON_NUMBER);
    return v.type == SCC_JSON_NUMBER ? v.number : fallback;
  }
  bool flag(std::string_view pointer = {}, bool fallback = false) const {
    const scc_json_view v = at(pointer, SCC_JSON_BOOL);
    return v.type == SCC_JSON_BOOL ? v.integer != 0 : fallback;
  }
  std::optional<bool> maybe_flag(std::string_view pointer = {}) const {
    const scc_json_view v = at(pointer, SCC_JSON_BOOL);
    return v.type == SCC_JSON_BOOL ? std::optional<bool>(v.integer != 0) : std::nullopt;
  }
  /// Failure when absent.
  std::string require_str(std::string_view pointer = {}) const {
    if (!has(pointer)) throw missing(pointer);
    return str(pointer);
  }

  /// Number of children of an array or object.
  std::size_t size(std::string_view pointer = {}) const { return at(pointer).size; }
  Json child(std::string_view pointer) const {
    Json result(*this);
    result.prefix_ += pointer;
    return result;
  }
  std::vector<Json> items(std::string_view pointer = {}) const {
    std::vector<Json> result;
    const std::size_t count = at(pointer, SCC_JSON_ARRAY).size;
    result.reserve(count);
    for (std::size_t i = 0; i < count; ++i) {
      result.push_back(child(std::string(pointer) + "/" + std::to_string(i)));
    }
    return result;
  }
  /// The strings of an array; an element of another type is a Failure.
  std::vector<std::string> strings(std::string_view pointer = {}) const {
    std::vector<std::string> result;
    for (const Json& item : items(pointer)) result.push_back(item.require_str(""));
    return result;
  }
  std::vector<std::pair<std::string, Json>> members(std::string_view pointer = {}) const {
    std::vector<std::pair<std::string, Json>> result;
    const std::size_t count = at(pointer, SCC_JSON_OBJECT).size;
    for (std::size_t i = 0; i < count; ++i) {
      const scc_json_view v = nth(pointer, i);
      std::string name(text(v.key));
      Json member = child(std::string(pointer) + "/" + escape(name));
      result.emplace_back(std::move(name), std::move(member));
    }
    return result;
  }
  /// An object of strings.
  StringMap map(std::string_view pointer = {}) const {
    StringMap result;
    for (const auto& [name, member] : members(pointer)) result[name] = member.require_str("");
    return result;
  }

  /// The JSON text of this position, to pass a part of a document on.
  std::string dump() const {
    JsonWriter w;
    write(w);
    return w.take();
  }
  void write(JsonWriter& w) const {
    const scc_json_view v = at("");
    if (v.type == SCC_JSON_ARRAY) {
      w.begin_array();
      for (const Json& item : items()) item.write(w);
      w.end_array();
    } else if (v.type == SCC_JSON_OBJECT) {
      w.begin_object();
      for (const auto& [name, member] : members()) w.member(name, member);
      w.end_object();
    } else if (v.type == SCC_JSON_STRING) {
      w.value(text(v.str));
    } else if (v.type == SCC_JSON_BOOL) {
      w.value(v.integer != 0);
    } else if (v.type == SCC_JSON_NUMBER) {
      if (v.number == std::floor(v.number) && std::fabs(v.number) < 9.0e15) {
        w.value(v.integer);
      } else {
        w.value(v.number);
      }
    } else {
      w.null();
    }
  }

  /// One reference token of a pointer: "~" and "/" escaped.
  static std::string escape(std::string_view token) {
    std::string result;
    for (const char c : token) {
      if (c == '~') {
        result += "~0";
      } else if (c == '/') {
        result += "~1";
      } else {
        result += c;
      }
    }
    return result;
  }

 private:
  struct Document {
    Document(const scc_host_json_v1* s, scc_json* d) noexcept : service(s), json(d) {}
    Document(const Document&) = delete;
    Document& operator=(const Document&) = delete;
    ~Document() { service->release(json); }
    const scc_host_json_v1* service;
    scc_json* json;
  };

  static const scc_host_json_v1* find_service(const scc_host_v1* host) {
    if (!SCC_HAS(host, service)) return nullptr;
    const auto* s = static_cast<const scc_host_json_v1*>(host->service(host, view(SCC_HOST_JSON)));
    const bool complete = SCC_HAS(s, parse) && SCC_HAS(s, release) && SCC_HAS(s, at) && SCC_HAS(s, child);
    return complete ? s : nullptr;
  }
  static scc_json_view empty_view() noexcept {
    return {sizeof(scc_json_view), SCC_JSON_ABSENT, 0, 0, {nullptr, 0}, {nullptr, 0}, 0};
  }
  Failure missing(std::string_view pointer) const {
    return {SCC_E_CONFIG, "sdk.document", "the document has no " + where(pointer)};
  }
  std::string where(std::string_view pointer) const {
    const std::string full = prefix_ + std::string(pointer);
    return full.empty() ? "value" : full;
  }
  scc_json_view at(std::string_view pointer) const {
    scc_json_view v = empty_view();
    if (document_) document_->service->at(document_->json, view(prefix_ + std::string(pointer)), &v);
    return v;
  }
  /// As at(), and of the wanted type unless absent or null.
  scc_json_view at(std::string_view pointer, scc_json_type wanted) const {
    static constexpr const char* kNames[] = {"absent",   "null",     "a boolean", "a number",
                                             "a string", "an array", "an object"};
    const scc_json_view v = at(pointer);
    if (v.type > SCC_JSON_NULL && v.type != wanted) {
      throw Failure(SCC_E_CONFIG, "sdk.document", where(pointer) + " is not " + kNames[wanted]);
    }
    return v;
  }
  scc_json_view nth(std::string_view pointer, std::size_t index) const {
    scc_json_view v = empty_view();
    if (document_) {
      document_->service->child(document_->json, view(prefix_ + std::string(pointer)), index, &v);
    }
    return v;
  }

  std::shared_ptr<Document> document_;
  std::string prefix_;
};

}  // namespace scc::sdk
