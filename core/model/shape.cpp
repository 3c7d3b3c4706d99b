// SPDX-License-Identifier: Apache-2.0
#include "model/shape.h"

#include <algorithm>
#include <array>

#include "base/str.h"

namespace scc::model {

namespace {

/// The way to a value, on the stack; spelled out only for a problem.
struct Path {
  const Path* parent = nullptr;
  std::string_view key = {};
  std::size_t index = 0;
  bool element = false;
};

std::string spell(const Path* path) {
  std::vector<const Path*> way;
  for (; path != nullptr && path->parent != nullptr; path = path->parent) way.push_back(path);
  std::string out;
  for (auto step = way.rbegin(); step != way.rend(); ++step) {
    out += '/';
    out += (*step)->element ? std::to_string((*step)->index) : pointer_token((*step)->key);
  }
  return out;
}

std::string_view type_name(Type type) noexcept {
  switch (type) {
    case Type::any:
      return "any value";
    case Type::text:
      return "a string";
    case Type::integer:
      return "a whole number";
    case Type::boolean:
      return "true or false";
    case Type::list:
      return "an array";
    case Type::map:
    case Type::object:
    case Type::tagged:
      return "an object";
  }
  return "valid";
}

bool has_type(Type type, const json::Value& value) noexcept {
  switch (type) {
    case Type::any:
      return true;
    case Type::text:
      return value.is_string();
    case Type::integer:
      return value.is_int();
    case Type::boolean:
      return value.is_bool();
    case Type::list:
      return value.is_array();
    case Type::map:
    case Type::object:
    case Type::tagged:
      return value.is_object();
  }
  return false;
}

template <class Names>
std::string quoted_list(const Names& names) {
  std::string out;
  for (const std::string_view name : names) {
    if (!out.empty()) out += ", ";
    out.append("\"").append(name).append("\"");
  }
  return out;
}

/// Edit distance is quadratic in the word: a hostile key gets no suggestion.
constexpr std::size_t kLongestWord = 64;

std::string did_you_mean(std::string_view word, std::span<const Field> fields) {
  if (word.size() > kLongestWord) return {};
  Strings known;
  for (const Field& field : fields) {
    if (!field.deprecated) known.emplace_back(field.key);
  }
  const std::string near = str::nearest(word, known);
  return near.empty() ? std::string() : ", did you mean \"" + near + "\"?";
}

class Checker {
 public:
  Checker(std::vector<Finding>& out, const CheckOptions& options) : out_(out), options_(options) {}

  void check(const Shape& shape, const json::Value& value, const Path& path) {
    if (!has_type(shape.type, value)) {
      add(path, "must be " + std::string(type_name(shape.type)), Cause::shape);
      return;
    }
    switch (shape.type) {
      case Type::any:
      case Type::boolean:
        return;
      case Type::text:
        return text(shape, value.as_string(), path, "");
      case Type::integer:
        return integer(shape, value.as_int(), path);
      case Type::list:
        return list(shape, value, path);
      case Type::map:
        return map(shape, value, path);
      case Type::object:
        return object(shape, value, path);
      case Type::tagged:
        return tagged(shape, value, path);
    }
  }

  /// Counts what did not fit; errors that were left out are still an error.
  void finish() {
    for (const bool warning : {false, true}) {
      const std::size_t extra = count_[warning ? 1 : 0] - std::min(count_[warning ? 1 : 0], kMostFindings);
      if (extra == 0) continue;
      const std::string what = warning ? " more warnings" : " more problems";
      out_.push_back({{"", "and " + std::to_string(extra) + what, {}, warning}, Cause::shape});
    }
  }

 private:
  /// Is there room for one more? Counts it in any case.
  bool admit(bool warning) noexcept { return ++count_[warning ? 1 : 0] <= kMostFindings; }

  void add(const Path& path, std::string message, Cause cause, bool warning = false) {
    if (admit(warning)) out_.push_back({{spell(&path), std::move(message), {}, warning}, cause});
  }

  void text(const Shape& shape, const std::string& value, const Path& path, std::string_view what) {
    const std::string subject(what);
    if (!shape.choices.empty()) {
      if (std::find(shape.choices.begin(), shape.choices.end(), value) != shape.choices.end()) return;
      return add(path, subject + "must be one of " + quoted_list(shape.choices), Cause::shape);
    }
    if (shape.least > 0 && value.empty()) return add(path, subject + "must not be empty", Cause::shape);
    if (shape.matches != nullptr && !shape.matches(value)) {
      return add(path, subject + "must be " + std::string(shape.expects), Cause::shape);
    }
    if (shape.valid != nullptr && !shape.valid(value)) {
      return add(path, subject + "must be " + std::string(shape.expects), Cause::format);
    }
    if (value.find('\0') != std::string::npos) {
      add(path, subject + "must not hold a NUL character", Cause::format);
    }
  }

