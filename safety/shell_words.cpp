// SPDX-License-Identifier: Apache-2.0
// Words of the shell: quoting, $'...', expansions, substitutions, here-documents.
#include <algorithm>
#include <cctype>
#include <utility>

#include "safety/shell_parser.h"

namespace scc::safety::shell {

namespace {

bool name_char(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_';
}
bool name_start(char c) {
  return std::isalpha(static_cast<unsigned char>(c)) != 0 || c == '_';
}

void add_utf8(std::string* out, unsigned long code) {
  const auto put = [&](unsigned long byte) { out->push_back(static_cast<char>(byte)); };
  if (code < 0x80) return put(code);
  if (code < 0x800) return put(0xC0 | code >> 6U), put(0x80 | (code & 0x3FU));
  put(0xE0 | (code >> 12U & 0xFU)), put(0x80 | (code >> 6U & 0x3FU)), put(0x80 | (code & 0x3FU));
}

}  // namespace

bool ends_word(char c) {
  return c == ' ' || c == '\t' || c == '\n' || c == ';' || c == '&' || c == '|' || c == '<' || c == '>' ||
         c == '(' || c == ')' || c == '\r';
}

void add_text(Word* out, std::string_view text, bool quoted) {
  if (!out->empty() && out->back().kind == Part::Kind::text && out->back().quoted == quoted) {
    out->back().text += text;
    return;
  }
  Part part;
  part.quoted = quoted;
  part.text = text;
  out->push_back(std::move(part));
}

bool Parser::spend() {
  if (*budget_ == 0) return fail(Failure::too_complex);
  --*budget_;
  return true;
}

void Parser::blanks() {
  while (more()) {
    if (peek() == ' ' || peek() == '\t' || (peek() == '\r' && peek(1) == '\n')) {
      ++at_;
    } else if (peek() == '\\' && at_ + 1 < text_.size() && peek(1) == '\n') {
      at_ += 2;
    } else if (peek() == '#') {
      while (more() && peek() != '\n') ++at_;
    } else {
      return;
    }
  }
}

bool Parser::newline() {
  if (!more() || peek() != '\n') return false;
  ++at_;
  return here_bodies();
}

bool Parser::newlines() {
  for (blanks(); more() && peek() == '\n'; blanks()) {
    if (!newline()) return false;
  }
  return failure_ == Failure::none;
}

/// The bodies of all here-documents that the line just ended asked for.
bool Parser::here_bodies() {
  std::vector<Pending> pending = std::exchange(pending_, {});
  for (Pending& one : pending) {
    std::string body;
    while (more()) {
      const std::size_t end = std::min(text_.find('\n', at_), text_.size());
      std::string_view line = text_.substr(at_, end - at_);
      at_ = std::min(end + 1, text_.size());
      if (one.strip) line.remove_prefix(std::min(line.find_first_not_of('\t'), line.size()));
      if (line == one.delimiter) break;
      body += line;
      body += '\n';
    }
    if (one.quoted) {
      add_text(&one.document->body, body, true);
    } else if (!here_text(body, &one.document->body)) {
      return false;
    }
  }
  return true;
}

bool Parser::here_text(std::string_view body, Word* out) {
  if (level_ >= kDeepest) return fail(Failure::too_deep);
  Parser inner_parser(body, level_ + 1, budget_);
  if (!inner_parser.until(out, '\0')) return fail(inner_parser.failure_);
  return true;
}

void Parser::escape(Word* out) {
  // At a backslash outside quotes.
  if (at_ + 1 >= text_.size()) {
    fail();
    return;
  }
  if (peek(1) != '\n') add_text(out, text_.substr(at_ + 1, 1), true);
  at_ += 2;
}

bool Parser::single_quoted(Word* out) {
  const std::size_t end = text_.find('\'', at_ + 1);
  if (end == std::string_view::npos) return fail();
  add_text(out, text_.substr(at_ + 1, end - at_ - 1), true);
  at_ = end + 1;
  return true;
}

bool Parser::ansi_quoted(Word* out) {
  std::string text;
  at_ += 2;
  const auto number = [&](unsigned base, unsigned most) {
    unsigned long value = 0;
    for (unsigned i = 0; i < most && more(); ++i, ++at_) {
      const char c = peek();
      const int digit = std::isdigit(static_cast<unsigned char>(c)) != 0    ? c - '0'
                        : std::isxdigit(static_cast<unsigned char>(c)) != 0 ? std::tolower(c) - 'a' + 10
                                                                            : 99;
      if (digit >= static_cast<int>(base)) break;
      value = value * base + static_cast<unsigned long>(digit);
    }
    return value;
  };
  while (more() && peek() != '\'') {
    if (peek() != '\\' || at_ + 1 >= text_.size()) {
      text += text_[at_++];
      continue;
    }
    const char c = peek(1);
    at_ += 2;
    constexpr std::string_view kFrom = "abeEfnrtv\\'\"?";
    constexpr std::string_view kTo = "\a\b\033\033\f\n\r\t\v\\'\"?";
    const std::size_t simple = kFrom.find(c);
    if (simple != std::string_view::npos) {
      text += kTo[simple];
    } else if (c == 'x') {
      text += static_cast<char>(number(16, 2));
    } else if (c == 'u' || c == 'U') {
      add_utf8(&text, number(16, c == 'u' ? 4 : 8));
    } else if (c >= '0' && c <= '7') {
      --at_;
      text += static_cast<char>(number(8, 3));
    } else if (c == 'c' && more()) {
      text += static_cast<char>(text_[at_++] & 0x1F);
    } else {
      text += '\\';
      text += c;
    }
  }
  if (!more()) return fail();
  ++at_;
  // The shell's strings end at a NUL.
  add_text(out, text.substr(0, text.find('\0')), true);
  return true;
}

/// Text in which only $, ` and \ are special, up to `closer` ('\0': the end).
bool Parser::until(Word* out, char closer) {
  add_text(out, "", true);
  while (more()) {
    const char c = peek();
    if (closer != '\0' && c == closer) {
      ++at_;
      return true;
    }
    if (c == '\\' && at_ + 1 < text_.size()) {
      const char next = peek(1);
      const bool special = next == '$' || next == '`' || next == '\\' || (next == '"' && closer == '"');
      if (next != '\n') add_text(out, text_.substr(special ? at_ + 1 : at_, special ? 1 : 2), true);
      at_ += 2;
    } else if (c == '$') {
      if (!dollar(out, true)) return false;
    } else if (c == '`') {
      if (!backquoted(out, true)) return false;
    } else {
      add_text(out, text_.substr(at_++, 1), true);
    }
  }
  return closer == '\0' ? failure_ == Failure::none : fail();
}

bool Parser::double_quoted(Word* out) {
  ++at_;
  return until(out, '"');
}

bool Parser::inner(std::string_view text, Word* out, bool quoted, Part::Kind kind) {
  if (level_ >= kDeepest) return fail(Failure::too_deep);
  Part part;
  part.kind = kind;
  part.quoted = quoted;
  part.script = std::make_shared<Script>();
  Parser parser(text, level_ + 1, budget_);
  parser.in_function_ = in_function_;
  const Failure failure = parser.script(part.script.get());
  if (failure != Failure::none) return fail(failure);
  out->push_back(std::move(part));
  return true;
}

/// At the '(' of $( or <(: the script is parsed in place, so that a ')' in its quotes or cases is no end.
bool Parser::substitution(Word* out, bool quoted, Part::Kind kind) {
  if (++level_ > kDeepest) return fail(Failure::too_deep);
  ++at_;
  Part part;
  part.kind = kind;
  part.quoted = quoted;
  part.script = std::make_shared<Script>();
  // A substitution has lines of its own: here-documents that wait for the end of this line stay out of it.
  std::vector<Pending> outer = std::exchange(pending_, {});
  if (!list(part.script.get())) return false;
  pending_ = std::move(outer);
  if (!more() || peek() != ')') return fail();
  ++at_;
  --level_;
  out->push_back(std::move(part));
  return true;
}

bool Parser::backquoted(Word* out, bool quoted) {
  std::string text;
  for (++at_; more() && peek() != '`'; ++at_) {
    if (peek() == '\\' && at_ + 1 < text_.size()) {
      const char next = peek(1);
      if (next == '`' || next == '\\' || next == '$' || (quoted && next == '"')) ++at_;
    }
    text += text_[at_];
  }
  if (!more()) return fail();
  ++at_;
  return inner(text, out, quoted, Part::Kind::command);
}

/// At '[' or '(': everything up to its end, quotes and substitutions in it included.
bool Parser::enclosed(Word* out) {
  const char open = peek();
  const char close = open == '[' ? ']' : ')';
  int depth = 0;
  do {
    if (!more()) return fail();
    const char c = peek();
    bool fine = true;
    if (c == '\'' && text_.find('\'', at_ + 1) != std::string_view::npos)
      fine = single_quoted(out);
    else if (c == '"')
      fine = double_quoted(out);
    else if (c == '$')
      fine = dollar(out, true);
    else if (c == '`')
      fine = backquoted(out, true);
    else {
      if (c == open) ++depth;
      if (c == close) --depth;
      at_ = std::min(at_ + (c == '\\' ? 2U : 1U), text_.size());
    }
    if (!fine) return false;
  } while (depth > 0);
  out->erase(std::remove_if(out->begin(), out->end(),
                            [](const Part& part) { return part.kind == Part::Kind::text; }),
             out->end());
  return true;
}

/// $((...)) and ((...)): only the substitutions in it matter.
bool Parser::arithmetic(Word* out, bool quoted, std::string_view closer) {
  Word ignored;
  int open = 0;
  while (more() && !(open == 0 && looking_at(closer))) {
    const char c = peek();
    if (c == '$' || c == '`') {
      if (!(c == '$' ? dollar(&ignored, true) : backquoted(&ignored, true))) return false;
      continue;
    }
    if (c == '(') ++open;
    if (c == ')' && --open < 0) return fail();
    ++at_;
  }
  if (!more()) return fail();
  at_ += closer.size();
  Part part;
  part.kind = Part::Kind::unknown;
  part.quoted = quoted;
  part.index = std::move(ignored);
  out->push_back(std::move(part));
  return true;
}

bool Parser::braced_variable(Word* out, bool quoted) {
  at_ += 2;
  if (++level_ > kDeepest) return fail(Failure::too_deep);
  Part part;
  part.kind = Part::Kind::variable;
  part.quoted = quoted;
  if (peek() == '!' && name_start(peek(1))) {
    part.op = "!";
    ++at_;
  } else if (peek() == '#' && peek(1) != '}' && peek(1) != '-' && peek(1) != ':') {
    part.op = "#";
    ++at_;
  }
  if (name_start(peek())) {
    while (more() && name_char(peek())) part.text += text_[at_++];
  } else if (more()) {
    part.text = text_[at_++];
    while (std::isdigit(static_cast<unsigned char>(part.text[0])) != 0 &&
           std::isdigit(static_cast<unsigned char>(peek())) != 0)
      part.text += text_[at_++];
  }
  if (peek() == '[') {
    const std::size_t start = at_;
    if (!enclosed(&part.index)) return false;
    part.text += text_.substr(start, at_ - start);
  }
  const std::string_view operators = ":-+=?#%/^,@~";
  while (more() && part.op.size() < 2 && operators.find(peek()) != std::string_view::npos) {
    const char c = text_[at_++];
    part.op += c;
    if (c != ':') break;
  }
  // The word of the operator: everything up to the brace, quotes and substitutions in it included.
  while (more() && peek() != '}') {
    const char c = peek();
    bool fine = true;
    if (c == '\'' && !quoted)
      fine = single_quoted(&part.word);
    else if (c == '"')
      fine = double_quoted(&part.word);
    else if (c == '$')
      fine = dollar(&part.word, quoted);
    else if (c == '`')
      fine = backquoted(&part.word, quoted);
    else if (c == '\\')
      escape(&part.word);
    else
      add_text(&part.word, text_.substr(at_++, 1), quoted);
    if (!fine || failure_ != Failure::none) return false;
  }
  if (!more()) return fail();
  ++at_;
  --level_;
  out->push_back(std::move(part));
  return true;
}

bool Parser::dollar(Word* out, bool quoted) {
  if (!spend()) return false;
  const char next = at_ + 1 < text_.size() ? peek(1) : '\0';
  if (next == '\'' && !quoted) return ansi_quoted(out);
  if (next == '"' && !quoted) return ++at_, double_quoted(out);
  if (next == '{') return braced_variable(out, quoted);
  if (looking_at("$((")) {
    // "$((" begins arithmetic unless it turns out to be a subshell in a substitution.
    const std::size_t start = at_;
    const Word kept = *out;
    at_ += 3;
    if (arithmetic(out, quoted, "))")) return true;
    if (failure_ != Failure::syntax) return false;
    failure_ = Failure::none;
    at_ = start;
    *out = kept;
  }
  if (next == '(') return ++at_, substitution(out, quoted, Part::Kind::command);
  Part part;
  part.kind = Part::Kind::variable;
  part.quoted = quoted;
  if (name_start(next)) {
    for (++at_; more() && name_char(peek()); ++at_) part.text += peek();
  } else if (next != '\0' && (std::isdigit(static_cast<unsigned char>(next)) != 0 ||
                              std::string_view("@*#?$!-").find(next) != std::string_view::npos)) {
    part.text = next;
    at_ += 2;
  } else {
    add_text(out, "$", true);
    ++at_;
    return true;
  }
  out->push_back(std::move(part));
  return true;
}

bool Parser::word(Word* out) {
  if (!spend()) return false;
  while (more()) {
    const char c = peek();
    bool fine = true;
    if ((c == '<' || c == '>') && peek(1) == '(')
      fine = (++at_, substitution(out, false, Part::Kind::process));
    else if (c == '(' && at_ > 0 &&
             std::string_view("?*+@!").find(text_[at_ - 1]) != std::string_view::npos && !out->empty()) {
      // An extended pattern: its text cannot be a command's name.
      Part part;
      part.text = "*";
      fine = enclosed(&part.index);
      out->push_back(std::move(part));
    } else if (ends_word(c))
      break;
    else if (c == '\'')
      fine = single_quoted(out);
    else if (c == '"')
      fine = double_quoted(out);
    else if (c == '$')
      fine = dollar(out, false);
    else if (c == '`')
      fine = backquoted(out, false);
    else if (c == '\\')
      escape(out);
    else if (c == '{' || c == '}' || c == ',') {
      Part part;
      part.kind = Part::Kind::brace;
      part.text = c;
      out->push_back(std::move(part));
      ++at_;
    } else {
      add_text(out, text_.substr(at_++, 1), false);
    }
    if (!fine || failure_ != Failure::none) return false;
  }
  return failure_ == Failure::none;
}

}  // namespace scc::safety::shell
