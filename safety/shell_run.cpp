// SPDX-License-Identifier: Apache-2.0
#include "safety/shell_run.h"

#include <algorithm>
#include <array>
#include <utility>

namespace scc::safety::shell {

namespace {

using View = std::string_view;

template <class List, class One>
bool holds(const List& list, One one) {
  return std::find(list.begin(), list.end(), one) != list.end();
}

/// The text as one shell word.
std::string quoted(View text) {
  std::string out = "'";
  for (const char c : text) out += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return out + "'";
}

/// Backslashes of echo -e and printf.
std::string unescape(View text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '\\' || i + 1 >= text.size()) {
      out += text[i];
      continue;
    }
    const char c = text[++i];
    if (c == 'n')
      out += '\n';
    else if (c == 't')
      out += '\t';
    else if (c == 'x' || (c >= '0' && c <= '7')) {
      const unsigned base = c == 'x' ? 16 : 8;
      std::size_t end = c == 'x' ? i + 1 : i;
      unsigned value = 0;
      while (end < text.size() && end < i + (base == 16 ? 3U : 4U)) {
        const int digit = text[end] >= '0' && text[end] <= '9'   ? text[end] - '0'
                          : text[end] >= 'a' && text[end] <= 'f' ? text[end] - 'a' + 10
                          : text[end] >= 'A' && text[end] <= 'F' ? text[end] - 'A' + 10
                                                                 : 99;
        if (digit >= static_cast<int>(base)) break;
        value = value * base + static_cast<unsigned>(digit);
        ++end;
      }
      if (value != 0) out += static_cast<char>(value);
      i = end - 1;
    } else if (c == '\\')
      out += '\\';
    else
      out += '\\', out += c;
  }
  return out;
}

std::string echo(const Args& argv) {
  std::size_t i = 1;
  bool escapes = false;
  for (; i < argv.size() && argv[i].size() > 1 && argv[i][0] == '-' &&
         argv[i].find_first_not_of("neE", 1) == std::string::npos;
       ++i) {
    escapes = escapes || argv[i].find('e') != std::string::npos;
  }
  std::string out;
  for (std::size_t k = i; k < argv.size(); ++k) out += (k > i ? " " : "") + argv[k];
  return (escapes ? unescape(out) : out) + "\n";
}

/// printf with %s, %b, %c, %d and escapes; anything else is unknown.
std::optional<std::string> print(const Args& argv) {
  std::size_t first = 1;
  if (first < argv.size() && argv[first] == "--") ++first;
  if (first >= argv.size() || argv[first] == "-v") return std::nullopt;
  const std::string& format = argv[first];
  std::size_t next = first + 1;
  std::string out;
  do {
    const std::size_t before = next;
    for (std::size_t i = 0; i < format.size(); ++i) {
      if (format[i] != '%' || i + 1 >= format.size()) {
        out += format[i];
        continue;
      }
      const char c = format[++i];
      if (c == '%')
        out += '%';
      else if (c == 's' || c == 'd' || c == 'b' || c == 'q')
        out += next < argv.size() ? (c == 'b' ? unescape(argv[next]) : argv[next]) : std::string(), ++next;
      else
        return std::nullopt;
    }
    if (next == before) break;
  } while (next < argv.size());
  return unescape(out);
}

/// Programs whose output is something else than what they read, on purpose.
constexpr std::array<View, 16> kDecoders{"base64", "base32", "basenc",  "xxd",     "uudecode", "openssl",
                                         "rev",    "tr",     "gunzip",  "zcat",    "bzcat",    "xzcat",
                                         "gzip",   "od",     "hexdump", "uuencode"};
constexpr std::array<View, 12> kFilters{"grep", "egrep", "fgrep", "sort", "head", "tail",
                                        "uniq", "sed",   "awk",   "cut",  "tr",   "rg"};
constexpr unsigned kMostInCalls = 1024;
/// What they do does not depend on which words they get.
constexpr std::array<View, 16> kPrinters{"echo", "printf", ":",    "true", "test", "[",    "mkdir", "touch",
                                         "cat",  "grep",   "head", "tail", "wc",   "stat", "ls",    "diff"};
constexpr std::array<View, 6> kListers{"git", "find", "ls", "fd", "fdfind", "rg"};
/// Commands that write nothing to standard output.
constexpr std::array<View, 8> kSilent{"true", "false", ":", "cd", "sleep", "test", "[", "unset"};

