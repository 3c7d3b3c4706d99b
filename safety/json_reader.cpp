// SPDX-License-Identifier: Apache-2.0
#include "safety/json_reader.h"

#include <algorithm>
#include <utility>

namespace scc::safety::json {

namespace {

constexpr unsigned kDepth = 16;

class Reader {
 public:
  explicit Reader(std::string_view text) : text_(text) {}

  bool document(Node* out) {
    blank();
    if (!value(out, 0)) return false;
    blank();
    return at_ == text_.size();
  }
  std::size_t offset() const { return at_; }

 private:
  void blank() {
    while (at_ < text_.size() &&
           (text_[at_] == ' ' || text_[at_] == '\t' || text_[at_] == '\n' || text_[at_] == '\r'))
      ++at_;
  }
  bool take(char c) {
    if (at_ >= text_.size() || text_[at_] != c) return false;
    ++at_;
    return true;
  }
  bool word(std::string_view w) {
    if (text_.substr(at_, w.size()) != w) return false;
    at_ += w.size();
    return true;
  }

  bool value(Node* out, unsigned depth) {
    out->begin = at_;
    const bool read = bare_value(out, depth);
    out->end = at_;
    return read;
  }

  bool bare_value(Node* out, unsigned depth) {
    if (at_ >= text_.size() || depth > kDepth) return false;
    switch (text_[at_]) {
      case '{':
        return object(out, depth);
      case '[':
        return array(out, depth);
      case '"':
        out->type = Node::Type::string;
        return string(&out->text);
      case 't':
        out->type = Node::Type::boolean;
        out->flag = true;
        return word("true");
      case 'f':
        out->type = Node::Type::boolean;
        return word("false");
      case 'n':
        return word("null");
      default:
        return number(out);
    }
  }

  bool object(Node* out, unsigned depth) {
    out->type = Node::Type::object;
    ++at_;
    blank();
    if (take('}')) return true;
    while (true) {
      std::string key;
      blank();
      if (at_ >= text_.size() || text_[at_] != '"' || !string(&key) || out->find(key) != nullptr)
        return false;
      blank();
      if (!take(':')) return false;
      blank();
      Node member;
      if (!value(&member, depth + 1)) return false;
      out->members.push_back({std::move(key), std::move(member)});
      blank();
      if (take('}')) return true;
      if (!take(',')) return false;
    }
  }

  bool array(Node* out, unsigned depth) {
    out->type = Node::Type::array;
    ++at_;
    blank();
    if (take(']')) return true;
    while (true) {
      blank();
      Node item;
      if (!value(&item, depth + 1)) return false;
      out->items.push_back(std::move(item));
      blank();
      if (take(']')) return true;
      if (!take(',')) return false;
    }
  }

  /// Returns how many there are.
  std::size_t digits(double* value) {
    const std::size_t start = at_;
    for (; at_ < text_.size() && text_[at_] >= '0' && text_[at_] <= '9'; ++at_)
      *value = *value * 10 + (text_[at_] - '0');
    return at_ - start;
  }

  /// Exact for whole numbers up to 2^53, which is all that is read of them.
  bool number(Node* out) {
    out->type = Node::Type::number;
    const bool negative = take('-');
    const bool zero = at_ < text_.size() && text_[at_] == '0';
    double value = 0;
    const std::size_t whole = digits(&value);
    if (whole == 0 || (zero && whole > 1)) return false;
    if (take('.')) {
      double rest = 0;
      std::size_t places = digits(&rest);
      if (places == 0) return false;
      for (; places > 0; --places) rest /= 10;
      value += rest;
    }
    if (take('e') || take('E')) {
      const bool shrinks = take('-');
      if (!shrinks) static_cast<void>(take('+'));
      double power = 0;
      if (digits(&power) == 0) return false;
      for (int left = static_cast<int>(std::min(power, 400.0)); left > 0; --left)
        value = shrinks ? value / 10 : value * 10;
    }
    out->number = negative ? -value : value;
    return true;
  }

  bool hex4(unsigned* out) {
    *out = 0;
    for (int i = 0; i < 4; ++i, ++at_) {
      if (at_ >= text_.size()) return false;
      const char c = text_[at_];
      const int digit = c >= '0' && c <= '9'   ? c - '0'
                        : c >= 'a' && c <= 'f' ? c - 'a' + 10
                        : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                               : -1;
      if (digit < 0) return false;
      *out = *out * 16 + static_cast<unsigned>(digit);
    }
    return true;
  }

  static void utf8(unsigned code, std::string* out) {
    const auto put = [&](unsigned byte) { out->push_back(static_cast<char>(byte)); };
    if (code < 0x80) return put(code);
    if (code < 0x800) return put(0xC0 | code >> 6U), put(0x80 | (code & 0x3FU));
    if (code < 0x10000)
      return put(0xE0 | code >> 12U), put(0x80 | (code >> 6U & 0x3FU)), put(0x80 | (code & 0x3FU));
    put(0xF0 | code >> 18U), put(0x80 | (code >> 12U & 0x3FU)), put(0x80 | (code >> 6U & 0x3FU)),
        put(0x80 | (code & 0x3FU));
  }

  bool escape(std::string* out) {
    if (at_ >= text_.size()) return false;
    const char c = text_[at_++];
    constexpr std::string_view kFrom = "\"\\/bfnrt";
    constexpr std::string_view kTo = "\"\\/\b\f\n\r\t";
    const std::size_t simple = kFrom.find(c);
    if (simple != std::string_view::npos) return out->push_back(kTo[simple]), true;
    unsigned code = 0;
    if (c != 'u' || !hex4(&code) || code == 0 || (code >= 0xDC00 && code < 0xE000)) return false;
    if (code >= 0xD800 && code < 0xDC00) {
      unsigned low = 0;
      if (!word("\\u") || !hex4(&low) || low < 0xDC00 || low > 0xDFFF) return false;
      code = 0x10000 + ((code - 0xD800) << 10U) + (low - 0xDC00);
    }
    utf8(code, out);
    return true;
  }

  bool string(std::string* out) {
    ++at_;
    while (at_ < text_.size()) {
      const char c = text_[at_++];
      if (c == '"') return true;
      if (static_cast<unsigned char>(c) < 0x20) return false;
      if (c != '\\') {
        out->push_back(c);
      } else if (!escape(out)) {
        return false;
      }
    }
    return false;
  }

  std::string_view text_;
  std::size_t at_ = 0;
};

}  // namespace

const Node* Node::find(std::string_view key) const {
  for (const auto& [name, node] : members) {
    if (name == key) return &node;
  }
  return nullptr;
}

bool parse(std::string_view text, Node* out, std::string* error) {
  Reader reader(text);
  if (reader.document(out)) return true;
  *error = "not valid JSON near byte " + std::to_string(reader.offset());
  return false;
}

}  // namespace scc::safety::json
