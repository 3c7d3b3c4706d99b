// SPDX-License-Identifier: Apache-2.0
// The safety engine: says of a command line, or of one command's argv, whether it would lose work, leave the
// sandbox or step around the guard. Pure but for the optional probe; no exception leaves it, and time and
// memory are bounded (64 KiB of line, 16 levels, 4096 commands). Used by the host (`scc safety`), by agents'
// hooks and by the guard in front of the real programs; equal argv gives equal verdicts in all of them.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "safety/policy.h"
#include "safety/verdict.h"

namespace scc::safety {

/// Answers that only the repository has. All may be unknown.
class Probe {
 public:
  Probe() = default;
  Probe(const Probe&) = delete;
  Probe& operator=(const Probe&) = delete;
  virtual ~Probe() = default;
  /// Whether `name` is a commit or branch rather than a path, for `git checkout NAME`.
  virtual std::optional<bool> is_revision(std::string_view name) const = 0;
  /// Whether `name` is a branch, and not the one that HEAD is on, for `git branch -M NAME`.
  virtual std::optional<bool> is_other_branch(std::string_view name) const = 0;
};

/// One simple command as it was found, for checks that are no part of this engine. A byte NUL in an argument
/// stands for text that is known only when the command runs.
struct Command {
  std::vector<std::string> argv;
  unsigned depth = 0;  ///< 0: typed; n: found n levels inside sh -c, eval, xargs, ...
};

struct Context {
  /// alias.* of the repository and the user, names in lower case; the value as in git's settings.
  std::map<std::string, std::string> git_aliases;
  /// The list above is complete: what is in it neither and no command of git is a program git-NAME.
  bool git_aliases_known = false;
  /// The process environment of an argv; only names that matter to git are looked at.
  std::vector<std::pair<std::string, std::string>> environment;
  const Probe* probe = nullptr;
  /// Something else than a person may answer what an argv's command asks on its standard input.
  bool answered = false;
  std::vector<Command>* commands = nullptr;  ///< takes every simple command that is met, at most 4096
};

/// A whole shell line, as an agent's tool call has it.
Verdict evaluate_line(std::string_view line, const Policy& policy, const Context& context = {}) noexcept;
/// One command as the kernel would get it; no argument is ever read again as shell text, but for those that
/// the program itself hands to a shell (sh -c, xargs, git's exec options).
Verdict evaluate_argv(const std::vector<std::string>& argv, const Policy& policy,
                      const Context& context = {}) noexcept;

/// Index of git's subcommand in an argv, after its global options; 0: git would only print, or refuse.
std::size_t git_verb(const std::vector<std::string>& argv) noexcept;
/// "push" for "git-push" as a program's name; empty: no command of git's.
std::string_view git_dashed(std::string_view program) noexcept;
/// Whether git has this command itself, so that no alias can take its place.
bool git_has(std::string_view subcommand) noexcept;

enum class Push : unsigned char {
  plain,
  leased,  ///< --force-with-lease: overwrites at most what the caller saw
  dry,     ///< sends nothing
};
/// What `git push` with these arguments is. `alias`: the text of the alias that they were given to, or empty.
Push push_kind(std::string_view alias, const std::vector<std::string>& arguments) noexcept;

/// Only looks, whatever its arguments but for --output: these run, with a warning, even when the guard itself
/// is broken.
bool read_only_git(std::string_view subcommand) noexcept;
/// The file that --output=FILE makes such a command overwrite; empty: none.
std::string_view git_output(const std::vector<std::string>& argv, std::size_t first) noexcept;

}  // namespace scc::safety
