// SPDX-License-Identifier: Apache-2.0
// From argv to the subcommand: git's global options, settings that come with the command, aliases.
#include "safety/git.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <utility>

namespace scc::safety {

namespace {

// `git --list-cmds=main` of 2.39 and what later versions added, with the scripts that the same package
// installs.
constexpr std::array<std::string_view, 182> kBuiltins{"add",
                                                      "add--interactive",
                                                      "am",
                                                      "annotate",
                                                      "apply",
                                                      "archimport",
                                                      "archive",
                                                      "backfill",
                                                      "bisect",
                                                      "bisect--helper",
                                                      "blame",
                                                      "branch",
                                                      "bugreport",
                                                      "bundle",
                                                      "cat-file",
                                                      "check-attr",
                                                      "check-ignore",
                                                      "check-mailmap",
                                                      "check-ref-format",
                                                      "checkout",
                                                      "checkout--worker",
                                                      "checkout-index",
                                                      "cherry",
                                                      "cherry-pick",
                                                      "citool",
                                                      "clean",
                                                      "clone",
                                                      "column",
                                                      "commit",
                                                      "commit-graph",
                                                      "commit-tree",
                                                      "config",
                                                      "count-objects",
                                                      "credential",
                                                      "credential-cache",
                                                      "credential-cache--daemon",
                                                      "credential-store",
                                                      "cvsexportcommit",
                                                      "cvsimport",
                                                      "cvsserver",
                                                      "daemon",
                                                      "describe",
                                                      "diagnose",
                                                      "diff",
                                                      "diff-files",
                                                      "diff-index",
                                                      "diff-pairs",
                                                      "diff-tree",
                                                      "difftool",
                                                      "difftool--helper",
                                                      "env--helper",
                                                      "fast-export",
                                                      "fast-import",
                                                      "fetch",
                                                      "fetch-pack",
                                                      "filter-branch",
                                                      "fmt-merge-msg",
                                                      "for-each-ref",
                                                      "for-each-repo",
                                                      "format-patch",
                                                      "fsck",
                                                      "fsck-objects",
                                                      "fsmonitor--daemon",
                                                      "gc",
                                                      "get-tar-commit-id",
                                                      "grep",
                                                      "gui",
                                                      "gui--askpass",
                                                      "hash-object",
                                                      "help",
                                                      "hook",
                                                      "http-backend",
                                                      "http-fetch",
                                                      "http-push",
                                                      "imap-send",
                                                      "index-pack",
                                                      "init",
                                                      "init-db",
                                                      "instaweb",
                                                      "interpret-trailers",
                                                      "last-modified",
                                                      "log",
                                                      "ls-files",
                                                      "ls-remote",
                                                      "ls-tree",
                                                      "mailinfo",
                                                      "mailsplit",
                                                      "maintenance",
                                                      "merge",
                                                      "merge-base",
                                                      "merge-file",
                                                      "merge-index",
                                                      "merge-octopus",
                                                      "merge-one-file",
                                                      "merge-ours",
                                                      "merge-recursive",
                                                      "merge-recursive-ours",
                                                      "merge-recursive-theirs",
                                                      "merge-resolve",
                                                      "merge-subtree",
                                                      "merge-tree",
                                                      "mergetool",
                                                      "mktag",
                                                      "mktree",
                                                      "multi-pack-index",
                                                      "mv",
                                                      "name-rev",
                                                      "notes",
                                                      "p4",
                                                      "pack-objects",
                                                      "pack-redundant",
                                                      "pack-refs",
                                                      "patch-id",
                                                      "pickaxe",
                                                      "prune",
                                                      "prune-packed",
                                                      "pull",
                                                      "push",
                                                      "quiltimport",
                                                      "range-diff",
                                                      "read-tree",
                                                      "rebase",
                                                      "receive-pack",
                                                      "reflog",
                                                      "refs",
                                                      "remote",
                                                      "remote-ext",
                                                      "remote-fd",
                                                      "remote-ftp",
                                                      "remote-ftps",
                                                      "remote-http",
                                                      "remote-https",
                                                      "repack",
                                                      "replace",
                                                      "replay",
                                                      "repo",
                                                      "request-pull",
                                                      "rerere",
                                                      "reset",
                                                      "restore",
                                                      "rev-list",
                                                      "rev-parse",
                                                      "revert",
                                                      "rm",
                                                      "send-email",
                                                      "send-pack",
                                                      "sh-i18n--envsubst",
                                                      "shell",
                                                      "shortlog",
                                                      "show",
                                                      "show-branch",
                                                      "show-index",
                                                      "show-ref",
                                                      "sparse-checkout",
                                                      "stage",
                                                      "stash",
                                                      "status",
                                                      "stripspace",
                                                      "submodule",
                                                      "submodule--helper",
                                                      "subtree",
                                                      "svn",
                                                      "switch",
                                                      "symbolic-ref",
                                                      "tag",
                                                      "unpack-file",
                                                      "unpack-objects",
                                                      "update-index",
                                                      "update-ref",
                                                      "update-server-info",
                                                      "upload-archive",
                                                      "upload-archive--writer",
                                                      "upload-pack",
                                                      "var",
                                                      "verify-commit",
                                                      "verify-pack",
                                                      "verify-tag",
                                                      "version",
                                                      "web--browse",
                                                      "whatchanged",
                                                      "worktree",
                                                      "write-tree"};

// Widely used programs git-NAME that bring their own commands; rules for some of them are in git_storage.cpp.
constexpr std::array<std::string_view, 12> kExternal{"absorb", "annex", "branchless", "cliff",
                                                     "crypt",  "delta", "extras",     "filter-repo",
                                                     "flow",   "lfs",   "secret",     "town"};

// Of those above, what is no command in git's own binary everywhere: scripts, programs of their own, and what
// came or goes with a version. Where it is missing an alias takes its place.
constexpr std::array<std::string_view, 33> kReplaceable{"add--interactive",
                                                        "archimport",
                                                        "backfill",
                                                        "bisect--helper",
                                                        "citool",
                                                        "cvsexportcommit",
                                                        "cvsimport",
                                                        "cvsserver",
                                                        "daemon",
                                                        "diagnose",
                                                        "diff-pairs",
                                                        "env--helper",
                                                        "gui",
                                                        "gui--askpass",
                                                        "hook",
                                                        "http-fetch",
                                                        "http-push",
                                                        "imap-send",
                                                        "instaweb",
                                                        "last-modified",
                                                        "p4",
                                                        "quiltimport",
                                                        "refs",
                                                        "remote-ftp",
                                                        "remote-ftps",
                                                        "replay",
                                                        "repo",
                                                        "request-pull",
                                                        "send-email",
                                                        "subtree",
                                                        "svn",
                                                        "web--browse",
                                                        "whatchanged"};

constexpr std::array<std::string_view, 17> kReadOnly{
    "blame",     "cat-file", "count-objects", "describe", "diff",    "for-each-ref",
    "grep",      "help",     "log",           "ls-files", "ls-tree", "rev-list",
    "rev-parse", "shortlog", "show",          "status",   "version"};

constexpr std::array<std::string_view, 15> kPlainGlobals{"-p",
                                                         "--paginate",
                                                         "-P",
                                                         "--no-pager",
                                                         "--no-replace-objects",
                                                         "--no-lazy-fetch",
                                                         "--no-optional-locks",
                                                         "--no-advice",
                                                         "--bare",
                                                         "--literal-pathspecs",
                                                         "--no-literal-pathspecs",
                                                         "--glob-pathspecs",
                                                         "--noglob-pathspecs",
                                                         "--icase-pathspecs",
                                                         "--no-icase-pathspecs"};
constexpr std::array<std::string_view, 8> kPrinting{"--exec-path", "--html-path", "--man-path", "--info-path",
                                                    "--version",   "-v",          "--help",     "-h"};
constexpr std::array<std::string_view, 6> kValued{"--shallow-file", "--git-dir",      "--work-tree",
                                                  "--namespace",    "--super-prefix", "--attr-source"};

const std::string* environment(const Environment& env, std::string_view name) {
  for (auto one = env.rbegin(); one != env.rend(); ++one) {
    if (one->first == name) return &one->second;
  }
  return nullptr;
}

/// Walks the global options; false when git does no more than print or refuse.
class Globals {
 public:
  /// `git`: what takes the settings and the findings; null where only the subcommand is looked for.
  Globals(const Args& args, Git* git) : git_(git), args_(args) {}

