// SPDX-License-Identifier: Apache-2.0
// Walks a parsed line: expands words as far as the line itself tells, remembers variables, hands every simple
// command to the judge. Private to this folder.
#pragma once

#include <map>
#include <optional>
#include <set>

#include "safety/judge.h"
#include "safety/shell_ast.h"

namespace scc::safety::shell {

/// What stands for the output of a decoder (base64, rot13, ...): unknown, and somebody hides it.
inline constexpr std::string_view kDecoded{"\0decoded\0", 9};

using Fields = std::vector<std::string>;
using Alternatives = std::vector<Fields>;

class Runner {
 public:
  Runner(Judge& judge, const Args& positional, Variables* variables)
      : judge_(judge), positional_(positional), variables_(*variables) {}

  void run(const Script& script, unsigned depth);

 private:
  // ---- shell_run.cpp ----
  void command(const Script& script, const Command& command, unsigned depth);
  void assign(const Command& command, unsigned depth, Environment* env);
  void add_value(Alternatives* values, Fields value);
  void export_value(const std::string& name, const std::string& value);
  void start(const Script& script, const Command& command, Args argv, const Environment& env, unsigned depth);
  void invoke(const Args& argv, const Input& fed, unsigned depth);
  void shift(const Args& argv);
  void sets(const Args& argv, unsigned depth);
  void subscripts(const Args& argv, unsigned depth);
  bool builtin(const Args& argv, const Environment& env, unsigned depth);
  bool alias(const Args& argv, unsigned depth);
  void unknown_program(const Call& call);
  Input input(const Script& script, const Command& command, unsigned depth);
  Input from_range(const Script& script, int begin, int end, unsigned depth);
  std::string found_by(const Script& script, const Command& command, unsigned depth);
  std::optional<std::string> output(const Script& script, const Command& command, unsigned depth);
  std::string captured(const Script& script, unsigned depth);

  // ---- shell_expand.cpp ----
  Alternatives words(const std::vector<Word>& words, unsigned depth);
  Alternatives expand(const Word& word, unsigned depth);
  /// One word without splitting: the value of an assignment, a redirection, a here-document.
  std::vector<std::string> joined(const Word& word, unsigned depth);
  Alternatives values(const Part& part, unsigned depth);
  Alternatives plain_values(const Part& part);
  void append(const Part& part, const Alternatives& values, bool split, Alternatives* done,
              std::vector<bool>* open);
  void follow(Alternatives* out, const Alternatives& more, std::size_t most);
  std::string shared(const std::vector<Word>& list) const;
  void limit(Alternatives* values);
  std::string separators() const;

  Judge& judge_;
  const Args& positional_;
  std::optional<Args> set_;  ///< `set -- words`
  bool in_function_ = false;
  unsigned calls_ = 0;     ///< functions in work
  unsigned in_calls_ = 0;  ///< commands that were looked at for calls of functions
  std::vector<std::pair<const Script*, const Function*>> functions_;
  Variables& variables_;
  bool cut_ = false;  ///< an expansion since this was cleared has left outcomes out
  std::map<std::string, std::string> process_outputs_;
  unsigned processes_ = 0;
};

/// The words of "{a,b}" spelled out; the word itself when it has no braces. Cleared `*whole`: there
/// are more of them than are looked at.
std::vector<Word> braces(const Word& word, bool* whole);

}  // namespace scc::safety::shell