/// A word that makes many a command of git destructive.
bool looks_destructive(const std::string& word) {
  constexpr std::array<View, 8> kLong{"--force",  "--hard",  "--mirror", "--discard-changes",
                                      "--delete", "--prune", "--expire", "--clear"};
  constexpr std::array<View, 4> kVerbs{"drop", "clear", "expire", "delete"};
  if (word.size() < 2 || one_of(kVerbs, View(word))) return word.size() > 1;
  if (word[0] == '+' || word[0] == ':') return true;
  const View name = View(word).substr(0, word.find('='));
  if (name.starts_with("--"))
    return name.size() > 4 && std::any_of(kLong.begin(), kLong.end(), [&](View one) {
             return one.starts_with(name) || name.starts_with("--force");
           });
  return name[0] == '-' && name.find_first_of("fD") != View::npos;
}

const std::string& first_word(const Command& command) {
  static const std::string kNone;
  if (command.words.empty() || command.words[0].size() != 1 || command.words[0][0].kind != Part::Kind::text)
    return kNone;
  return command.words[0][0].text;
}

}  // namespace

void Runner::run(const Script& script, unsigned depth) {
  if (depth > kMaxDepth) return judge_.report(Rule::shell_too_deep, "", depth);
  for (const Function& one : script.functions) {
    if (!holds(functions_, std::pair(&script, &one))) functions_.emplace_back(&script, &one);
  }
  for (const Command& one : script.commands) {
    in_function_ = one.in_function && calls_ == 0;
    const bool outer = cut_;  // a command in $(...) is not the one around it
    command(script, one, depth);
    cut_ = outer;
  }
}

/// One more value, unless it is there already.
void Runner::add_value(Alternatives* values, Fields value) {
  if (std::find(values->begin(), values->end(), value) != values->end()) return;
  if (values->size() >= kAlternatives || !judge_.spend_words(values->size() + value.size())) {
    cut_ = true;
    return;
  }
  values->push_back(std::move(value));
}

void Runner::assign(const Command& command, unsigned depth, Environment* env) {
  for (const Assignment& one : command.assignments) {
    Alternatives all;
    if (command.kind == Command::Kind::loop) {
      // Each word is a value of its own.
      for (const Fields& fields : words(one.values, depth)) {
        for (const std::string& field : fields) add_value(&all, {field});
      }
    } else if (one.array) {
      all = words(one.values, depth);
    } else {
      for (const Word& value : one.values) {
        for (std::string& text : joined(value, depth)) all.push_back({std::move(text)});
      }
    }
    if (one.name == "_") continue;
    for (const Fields& value : all) {
      if (!value.empty()) env->emplace_back(one.name, value[0]);
    }
    Alternatives& known = variables_[one.name];
    Alternatives next = known;
    for (const Fields& value : all) {
      if (one.append) {
        const Alternatives base = known.empty() ? Alternatives{{}} : known;
        for (Fields more : base) {
          if (one.array || more.empty())
            more.insert(more.end(), value.begin(), value.end());
          else if (!value.empty())
            more.back() += value[0];
          add_value(&next, std::move(more));
        }
      } else {
        add_value(&next, value);
      }
    }
    known = std::move(next);
    if (cut_) judge_.cut_names.insert(one.name);
  }
}

void Runner::command(const Script& script, const Command& command, unsigned depth) {
  if (!judge_.spend(depth)) return;
  Environment env;
  cut_ = false;
  assign(command, depth, &env);
  if (command.words.empty()) {
    // Plain assignments last; git sees those that are exported, and nobody names a variable GIT_* for fun.
    for (const auto& [name, value] : env) {
      if (name.starts_with("GIT_") || name.starts_with("LD_")) export_value(name, value);
    }
  }
  const std::string& declares = first_word(command);
  if (declares == "export" || declares == "declare" || declares == "typeset" || declares == "readonly") {
    for (const auto& [name, value] : env) export_value(name, value);
  }
  for (const Redirect& one : command.redirects) {
    if (one.here != nullptr || one.op == "<<<") {
      if (one.here != nullptr) joined(one.here->body, depth);
      continue;
    }
    for (const std::string& target : joined(one.target, depth))
      judge_redirect(judge_, target, one.op[0] != '<' || one.op == "<>", depth);
    if (cut_) judge_.report(Rule::shell_too_complex, one.op, depth);
  }
  if (command.words.empty() || command.kind == Command::Kind::loop) return;
  for (Fields& argv : words(command.words, depth)) {
    if (argv.empty()) continue;
    // The ones that were left out may be anything, which matters little where they are only printed.
    if (cut_ && !one_of(kPrinters, base_name(argv[0])))
      judge_.report(Rule::shell_too_complex, argv[0], depth);
    start(script, command, std::move(argv), env, depth);
  }
}