  bool run() {
    for (at = 1; at < args_.size(); ++at) {
      const std::string& arg = args_[at];
      if (arg.empty() || arg[0] != '-') break;
      if (!one(arg)) return false;
    }
    if (git_ != nullptr) git_->at = at;
    return at < args_.size();
  }
  std::size_t at = 1;
  std::size_t exec_path = 0;  ///< index of --exec-path=..., 0: none

 private:
  bool one(const std::string& arg) {
    const std::size_t equals = arg.find('=');
    const std::string_view name = std::string_view(arg).substr(0, equals);
    if (has_unknown(name)) return report(Rule::shell_dynamic, arg), false;
    if (one_of(kPrinting, arg)) return false;
    if (arg == "--list-cmds" || name == "--list-cmds") return false;
    if (one_of(kPlainGlobals, arg)) return true;
    if (name == "--exec-path") return exec_path = at, true;
    if (arg == "-C" || (equals == std::string::npos && one_of(kValued, arg))) return ++at < args_.size();
    if (one_of(kValued, name)) return true;
    if (arg == "-c") return ++at < args_.size() && (setting(args_[at]), true);
    if (name == "--config-env") {
      if (equals == std::string::npos) return ++at < args_.size() && (from_environment(args_[at]), true);
      return from_environment(std::string_view(arg).substr(equals + 1)), true;
    }
    // "-C/x" and "-ca=b": git knows no glued forms and refuses them.
    if (arg.size() > 2 && arg[1] != '-') return false;
    report(Rule::unknown_global, arg);
    return false;
  }

