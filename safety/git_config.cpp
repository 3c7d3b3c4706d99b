// SPDX-License-Identifier: Apache-2.0
// Settings that let git run a program or switch a protection off, however they reach it: -c, --config-env,
// the environment, `git config`, `git clone -c`.
#include <algorithm>
#include <array>
#include <cctype>
#include <cerrno>
#include <cstdlib>
#include <optional>

#include "safety/git.h"

namespace scc::safety {

namespace {

using View = std::string_view;

enum class Kind : unsigned char {
  harmless,
  program,  ///< the value is run
  guard,    ///< any value weakens a protection
  hooks,    ///< core.hooksPath
  alias,
  force,  ///< a refspec of a push
  fetch,  ///< a refspec: dangerous when it writes branches
  mirror,
  expiry,
};

struct Pattern {
  View section;
  View last;    ///< "*": any
  bool middle;  ///< has a part between the two
  Kind kind;
};

constexpr std::array kPatterns{
    Pattern{"core", "hookspath", false, Kind::hooks},
    Pattern{"core", "sshcommand", false, Kind::program},
    Pattern{"core", "pager", false, Kind::program},
    Pattern{"core", "editor", false, Kind::program},
    Pattern{"core", "fsmonitor", false, Kind::program},
    Pattern{"core", "askpass", false, Kind::program},
    Pattern{"core", "gitproxy", false, Kind::program},
    Pattern{"core", "attributesfile", false, Kind::guard},
    Pattern{"core", "alternaterefscommand", false, Kind::program},
    Pattern{"include", "path", false, Kind::guard},
    Pattern{"includeif", "path", true, Kind::guard},
    Pattern{"filter", "clean", true, Kind::program},
    Pattern{"filter", "smudge", true, Kind::program},
    Pattern{"filter", "process", true, Kind::program},
    Pattern{"diff", "command", true, Kind::program},
    Pattern{"diff", "textconv", true, Kind::program},
    Pattern{"diff", "external", false, Kind::program},
    Pattern{"merge", "driver", true, Kind::program},
    Pattern{"credential", "helper", false, Kind::program},
    Pattern{"credential", "helper", true, Kind::program},
    Pattern{"sequence", "editor", false, Kind::program},
    Pattern{"remote", "receivepack", true, Kind::program},
    Pattern{"remote", "uploadpack", true, Kind::program},
    Pattern{"remote", "vcs", true, Kind::guard},
    Pattern{"remote", "push", true, Kind::force},
    Pattern{"remote", "fetch", true, Kind::fetch},
    Pattern{"remote", "mirror", true, Kind::mirror},
    Pattern{"url", "insteadof", true, Kind::guard},
    Pattern{"url", "pushinsteadof", true, Kind::guard},
    Pattern{"protocol", "allow", false, Kind::guard},
    Pattern{"protocol", "allow", true, Kind::guard},
    Pattern{"gpg", "program", false, Kind::program},
    Pattern{"gpg", "program", true, Kind::program},
    Pattern{"receive", "*", false, Kind::guard},
    Pattern{"uploadpack", "packobjectshook", false, Kind::program},
    Pattern{"interactive", "difffilter", false, Kind::program},
    Pattern{"difftool", "cmd", true, Kind::program},
    Pattern{"mergetool", "cmd", true, Kind::program},
    Pattern{"pager", "*", false, Kind::program},
    Pattern{"alias", "*", false, Kind::alias},
    Pattern{"alias", "*", true, Kind::alias},
    Pattern{"init", "templatedir", false, Kind::guard},
    Pattern{"submodule", "update", true, Kind::program},
    Pattern{"trailer", "command", true, Kind::program},
    Pattern{"trailer", "cmd", true, Kind::program},
    Pattern{"sendemail", "sendmailcmd", false, Kind::program},
    Pattern{"clean", "requireforce", false, Kind::expiry},
    Pattern{"gc", "*", false, Kind::expiry},
    Pattern{"gc", "*", true, Kind::expiry},
    Pattern{"tar", "command", true, Kind::program},
    Pattern{"man", "cmd", true, Kind::program},
    Pattern{"man", "path", true, Kind::program},
    Pattern{"browser", "cmd", true, Kind::program},
    Pattern{"browser", "path", true, Kind::program},
};

Kind kind_of(View key) {
  const std::size_t first = key.find('.');
  const std::size_t last = key.rfind('.');
  if (first == View::npos) return Kind::harmless;
  const View section = key.substr(0, first);
  const View name = key.substr(last + 1);
  for (const Pattern& one : kPatterns) {
    if (one.section == section && (one.last == "*" || one.last == name) && one.middle == (first != last))
      return one.kind;
  }
  return Kind::harmless;
}

/// A value that runs nothing, or only what everybody runs anyway.
bool plain_program(View value) {
  constexpr std::array<View, 30> kPlain{"",          "true",     "false",  "1",     "0",     "yes",
                                        "no",        "cat",      "less",   "more",  ":",     "vi",
                                        "vim",       "nvim",     "nano",   "emacs", "code",  "delta",
                                        "ssh",       "gpg",      "gpg2",   "cache", "store", "manager",
                                        "libsecret", "checkout", "rebase", "merge", "none",  "diff-so-fancy"};
  const View word = value.substr(0, value.find(' '));
  if (word == "git-lfs") return value.find_first_of(";&|$`<>\n") == View::npos;
  if (value.find_first_of(";&|$`<>()\n") != View::npos || has_unknown(value)) return false;
  if (!one_of(kPlain, base_name(word))) return false;
  // "ssh -o ProxyCommand=..." runs another program after all.
  const std::string lower = lowered(value);
  const bool program = lower.find(" -c") != std::string::npos || lower.find(" -f") != std::string::npos;
  return word.find('/') == View::npos && lower.find("command") == std::string::npos &&
         (!program || word == "less") && lower.find(" +") == std::string::npos;
}

/// An alias whose expansion is blocked.
bool dangerous_alias(const Git& git, View value) {
  if (value.starts_with('!')) return git.judge.apart(value.substr(1)) == Decision::block;
  Args argv{"git"};
  if (has_unknown(value) || !split_alias(value, &argv)) return true;
  return argv.size() > 1 && git.judge.apart_git(argv) == Decision::block;
}

/// A word, or a number that may have a unit. Nothing: git would refuse it, or it is not known yet.
std::optional<bool> truth(View value) {
  const std::string text = lowered(value);
  if (text == "true" || text == "yes" || text == "on") return true;
  if (text.empty() || text == "false" || text == "no" || text == "off") return false;
  char* end = nullptr;
  errno = 0;
  const bool set = std::strtoll(text.c_str(), &end, 0) != 0;
  const auto rest = static_cast<std::size_t>(text.c_str() + text.size() - end);
  if (errno != 0 || end == text.c_str() || rest > 1 || (rest == 1 && View("kmg").find(*end) == View::npos))
    return std::nullopt;
  return set;
}

bool loosened(View key, View value) {
  if (key == "clean.requireforce") return setting_false(value);
  return key.find("expire") != View::npos && expires_soon(value);
}

}  // namespace

std::string lowered(View text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return out;
}

std::string setting_key(View key) {
  std::string out(key);
  const std::size_t first = out.find('.');
  const std::size_t last = out.rfind('.');
  for (std::size_t i = 0; i < out.size(); ++i) {
    if (first == std::string::npos || i < first || i > last)
      out[i] = static_cast<char>(std::tolower(static_cast<unsigned char>(out[i])));
  }
  return out;
}

bool setting_true(View value) {
  return truth(value).value_or(true);
}

bool setting_false(View value) {
  return !truth(value).value_or(false);
}

void judge_setting(const Git& git, const std::string& key, const std::string& value, View at) {
  switch (kind_of(key)) {
    case Kind::hooks:
      if (!git.looks) git.judge.report(Rule::hook_bypass, at, git.call.depth);
      return;
    case Kind::program:
      if (plain_program(value)) return;
      git.judge.report(Rule::config_exec, at, git.call.depth);
      return git.shell(value.starts_with('!') ? View(value).substr(1) : View(value));
    case Kind::guard:
      return git.judge.report(Rule::config_exec, at, git.call.depth);
    case Kind::expiry:
      // Every command may clean up when it is done; those for which it is all they do look themselves.
      if (!git.looks && git.verb != "gc" && git.verb != "maintenance" && git.verb != "reflog" &&
          key.starts_with("gc.") && loosened(key, value))
        git.judge.report(Rule::gc_prune, at, git.call.depth);
      return;
    default:
      return;  // what is dangerous only for one subcommand is looked at there
  }
}

void judge_written_setting(const Git& git, const std::string& key, const std::string& value, View at) {
  bool bad = false;
  switch (kind_of(key)) {
    case Kind::hooks:
    case Kind::guard:
      bad = true;
      break;
    case Kind::program:
      bad = !plain_program(value);
      break;
    case Kind::alias:
      bad = dangerous_alias(git, value);
      break;
    case Kind::force:
      bad = risky_refspec(value);
      break;
    case Kind::fetch:
      bad = fetches_branches(value);
      break;
    case Kind::mirror:
      bad = setting_true(value);
      break;
    case Kind::expiry:
      bad = loosened(key, value);
      break;
    case Kind::harmless:
      break;
  }
  if (bad) git.judge.report(Rule::config_exec, at, git.call.depth);
}

namespace {

/// Settings that were harmless in the old section may be none in the new one.
void renamed_section(const Git& git, const std::vector<Operand>& operands, std::size_t first) {
  if (operands.size() < first + 2) return;
  const auto kind = [&](std::size_t index) {
    const View text = operands[index].text;
    const std::size_t dot = text.find('.');
    return std::pair(lowered(text.substr(0, dot)), dot != View::npos);
  };
  const auto from = kind(first);
  const auto to = kind(first + 1);
  const bool guarded = std::any_of(kPatterns.begin(), kPatterns.end(), [&](const Pattern& one) {
    return one.section == to.first && one.middle == to.second;
  });
  if (has_unknown(to.first)) return git.report(Rule::shell_dynamic, operands[first + 1].at);
  if (guarded && from != to) git.report(Rule::config_exec, operands[first + 1].at);
}

}  // namespace

bool judge_config(const Git& git) {
  if (git.verb != "config") return false;
  const Parsed parsed = git.parse("config");
  if (parsed.help) return true;
  judge_unknown_arguments(git, parsed);
  for (const char* reads : {"get", "get-all", "get-regexp", "get-urlmatch", "list", "get-color",
                            "get-colorbool", "unset", "unset-all", "remove-section"}) {
    if (parsed.surely(reads)) return true;
  }
  if (parsed.flag("rename-section") != nullptr) return renamed_section(git, parsed.operands, 0), true;
  std::size_t first = 0;
  // `git config set KEY VALUE` of later versions; "set" alone is no key, a key has a dot.
  if (!parsed.operands.empty() && parsed.operands[0].text.find('.') == std::string::npos) {
    if (parsed.operands[0].text == "rename-section") return renamed_section(git, parsed.operands, 1), true;
    if (parsed.operands[0].text != "set") return true;
    first = 1;
  }
  if (parsed.operands.size() < first + 2) return true;
  const Operand& key = parsed.operands[first];
  if (has_unknown(key.text)) return git.report(Rule::shell_dynamic, key.at), true;
  judge_written_setting(git, setting_key(key.text), parsed.operands[first + 1].text, key.text);
  return true;
}

namespace {

/// The value of a variable of which git makes a command, which has the variable itself.
void judge_variable(const Git& git, const std::string& value) {
  if (git.judge.in_environment) return;
  git.judge.in_environment = true;
  git.shell(value);
  git.judge.in_environment = false;
}

}  // namespace

void judge_git_environment(const Git& git) {
  constexpr std::array<View, 9> kBlocked{"GIT_CONFIG_PARAMETERS", "GIT_CONFIG_GLOBAL",  "GIT_CONFIG_SYSTEM",
                                         "GIT_CONFIG_NOSYSTEM",   "GIT_CONFIG",         "GIT_PROXY_COMMAND",
                                         "GIT_TEMPLATE_DIR",      "GIT_ALLOW_PROTOCOL", "GIT_EXEC_PATH"};
  constexpr std::array<View, 4> kPrograms{"GIT_SSH", "GIT_SSH_COMMAND", "GIT_EXTERNAL_DIFF", "GIT_ASKPASS"};
  constexpr std::array<View, 7> kEditors{
      "GIT_EDITOR", "GIT_SEQUENCE_EDITOR", "GIT_PAGER", "SSH_ASKPASS", "EDITOR", "VISUAL", "PAGER"};
  const unsigned depth = git.call.depth;
  for (const auto& [name, value] : git.call.env) {
    const bool looks = git.looks;
    if (one_of(kBlocked, name)) {
      const bool path = name == "GIT_EXEC_PATH" || name.starts_with("GIT_CONFIG_");
      const bool runs = name == "GIT_CONFIG_PARAMETERS";
      git.judge.report(Rule::env_injection, looks && path && !runs ? Decision::warn : Decision::block, name,
                       depth);
    } else if (name.starts_with("LD_") && !value.empty()) {
      git.judge.report(Rule::env_injection, name, depth);
    } else if (one_of(kPrograms, name) && !plain_program(value) && value != "echo" && value != "/bin/true") {
      git.judge.report(Rule::env_injection, name, depth);
      judge_variable(git, value);
    } else if (one_of(kEditors, name) && !has_unknown(value)) {
      judge_variable(git, value);
    }
  }
}

}  // namespace scc::safety