bool Runner::alias(const Args& argv, unsigned depth) {
  const auto found = judge_.shell_aliases.find(argv[0]);
  if (found == judge_.shell_aliases.end()) return false;
  std::string text = found->second;
  const std::string& name = argv[0];
  for (std::size_t i = 1; i < argv.size(); ++i) text += " " + quoted(argv[i]);
  const auto kept = *found;
  judge_.shell_aliases.erase(name);
  judge_.shared = &variables_;
  judge_.line(text, depth + 1);
  judge_.shell_aliases.insert(kept);
  return true;
}

/// The bodies of a function with the words and the input of a call. Definitions were judged without them, so
/// that what goes beyond the bounds is no more than unknown.
void Runner::invoke(const Args& argv, const Input& fed, unsigned depth) {
  if (calls_ >= 4 || (argv.size() == 1 && fed.kind == Input::Kind::none)) return;
  std::size_t values = 0;
  for (const auto& one : variables_) values += one.second.size() + 1;
  for (std::size_t k = 0; k < functions_.size(); ++k) {
    const auto [script, body] = functions_[k];
    if (body->name != argv[0]) continue;
    if (!judge_.spend_words(values)) return judge_.report(Rule::shell_too_complex, argv[0], depth);
    ++calls_;
    const bool outer = std::exchange(in_function_, false);
    const auto variables = variables_;
    const auto words = std::exchange(set_, argv);
    Input input = std::exchange(judge_.inherited, fed);
    (*set_)[0] = "bash";
    for (std::size_t i = body->begin; i < body->end; ++i) {
      for (const Assignment& one : script->commands[i].assignments) variables_.erase(one.name);
    }
    for (std::size_t i = body->begin; i < body->end; ++i) {
      if (++in_calls_ > kMostInCalls) {
        judge_.report(Rule::shell_too_complex, argv[0], depth);
        break;
      }
      command(*script, script->commands[i], depth);
    }
    judge_.inherited = std::move(input);
    set_ = words;
    variables_ = variables;
    in_function_ = outer;
    --calls_;
  }
}

/// Builtins that evaluate the subscript of a name, even a quoted one, and all that `let` gets.
void Runner::subscripts(const Args& argv, unsigned depth) {
  constexpr std::array<View, 7> kNames{"let", "declare", "local", "readonly", "typeset", "unset", "read"};
  const bool all = one_of(kNames, argv[0]);
  const bool one = argv[0] == "printf" || argv[0] == "test" || argv[0] == "[";
  for (std::size_t i = 1; i < argv.size() && (all || one); ++i) {
    const View name = View(argv[i]).substr(0, argv[0] == "let" ? View::npos : argv[i].find('='));
    if ((one && argv[i - 1] != "-v") || name.find('[') == View::npos) continue;
    // As in double quotes, where only substitutions run.
    std::string text = "_=\"";
    for (const char c : name) text += c == '"' ? std::string("\\\"") : std::string(1, c);
    if (name.find_first_of("$`") != View::npos) judge_.line(text + "\"", depth + 1);
  }
}

/// read, and printf -v: what a name gets, when the line says it.
void Runner::sets(const Args& argv, unsigned depth) {
  const bool read = argv[0] == "read";
  const Input& from = judge_.inherited;
  Alternatives lines;  // in a loop each line is read
  bool all = true;
  std::size_t looked = 0;
  if (read && from.kind == Input::Kind::text) {
    for (View rest = from.text; !rest.empty() && all;) {
      const std::size_t end = std::min(rest.find('\n'), rest.size());
      const View line = rest.substr(0, end);
      ++looked;
      if (std::none_of(lines.begin(), lines.end(), [&](const Fields& one) { return one[0] == line; }))
        lines.push_back({std::string(line)});
      rest.remove_prefix(std::min(end + 1, rest.size()));
      all = rest.empty() || lines.size() < kAlternatives;
    }
  }
  const bool paths = read && from.kind == Input::Kind::names && has_unknown(from.text);
  if (lines.empty()) lines.push_back({(paths ? "./" : "") + std::string(1, kUnknown)});
  for (std::size_t i = 1; i < argv.size(); ++i) {
    if (read ? argv[i].starts_with('-') : argv[i - 1] != "-v") continue;
    if (!judge_.spend_words(lines.size() * 16 + std::exchange(looked, 0)))
      return judge_.report(Rule::shell_too_complex, argv[0], depth);
    for (const Fields& line : lines) add_value(&variables_[argv[i]], line);
    if (cut_ || !all) judge_.cut_names.insert(argv[i]);
  }
}

