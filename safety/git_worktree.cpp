// SPDX-License-Identifier: Apache-2.0
// What overwrites or deletes files of the working tree.
#include <algorithm>
#include <array>
#include <cctype>

#include "safety/git.h"

namespace scc::safety {

namespace {

/// Whether stdin answers the questions of an interactive mode without anybody looking. At its end git leaves
/// everything as it is.
bool answered(const Git& git) {
  const Input& input = git.call.input;
  return input.kind != Input::Kind::none && (input.kind != Input::Kind::text || !input.text.empty());
}

/// "feature/login.page", "origin/fix.py", "release-1.2.x": what people call branches.
bool branch_like(std::string_view name) {
  constexpr std::array<std::string_view, 11> kFolders{"bugfix/",  "feat/",     "feature/",   "fix/",
                                                      "hotfix/",  "origin/",   "upstream/",  "chore/",
                                                      "release/", "renovate/", "dependabot/"};
  if (std::any_of(kFolders.begin(), kFolders.end(),
                  [&](std::string_view one) { return name.starts_with(one); }))
    return true;
  if (!name.ends_with(".x")) return false;
  const std::string_view stem = name.substr(0, name.size() - 2);
  const std::size_t before = stem.find_last_not_of("0123456789");
  // "lexer2.x" is a file.
  return before != stem.npos && before + 1 < stem.size() &&
         std::isalpha(static_cast<unsigned char>(stem[before])) == 0;
}

/// "README.md", "src/a.c": has an extension of letters; "v1.2" and "release/2.x" have not. ".env" cannot be
/// a branch, "Makefile" hardly.
bool file_like(std::string_view name) {
  const std::string_view base = base_name(name);
  constexpr std::array<std::string_view, 16> kFiles{"Makefile",    "Dockerfile",  "LICENSE",  "README",
                                                    "CHANGELOG",   "Gemfile",     "Rakefile", "Procfile",
                                                    "Pipfile",     "Justfile",    "justfile", "makefile",
                                                    "Jenkinsfile", "Vagrantfile", "NOTICE",   "CODEOWNERS"};
  if (base.size() > 1 && base[0] == '.' && base[1] != '.') return true;
  if (one_of(kFiles, base)) return true;
  for (const std::string_view one :
       {".gradle", ".config", ".properties", ".service", ".example", ".template"}) {
    if (base.size() > one.size() && base.ends_with(one)) return true;
  }
  const std::size_t dot = base.rfind('.');
  if (dot == std::string_view::npos || dot + 1 == base.size() || base.size() - dot > 6) return false;
  const std::string_view extension = base.substr(dot + 1);
  const std::string_view stem = base.substr(0, dot);
  const bool version = std::all_of(
      stem.begin(), stem.end(), [](unsigned char c) { return std::isdigit(c) != 0 || c == '.' || c == 'v'; });
  const bool letters =
      std::isalpha(static_cast<unsigned char>(extension[0])) != 0 &&
      std::all_of(extension.begin(), extension.end(), [](unsigned char c) { return std::isalnum(c) != 0; });
  return letters && (!version || stem.empty());
}

/// Whether the only operand of `git checkout` is a path rather than a revision.
bool is_path(const Git& git, const std::string& name) {
  if (name == "." || name == ".." || name.starts_with("./") || name.starts_with("../") ||
      name.starts_with('/'))
    return true;
  if (name.ends_with('/') || name.starts_with(":") || name.find_first_of("*?[") != std::string::npos)
    return true;
  if (name == "-" || name.starts_with("@{") || name == "HEAD") return false;
  if (git.judge.context().probe != nullptr && !has_unknown(name)) {
    const std::optional<bool> revision = git.judge.context().probe->is_revision(name);
    if (revision) return !*revision;
  }
  if (name.starts_with("HEAD") && std::string_view("~^@:").find(name[4]) != std::string_view::npos)
    return false;
  return file_like(name) && !branch_like(name);
}

void checkout_paths(const Git& git, const Parsed& parsed, bool makes_branch) {
  const auto& operands = parsed.operands;
  if (operands.empty()) return;
  if (parsed.dashes && operands.back().after_dashes)
    return git.report(Rule::checkout_path, operands.back().at);
  if (parsed.dashes || makes_branch) return;
  if (operands.size() > 1) return git.report(Rule::checkout_path, operands[1].at);
  if (is_path(git, operands[0].text)) git.report(Rule::checkout_path, operands[0].at);
}

void moved_branch(const Git& git, const Seen& branch, bool start) {
  git.report(Rule::branch_force_move, start ? Decision::block : Decision::warn, branch.at);
}

void checkout(const Git& git) {
  const Parsed parsed = git.parse("checkout");
  if (parsed.help) return;
  if (parsed.surely("patch") && !answered(git)) return;
  judge_unknown_arguments(git, parsed);
  if (const Seen* force = parsed.flag("force")) git.report(Rule::checkout_force, force->at);
  if (const Seen* from = parsed.flag("pathspec-from-file")) git.report(Rule::checkout_path, from->at);
  if (const Seen* side = parsed.last_of({"ours", "theirs"})) git.report(Rule::checkout_path, side->at);
  if (const Seen* patch = parsed.flag("patch")) git.report(Rule::checkout_path, patch->at);
  const Seen* moved = parsed.flag("B");
  if (moved != nullptr) moved_branch(git, *moved, !parsed.operands.empty());
  const bool makes_branch = moved != nullptr || parsed.flag("b") != nullptr ||
                            parsed.flag("orphan") != nullptr || parsed.surely("track");
  checkout_paths(git, parsed, makes_branch);
}

void switch_branch(const Git& git) {
  const Parsed parsed = git.parse("switch");
  if (parsed.help) return;
  judge_unknown_arguments(git, parsed);
  for (const char* name : {"force", "discard-changes"}) {
    if (const Seen* one = parsed.flag(name)) git.report(Rule::switch_force, one->at);
  }
  if (const Seen* moved = parsed.flag("force-create")) moved_branch(git, *moved, !parsed.operands.empty());
}

void restore(const Git& git) {
  const Parsed parsed = git.parse("restore");
  if (parsed.help) return;
  judge_unknown_arguments(git, parsed);
  if (parsed.surely("staged") && parsed.flag("worktree") == nullptr) return;
  if (parsed.surely("patch") && !answered(git)) return;
  if (!parsed.operands.empty()) return git.report(Rule::restore_worktree, parsed.operands[0].at);
  if (const Seen* from = parsed.flag("pathspec-from-file")) git.report(Rule::restore_worktree, from->at);
  if (const Seen* patch = parsed.flag("patch")) git.report(Rule::restore_worktree, patch->at);
}

/// The script behind the options --patch of git before 2.40; it knows no abbreviations.
void add_interactive(const Git& git) {
  if (!answered(git)) return;
  for (std::size_t i = git.at + 1; i < git.args().size(); ++i) {
    const std::string& arg = git.args()[i];
    if (arg == "--patch=checkout" || arg == "--patch=worktree" || has_unknown(arg))
      return git.report(Rule::checkout_path, i);
  }
}

void reset(const Git& git) {
  const Parsed parsed = git.parse("reset");
  if (parsed.help) return;
  judge_unknown_arguments(git, parsed);
  const Seen* mode = parsed.last_of({"soft", "mixed", "hard", "merge", "keep"});
  if (mode == nullptr) return;
  // An ambiguous prefix counts as the worst that it may be short for.
  const auto unsure = std::find_if(parsed.seen.begin(), parsed.seen.end(),
                                   [](const Seen& one) { return !one.sure && one.option.name == "hard"; });
  if (unsure != parsed.seen.end()) mode = &*unsure;
  if (mode->option.name == "hard") git.report(Rule::reset_hard, mode->at);
  if (mode->option.name == "merge") git.report(Rule::reset_merge, mode->at);
}

void clean(const Git& git) {
  const Parsed parsed = git.parse("clean");
  if (parsed.help || parsed.surely("dry-run")) return;
  judge_unknown_arguments(git, parsed);
  if (parsed.surely("interactive") && !answered(git)) return;
  const std::string* required = git.setting("clean.requireforce");
  const bool unrequired = required != nullptr && setting_false(*required);
  const Seen* force = parsed.flag("force");
  if (force != nullptr) return git.report(Rule::clean_force, force->at);
  if (unrequired) return git.report(Rule::clean_force, git.at);
  if (parsed.flag("interactive") != nullptr) git.report(Rule::clean_force, git.at);
}

bool whole_tree(std::string_view path) {
  return path == "." || path == "./" || path == "*" || path == ":/" || path == "/" || path == ":(top)" ||
         path == ":" || path == ".." || path == "./*" || path == ":/*" || path == "**";
}

void remove(const Git& git) {
  const Parsed parsed = git.parse("rm");
  if (parsed.help || parsed.surely("dry-run") || parsed.surely("cached")) return;
  judge_unknown_arguments(git, parsed);
  if (const Seen* force = parsed.flag("force")) return git.report(Rule::rm_force, force->at);
  if (parsed.flag("r") == nullptr) return;
  for (const Operand& one : parsed.operands) {
    if (whole_tree(one.text)) return git.report(Rule::rm_force, one.at);
  }
}

/// Forced, it overwrites what lies at the target.
void move(const Git& git) {
  const Parsed parsed = git.parse("mv");
  if (parsed.help || parsed.surely("dry-run")) return;
  if (const Seen* force = parsed.flag("force")) git.report(Rule::checkout_path, force->at);
}

void read_tree(const Git& git) {
  const Parsed parsed = git.parse("read-tree");
  if (parsed.help || parsed.surely("dry-run")) return;
  for (const char* name : {"reset", "u"}) {
    if (const Seen* one = parsed.flag(name)) return git.report(Rule::read_tree_reset, one->at);
  }
}

void checkout_index(const Git& git) {
  const Parsed parsed = git.parse("checkout-index");
  if (parsed.help || parsed.surely("temp") || parsed.surely("no-create")) return;
  // Also with a prefix, which may be the tree itself; an export into a new directory needs no force.
  if (const Seen* force = parsed.flag("force")) git.report(Rule::checkout_path, force->at);
}

void stash(const Git& git) {
  if (git.at + 1 >= git.args().size()) {
    if (git.call.open_ended) git.report(Rule::shell_dynamic, git.at);
    return;
  }
  const std::string& sub = git.args()[git.at + 1];
  if (has_unknown(sub)) return git.report(Rule::shell_dynamic, git.at + 1);
  if (sub != "drop" && sub != "clear") return;
  const Parsed parsed = git.parse_from("stash " + sub, git.at + 2);
  if (parsed.help) return;
  git.report(sub == "drop" ? Rule::stash_drop : Rule::stash_clear, git.at + 1);
}

void worktree(const Git& git) {
  if (git.at + 1 >= git.args().size()) return;
  const std::string& sub = git.args()[git.at + 1];
  const Parsed parsed = git.parse_from("worktree " + sub, git.at + 2);
  if (parsed.help) return;
  const Seen* force = parsed.flag("force");
  if (sub == "remove" && force != nullptr) git.report(Rule::worktree_remove_force, force->at);
  const Seen* moved = sub == "add" ? parsed.flag("B") : nullptr;
  if (moved != nullptr) moved_branch(git, *moved, parsed.operands.size() > 1);
}

/// The submodule script takes its options before the subcommand too.
void submodule(const Git& git) {
  std::size_t sub = git.at + 1;
  while (sub < git.args().size() &&
         (git.args()[sub] == "--quiet" || git.args()[sub] == "-q" || git.args()[sub] == "--cached"))
    ++sub;
  if (sub >= git.args().size()) return;
  const std::string& name = git.args()[sub];
  const Parsed parsed = git.parse_from("submodule " + name, sub + 1);
  const Seen* force = parsed.flag("force");
  if (name == "deinit" && force != nullptr) git.report(Rule::submodule_deinit_force, force->at);
  if (name == "update" && force != nullptr) git.report(Rule::checkout_force, force->at);
  if (name == "add" || name == "set-url") {
    for (const Operand& operand : parsed.operands)
      judge_git_url(git.judge, operand.text, git.call.depth,
                    name == "add" && &operand == &parsed.operands[0]);
  }
  if (name != "foreach") return;
  std::size_t first = sub + 1;
  while (first < git.args().size() &&
         (git.args()[first] == "--recursive" || git.args()[first] == "--quiet" || git.args()[first] == "-q"))
    ++first;
  if (first < git.args().size() && git.args()[first] == "--") ++first;
  if (first >= git.args().size()) return;
  const Args body(git.args().begin() + static_cast<std::ptrdiff_t>(first), git.args().end());
  // One argument is a shell line; of several, the first may be one too.
  if (body[0].find_first_of(" \t\n;&|$`<>()'\"") != std::string::npos || body.size() == 1) {
    return git.judge.line(body[0] + " \"$@\"", git.call.depth + 1, body);
  }
  Call next = git.call;
  next.argv = body;
  ++next.depth;
  git.judge.call(std::move(next));
}

}  // namespace

bool judge_worktree(const Git& git) {
  const std::string_view verb = git.verb;
  if (verb == "checkout") return checkout(git), true;
  if (verb == "switch") return switch_branch(git), true;
  if (verb == "restore") return restore(git), true;
  if (verb == "add--interactive") return add_interactive(git), true;
  if (verb == "reset") return reset(git), true;
  if (verb == "clean") return clean(git), true;
  if (verb == "rm") return remove(git), true;
  if (verb == "mv") return move(git), true;
  if (verb == "read-tree") return read_tree(git), true;
  if (verb == "checkout-index") return checkout_index(git), true;
  if (verb == "stash") return stash(git), true;
  if (verb == "worktree") return worktree(git), true;
  if (verb == "submodule" || verb == "submodule--helper") return submodule(git), true;
  return false;
}

}  // namespace scc::safety