  void report(Rule rule, std::string_view what) {
    if (git_ != nullptr) git_->judge.report(rule, what, git_->call.depth);
  }

  void setting(std::string_view text) {
    if (git_ == nullptr) return;
    const std::size_t equals = text.find('=');
    const std::string value =
        equals == std::string_view::npos ? "true" : std::string(text.substr(equals + 1));
    if (has_unknown(text.substr(0, equals))) report(Rule::shell_dynamic, text);
    git_->settings.emplace_back(setting_key(text.substr(0, equals)), value);
  }

  void from_environment(std::string_view text) {
    const std::size_t equals = text.rfind('=');
    if (git_ == nullptr || equals == std::string_view::npos) return;
    const std::string* value = environment(git_->call.env, text.substr(equals + 1));
    git_->settings.emplace_back(setting_key(text.substr(0, equals)),
                                value != nullptr ? *value : std::string(1, kUnknown));
  }

  Git* git_;
  const Args& args_;
};

/// GIT_CONFIG_COUNT and its numbered variables, as git reads them.
void settings_of_environment(Git& git) {
  const std::string* count = environment(git.call.env, "GIT_CONFIG_COUNT");
  if (count == nullptr) return;
  for (unsigned i = 0;; ++i) {
    const std::string* key = environment(git.call.env, "GIT_CONFIG_KEY_" + std::to_string(i));
    const std::string* value = environment(git.call.env, "GIT_CONFIG_VALUE_" + std::to_string(i));
    if (key == nullptr || value == nullptr) break;
    if (i == 256) return git.judge.report(Rule::env_injection, "GIT_CONFIG_COUNT", git.call.depth);
    git.settings.emplace_back(setting_key(*key), *value);
  }
}

const std::string* find_alias(const Git& git, const std::string& name) {
  for (auto one = git.settings.rbegin(); one != git.settings.rend(); ++one) {
    const std::string key = lowered(one->first);
    if (key == "alias." + name || key == "alias." + name + ".command") return &one->second;
  }
  const auto& known = git.judge.context().git_aliases;
  const auto found = known.find(name);
  return found == known.end() ? nullptr : &found->second;
}

/// The verb is no command of git's, or none everywhere: an alias, a program, or a mistake.
void judge_alias(const Git& git, bool command) {
  const std::string* alias = find_alias(git, lowered(git.verb));
  if (alias == nullptr) {
    if (command || one_of(kExternal, git.verb) || git.judge.context().git_aliases_known) return;
    return git.judge.report(Rule::unknown_command, git.verb, git.call.depth);
  }
  if (git.call.hops >= 10) return git.judge.report(Rule::alias_loop, git.verb, git.call.depth);
  const Args rest(git.args().begin() + static_cast<std::ptrdiff_t>(git.at) + 1, git.args().end());
  if (alias->starts_with('!')) {
    Args positional{*alias};
    positional.insert(positional.end(), rest.begin(), rest.end());
    return git.judge.line(alias->substr(1) + " \"$@\"", git.call.depth + 1, positional);
  }
  Call next = git.call;
  next.argv.assign(git.args().begin(), git.args().begin() + static_cast<std::ptrdiff_t>(git.at));
  if (has_unknown(*alias) || !split_alias(*alias, &next.argv)) {
    return git.judge.report(Rule::shell_dynamic, git.verb, git.call.depth, "the alias cannot be read");
  }
  next.argv.insert(next.argv.end(), rest.begin(), rest.end());
  ++next.hops;
  git.judge.meet(next);
  judge_git(git.judge, next);
}

}  // namespace

const std::string* Git::setting(std::string_view key) const {
  for (auto one = settings.rbegin(); one != settings.rend(); ++one) {
    if (one->first == key) return &one->second;
  }
  return nullptr;
}

bool git_builtin(std::string_view verb) {
  return std::binary_search(kBuiltins.begin(), kBuiltins.end(), verb);
}

bool read_only_git(std::string_view subcommand) noexcept {
  return one_of(kReadOnly, subcommand);
}

std::string_view git_output(const std::vector<std::string>& argv, std::size_t first) noexcept {
  const bool archive = first > 0 && first <= argv.size() && argv[first - 1] == "archive";
  for (std::size_t i = first; i < argv.size() && argv[i] != "--"; ++i) {
    const std::string_view arg = argv[i];
    if (arg.starts_with("--output=")) return arg.substr(9);
    if (archive && arg.starts_with("-o") && arg.size() > 2) return arg.substr(2);
    if ((arg == "--output" || (arg == "-o" && archive)) && i + 1 < argv.size()) return argv[i + 1];
  }
  return {};
}

std::size_t git_verb(const std::vector<std::string>& argv) noexcept {
  try {
    Globals globals(argv, nullptr);
    return globals.run() ? globals.at : 0;
  } catch (...) {
    return 0;
  }
}

std::string_view git_dashed(std::string_view program) noexcept {
  return dashed_git(program);
}

bool git_has(std::string_view subcommand) noexcept {
  return git_builtin(subcommand) && !one_of(kReplaceable, subcommand);
}

bool split_alias(std::string_view text, Args* out) {
  std::string word;
  bool in_word = false;
  char quote = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (quote == 0 && std::isspace(static_cast<unsigned char>(c)) != 0) {
      if (in_word) out->push_back(std::exchange(word, {}));
      in_word = false;
      continue;
    }
    in_word = true;
    if (quote == 0 && (c == '\'' || c == '"')) {
      quote = c;
    } else if (c == quote && quote != 0) {
      quote = 0;
    } else if (c == '\\' && quote != '\'') {
      if (++i >= text.size()) return false;
      word += text[i];
    } else {
      word += c;
    }
  }
  if (in_word) out->push_back(word);
  return quote == 0;
}