void Runner::shift(const Args& argv) {
  if (!set_ && positional_.empty()) return;
  if (!set_) set_ = positional_;
  const std::size_t wanted =
      argv.size() > 1 && argv[1].size() == 1 ? static_cast<std::size_t>(argv[1][0] - '0') : 1;
  const auto first = set_->begin() + 1;
  set_->erase(first, first + static_cast<std::ptrdiff_t>(std::min(wanted, set_->size() - 1)));
}

void Runner::export_value(const std::string& name, const std::string& value) {
  const std::pair<std::string, std::string> one(name, value);
  if (!holds(judge_.exported, one) && judge_.spend_words(judge_.exported.size() + 1))
    judge_.exported.push_back(one);
}

bool Runner::builtin(const Args& argv, const Environment& env, unsigned depth) {
  const std::string& name = argv[0];
  if (name == "alias") {
    for (std::size_t i = 1; i < argv.size(); ++i) {
      const std::size_t equals = argv[i].find('=');
      if (equals == std::string::npos) continue;
      judge_.shell_aliases[argv[i].substr(0, equals)] = argv[i].substr(equals + 1);
      judge_.line(argv[i].substr(equals + 1), depth + 1);
    }
    return true;
  }
  if (name == "set") {
    const auto dashes = std::find(argv.begin(), argv.end(), "--");
    std::size_t first = dashes == argv.end() ? 1 : static_cast<std::size_t>(dashes - argv.begin()) + 1;
    if (dashes == argv.end() && (argv.size() < 2 || argv[1][0] == '-' || argv[1][0] == '+')) return true;
    Args next{"bash"};
    next.insert(next.end(), argv.begin() + static_cast<std::ptrdiff_t>(first), argv.end());
    set_ = std::move(next);
    return true;
  }
  subscripts(argv, depth);
  if (name == "read" || name == "printf") sets(argv, depth);
  if (name == "cd" || name == "pushd") judge_.moved = true;
  if (name == "shift") return shift(argv), true;
  if (name == "eval") {
    std::string text;
    for (std::size_t i = 1; i < argv.size(); ++i) text += (i > 1 ? " " : "") + argv[i];
    if (text.find(kDecoded) != std::string::npos) judge_.report(Rule::shell_dynamic, "eval", depth);
    judge_.shared = &variables_;
    judge_.line(text, depth + 1, set_ ? *set_ : positional_);
    return true;
  }
  if ((name == "export" || name == "declare" || name == "local" || name == "typeset" || name == "readonly") &&
      argv.size() > 1) {
    for (std::size_t i = 1; i < argv.size(); ++i) {
      const std::size_t equals = argv[i].find('=');
      if (equals == std::string::npos) {
        const auto known = name == "export" ? variables_.find(argv[i]) : variables_.end();
        if (known == variables_.end()) continue;
        for (const Fields& value : known->second) {
          if (!value.empty()) export_value(argv[i], value[0]);
        }
        continue;
      }
      const std::string variable = argv[i].substr(0, equals);
      add_value(&variables_[variable], {argv[i].substr(equals + 1)});
      if (cut_) judge_.cut_names.insert(variable);
      export_value(variable, argv[i].substr(equals + 1));
    }
    return true;
  }
  (void)env;
  return false;
}

/// The program is known only when it runs: everything that it may be is looked at.
void Runner::unknown_program(const Call& call) {
  const Args rest(call.argv.begin() + 1, call.argv.end());
  if (call.argv[0].find(kDecoded) != std::string::npos)
    return judge_.report(Rule::shell_dynamic, "", call.depth,
                         "the program's name is decoded from something else");
  if (rest.empty()) return;
  // "do_$1": no tool and no wrapper has such a name.
  const View name = base_name(call.argv[0]);
  const bool telling = std::any_of(rest.begin(), rest.end(), looks_destructive);
  if (!telling && name.substr(0, name.find(kUnknown)).find('_') != View::npos) return;
  Args as_git{"git"};
  as_git.insert(as_git.end(), rest.begin(), rest.end());
  if (!rest[0].starts_with('-') && (telling || !has_unknown(rest[0])) &&
      judge_.apart_git(as_git) == Decision::block)
    return judge_.report(Rule::shell_dynamic, rest[0], call.depth);
  if (rest[0] == "-c" && rest.size() > 1) return judge_.line(rest[1], call.depth + 1);
  Call next = call;
  next.argv = rest;
  if (!has_unknown(rest[0])) judge_.call(std::move(next));
}

