// SPDX-License-Identifier: Apache-2.0
// Events of yaml-cpp become a Value on an explicit stack. Everything outside the subset ends the parse at its
// first event, so an alias is never expanded and nothing is built of what is too deep. Characters that YAML
// does not allow are refused before: yaml-cpp takes a 0x04 for the end of its input and guesses UTF-16 from
// zero bytes.
#include "config/yaml.h"

#include <charconv>
#include <cmath>
#include <optional>
#include <sstream>
#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/mark.h>
#include <yaml-cpp/parser.h>

#include "base/str.h"

namespace scc::config {

namespace {

std::string place(int line, int column) {
  return "line " + std::to_string(line + 1) + ", column " + std::to_string(column + 1) + ": ";
}

/// Carries an Error through yaml-cpp's frames.
struct Refusal {
  Error error;
};

[[noreturn]] void refuse(const YAML::Mark& mark, const char* id, const std::string& what) {
  throw Refusal{{Kind::config, id, place(mark.line, mark.column) + what, {}, {}}};
}

bool digits(std::string_view text, std::string_view set) {
  return !text.empty() && text.find_first_not_of(set) == std::string_view::npos;
}

/// [-+]? ( \. [0-9]+ | [0-9]+ ( \. [0-9]* )? ) ( [eE] [-+]? [0-9]+ )?
bool float_shape(std::string_view text) {
  constexpr std::string_view kDecimal = "0123456789";
  const std::size_t e = text.find_first_of("eE");
  if (e != std::string_view::npos) {
    std::string_view exponent = text.substr(e + 1);
    if (!exponent.empty() && (exponent.front() == '-' || exponent.front() == '+')) exponent.remove_prefix(1);
    if (!digits(exponent, kDecimal)) return false;
    text = text.substr(0, e);
  }
  const std::size_t dot = text.find('.');
  if (dot == std::string_view::npos) return digits(text, kDecimal);
  const std::string_view before = text.substr(0, dot);
  const std::string_view after = text.substr(dot + 1);
  if (before.empty()) return digits(after, kDecimal);
  return digits(before, kDecimal) && (after.empty() || digits(after, kDecimal));
}

template <class Number>
std::optional<Number> number(std::string_view text, int base) {
  Number value{};
  const char* end = text.data() + text.size();
  const auto [rest, code] = std::from_chars(text.data(), end, value, base);
  if (code != std::errc{} || rest != end) return std::nullopt;
  return value;
}

/// Tag resolution of YAML 1.2.2 §10.3.2 for a plain scalar.
json::Value resolve(const std::string& text, const YAML::Mark& mark) {
  if (text == "true" || text == "True" || text == "TRUE") return true;
  if (text == "false" || text == "False" || text == "FALSE") return false;
  std::string_view body = text;
  const bool sign = !body.empty() && (body.front() == '-' || body.front() == '+');
  if (sign) body.remove_prefix(1);
  if (body == ".inf" || body == ".Inf" || body == ".INF" ||
      (!sign && (body == ".nan" || body == ".NaN" || body == ".NAN"))) {
    refuse(mark, "yaml.refused", "infinity and not-a-number are not taken");
  }
  if (!sign && str::starts_with(body, "0o") && digits(body.substr(2), "01234567")) {
    if (const auto value = number<std::int64_t>(body.substr(2), 8)) return *value;
    refuse(mark, "yaml.refused", "the number is too large");
  }
  if (!sign && str::starts_with(body, "0x") && digits(body.substr(2), "0123456789abcdefABCDEF")) {
    if (const auto value = number<std::int64_t>(body.substr(2), 16)) return *value;
    refuse(mark, "yaml.refused", "the number is too large");
  }
  if (!float_shape(body)) return text;
  const std::string_view signless = text.front() == '+' ? body : std::string_view(text);
  if (digits(body, "0123456789")) {
    if (const auto value = number<std::int64_t>(signless, 10)) return *value;
    refuse(mark, "yaml.refused", "the number is too large");
  }
  double value = 0;
  const auto [rest, code] = std::from_chars(signless.data(), signless.data() + signless.size(), value);
  if (code != std::errc{} || rest != signless.data() + signless.size() || !std::isfinite(value)) {
    refuse(mark, "yaml.refused", "the number is too large");
  }
  return value;
}

class Builder : public YAML::EventHandler {
 public:
  Builder(std::string_view text, std::size_t depth) : text_(text), depth_(depth) {}

