// SPDX-License-Identifier: Apache-2.0
// The two halves of the shell parser share this class: words (shell_words.cpp) and grammar
// (shell_grammar.cpp).
#pragma once

#include <array>

#include "safety/shell_ast.h"

namespace scc::safety::shell {

class Parser {
 public:
  Parser(std::string_view text, unsigned level, std::size_t* budget)
      : text_(text), level_(level), budget_(budget) {}

  Failure script(Script* out);

 private:
  // ---- shell_grammar.cpp ----
  bool list(Script* out);
  bool pipeline(Script* out);
  bool command(Script* out);
  bool simple(Script* out);
  bool compound(Script* out, std::string_view keyword);
  bool subshell(Script* out);
  bool arithmetic_command(Script* out);
  bool conditional(Script* out);
  bool loop(Script* out);
  bool repeat(Script* out);
  bool choice(Script* out);
  bool pick(Script* out);
  bool function(Script* out, bool keyword);
  bool coprocess(Script* out);
  bool redirects_after(Script* out, std::size_t first);
  bool redirect(Command* out);
  bool assignment(Command* out);
  bool expect(std::string_view keyword);
  std::string_view keyword() const;
  bool at_closer() const;
  bool function_ahead() const;
  void take(std::string_view keyword) { at_ += keyword.size(); }

  // ---- shell_words.cpp ----
  bool word(Word* out);
  bool single_quoted(Word* out);
  bool ansi_quoted(Word* out);
  bool double_quoted(Word* out);
  bool dollar(Word* out, bool quoted);
  bool braced_variable(Word* out, bool quoted);
  bool substitution(Word* out, bool quoted, Part::Kind kind);
  bool backquoted(Word* out, bool quoted);
  bool arithmetic(Word* out, bool quoted, std::string_view closer);
  bool enclosed(Word* out);
  bool inner(std::string_view text, Word* out, bool quoted, Part::Kind kind);
  bool until(Word* out, char closer);
  void escape(Word* out);
  bool here_bodies();
  bool here_text(std::string_view body, Word* out);
  void blanks();
  bool newlines();
  bool newline();

  bool more() const { return at_ < text_.size(); }
  char peek(std::size_t ahead = 0) const { return at_ + ahead < text_.size() ? text_[at_ + ahead] : '\n'; }
  bool looking_at(std::string_view s) const { return text_.substr(at_, s.size()) == s; }
  bool fail(Failure why = Failure::syntax) {
    if (failure_ == Failure::none) failure_ = why;
    return false;
  }
  bool spend();

  struct Pending {
    std::shared_ptr<HereDocument> document;
    std::string delimiter;
    bool quoted;
    bool strip;
  };

  std::string_view text_;
  std::size_t at_ = 0;
  unsigned level_;
  bool in_function_ = false;
  std::size_t* budget_;
  Failure failure_ = Failure::none;
  std::vector<Pending> pending_;
};

void add_text(Word* out, std::string_view text, bool quoted);

/// Levels of compound commands or of substitutions in one text.
inline constexpr unsigned kDeepest = 40;

bool ends_word(char c);

}  // namespace scc::safety::shell