  void integer(const Shape& shape, std::int64_t value, const Path& path) {
    if (value >= shape.least && value <= shape.most) return;
    add(path, "must be from " + std::to_string(shape.least) + " to " + std::to_string(shape.most),
        Cause::shape);
  }

  void list(const Shape& shape, const json::Value& value, const Path& path) {
    const auto& items = value.items();
    if (static_cast<std::int64_t>(items.size()) < shape.least) {
      add(path, "must have at least " + std::to_string(shape.least) + " element", Cause::shape);
    }
    for (std::size_t i = 0; i < items.size(); ++i) {
      check(*shape.item, items[i], Path{&path, {}, i, true});
    }
  }

  void map(const Shape& shape, const json::Value& value, const Path& path) {
    for (const auto& [key, member] : value.members()) {
      const Path here{&path, key};
      if (shape.key != nullptr) text(*shape.key, key, here, "the name ");
      check(*shape.item, member, here);
    }
  }

  void object(const Shape& shape, const json::Value& value, const Path& path) {
    const auto& members = value.members();
    std::size_t known = 0;
    for (const Field& field : shape.fields) {
      const auto found = members.find(field.key);
      if (found == members.end()) {
        if (field.required) add(path, "lacks \"" + std::string(field.key) + "\"", Cause::shape);
        continue;
      }
      ++known;
      const Path here{&path, field.key};
      if (field.deprecated) add(here, "is deprecated: " + std::string(field.doc), Cause::deprecated, true);
      if (field.extension && options_.warn_extensions) {
        add(here, "came with schema version 1.1.0: set \"schema_version\" to \"1.1.0\"", Cause::extension,
            true);
      }
      check(*field.shape, found->second, here);
    }
    if (!shape.any_of.empty() && std::none_of(shape.any_of.begin(), shape.any_of.end(),
                                              [&](auto key) { return members.find(key) != members.end(); })) {
      add(path, "lacks \"" + std::string(shape.any_of.front()) + "\"", Cause::shape);
    }
    if (known != members.size()) unknown_keys(shape, value, path);
  }

  void unknown_keys(const Shape& shape, const json::Value& value, const Path& path) {
    const bool warn = options_.tolerate_unknown && !shape.strict;
    for (const auto& [key, member] : value.members()) {
      const auto is_key = [&name = key](const Field& field) { return field.key == name; };
      if (std::any_of(shape.fields.begin(), shape.fields.end(), is_key)) continue;
      if (!admit(warn)) continue;  // before the costly search for a near name
      std::string message = "unknown key" + did_you_mean(key, shape.fields);
      if (!foreign_.empty() && belongs_elsewhere(key)) message = "is not a key of " + foreign_;
      const Path here{&path, key};
      out_.push_back({{spell(&here), std::move(message), {}, warn}, warn ? Cause::unknown : Cause::shape});
    }
  }

  bool belongs_elsewhere(std::string_view key) const {
    return std::any_of(union_->alternatives.begin(), union_->alternatives.end(),
                       [&](const Alternative& other) {
                         return std::any_of(other.shape->fields.begin(), other.shape->fields.end(),
                                            [&](const Field& field) { return field.key == key; });
                       });
  }

  void tagged(const Shape& shape, const json::Value& value, const Path& path) {
    const auto found = value.members().find(shape.tag);
    const Path here{&path, shape.tag};
    if (found == value.members().end()) {
      return add(path, "lacks \"" + std::string(shape.tag) + "\"", Cause::shape);
    }
    Strings tags;
    for (const Alternative& alternative : shape.alternatives) {
      if (found->second.is_string() && found->second.as_string() == alternative.tag) {
        foreign_ = std::string(shape.tag) + " \"" + std::string(alternative.tag) + "\"";
        union_ = &shape;
        object(*alternative.shape, value, path);
        foreign_.clear();
        return;
      }
      tags.emplace_back(alternative.tag);
    }
    add(here, "must be one of " + quoted_list(tags), Cause::shape);
  }

  std::vector<Finding>& out_;
  const CheckOptions& options_;
  std::array<std::size_t, 2> count_{};  ///< errors, warnings
  std::string foreign_;                 ///< within a tagged object: "source \"git\""
  const Shape* union_ = nullptr;        ///< and its shape
};

}  // namespace

std::string pointer_token(std::string_view key) {
  std::string out;
  for (const char c : str::printable(key.substr(0, 128))) {
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

std::vector<Finding> check(const Shape& shape, const json::Value& value, const CheckOptions& options) {
  std::vector<Finding> out;
  const Path root;
  Checker checker(out, options);
  checker.check(shape, value, root);
  checker.finish();
  return out;
}

}  // namespace scc::model