  void OnDocumentStart(const YAML::Mark& mark) override {
    if (++documents_ > 1) refuse(mark, "yaml.refused", "a second document is not taken");
  }
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    no_anchor(mark, anchor);
    if (at(mark) == '!') refuse(mark, "yaml.refused", "tags are not taken");
    if (wants_key()) refuse(mark, "yaml.refused", "a key must be a string");
    put(json::Value());
  }
  void OnAlias(const YAML::Mark& mark, YAML::anchor_t /*anchor*/) override {
    refuse(mark, "yaml.refused", "aliases are not taken");
  }
  void OnAnchor(const YAML::Mark& mark, const std::string& /*name*/) override {
    refuse(mark, "yaml.refused", "anchors are not taken");
  }
  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& value) override {
    no_anchor(mark, anchor);
    const bool plain = tag == "?";
    // A quoted or block scalar has the tag "!", and so has an explicit "!": only the text tells.
    if (!plain && (tag != "!" || at(mark) == '!')) refuse(mark, "yaml.refused", "tags are not taken");
    if (value.find('\0') != std::string::npos) refuse(mark, "yaml.refused", "a NUL character is not taken");
    if (wants_key()) return key(mark, value, plain);
    put(plain ? resolve(value, mark) : json::Value(value));
  }
  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value /*style*/) override {
    open(mark, tag, anchor, json::Value(json::Array{}));
  }
  void OnSequenceEnd() override { close(); }
  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value /*style*/) override {
    open(mark, tag, anchor, json::Value(json::Object{}));
  }
  void OnMapEnd() override { close(); }

  json::Value root;

 private:
  struct Frame {
    json::Value value;
    std::string key;
    bool wants_key = false;
  };

  char at(const YAML::Mark& mark) const {
    const auto pos = static_cast<std::size_t>(mark.pos);
    return mark.pos >= 0 && pos < text_.size() ? text_[pos] : '\0';
  }
  bool wants_key() const { return !stack_.empty() && stack_.back().wants_key; }
  static void no_anchor(const YAML::Mark& mark, YAML::anchor_t anchor) {
    if (anchor != YAML::NullAnchor) refuse(mark, "yaml.refused", "anchors are not taken");
  }
  void key(const YAML::Mark& mark, const std::string& name, bool plain) {
    if (plain && name == "<<") refuse(mark, "yaml.refused", "merge keys are not taken");
    Frame& frame = stack_.back();
    if (frame.value.members().count(name) != 0) {
      refuse(mark, "yaml.duplicate-key", "the key \"" + str::printable(name) + "\" is there twice");
    }
    frame.key = name;
    frame.wants_key = false;
  }
  void put(json::Value value) {
    if (stack_.empty()) {
      root = std::move(value);
      return;
    }
    Frame& frame = stack_.back();
    if (frame.value.is_array()) {
      frame.value.array().push_back(std::move(value));
    } else {
      frame.value.object().insert_or_assign(frame.key, std::move(value));
      frame.wants_key = true;
    }
  }
  void open(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor, json::Value value) {
    no_anchor(mark, anchor);
    if (tag != "?" && !tag.empty()) refuse(mark, "yaml.refused", "tags are not taken");
    if (wants_key()) refuse(mark, "yaml.refused", "a key must be a string");
    if (stack_.size() >= depth_) {
      refuse(mark, "yaml.limit", "nested deeper than " + std::to_string(depth_) + " levels");
    }
    const bool map = value.is_object();
    stack_.push_back({std::move(value), {}, map});
  }
  void close() {
    json::Value done = std::move(stack_.back().value);
    stack_.pop_back();
    put(std::move(done));
  }

  std::string_view text_;
  std::size_t depth_;
  std::vector<Frame> stack_;
  int documents_ = 0;
};

/// YAML's printable set within well-formed UTF-8: no controls but tab and line breaks, no DEL, no C1 but NEL,
/// no byte order mark inside. Also no directive: "%" at the start of a line.
std::optional<Error> check_text(std::string_view text) {
  if (!str::valid_utf8(text)) return Error{Kind::config, "yaml.syntax", "is not UTF-8", {}, {}};
  int line = 0;
  int column = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    const auto next = i + 1 < text.size() ? static_cast<unsigned char>(text[i + 1]) : 0U;
    const bool control = (byte < 0x20 && byte != '\t' && byte != '\n' && byte != '\r') || byte == 0x7F;
    const bool c1 = byte == 0xC2 && next >= 0x80 && next <= 0x9F && next != 0x85;
    const bool mark = text.substr(i, 3) == "\xEF\xBB\xBF";
    if (control || c1 || mark) {
      return Error{
          Kind::config, "yaml.refused", place(line, column) + "a character that YAML does not allow", {}, {}};
    }
    if (byte == '%' && column == 0) {
      return Error{Kind::config, "yaml.refused", place(line, column) + "directives are not taken", {}, {}};
    }
    const bool newline = byte == '\n' || (byte == '\r' && next != '\n');
    line += newline ? 1 : 0;
    column = newline ? 0 : column + 1;
  }
  return std::nullopt;
}

}  // namespace

Result<json::Value> parse_yaml(std::string_view text, const YamlLimits& limits) {
  if (text.size() > limits.bytes) {
    return fail(Kind::config, "yaml.limit", "larger than " + std::to_string(limits.bytes >> 10U) + " KiB");
  }
  if (str::starts_with(text, "\xEF\xBB\xBF")) text.remove_prefix(3);
  if (auto wrong = check_text(text)) return fail(std::move(*wrong));
  Builder builder(text, limits.depth);
  try {
    std::istringstream in{std::string(text)};
    YAML::Parser parser(in);
    while (parser.HandleNextDocument(builder)) {
    }
  } catch (const Refusal& refusal) {
    return fail(refusal.error);
  } catch (const YAML::Exception& error) {
    const std::string where = error.mark.is_null() ? "" : place(error.mark.line, error.mark.column);
    return fail(Kind::config, "yaml.syntax", where + str::printable(error.msg));
  } catch (const std::exception& error) {  // yaml-cpp lets out what its containers throw
    return fail(Kind::config, "yaml.syntax", str::printable(error.what()));
  }
  return std::move(builder.root);
}

}  // namespace scc::config
