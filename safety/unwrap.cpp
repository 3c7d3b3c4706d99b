// SPDX-License-Identifier: Apache-2.0
// Programs that start other programs: the table of prefixes with their options, shells, xargs, find,
// parallel.
#include <algorithm>
#include <array>
#include <cctype>
#include <utility>

#include "safety/judge.h"
#include "safety/wrappers.h"

namespace scc::safety {

namespace {

using View = std::string_view;
constexpr auto npos = View::npos;

constexpr std::array<View, 10> kShells{"bash", "sh",  "dash", "zsh",   "ksh",
                                       "mksh", "ash", "fish", "rbash", "yash"};

bool listed(View list, View word) {
  for (std::size_t at = 0; at < list.size();) {
    const std::size_t end = std::min(list.find(' ', at), list.size());
    if (list.substr(at, end - at) == word) return true;
    at = end + 1;
  }
  return false;
}

/// Whether a long option's name may be short for one of the list; `login` and `tag` are flags of their own.
bool abbreviates(View list, View word) {
  if (word.empty() || word == "login" || word == "tag") return false;
  for (std::size_t at = 0; at < list.size();) {
    if (list.substr(at).starts_with(word)) return true;
    at = std::min(list.find(' ', at), list.size()) + 1;
  }
  return false;
}

bool assignment(View word) {
  const std::size_t equals = word.find('=');
  if (equals == npos || equals == 0) return false;
  return std::all_of(word.begin(), word.begin() + static_cast<std::ptrdiff_t>(equals),
                     [](unsigned char c) { return std::isalnum(c) != 0 || c == '_'; });
}

std::string join(const Args& argv, std::size_t first) {
  std::string out;
  for (std::size_t i = first; i < argv.size(); ++i) out += (i > first ? " " : "") + argv[i];
  return out;
}

void start(Judge& judge, const Call& call, std::size_t first) {
  if (first >= call.argv.size()) {
    if (call.open_ended && call.depth != 0) judge.report(Rule::shell_dynamic, call.argv[0], call.depth);
    return;
  }
  Call next = call;
  next.argv.assign(call.argv.begin() + static_cast<std::ptrdiff_t>(first), call.argv.end());
  ++next.depth;
  judge.call(std::move(next));
}

/// Takes an option word with its value; values of `shell` options are judged as lines. Gives the next index.
std::size_t skip_option(Judge& judge, const Call& call, const Wrapper& wrapper, std::size_t at) {
  const View arg = call.argv[at];
  const auto shell = [&](View name, View text) {
    if (name.size() > 1 ? abbreviates(wrapper.shell, name) : listed(wrapper.shell, name))
      judge.line(text, call.depth + 1);
  };
  if (arg[1] == '-') {
    const std::size_t equals = arg.find('=');
    const View name = arg.substr(2, equals == npos ? npos : equals - 2);
    if (equals != npos) return shell(name, arg.substr(equals + 1)), at + 1;
    if (!abbreviates(wrapper.longs, name) || at + 1 >= call.argv.size()) return at + 1;
    return shell(name, call.argv[at + 1]), at + 2;
  }
  for (std::size_t i = 1; i < arg.size(); ++i) {
    if (View(wrapper.letters).find(arg[i]) == npos) continue;
    const View letter = arg.substr(i, 1);
    if (i + 1 < arg.size()) return shell(letter, arg.substr(i + 1)), at + 1;
    if (at + 1 < call.argv.size()) shell(letter, call.argv[at + 1]);
    return at + 2;
  }
  return at + 1;
}

/// `su USER -- -c LINE`, and runuser without a user's option: what follows "--" are words for a shell.
bool login_shell(const Call& call, View name) {
  return name == "su" ||
         (name == "runuser" && std::none_of(call.argv.begin(), call.argv.end(), [](const std::string& arg) {
            return arg.starts_with("-u") || arg.starts_with("--u");
          }));
}

void shell_input(Judge& judge, const Call& call);

/// Without a command these start a shell, which reads what the line hands them.
bool starts_shell(const Call& call, const Wrapper& wrapper) {
  constexpr std::array<View, 8> kStart{"su",     "unshare", "chroot",   "nsenter",
                                       "script", "runuser", "fakeroot", "sudo"};
  if (!one_of(kStart, wrapper.name)) return false;
  const bool sudo = View(wrapper.name) == "sudo";
  const View letters = sudo ? View("si") : View("c");
  const View longs = sudo ? View("shell login") : wrapper.shell;
  const bool has = std::any_of(call.argv.begin() + 1, call.argv.end(), [&](const View arg) {
    if (arg.size() < 2 || arg[0] != '-') return false;
    if (sudo && arg == "--login") return true;  // a flag, which abbreviates() leaves alone
    if (arg[1] == '-') return arg.size() > 4 && abbreviates(longs, arg.substr(2, arg.find('=') - 2));
    const std::size_t at = arg.find_first_of(letters, 1);
    const std::size_t value = arg.find_first_of(wrapper.letters, 1);
    return at != npos && at <= value;
  });
  return has == sudo;
}

void plain(Judge& judge, const Call& call, const Wrapper& wrapper) {
  Call next = call;
  std::size_t at = 1;
  const View name = wrapper.name;
  const bool login = login_shell(call, name);
  bool user = false;
  unsigned operands = login ? 99 : wrapper.operands;
  while (at < call.argv.size()) {
    const std::string& arg = call.argv[at];
    if (arg == "--") {
      // script(1): what follows is a command after all.
      if (operands == 99) operands = 0;
      ++at;
      if (login) {
        if (!user && at < call.argv.size() && call.argv[at][0] != '-') ++at;
        next.argv[--at] = "sh";
      }
      if (operands == 0) break;
    } else if (arg == "-") {
      ++at;
    } else if (arg.size() > 1 && arg[0] == '-') {
      at = skip_option(judge, call, wrapper, at);
    } else if (wrapper.assigns && assignment(arg)) {
      next.env.emplace_back(arg.substr(0, arg.find('=')), arg.substr(arg.find('=') + 1));
      ++at;
    } else if (operands > 0) {
      // `su -c LINE user`, `flock FILE -c LINE`: the words themselves start nothing.
      if (operands != 99) --operands;
      user = true;
      ++at;
    } else {
      break;
    }
  }
  if ((name == "sudo" && call.argv.size() > 1 && (call.argv[1] == "-l" || call.argv[1] == "--list"))) return;
  if (at >= call.argv.size() && starts_shell(call, wrapper)) return shell_input(judge, call);
  if (wrapper.joined && at < call.argv.size()) return judge.line(join(call.argv, at), call.depth + 1);
  start(judge, next, at);
}

void flock(Judge& judge, const Call& call) {
  static constexpr Wrapper kFlock{"flock",     "wEc", "timeout wait conflict-exit-code command", 1, false,
                                  "c command", false};
  std::size_t at = 1;
  while (at < call.argv.size() && call.argv[at].size() > 1 && call.argv[at][0] == '-')
    at = skip_option(judge, call, kFlock, at);
  ++at;
  if (at < call.argv.size() && (call.argv[at] == "-c" || call.argv[at] == "--command")) {
    if (at + 1 < call.argv.size()) judge.line(call.argv[at + 1], call.depth + 1);
    return;
  }
  start(judge, call, at);
}

/// env: options, assignments, and -S, whose value is split into words.
void env(Judge& judge, const Call& call) {
  Call next = call;
  std::size_t at = 1;
  bool ended = false;
  for (; at < next.argv.size(); ++at) {
    const std::string arg = next.argv[at];
    const auto split = [&](View text, std::size_t used) {
      // The words of the text stand where the option stood. Its quoting is close enough to the shell's.
      Call rest = next;
      std::string line(text);
      for (std::size_t i = used; i < rest.argv.size(); ++i) {
        line += " '";
        for (const char c : rest.argv[i]) line += c == '\'' ? std::string("'\\''") : std::string(1, c);
        line += "'";
      }
      judge.line("env " + line, call.depth + 1);
    };
    if (!ended && (arg == "--" || arg == "-")) {
      ended = arg == "--";
      continue;
    }
    if (!ended && arg.size() > 1 && arg[0] == '-') {
      const std::size_t value = arg.find('=');
      const View option = arg[1] == '-' ? View(arg).substr(2, value == npos ? npos : value - 2) : View();
      if (abbreviates("split-string", option) && value != npos)
        return split(View(arg).substr(value + 1), at + 1);
      if (abbreviates("split-string", option) || arg == "-S")
        return at + 1 < next.argv.size() ? split(next.argv[at + 1], at + 2) : void();
      if (abbreviates("unset chdir argv0", option) && value == npos) ++at;
      if (arg[1] == '-') continue;
      for (std::size_t i = 1; i < arg.size(); ++i) {
        if (arg[i] == 'S')
          return split(i + 1 < arg.size()
                           ? View(arg).substr(i + 1)
                           : View(at + 1 < next.argv.size() ? next.argv[at + 1] : std::string()),
                       at + (i + 1 < arg.size() ? 1 : 2));
        if (arg[i] != 'u' && arg[i] != 'C' && arg[i] != 'a' && arg[i] != 'P') continue;
        if (i + 1 == arg.size()) ++at;
        break;
      }
      continue;
    }
    const std::size_t equals = arg.find('=');
    if (equals == std::string::npos || equals == 0) break;
    next.env.emplace_back(arg.substr(0, equals), arg.substr(equals + 1));
  }
  start(judge, next, at);
}

void shell_input(Judge& judge, const Call& call) {
  switch (call.input.kind) {
    case Input::Kind::text:
      return judge.line(call.input.text, call.depth + 1);
    case Input::Kind::names:
    case Input::Kind::unknown:
      return judge.report(Rule::shell_dynamic, call.argv[0], call.depth,
                          "the shell reads its commands from another program");
    case Input::Kind::none:
    case Input::Kind::file:
      return;
  }
}

void shell(Judge& judge, const Call& call) {
  const Args& argv = call.argv;
  bool line = false;
  bool from_input = false;
  std::size_t at = 1;
  for (; at < argv.size(); ++at) {
    const std::string& arg = argv[at];
    if (arg == "--" || arg == "-") {
      ++at;
      break;
    }
    if (arg.size() < 2 || (arg[0] != '-' && arg[0] != '+')) break;
    if (arg[1] == '-') {
      if (arg == "--rcfile" || arg == "--init-file" || arg == "--init-command") ++at;
      if (arg == "--command") line = true;
      if (arg.starts_with("--command=")) judge.line(View(arg).substr(10), call.depth + 1);
      continue;
    }
    std::size_t values = 0;
    for (const char c : View(arg).substr(1)) {
      if (c == 'c' && arg[0] == '-') line = true;
      if (c == 's' && arg[0] == '-') from_input = true;
      if (c == 'o' || c == 'O' || (c == 'C' && base_name(argv[0]) == "fish")) ++values;
    }
    if (values > 0 && base_name(argv[0]) == "fish" && at + 1 < argv.size())
      judge.line(argv[at + 1], call.depth + 1);
    at += values;
  }
  if (line) {
    if (at >= argv.size())
      return call.open_ended ? judge.report(Rule::shell_dynamic, argv[0], call.depth) : void();
    if (argv[at].find("\0decoded\0", 0, 9) != std::string::npos)
      return judge.report(Rule::shell_dynamic, argv[0], call.depth);
    Args positional(argv.begin() + static_cast<std::ptrdiff_t>(at) + 1, argv.end());
    if (positional.empty()) positional.emplace_back("sh");
    // The call's variables hold those that were exported already.
    const Environment before = call.env.empty() ? judge.exported : std::exchange(judge.exported, call.env);
    judge.line(argv[at], call.depth + 1, positional);
    judge.exported = before;
    return;
  }
  if (at < argv.size() && !from_input) {
    for (const std::string& text : call.outputs) judge.line(text, call.depth + 1);
    if (argv[at] == "/dev/stdin" || argv[at] == "/dev/fd/0" || argv[at] == "/proc/self/fd/0")
      shell_input(judge, call);
    return;
  }
  shell_input(judge, call);
}

constexpr std::size_t kMostRead = 256;

void keep_most(Judge& judge, const Call& call, Args* read) {
  if (read->size() <= kMostRead) return;
  judge.report(Rule::shell_too_complex, call.argv[0], call.depth);
  read->resize(kMostRead);
}

/// What xargs makes of its input. Quotes group and vanish unless a delimiter is given; with a marker an item
/// is a line.
Args xargs_items(View text, bool lines, bool raw, char delimiter) {
  Args out;
  std::string item;
  bool some = false;
  char quote = 0;
  for (std::size_t i = 0; i <= text.size(); ++i) {
    const char c = i < text.size() ? text[i] : '\n';
    const bool blank = std::isspace(static_cast<unsigned char>(c)) != 0;
    if (quote != 0 && c != '\n') {
      if (c == quote)
        quote = 0;
      else
        item += c;
    } else if (c == '\n' || c == delimiter || (blank && !raw && (!lines || !some))) {
      if (some) out.push_back(std::exchange(item, {}));
      some = false;
      quote = 0;
    } else {
      some = true;
      if (!raw && (c == '\'' || c == '"'))
        quote = c;
      else
        item += !raw && c == '\\' && i + 1 < text.size() ? text[++i] : c;
    }
  }
  return out;
}

struct XargsOptions {
  std::size_t command = 1;  ///< index of the command
  std::string marker;       ///< -I; empty: the words go to the end
  bool raw = false;         ///< no quoting
  char delimiter = '\n';
  char each = 0;  ///< L: a command for each line, n: for so many words
};

XargsOptions xargs_options(Judge& judge, const Call& call) {
  static constexpr Wrapper kXargs{
      "xargs", "adEILnPs", "arg-file delimiter max-args max-procs max-chars process-slot-var", 0, false,
      "",      false};
  XargsOptions out;
  std::size_t& at = out.command;
  for (; at < call.argv.size() && call.argv[at].size() > 1 && call.argv[at][0] == '-';
       at = skip_option(judge, call, kXargs, at)) {
    const std::string& arg = call.argv[at];
    if (arg == "--") break;
    const std::size_t flags = arg.find_first_not_of("0oprtx", 1);
    const std::string glued = arg[1] == '-' ? arg.substr(std::min(arg.find('='), arg.size() - 1) + 1)
                                            : arg.substr(std::min(flags + 1, arg.size()));
    const std::string value = glued.empty() && at + 1 < call.argv.size() ? call.argv[at + 1] : glued;
    const char letter = arg[1] == '-' || flags == npos ? '-' : arg[flags];
    if (letter == 'I') out.marker = value;
    if (letter == 'L' || letter == 'l' || arg.starts_with("--max-l")) out.each = 'L';
    if (letter == 'n' || arg.starts_with("--max-a")) out.each = 'n';
    if (letter == 'i' || arg.starts_with("--r")) out.marker = glued.empty() ? "{}" : glued;
    out.raw = out.raw || arg.starts_with("--nu") || arg.find('0', 1) < flags;
    if (letter == 'd' || arg.starts_with("--d"))
      out.raw = true, out.delimiter = value == "\\t" ? '\t' : value[0];
  }
  if (at < call.argv.size() && call.argv[at] == "--") ++at;
  return out;
}

/// The words that xargs hands on, as far as they are known; what it may hand on otherwise is told to `next`.
Args xargs_reads(Judge& judge, const Call& call, const XargsOptions& how, Call* next) {
  if (call.input.kind == Input::Kind::text) {
    Args read = xargs_items(call.input.text, !how.marker.empty(), how.raw, how.delimiter);
    keep_most(judge, call, &read);
    return read;
  }
  if (!call.input.text.empty()) {
    Call listed = *next;
    const Args names = xargs_items(call.input.text, true, true, '\n');
    listed.argv.insert(listed.argv.begin() + 1, names.begin(), names.end());
    judge_files(judge, listed);
  }
  const bool could_be_option =
      how.marker.empty() || std::any_of(next->argv.begin() + 1, next->argv.end(),
                                        [&](const std::string& arg) { return arg.starts_with(how.marker); });
  next->open_ended = call.input.kind != Input::Kind::names && could_be_option;
  return {(has_unknown(call.input.text) ? "./" : "") + std::string(1, kUnknown)};
}

void start_with(Judge& judge, Call next, const Args& words, std::size_t first) {
  next.argv.insert(next.argv.end(), words.begin() + static_cast<std::ptrdiff_t>(first), words.end());
  judge.call(std::move(next));
}

/// The command that xargs starts, with what it reads appended as far as that is known.
void xargs(Judge& judge, const Call& call) {
  const XargsOptions how = xargs_options(judge, call);
  if (how.command >= call.argv.size()) return;
  Call next = call;
  next.argv.assign(call.argv.begin() + static_cast<std::ptrdiff_t>(how.command), call.argv.end());
  next.input = {Input::Kind::file, {}};
  ++next.depth;
  const Args read = xargs_reads(judge, call, how, &next);
  if (how.marker.empty()) {
    if (how.each == 'L' && call.input.kind == Input::Kind::text) {
      const Args lines = xargs_items(call.input.text, true, true, '\n');
      for (std::size_t i = 0; i < lines.size() && i < kMostRead; ++i)
        start_with(judge, next, xargs_items(lines[i], false, false, '\n'), 0);
    }
    for (std::size_t i = 1; how.each == 'n' && i < read.size(); ++i) start_with(judge, next, read, i);
    return start_with(judge, std::move(next), read, 0);
  }
  for (const std::string& value : read) {
    Call one = next;
    for (std::string& arg : one.argv) {
      for (std::size_t i = arg.find(how.marker); i != std::string::npos;
           i = arg.find(how.marker, i + value.size()))
        arg.replace(i, how.marker.size(), value);
    }
    judge.call(std::move(one));
  }
}

void find(Judge& judge, const Call& call) {
  for (std::size_t i = 1; i < call.argv.size(); ++i) {
    const std::string& arg = call.argv[i];
    if (arg != "-exec" && arg != "-execdir" && arg != "-ok" && arg != "-okdir") continue;
    Call next = call;
    next.argv.clear();
    const Args names = found_names(call.argv, i);
    for (++i;
         i < call.argv.size() && call.argv[i] != ";" && !(call.argv[i] == "+" && call.argv[i - 1] == "{}");
         ++i) {
      if (call.argv[i] == "{}" && !next.argv.empty() && guarded_tool(base_name(next.argv[0])))
        next.argv.push_back(std::string("./") + kUnknown);
      else if (call.argv[i] == "{}")
        next.argv.insert(next.argv.end(), names.begin(), names.end());
      else
        next.argv.push_back(call.argv[i]);
    }
    ++next.depth;
    if (!next.argv.empty()) judge.call(std::move(next));
  }
}

void parallel(Judge& judge, const Call& call) {
  static constexpr Wrapper kParallel{
      "parallel",
      "jNnaIdLsPSCE",
      "jobs max-args arg-file delay timeout joblog results sshlogin workdir colsep retries tagstring load "
      "memfree halt "
      "tmpdir delimiter shellquote env basefile return nice block recstart recend",
      0,
      false,
      "",
      false};
  std::size_t at = 1;
  while (at < call.argv.size() && call.argv[at].size() > 1 && call.argv[at][0] == '-')
    at = skip_option(judge, call, kParallel, at);
  Args command;
  std::size_t end = at;
  for (; end < call.argv.size() && !call.argv[end].starts_with(":::"); ++end)
    command.push_back(call.argv[end]);
  if (command.empty()) {
    // Each argument is a line of its own.
    for (std::size_t i = end + 1; i < call.argv.size(); ++i) judge.line(call.argv[i], call.depth + 1);
    return shell_input(judge, call);
  }
  const std::string line = join(command, 0);
  judge.line(line, call.depth + 1);
  for (std::size_t i = end + 1; i < call.argv.size(); ++i)
    judge.line(line + " " + call.argv[i], call.depth + 1);
  if (end >= call.argv.size()) {
    Call next = call;
    next.argv = command;
    next.argv.emplace_back(1, kUnknown);
    next.open_ended = call.input.kind != Input::Kind::names;
    ++next.depth;
    judge.call(std::move(next));
  }
}

bool special(Judge& judge, const Call& call, View name) {
  const Args& argv = call.argv;
  if (name == "env") return env(judge, call), true;
  if (name == "xargs") return xargs(judge, call), true;
  if (name == "find") return find(judge, call), false;  // it may also delete
  if (name == "parallel") return parallel(judge, call), true;
  if (name == "flock") return flock(judge, call), true;
  if (name == "busybox" || name == "toybox") return start(judge, call, 1), true;
  if (name == "command") {
    std::size_t at = 1;
    for (; at < argv.size() && argv[at].size() > 1 && argv[at][0] == '-' && argv[at] != "--"; ++at) {
      if (argv[at].find('v') != std::string::npos || argv[at].find('V') != std::string::npos) return true;
    }
    if (at < argv.size() && argv[at] == "--") ++at;
    return start(judge, call, at), true;
  }
  if (name == "trap" && argv.size() > 1)
    return judge.line(argv[argv[1] == "--" && argv.size() > 2 ? 2 : 1], call.depth + 1), true;
  if (name == "eval") return judge.line(join(argv, 1), call.depth + 1), true;
  if ((name == "source" || name == ".") && argv.size() > 1) {
    for (const std::string& text : call.outputs) judge.line(text, call.depth + 1);
    if (argv[1] == "/dev/stdin" || argv[1] == "/dev/fd/0") shell_input(judge, call);
    return true;
  }
  if (name == "at" || name == "batch") return shell_input(judge, call), true;
  if (name == "tmux" || name == "byobu") {
    bool joined = argv.size() < 2 || argv[1].starts_with("send");
    for (std::size_t i = 2; i < argv.size(); ++i) {
      judge.line(argv[i], call.depth + 1);
      // A command in several words; an option's value is none.
      const View before = argv[i - 1];
      const bool value =
          before.size() == 2 && before[0] == '-' && View("sntcxyeFTLSf").find(before[1]) != npos;
      if (joined || value || !guarded_tool(base_name(argv[i]))) continue;
      joined = true;
      judge.line(join(argv, i), call.depth + 1);
    }
    return true;
  }
  if (name == "tar" || name == "gtar") {
    for (const std::string& arg : argv) {
      for (const View option : {View("--to-command="), View("--checkpoint-action=exec="),
                                View("--use-compress-program="), View("--rsh-command=")}) {
        if (View(arg).starts_with(option)) judge.line(View(arg).substr(option.size()), call.depth + 1);
      }
      const View before = &arg != &argv[0] ? View((&arg)[-1]) : View();
      if (before.starts_with('-') && before.ends_with('I')) judge.line(arg, call.depth + 1);
    }
    return false;
  }
  return false;
}

}  // namespace

bool unwrap(Judge& judge, const Call& call) {
  const View name = base_name(call.argv[0]);
  if (one_of(kShells, name)) return shell(judge, call), true;
  if (special(judge, call, name)) return true;
  const auto found =
      std::find_if(kWrappers.begin(), kWrappers.end(), [&](const Wrapper& one) { return one.name == name; });
  if (found == kWrappers.end()) return false;
  plain(judge, call, *found);
  return true;
}

}  // namespace scc::safety
