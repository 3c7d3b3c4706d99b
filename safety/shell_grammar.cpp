// SPDX-License-Identifier: Apache-2.0
// Grammar of the shell: lists, pipelines, compound commands, redirections. Reserved words count only where a
// command may begin and only unquoted, as in the shell.
#include <algorithm>
#include <array>
#include <cctype>
#include <utility>

#include "safety/options.h"
#include "safety/shell_parser.h"

namespace scc::safety::shell {

namespace {

bool blank(char c) {
  return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

std::size_t name_length(std::string_view text) {
  std::size_t n = 0;
  while (n < text.size() && (std::isalnum(static_cast<unsigned char>(text[n])) != 0 || text[n] == '_')) ++n;
  return n != 0 && std::isdigit(static_cast<unsigned char>(text[0])) != 0 ? 0 : n;
}

/// Words whose substitutions run, without a command of their own.
void keep_words(Script* out, std::vector<Word> words, bool in_function) {
  Command command;
  command.in_function = in_function;
  command.assignments.push_back({"_", false, false, std::move(words)});
  out->commands.push_back(std::move(command));
}

bool declares(const Command& command) {
  if (command.words.empty() || command.words[0].size() != 1 || command.words[0][0].kind != Part::Kind::text)
    return false;
  constexpr std::array<std::string_view, 5> kNames{"declare", "export", "local", "readonly", "typeset"};
  return one_of(kNames, command.words[0][0].text);
}

}  // namespace

std::string_view Parser::keyword() const {
  std::size_t n = 0;
  const std::string_view rest = text_.substr(at_);
  while (n < rest.size() && n < 9 &&
         (std::islower(static_cast<unsigned char>(rest[n])) != 0 ||
          std::string_view("{}![]").find(rest[n]) != std::string_view::npos))
    ++n;
  if (n < rest.size() && !ends_word(rest[n])) return {};
  return rest.substr(0, n);
}

bool Parser::at_closer() const {
  constexpr std::array<std::string_view, 8> kClosers{"then", "do", "done", "fi", "else", "elif", "esac", "}"};
  return one_of(kClosers, keyword());
}

bool Parser::expect(std::string_view wanted) {
  if (keyword() != wanted) return fail();
  take(wanted);
  return true;
}

Failure Parser::script(Script* out) {
  if (list(out) && more()) fail();
  if (failure_ == Failure::none && !pending_.empty() && !here_bodies()) fail();
  return failure_;
}

bool Parser::list(Script* out) {
  while (true) {
    if (!newlines()) return false;
    if (!more() || peek() == ')' || looking_at(";;") || looking_at(";&") || at_closer()) return true;
    if (!pipeline(out)) return false;
    blanks();
    if (!more()) return true;
    if (looking_at("&&") || looking_at("||")) {
      at_ += 2;
      if (!newlines()) return false;
      if (!more() || at_closer() || peek() == ')') return fail();
    } else if (looking_at(";;") || looking_at(";&") || peek() == ')') {
      return true;
    } else if (peek() == ';' || peek() == '&') {
      ++at_;
    } else if (peek() != '\n' && !at_closer()) {
      return fail();
    }
  }
}

bool Parser::pipeline(Script* out) {
  int begin = -1;
  int end = -1;
  while (true) {
    blanks();
    while (keyword() == "!") take("!"), blanks();
    if (keyword() == "time") {
      const std::size_t start = at_;
      take("time");
      blanks();
      if (looking_at("-p") && blank(peek(2))) at_ += 2, blanks();
      // With other options it is the program.
      if (peek() == '-') at_ = start;
      if (!more()) return true;
      while (keyword() == "!") take("!"), blanks();
    }
    const std::size_t first = out->commands.size();
    if (!command(out)) return false;
    for (std::size_t i = first; i < out->commands.size() && begin >= 0; ++i) {
      if (out->commands[i].begin >= 0) continue;
      out->commands[i].begin = begin;
      out->commands[i].end = end;
    }
    blanks();
    if (peek() != '|' || !more() || looking_at("||")) return true;
    at_ += looking_at("|&") ? 2U : 1U;
    begin = static_cast<int>(first);
    end = static_cast<int>(out->commands.size());
    if (!newlines()) return false;
    if (!more()) return fail();
  }
}

bool Parser::command(Script* out) {
  if (!spend()) return false;
  if (++level_ > kDeepest) return fail(Failure::too_deep);
  const std::size_t first = out->commands.size();
  const std::string_view word = keyword();
  bool fine = false;
  if (peek() == '(') {
    fine = looking_at("((") ? arithmetic_command(out) : subshell(out);
    fine = fine && redirects_after(out, first);
  } else if (word == "{" || word == "if" || word == "while" || word == "until" || word == "for" ||
             word == "select" || word == "case" || word == "[[") {
    fine = compound(out, word) && redirects_after(out, first);
  } else if (word == "function") {
    fine = function(out, true);
  } else if (word == "coproc") {
    fine = coprocess(out);
  } else if (function_ahead()) {
    fine = function(out, false);
  } else {
    fine = simple(out);
  }
  --level_;
  return fine;
}

bool Parser::compound(Script* out, std::string_view word) {
  take(word);
  if (word == "{") return list(out) && expect("}");
  if (word == "if") return choice(out);
  if (word == "for" || word == "select") return loop(out);
  if (word == "case") return pick(out);
  if (word == "[[") return conditional(out);
  return repeat(out);
}

bool Parser::subshell(Script* out) {
  ++at_;
  if (!list(out)) return false;
  if (!more() || peek() != ')') return fail();
  ++at_;
  return true;
}

/// "((": arithmetic in bash, two subshells in dash and wherever no "))" ends it. What either would run is
/// kept.
bool Parser::arithmetic_command(Script* out) {
  const std::size_t start = at_;
  const std::size_t first = out->commands.size();
  const bool nested = subshell(out);
  if (failure_ == Failure::too_deep || failure_ == Failure::too_complex) return false;
  const std::size_t end = at_;
  failure_ = Failure::none;
  if (!nested) out->commands.resize(first);
  Word word;
  at_ = start + 2;
  if (arithmetic(&word, true, "))")) {
    keep_words(out, {std::move(word)}, in_function_);
    return true;
  }
  if (failure_ != Failure::syntax || !nested) return false;
  failure_ = Failure::none;
  at_ = end;
  return true;
}

/// [[ ... ]]: operators and words; only the words' substitutions matter.
bool Parser::conditional(Script* out) {
  std::vector<Word> words;
  while (true) {
    if (!newlines()) return false;
    if (!more()) return fail();
    if (keyword() == "]]") break;
    if (std::string_view("()<>&|;").find(peek()) != std::string_view::npos && !looking_at("<(") &&
        !looking_at(">(")) {
      ++at_;
      continue;
    }
    Word word;
    const std::size_t before = at_;
    if (!this->word(&word)) return false;
    if (at_ == before) return fail();
    words.push_back(std::move(word));
  }
  take("]]");
  keep_words(out, std::move(words), in_function_);
  return true;
}

bool Parser::choice(Script* out) {
  while (true) {
    if (!list(out) || !expect("then") || !list(out)) return false;
    if (keyword() == "elif") {
      take("elif");
      continue;
    }
    if (keyword() == "else") {
      take("else");
      if (!list(out)) return false;
    }
    return expect("fi");
  }
}

bool Parser::repeat(Script* out) {
  return list(out) && expect("do") && list(out) && expect("done");
}

bool Parser::loop(Script* out) {
  blanks();
  Command command;
  command.kind = Command::Kind::loop;
  command.in_function = in_function_;
  if (looking_at("((")) {
    Word word;
    at_ += 2;
    if (!arithmetic(&word, true, "))")) return false;
    keep_words(out, {std::move(word)}, in_function_);
  } else {
    const std::size_t length = name_length(text_.substr(at_));
    if (length == 0) return fail();
    Assignment variable{std::string(text_.substr(at_, length)), false, true, {}};
    at_ += length;
    if (!newlines()) return false;
    if (keyword() == "in") {
      take("in");
      for (blanks(); more() && !ends_word(peek()); blanks()) {
        Word word;
        if (!this->word(&word)) return false;
        variable.values.push_back(std::move(word));
      }
    } else {
      Part all;
      all.kind = Part::Kind::variable;
      all.text = "@";
      all.quoted = true;
      variable.values.push_back({std::move(all)});
    }
    command.assignments.push_back(std::move(variable));
    out->commands.push_back(std::move(command));
  }
  blanks();
  if (peek() == ';' && more()) ++at_;
  if (!newlines()) return false;
  if (keyword() == "{") {
    take("{");
    return list(out) && expect("}");
  }
  return expect("do") && list(out) && expect("done");
}

bool Parser::pick(Script* out) {
  std::vector<Word> words(1);
  blanks();
  if (!word(&words[0]) || !newlines() || !expect("in")) return false;
  const std::size_t first = out->commands.size();
  keep_words(out, {}, in_function_);
  while (true) {
    if (!newlines()) return false;
    if (keyword() == "esac") break;
    if (!more()) return fail();
    if (peek() == '(') ++at_;
    do {
      Word pattern;
      blanks();
      if (!word(&pattern)) return false;
      words.push_back(std::move(pattern));
      blanks();
    } while (more() && peek() == '|' && (++at_, true));
    if (!more() || peek() != ')') return fail();
    ++at_;
    if (!list(out)) return false;
    if (looking_at(";;&"))
      at_ += 3;
    else if (looking_at(";;") || looking_at(";&"))
      at_ += 2;
    else if (keyword() != "esac")
      return fail();
  }
  take("esac");
  out->commands[first].assignments[0].values = std::move(words);
  return true;
}

bool Parser::function_ahead() const {
  std::size_t at = at_;
  while (at < text_.size() && !ends_word(text_[at]) &&
         std::string_view("'\"$`\\=").find(text_[at]) == std::string_view::npos)
    ++at;
  if (at == at_) return false;
  while (at < text_.size() && (text_[at] == ' ' || text_[at] == '\t')) ++at;
  if (at >= text_.size() || text_[at] != '(') return false;
  ++at;
  while (at < text_.size() && (text_[at] == ' ' || text_[at] == '\t')) ++at;
  return at < text_.size() && text_[at] == ')';
}

bool Parser::function(Script* out, bool keyword) {
  if (keyword) take("function"), blanks();
  const std::size_t start = at_;
  while (more() && !ends_word(peek())) ++at_;
  Function body{std::string(text_.substr(start, at_ - start)), out->commands.size(), 0};
  blanks();
  if (more() && peek() == '(') {
    ++at_;
    blanks();
    if (!more() || peek() != ')') return fail();
    ++at_;
  }
  if (!newlines()) return false;
  const bool outer = in_function_;
  in_function_ = true;
  const bool fine = more() && command(out);
  in_function_ = outer;
  body.end = out->commands.size();
  out->functions.push_back(std::move(body));
  return fine || fail();
}

bool Parser::coprocess(Script* out) {
  take("coproc");
  blanks();
  const std::size_t start = at_;
  at_ += name_length(text_.substr(at_));
  blanks();
  if (at_ == start || (peek() != '{' && peek() != '(')) at_ = start;
  return command(out);
}

/// Redirections of a compound command; a here-document feeds all commands in it.
bool Parser::redirects_after(Script* out, std::size_t first) {
  Command command;
  command.in_function = in_function_;
  while (true) {
    blanks();
    const std::size_t before = at_;
    if (!redirect(&command)) return false;
    if (at_ == before) break;
  }
  if (command.redirects.empty()) return true;
  const int self = static_cast<int>(out->commands.size());
  const bool feeds = std::any_of(command.redirects.begin(), command.redirects.end(),
                                 [](const Redirect& one) { return one.op[0] == '<'; });
  for (std::size_t i = first; feeds && i < out->commands.size(); ++i) {
    if (out->commands[i].begin >= 0) continue;
    out->commands[i].begin = self;
    out->commands[i].end = self + 1;
  }
  out->commands.push_back(std::move(command));
  return true;
}

/// True without moving when there is no redirection here.
bool Parser::redirect(Command* out) {
  std::size_t at = at_;
  while (at < text_.size() && std::isdigit(static_cast<unsigned char>(text_[at])) != 0) ++at;
  if (at == at_ && peek() == '{') {
    const std::size_t length = name_length(text_.substr(at_ + 1));
    if (length != 0 && at_ + 1 + length < text_.size() && text_[at_ + 1 + length] == '}')
      at = at_ + length + 2;
  }
  constexpr std::array<std::string_view, 12> kOperators{"<<<", "<<-", "&>>", "<<", "<&", "<>",
                                                        ">>",  ">&",  ">|",  "&>", "<",  ">"};
  const auto op = std::find_if(kOperators.begin(), kOperators.end(),
                               [&](std::string_view one) { return text_.substr(at, one.size()) == one; });
  if (op == kOperators.end()) return true;
  const bool process =
      (*op == "<" || *op == ">") && at + 1 < text_.size() && text_[at + 1] == '(' && at == at_;
  if (process) return true;
  at_ = at + op->size();
  Redirect one;
  one.op = *op;
  while (more() && (peek() == ' ' || peek() == '\t')) ++at_;
  const std::size_t before = at_;
  if (!word(&one.target)) return false;
  if (at_ == before) return fail();
  if (one.op == "<<" || one.op == "<<-") {
    Pending pending{std::make_shared<HereDocument>(), "", false, one.op == "<<-"};
    for (const Part& part : one.target) {
      if (part.kind != Part::Kind::text && part.kind != Part::Kind::brace) return fail();
      pending.delimiter += part.text;
      pending.quoted = pending.quoted || part.quoted;
    }
    one.here = pending.document;
    pending_.push_back(std::move(pending));
  }
  out->redirects.push_back(std::move(one));
  return true;
}

/// NAME=value, NAME+=value, NAME[i]=value, NAME=(words). True without moving when there is none.
bool Parser::assignment(Command* out) {
  std::size_t at = at_ + name_length(text_.substr(at_));
  if (at == at_) return true;
  Assignment one;
  Word index;
  one.name = text_.substr(at_, at - at_);
  if (at < text_.size() && text_[at] == '[') {
    const std::size_t start = std::exchange(at_, at);
    const unsigned level = level_;
    const bool fine = enclosed(&index);
    level_ = level;
    at = std::exchange(at_, start);
    if (!fine && failure_ != Failure::syntax) return false;
    failure_ = Failure::none;
    if (!fine) return true;
    one.append = true;  // one element among others
  }
  if (at < text_.size() && text_[at] == '+') {
    one.append = true;
    ++at;
  }
  if (at >= text_.size() || text_[at] != '=') return true;
  at_ = at + 1;
  if (!index.empty()) out->assignments.push_back({"_", false, false, {std::move(index)}});
  if (more() && peek() == '(') {
    one.array = true;
    ++at_;
    while (true) {
      if (!newlines()) return false;
      if (!more()) return fail();
      if (peek() == ')') break;
      Word value;
      const std::size_t before = at_;
      if (!word(&value)) return false;
      if (at_ == before) return fail();
      one.values.push_back(std::move(value));
    }
    ++at_;
  } else {
    one.values.emplace_back();
    if (!word(&one.values.back())) return false;
  }
  out->assignments.push_back(std::move(one));
  return true;
}

bool Parser::simple(Script* out) {
  Command command;
  command.in_function = in_function_;
  bool some = false;
  while (true) {
    blanks();
    if (!more()) break;
    const std::size_t before = at_;
    if (!redirect(&command)) return false;
    if (at_ == before && (command.words.empty() || declares(command)) && !assignment(&command)) return false;
    if (at_ == before) {
      if (ends_word(peek()) && !looking_at("<(") && !looking_at(">(")) break;
      Word word;
      if (!this->word(&word)) return false;
      command.words.push_back(std::move(word));
    }
    if (at_ == before) break;
    some = true;
  }
  if (!some) return fail();
  out->commands.push_back(std::move(command));
  return true;
}

Failure parse(std::string_view text, Script* out) {
  std::size_t budget = 50000;
  return Parser(text, 0, &budget).script(out);
}

}  // namespace scc::safety::shell