std::string_view dashed_git(std::string_view program) {
  if (!program.starts_with("git-")) return {};
  program.remove_prefix(4);
  return git_builtin(program) ? program : std::string_view();
}

void judge_git(Judge& judge, const Call& call) {
  if (!judge.spend(call.depth)) return;
  Git git{judge, call, {}, {}, 1};
  settings_of_environment(git);
  Globals globals(call.argv, &git);
  if (!globals.run()) {
    if (call.open_ended && git.at >= call.argv.size())
      judge.report(Rule::shell_dynamic, call.argv[0], call.depth);
    return;
  }
  git.verb = call.argv[git.at];
  if (has_unknown(git.verb))
    return judge.report(Rule::shell_dynamic, call.argv[0], call.depth, "the subcommand is not written out");
  const std::string_view output = git_output(call.argv, git.at + 1);
  git.looks = read_only_git(git.verb) && output.empty();
  if (!output.empty()) {
    Call emptied;
    emptied.argv = {"truncate", "--", std::string(output)};
    emptied.depth = call.depth;
    judge_files(judge, emptied);
  }
  if (globals.exec_path != 0) {
    git.report(Rule::global_exec_path, git.looks ? Decision::warn : Decision::block, globals.exec_path);
  }
  judge_git_environment(git);
  for (const auto& [key, value] : git.settings) judge_setting(git, key, value, key);
  const bool command = git_builtin(git.verb) || git.verb == "filter-repo" || git.verb == "lfs";
  // Which of the two runs depends on what is installed, so both are judged.
  if (!git_has(git.verb)) judge_alias(git, command);
  if (!command) return;
  if (judge.policy().defective() && !git.looks) {
    judge.report(Rule::policy_defective, git.verb, call.depth, judge.policy().defect);
  }
  if (git.verb == "help") return;
  // "git VERB --help" is `git help VERB`.
  if (git.at + 1 < call.argv.size() && call.argv[git.at + 1] == "--help") return;
  // Here, and not in a directory that it names.
  if (git.verb == "init" && git.at == 1)
    judge.initialised = std::all_of(call.argv.begin() + 2, call.argv.end(), [](const std::string& arg) {
      return arg.starts_with('-') && arg != "-h";
    });
  if (judge_push_and_fetch(git) || judge_worktree(git) || judge_refs(git) || judge_storage(git)) return;
  if (judge_config(git)) return;
  judge_starters(git);
}

}  // namespace scc::safety