void Runner::start(const Script& script, const Command& command, Args argv, const Environment& env,
                   unsigned depth) {
  Call call;
  call.input = input(script, command, depth);
  invoke(argv, call.input, depth);
  Input outer = std::exchange(judge_.inherited, call.input);
  const bool done = alias(argv, depth) || builtin(argv, env, depth);
  judge_.inherited = std::move(outer);
  if (done) return;
  call.depth = depth;
  call.env = judge_.exported;
  call.env.insert(call.env.end(), env.begin(), env.end());
  if (!judge_.spend_words(call.env.size())) return judge_.report(Rule::shell_too_complex, argv[0], depth);
  for (const std::string& arg : argv) {
    const auto found = process_outputs_.find(arg);
    if (found != process_outputs_.end()) call.outputs.push_back(found->second);
  }
  const std::string base(base_name(argv[0]));
  if (base.find_first_of("*?[") != std::string::npos && !has_unknown(base) &&
      base.find_first_not_of("*?[]!-") != std::string::npos) {
    for (const char* tool : {"git", "curl", "wget", "ssh", "scp", "sftp", "rsync"}) {
      if (glob_matches(base, tool)) argv[0] = tool;
    }
  }
  call.argv = std::move(argv);
  if (has_unknown(base_name(call.argv[0]))) return unknown_program(call);
  judge_.call(std::move(call));
}

Input Runner::input(const Script& script, const Command& command, unsigned depth) {
  for (auto one = command.redirects.rbegin(); one != command.redirects.rend(); ++one) {
    if (one->op[0] != '<' || one->op == "<&" || one->op == "<>") continue;
    if (one->here == nullptr && one->op != "<<<") {
      Input file{Input::Kind::file, {}};
      for (const std::string& target : joined(one->target, depth)) {
        const auto found = process_outputs_.find(target);
        if (found != process_outputs_.end()) file = {Input::Kind::text, found->second};
        if (target == "/dev/null") file = {Input::Kind::text, {}};
      }
      return file;
    }
    std::string text;
    for (const std::string& body : joined(one->here != nullptr ? one->here->body : one->target, depth))
      text += body + "\n";
    return {Input::Kind::text, text};
  }
  if (command.begin < 0) return judge_.inherited;
  return from_range(script, command.begin, command.end, depth);
}

Input Runner::from_range(const Script& script, int begin, int end, unsigned depth) {
  std::string text;
  bool known = true;
  bool names = true;
  if (depth > kMaxDepth) return {Input::Kind::unknown, {}};
  for (int i = begin; i < end; ++i) {
    const Command& one = script.commands[static_cast<std::size_t>(i)];
    if (known) {
      const std::optional<std::string> part = output(script, one, depth + 1);
      known = part.has_value();
      if (part) text += *part;
    }
    View word = base_name(first_word(one));
    const Command* source = &one;
    for (int hops = 0; hops < 8 && one_of(kFilters, word) && source->begin >= 0; ++hops) {
      source = &script.commands[static_cast<std::size_t>(source->end - 1)];
      word = base_name(first_word(*source));
    }
    names = names && one_of(kListers, word);
  }
  if (known) return {Input::Kind::text, text};
  if (names && end == begin + 1)
    return {Input::Kind::names, found_by(script, script.commands[static_cast<std::size_t>(begin)], depth)};
  return {names ? Input::Kind::names : Input::Kind::unknown, {}};
}

