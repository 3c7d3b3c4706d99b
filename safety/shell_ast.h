// SPDX-License-Identifier: Apache-2.0
// A shell line after parsing: all simple commands in the order of the text, whatever compound commands they
// lie in, with their words in parts and with what feeds them. Private to this folder.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace scc::safety::shell {

struct Script;
struct Part;
using Word = std::vector<Part>;

struct Part {
  enum class Kind : unsigned char {
    text,
    brace,     ///< an unquoted '{', ',' or '}', one character in `text`
    variable,  ///< `text` is the name; `op` and `word` as in ${text op word}
    command,   ///< $(script) and `script`
    process,   ///< <(script) and >(script)
    unknown,   ///< a number or something else that is known only when it runs
  };
  Kind kind = Kind::text;
  bool quoted = false;
  std::string text;
  std::string op;
  Word word;
  Word
      index;  ///< what is in a subscript, an arithmetic or an extended pattern: only its substitutions matter
  std::shared_ptr<Script> script;
};

struct Assignment {
  std::string name;
  bool append = false;
  bool array = false;
  std::vector<Word> values;
};

struct HereDocument {
  Word body;
};

struct Redirect {
  std::string op;  ///< "<", ">", ">>", "<<", "<<<", "&>", ...
  Word target;
  std::shared_ptr<HereDocument> here;
};

struct Command {
  enum class Kind : unsigned char { simple, loop };
  Kind kind = Kind::simple;
  std::vector<Assignment> assignments;  ///< of a loop: its variable and the words
  std::vector<Word> words;
  std::vector<Redirect> redirects;
  bool in_function = false;
  // The commands [begin, end) of the same script write into this one's standard input; -1: nothing does.
  int begin = -1;
  int end = -1;
};

/// The commands [begin, end) of a script are a function's body.
struct Function {
  std::string name;
  std::size_t begin = 0;
  std::size_t end = 0;
};

struct Script {
  std::vector<Command> commands;
  std::vector<Function> functions;
};

enum class Failure : unsigned char { none, syntax, too_deep, too_complex };

/// POSIX sh and what bash adds. What was read before a failure stays in `out`.
Failure parse(std::string_view text, Script* out);

}  // namespace scc::safety::shell
