// SPDX-License-Identifier: Apache-2.0
// Subcommands that start other commands, and those whose hooks can be skipped.
#include "safety/git.h"

namespace scc::safety {

namespace {

void shell_values(const Git& git, const Parsed& parsed, std::string_view name) {
  for (const Seen* one : parsed.all(name)) git.shell(one->value);
}

void no_verify(const Git& git, const Parsed& parsed) {
  if (const Seen* skip = parsed.flag("no-verify")) git.report(Rule::hook_bypass, skip->at);
}

/// The arguments from `first` on as a command of their own.
void start(const Git& git, std::size_t first, bool git_itself) {
  if (first >= git.args().size()) return;
  Call next = git.call;
  next.argv.assign(git.args().begin() + static_cast<std::ptrdiff_t>(first), git.args().end());
  if (git_itself) next.argv.insert(next.argv.begin(), "git");
  ++next.depth;
  git.judge.call(std::move(next));
}

void bisect(const Git& git) {
  if (git.at + 1 < git.args().size() && git.args()[git.at + 1] == "run") start(git, git.at + 2, false);
}

void for_each_repo(const Git& git) {
  const char* options = git_options("for-each-repo");
  const Parsed parsed = parse_options(options, git.args(), git.at + 1, Order::stop_at_operand);
  if (!parsed.operands.empty()) start(git, parsed.operands[0].at, true);
}

void subtree(const Git& git) {
  for (std::size_t i = git.at + 1; i < git.args().size(); ++i) {
    const std::string& arg = git.args()[i];
    if (arg == "--force" || arg == "-f" || (arg.size() > 1 && arg[0] == '+')) git.report(Rule::force_push, i);
  }
}

}  // namespace

bool judge_starters(const Git& git) {
  const std::string_view verb = git.verb;
  if (verb == "bisect") return bisect(git), true;
  if (verb == "for-each-repo") return for_each_repo(git), true;
  if (verb == "subtree") return subtree(git), true;
  if (verb != "rebase" && verb != "commit" && verb != "merge" && verb != "am" && verb != "difftool" &&
      verb != "grep")
    return false;
  const Parsed parsed = git.parse(verb);
  if (parsed.help) return true;
  if (verb == "rebase") shell_values(git, parsed, "exec");
  if (verb == "difftool") shell_values(git, parsed, "extcmd");
  if (verb == "grep") shell_values(git, parsed, "open-files-in-pager");
  no_verify(git, parsed);
  return true;
}

}  // namespace scc::safety