/// What a command lists: patterns of find's names, what `ls -d` was given, and "./" with something unknown
/// where they are paths. Nothing: it may write anything.
std::string Runner::found_by(const Script& script, const Command& command, unsigned depth) {
  constexpr std::array<View, 6> kKeep{"grep", "egrep", "fgrep", "sort", "head", "tail"};
  const Command* source = &command;
  for (int hops = 0; hops < 8 && one_of(kKeep, base_name(first_word(*source))) && source->begin >= 0; ++hops)
    source = &script.commands[static_cast<std::size_t>(source->end - 1)];
  const View name = base_name(first_word(*source));
  std::string out;
  if (!one_of(kListers, name)) return out;
  for (const Fields& argv : words(source->words, depth)) {
    const auto has = [&](std::initializer_list<View> options) {
      return std::any_of(argv.begin(), argv.end(), [&](const std::string& arg) {
        return std::any_of(options.begin(), options.end(), [&](View one) { return arg.starts_with(one); });
      });
    };
    bool paths = name == "fd" || name == "fdfind";
    if (name == "git") paths = has({"--name-only", "ls-files"}) && !has({"--format", "--pretty"});
    if (name == "rg") paths = has({"-l", "--files"});
    if (name == "find") {
      paths = !has({"-exec", "-ok", "-printf", "-fprint"});
      for (const std::string& one : found_names(argv, argv.size())) out += one + "\n";
    }
    for (std::size_t i = 1; name == "ls" && has({"-d"}) && i < argv.size(); ++i)
      out += argv[i].starts_with('-') ? "" : argv[i] + "\n";
    if (paths) out += std::string("./") + kUnknown + "\n";
  }
  return out;
}

/// What a command writes, when the line itself says it.
std::optional<std::string> Runner::output(const Script& script, const Command& command, unsigned depth) {
  if (depth > kMaxDepth + 8 || !judge_.spend(depth)) return std::nullopt;
  if (command.words.empty()) {
    const Input fed = input(script, command, depth);
    return fed.kind == Input::Kind::text ? std::optional(fed.text) : std::optional(std::string());
  }
  const Alternatives all = words(command.words, depth);
  if (all.size() != 1 || all[0].empty()) return std::nullopt;
  const Args& argv = all[0];
  const View name = base_name(argv[0]);
  if (name == "echo") return echo(argv);
  if (name == "printf") return print(argv);
  const bool own = std::any_of(functions_.begin(), functions_.end(),
                               [&](const auto& one) { return one.second->name == argv[0]; });
  if (one_of(kSilent, View(argv[0])) && !own) return std::string();
  if (name == "mktemp" || name == "pwd") return std::string("/tmp/") + kUnknown;
  if (name == "git" && holds(argv, View("rev-parse"))) {
    if (holds(argv, View("--show-toplevel"))) return std::string("/") + kUnknown;
    for (const View asked : {View("--git-dir"), View("--absolute-git-dir"), View("--git-common-dir")}) {
      if (holds(argv, asked)) return ".git\n";
    }
  }
  if ((name == "cat" || name == "tee") && (argv.size() == 1 || name == "tee" || argv[1] == "-")) {
    const Input fed = input(script, command, depth);
    if (fed.kind == Input::Kind::text) return fed.text;
  }
  return std::nullopt;
}

/// The value of $(...): judges its commands, then what they write as far as that is known.
std::string Runner::captured(const Script& script, unsigned depth) {
  const bool outer = in_function_;
  run(script, depth + 1);
  in_function_ = outer;
  std::string out;
  bool decoded = false;
  const std::string unknown(1, kUnknown);
  for (std::size_t i = 0; i < script.commands.size(); ++i) {
    const Command& one = script.commands[i];
    decoded = decoded || one_of(kDecoders, base_name(first_word(one)));
    // Only the last stage of a pipeline writes here.
    const bool piped = std::any_of(script.commands.begin() + static_cast<std::ptrdiff_t>(i) + 1,
                                   script.commands.end(), [&](const Command& later) {
                                     return later.begin >= 0 && static_cast<std::size_t>(later.begin) <= i &&
                                            i < static_cast<std::size_t>(later.end);
                                   });
    if (piped) continue;
    const std::optional<std::string> text = output(script, one, depth + 1);
    const std::string& word = first_word(one);
    if (text) {
      out += *text;
    } else if ((word == "command" || word == "which" || word == "type" || word == "whereis") &&
               !one.words.empty()) {
      const Alternatives argv = words(one.words, depth + 1);
      const std::string found = argv.empty() || argv[0].size() < 2 ? unknown : argv[0].back();
      out += guarded_tool(found) ? "/usr/bin/" + found : found;
    } else {
      // What comes after it is on a line of its own.
      const bool paths = has_unknown(found_by(script, one, depth + 1));
      out += (paths ? "./" : "") + unknown + "\n";
    }
  }
  if (decoded && has_unknown(out)) return std::string(kDecoded);
  while (out.ends_with('\n')) out.pop_back();
  return out;
}

}  // namespace scc::safety::shell
