// SPDX-License-Identifier: Apache-2.0
// One-liners of interpreters and editors: looks for string literals that a program would hand to exec or to a
// shell. A hint for the person, never a proof: the guard sees what such a program really starts.
#include <algorithm>
#include <array>
#include <cctype>
#include <utility>

#include "safety/judge.h"

namespace scc::safety {

namespace {

using View = std::string_view;

struct Interpreter {
  const char* prefix;   ///< of the program's name: "python" covers python3.11
  const char* letters;  ///< options whose value is program text; empty: the first operand is
  const char* valued;   ///< others with a value, glued or the next argument
  const char* glued;    ///< others whose value is glued on
};
constexpr std::array kInterpreters{
    Interpreter{"python", "c", "WX", "m"},   Interpreter{"pypy", "c", "WX", "m"},
    Interpreter{"perl", "eE", "I", "mMFxi"}, Interpreter{"ruby", "e", "IrCE", "Fxi"},
    Interpreter{"node", "ep", "rC", ""},     Interpreter{"nodejs", "ep", "rC", ""},
    Interpreter{"bun", "ep", "r", ""},       Interpreter{"deno", "e", "", ""},
    Interpreter{"php", "rBER", "dcz", ""},   Interpreter{"lua", "e", "l", ""},
    Interpreter{"awk", "", "", ""},          Interpreter{"gawk", "", "", ""},
    Interpreter{"mawk", "", "", ""},         Interpreter{"nawk", "", "", ""},
    Interpreter{"tclsh", "c", "", ""},       Interpreter{"Rscript", "e", "", ""},
    Interpreter{"osascript", "e", "l", ""},  Interpreter{"expect", "c", "", ""},
    Interpreter{"julia", "eE", "", ""},
};
constexpr std::array<View, 8> kEditors{"vim", "vi", "nvim", "ex", "view", "vimdiff", "gvim", "rvim"};

struct Literal {
  std::string text;
  std::size_t begin = 0;
  std::size_t end = 0;
};

bool name_char(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_';
}

/// The end of perl's s/// or m// at `at`, where backticks are text; `at` itself when there is none.
std::size_t past_pattern(View code, std::size_t at) {
  const View rest = code.substr(at, 4096);
  const std::size_t name = rest.starts_with("tr") || rest.starts_with("qr") ? 2 : 1;
  if (name == 1 && View("smy").find(rest[0]) == View::npos) return at;
  if (at > 0 && (name_char(code[at - 1]) || View("$@%&").find(code[at - 1]) != View::npos)) return at;
  if (name >= rest.size() || View("/{|#!([").find(rest[name]) == View::npos) return at;
  const bool one = rest[0] == 'm' || rest[0] == 'q';
  char close = rest[name];
  constexpr View kOpen = "{([";
  const bool bracket = kOpen.find(close) != View::npos;
  if (bracket) close = View("})]")[kOpen.find(close)];
  std::size_t i = name + 1;
  for (int section = one ? 1 : 0; section < 2; ++section) {
    if (section == 1 && !one && bracket) i = std::min(rest.find(rest[name], i), rest.size() - 1) + 1;
    for (; i < rest.size() && rest[i] != close; ++i) i += rest[i] == '\\' ? 1U : 0U;
    if (i >= rest.size()) return at;
    ++i;
  }
  const std::size_t flags = i;
  while (i < rest.size() && name_char(rest[i])) ++i;
  // With /e the replacement is a program.
  return rest.substr(flags, i - flags).find('e') == View::npos ? at + i : at;
}

/// `outside` becomes the code without them and without comments.
std::vector<Literal> literals(View code, bool perl, std::string* outside) {
  std::vector<Literal> out;
  unsigned unclosed = 0;
  for (std::size_t i = 0; i < code.size() && out.size() < 256 && unclosed < 64; ++i) {
    if (perl && past_pattern(code, i) > i) i = past_pattern(code, i);
    if (i >= code.size()) break;
    const char quote = code[i];
    const bool first = i == 0 || std::isspace(static_cast<unsigned char>(code[i - 1])) != 0;
    if (first && (quote == '#' || code.substr(i, 3) == "// "))
      i = std::min(code.find('\n', i), code.size() - 1);
    if (quote != '#') *outside += quote;
    if (quote != '\'' && quote != '"' && quote != '`') continue;
    Literal one;
    one.begin = i;
    for (++i; i < code.size() && code[i] != quote; ++i) {
      if (code[i] == '\\' && i + 1 < code.size()) ++i;
      one.text += code[i];
    }
    if (i >= code.size()) {
      i = one.begin;
      ++unclosed;
      continue;
    }
    one.end = i + 1;
    out.push_back(std::move(one));
  }
  return out;
}

/// Between two elements of one argument list: nothing but commas, blanks and brackets.
bool same_list(View between) {
  return between.find_first_not_of(", \t\n[](){}") == View::npos;
}

bool starter(View text) {
  constexpr std::array<View, 15> kWords{
      "system", "exec",   "popen", "Popen",        "subprocess", "spawn", "call(",       "run(",
      "eval",   "shell=", "qx",    "check_output", "%x",         "Open3", "shell script"};
  return std::any_of(kWords.begin(), kWords.end(), [&](View word) { return text.find(word) != View::npos; });
}

/// Whether the program text starts other programs at all; `print("git push -f")` does not. A name alone in
/// quotes may be looked up.
bool starts_programs(View code, View outside, const std::vector<Literal>& found, bool ticks) {
  return starter(outside) || std::any_of(found.begin(), found.end(), [&](const Literal& one) {
           return (ticks && code[one.begin] == '`') ||
                  (starter(one.text) && std::all_of(one.text.begin(), one.text.end(), name_char));
         });
}

/// A literal as a line; its backticks run only where it stands right in a call that starts programs.
std::string as_line(View code, const Literal& literal) {
  const View before = code.substr(0, literal.begin);
  const std::size_t line = std::min(before.rfind('\n') + 1, before.size());
  if (starter(before.substr(line))) return literal.text;
  std::string out;
  for (const char c : literal.text) out += c == '`' || c == '$' ? std::string("\\") + c : std::string(1, c);
  return out;
}

void judge_code(Judge& judge, View code, unsigned depth, View name) {
  if (!names_guarded(code)) return;
  judge.report(Rule::interp_inline, code.substr(0, 60), depth);
  const bool perl = name.starts_with("perl");
  const bool ticks = perl || name.starts_with("ruby") || name.starts_with("php") || name.starts_with("julia");
  std::string outside;
  const std::vector<Literal> found = literals(code, perl, &outside);
  if (!starts_programs(code, outside, found, ticks)) return;
  for (std::size_t i = 0; i < found.size(); ++i) {
    if (names_guarded(found[i].text) && found[i].text.find(' ') != std::string::npos)
      judge.line(ticks ? found[i].text : as_line(code, found[i]), depth + 1);
    const View program = base_name(found[i].text);
    if (!guarded_tool(program) && dashed_git(program).empty()) continue;
    Call call;
    call.depth = depth + 1;
    call.argv.push_back(found[i].text);
    for (std::size_t k = i + 1;
         k < found.size() && same_list(code.substr(found[k - 1].end, found[k].begin - found[k - 1].end));
         ++k) {
      call.argv.push_back(found[k].text);
    }
    judge.call(std::move(call));
  }
  // qw(git push -f), %w[...], `git push -f` of perl and ruby: words without quotes of their own.
  for (const View open : {View("qw(", 3), View("qw/", 3), View("%w[", 3), View("%w(", 3), View("qx(", 3),
                          View("%x(", 3), View("qx{", 3)}) {
    const std::size_t at = code.find(open);
    if (at == View::npos) continue;
    const std::size_t end = code.find_first_of(")]/}", at + 3);
    judge.line(code.substr(at + 3, end == View::npos ? View::npos : end - at - 3), depth + 1);
  }
}

void judge_editor(Judge& judge, const Call& call) {
  for (std::size_t i = 1; i < call.argv.size(); ++i) {
    View text = call.argv[i];
    if (text == "-c" || text == "--cmd" || text == "-s") continue;
    if (text.starts_with('+'))
      text.remove_prefix(1);
    else if (i == 1 || (call.argv[i - 1] != "-c" && call.argv[i - 1] != "--cmd"))
      continue;
    const std::size_t bang = text.find('!');
    if (bang != View::npos) judge.line(text.substr(bang + 1), call.depth + 1);
    if (text.find("system") != View::npos) judge_code(judge, text, call.depth, "vim");
  }
}

void judge_gdb(Judge& judge, const Call& call) {
  for (const std::string& arg : call.argv) {
    if (arg.starts_with("shell ")) judge.line(View(arg).substr(6), call.depth + 1);
    if (arg.starts_with('!')) judge.line(View(arg).substr(1), call.depth + 1);
  }
}

/// Program text in options, in a cluster as well, glued or the next argument. True: standard input is no
/// program, because a script was named, or a text that runs no other.
bool code_options(Judge& judge, const Call& call, const Interpreter& how) {
  const View name = base_name(call.argv[0]);
  const Args& argv = call.argv;
  bool found = false;
  bool reads = false;   // standard input as well
  bool valued = false;  // the option before may have taken this word
  const auto code = [&](View text) {
    found = true;
    reads = reads || text.find("exec") != View::npos || text.find("eval") != View::npos;
    judge_code(judge, text, call.depth, name);
  };
  for (std::size_t i = 1; i < argv.size(); ++i) {
    const View arg = argv[i];
    const View next = i + 1 < argv.size() ? View(argv[i + 1]) : View();
    const bool maybe_value = std::exchange(valued, false);
    if (arg == "-" || arg == "/dev/stdin" || arg == "/dev/fd/0" || arg == "/proc/self/fd/0") return false;
    if (arg == "run") continue;  // of deno and bun
    if (arg == "--eval" || arg == "--print" || arg == "eval") {
      code(next);
    } else if (arg.starts_with("--eval=") || arg.starts_with("--print=")) {
      code(arg.substr(arg.find('=') + 1));
    } else if (arg.starts_with("--")) {
      valued = arg.find('=') == View::npos;
    } else if (!arg.starts_with('-')) {
      if (!maybe_value) return !reads;  // a script file and its own arguments
    }
    if (arg.size() < 2 || arg[0] != '-' || arg[1] == '-') continue;
    for (std::size_t c = 1; c < arg.size(); ++c) {
      if (arg[c] == 'i' || arg[c] == 'm') reads = true;
      if (View(how.glued).find(arg[c]) != View::npos) break;
      const bool text = View(how.letters).find(arg[c]) != View::npos;
      if (!text && View(how.valued).find(arg[c]) == View::npos) continue;
      const View rest = arg.substr(c + 1);
      // node -pe, node -p -e
      if (text && rest.size() == 1 && View(how.letters).find(rest[0]) != View::npos) continue;
      if (text && rest.empty() && arg[c] == 'p' && next.starts_with('-')) break;
      if (text) code(rest.empty() ? next : rest);
      if (rest.empty()) ++i;
      break;
    }
  }
  return found && !reads;
}

}  // namespace

bool judge_interpreter(Judge& judge, const Call& call) {
  const View name = base_name(call.argv[0]);
  if (one_of(kEditors, name)) return judge_editor(judge, call), true;
  if (name == "gdb") return judge_gdb(judge, call), true;
  for (const Interpreter& one : kInterpreters) {
    if (!name.starts_with(one.prefix)) continue;
    const View rest = name.substr(View(one.prefix).size());
    if (rest.find_first_not_of("0123456789.w") != View::npos) continue;
    if (*one.letters != '\0') {
      // Without any, standard input is the program.
      if (!code_options(judge, call, one) && call.input.kind == Input::Kind::text)
        judge_code(judge, call.input.text, call.depth, name);
      return true;
    }
    for (std::size_t i = 1; i < call.argv.size(); ++i) {
      if (call.argv[i].find("system") != std::string::npos || call.argv[i].find('|') != std::string::npos)
        judge_code(judge, call.argv[i], call.depth, name);
    }
    return true;
  }
  return false;
}

}  // namespace scc::safety
