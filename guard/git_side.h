// SPDX-License-Identifier: Apache-2.0
// What the guard has to know of a git command beyond its argv: the settings that come with the environment,
// the repository's aliases, and whether git itself started it as a part of a command that was judged before.
#pragma once

#include <string>
#include <vector>

#include "guard/child.h"
#include "safety/engine.h"

namespace scc::guard {

std::string real_path(std::string_view tool);
std::string_view name_of(std::string_view path);

/// The environment as git gets it and as it is judged.
class GitEnvironment {
 public:
  explicit GitEnvironment(const Variables& all);

  /// "" or what no git would accept and no guard can judge.
  const std::string& problem() const { return problem_; }
  /// Without the guard's own setting, and without what became `settings()`.
  const Variables& judged() const { return judged_; }
  /// {"-c", "key=value", ...} of GIT_CONFIG_PARAMETERS, by which git hands its own -c to its children.
  const Words& settings() const { return settings_; }
  /// As the caller has it, but for the guard's own setting.
  const Variables& bare() const { return bare_; }
  /// The same with core.hooksPath at command scope, after every other such setting.
  Variables with_hooks() const;

 private:
  void take_pairs(const Variables& all);
  Variables judged_;
  Variables bare_;
  Variables pairs_;
  Words settings_;
  std::string problem_;
};

/// The answer of `git config --null --get-regexp ^alias\.`: "alias.NAME\nVALUE\0" for each.
void take_aliases(std::string_view listing, safety::Context* context);

/// Verdict over a git argv; `words[0]` is "git" or "git-VERB". Asks the real git for aliases where the verb
/// is none of its own. `here`: the global options of `words` count for the questions (not so inside a hook).
/// `commands` takes what was met, for the checks of third parties. `answered`: as in safety::Context.
safety::Verdict judge_git(const Words& words, const GitEnvironment& environment, const safety::Policy& policy,
                          bool here = true, std::vector<safety::Command>* commands = nullptr,
                          bool answered = false);

/// Verdict over a whole shell line as it would run in the current directory: the rules of `judge_git` for
/// every git in it, with the aliases and commits of the repository here.
safety::Verdict judge_line(const std::string& line, const GitEnvironment& environment,
                           const safety::Policy& policy, std::vector<safety::Command>* commands = nullptr);

/// The argv of the parent process when that process is the real git, else empty.
Words parent_git();

/// A step that git's own code takes within a command that was judged as a whole.
bool step_of_git(const Words& parent, const Words& words);

/// The subcommand, also of "git-VERB"; "": none.
std::string verb_of(const Words& words);

/// The text of an alias of the repository or the user; "": none.
std::string alias_text(const std::string& verb, const GitEnvironment& environment);

}  // namespace scc::guard
