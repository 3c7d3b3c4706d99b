// SPDX-License-Identifier: Apache-2.0
// What moves or deletes branches, tags and other refs.
#include <algorithm>
#include <cctype>

#include "safety/git.h"

namespace scc::safety {

namespace {

void delete_branch(const Git& git, const Parsed& parsed, std::size_t at) {
  if (parsed.flag("remotes") == nullptr) return git.report(Rule::branch_force_delete, at);
  // Tracking branches come back with the next fetch; a name without a remote in it is meant as a local
  // branch.
  for (const Operand& one : parsed.operands) {
    if (one.text.find('/') == std::string::npos) return git.report(Rule::branch_force_delete, one.at);
  }
}

/// Git looks whether a branch is merged into its upstream, which these settings may say is the branch itself.
bool another_upstream(const Git& git) {
  return std::any_of(git.settings.begin(), git.settings.end(), [](const auto& one) {
    return one.first.starts_with("branch.") && one.first.ends_with(".merge");
  });
}

/// The branch that HEAD is on gets a name that nothing has.
bool renames_only(const Git& git, const std::string& name) {
  // "@{-1}" and the like are other branches.
  const bool plain = std::all_of(name.begin(), name.end(), [](unsigned char c) {
    return std::isalnum(c) != 0 ||
           std::string_view("._-/").find(static_cast<char>(c)) != std::string_view::npos;
  });
  if (!plain || name.starts_with('-')) return false;
  const Probe* probe = git.judge.context().probe;
  const std::optional<bool> other = probe != nullptr ? probe->is_other_branch(name) : std::nullopt;
  return other ? !*other : git.judge.initialised;
}

void branch(const Git& git) {
  const Parsed parsed = git.parse("branch");
  if (parsed.help) return;
  judge_unknown_arguments(git, parsed);
  const Seen* force = parsed.flag("force");
  if (const Seen* forced = parsed.flag("D")) return delete_branch(git, parsed, forced->at);
  if (const Seen* deletes = parsed.flag("delete")) {
    if (force != nullptr || another_upstream(git)) delete_branch(git, parsed, deletes->at);
    return;
  }
  for (const char* name : {"M", "C"}) {
    const Seen* one = parsed.flag(name);
    if (one == nullptr) continue;
    if (*name == 'M' && parsed.operands.size() == 1 && renames_only(git, parsed.operands[0].text)) return;
    return git.report(Rule::branch_force_move, one->at);
  }
  if (force == nullptr || parsed.operands.empty() || parsed.surely("list")) return;
  git.report(Rule::branch_force_move, force->at);
}

void tag(const Git& git) {
  const Parsed parsed = git.parse("tag");
  if (parsed.help || parsed.surely("list") || parsed.surely("verify")) return;
  for (const char* name : {"delete", "force"}) {
    if (const Seen* one = parsed.flag(name)) return git.report(Rule::tag_delete, one->at);
  }
}

/// No object: shorter ones may be the name of a tag.
bool no_object(std::string_view id) {
  return id.find_first_not_of('0') == std::string_view::npos && (id.empty() || id.size() == 40);
}

void update_ref(const Git& git) {
  const Parsed parsed = git.parse("update-ref");
  if (parsed.help) return;
  judge_unknown_arguments(git, parsed);
  for (const char* name : {"d", "stdin"}) {
    if (const Seen* one = parsed.flag(name)) return git.report(Rule::update_ref, one->at);
  }
  if (parsed.operands.size() < 2) return;
  const std::string& ref = parsed.operands[0].text;
  // An old value of zeros (or an empty one) only ever makes a new ref.
  if (parsed.operands.size() > 2 && no_object(parsed.operands[2].text)) return;
  if (ref.starts_with("refs/heads/") || ref == "HEAD" || ref == "refs/stash" || has_unknown(ref) ||
      (ref.ends_with("/HEAD") && !ref.starts_with("refs/"))) {
    return git.report(Rule::update_ref, parsed.operands[0].at);
  }
  if (ref.starts_with("refs/tags/")) git.report(Rule::tag_delete, parsed.operands[0].at);
}

void symbolic_ref(const Git& git) {
  const Parsed parsed = git.parse("symbolic-ref");
  if (parsed.help) return;
  if (const Seen* one = parsed.flag("delete")) return git.report(Rule::update_ref, one->at);
  if (parsed.operands.size() < 2) return;
  // A branch that becomes a name for another one loses its own commits, and no hook of git's is asked.
  const std::string& ref = parsed.operands[0].text;
  const bool branch = ref.starts_with("refs/heads/") || ref == "refs/stash";
  git.report(Rule::update_ref, branch ? Decision::block : Decision::warn, parsed.operands[0].at);
}

void reflog(const Git& git) {
  if (git.at + 1 >= git.args().size()) {
    if (git.call.open_ended) git.report(Rule::shell_dynamic, git.at);
    return;
  }
  const std::string& sub = git.args()[git.at + 1];
  if (has_unknown(sub)) return git.report(Rule::shell_dynamic, git.at + 1);
  if (sub != "expire" && sub != "delete" && sub != "drop") return;
  const Parsed parsed = git.parse_from(sub == "expire" ? "reflog expire" : "reflog delete", git.at + 2);
  if (parsed.help || parsed.surely("dry-run")) return;
  if (sub != "expire") return git.report(Rule::reflog_expire, git.at + 1);
  judge_unknown_arguments(git, parsed);
  for (const char* name : {"expire", "expire-unreachable"}) {
    const Seen* one = parsed.flag(name);
    if (one != nullptr && expires_soon(one->value)) return git.report(Rule::reflog_expire, one->at);
  }
  for (const auto& [key, value] : git.settings) {
    if (key.starts_with("gc.") && key.find("reflogexpire") != std::string::npos && expires_soon(value)) {
      git.judge.report(Rule::reflog_expire, key, git.call.depth);
    }
  }
}

void replace(const Git& git) {
  const Parsed parsed = git.parse("replace");
  if (parsed.help || parsed.surely("list") || parsed.operands.empty()) return;
  git.report(Rule::history_rewrite, Decision::warn, git.at);
}

}  // namespace

bool judge_refs(const Git& git) {
  const std::string_view verb = git.verb;
  if (verb == "branch") return branch(git), true;
  if (verb == "tag") return tag(git), true;
  if (verb == "update-ref") return update_ref(git), true;
  if (verb == "symbolic-ref") return symbolic_ref(git), true;
  if (verb == "reflog") return reflog(git), true;
  if (verb == "replace") return replace(git), true;
  return false;
}

}  // namespace scc::safety
