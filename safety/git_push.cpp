// SPDX-License-Identifier: Apache-2.0
// push, fetch, pull, clone and their plumbing: refspecs, force in all its spellings, URLs that run programs.
#include <algorithm>

#include "safety/git.h"

namespace scc::safety {

namespace {

constexpr auto npos = std::string_view::npos;

/// Where a ref that a fetch writes lies: true for a branch of one's own.
bool local_branch(std::string_view target) {
  const std::size_t star = target.find('*');
  if (star != npos && std::string_view("refs/heads/").starts_with(target.substr(0, star))) return true;
  if (target.starts_with("refs/heads/")) return true;
  return !target.starts_with("refs/") && !target.starts_with("remotes/") && !target.starts_with("tags/");
}

struct Refspec {
  bool force = false;
  std::string_view source;
  std::string_view target;  ///< empty: none
  bool colon = false;
};

Refspec read_refspec(std::string_view text) {
  Refspec out;
  if (text.starts_with('+')) {
    out.force = true;
    text.remove_prefix(1);
  }
  const std::size_t colon = text.rfind(':');
  out.colon = colon != npos;
  out.source = text.substr(0, colon);
  if (out.colon) out.target = text.substr(colon + 1);
  return out;
}

/// A program that git runs at the other end of the connection, which is this machine for a path or a
/// transport.
void far_program(const Git& git, const Parsed& parsed) {
  for (const Seen& one : parsed.seen) {
    if (one.negated || one.value.empty()) continue;
    const std::string_view name = one.option.name;
    if (name != "receive-pack" && name != "upload-pack" && name != "exec") continue;
    const bool line = one.value.find_first_of(" \t\n;&|<>$`(){}'\"\\") != npos || has_unknown(one.value);
    git.report(Rule::git_transport, line ? Decision::block : Decision::warn, one.at);
    git.shell(one.value);
  }
}

void urls(const Git& git, const Parsed& parsed) {
  for (const Operand& operand : parsed.operands)
    judge_git_url(git.judge, operand.text, git.call.depth, &operand == &parsed.operands[0]);
}

bool dry_run(const Parsed& parsed) {
  return parsed.surely("dry-run");
}

void push_settings(const Git& git) {
  for (const auto& [key, value] : git.settings) {
    if (!key.starts_with("remote.")) continue;
    if (key.ends_with(".push") && risky_refspec(value)) {
      git.judge.report(read_refspec(value).force ? Rule::force_push : Rule::push_delete, key, git.call.depth);
    }
    if (key.ends_with(".mirror") && setting_true(value))
      git.judge.report(Rule::push_mirror, key, git.call.depth);
  }
}

void push_refspecs(const Git& git, const Parsed& parsed) {
  for (std::size_t i = 0; i < parsed.operands.size(); ++i) {
    const Operand& one = parsed.operands[i];
    const Refspec spec = read_refspec(one.text);
    // The first operand is the repository, and git refuses one that begins with '+'; nobody means it.
    if (i == 0) {
      if (spec.force) git.report(Rule::force_push, one.at);
      continue;
    }
    if (spec.colon && spec.source.empty() && !spec.target.empty()) git.report(Rule::push_delete, one.at);
    // "HEAD:+main" makes a branch that is called "+main": no force.
    if (spec.force) git.report(Rule::force_push, one.at);
  }
}

void push(const Git& git) {
  const Parsed parsed = git.parse("push");
  if (parsed.help || parsed.refused) return;
  far_program(git, parsed);
  urls(git, parsed);
  if (const Seen* repo = parsed.flag("repo")) judge_git_url(git.judge, repo->value, git.call.depth);
  if (const Seen* skip = parsed.flag("no-verify")) git.report(Rule::hook_bypass, skip->at);
  if (dry_run(parsed)) return;
  judge_unknown_arguments(git, parsed);
  if (const Seen* mirror = parsed.flag("mirror")) git.report(Rule::push_mirror, mirror->at);
  if (const Seen* force = parsed.flag("force")) git.report(Rule::force_push, force->at);
  if (const Seen* prune = parsed.flag("prune")) git.report(Rule::push_prune, prune->at);
  const Seen* deletes = parsed.flag("delete");
  if (deletes != nullptr) git.report(Rule::push_delete, deletes->at);
  push_refspecs(git, parsed);
  push_settings(git);
}

void send_pack(const Git& git) {
  const Parsed parsed = git.parse("send-pack");
  if (parsed.help) return;
  far_program(git, parsed);
  urls(git, parsed);
  if (dry_run(parsed)) return;
  for (const char* name : {"force", "mirror", "stdin"}) {
    if (const Seen* one = parsed.flag(name)) git.report(Rule::plumbing_push, one->at);
  }
  for (std::size_t i = 1; i < parsed.operands.size(); ++i) {
    const Refspec spec = read_refspec(parsed.operands[i].text);
    if (spec.force || (spec.colon && spec.source.empty()))
      git.report(Rule::plumbing_push, parsed.operands[i].at);
  }
}

void http_push(const Git& git) {
  // Reads its arguments itself: whole names, letters alone.
  for (std::size_t i = git.at + 1; i < git.args().size(); ++i) {
    const std::string& arg = git.args()[i];
    if (arg == "--dry-run" || arg == "-h") return;
  }
  for (std::size_t i = git.at + 1; i < git.args().size(); ++i) {
    const std::string& arg = git.args()[i];
    if (arg == "--force" || arg == "-d" || arg == "-D" || arg.starts_with('+'))
      git.report(Rule::plumbing_push, i);
  }
}

bool prunes(const Git& git, const Parsed& parsed) {
  if (parsed.flag("prune") != nullptr) return true;
  for (const Seen& one : parsed.seen) {
    if (one.negated && one.sure && is_option(one.option, "prune")) return false;
  }
  return std::any_of(git.settings.begin(), git.settings.end(), [](const auto& one) {
    const std::string_view key = one.first;
    const bool prune = key == "fetch.prune" || (key.starts_with("remote.") && key.ends_with(".prune"));
    return prune && setting_true(one.second);
  });
}

void fetch_refspecs(const Git& git, const Parsed& parsed, bool forced, bool prunes) {
  for (std::size_t i = 1; i < parsed.operands.size(); ++i) {
    const Operand& one = parsed.operands[i];
    const Refspec spec = read_refspec(one.text);
    if (!spec.colon || spec.target.empty()) continue;
    const bool branch = local_branch(spec.target);
    if (branch && prunes) git.report(Rule::branch_force_delete, one.at);
    if (!spec.force && !forced) continue;
    if (branch)
      git.report(spec.target.find('*') != npos ? Rule::force_push : Rule::branch_force_move, one.at);
    if (spec.target.find("tags/") != npos) git.report(Rule::tag_delete, one.at);
  }
}

void fetch_settings(const Git& git, bool forced, bool prunes) {
  for (const auto& [key, value] : git.settings) {
    if (!key.starts_with("remote.") || !key.ends_with(".fetch") || !fetches_branches(value)) continue;
    if (forced || prunes || value.starts_with('+') || has_unknown(value))
      git.judge.report(prunes ? Rule::branch_force_delete : Rule::branch_force_move, key, git.call.depth);
  }
}

void fetch(const Git& git, std::string_view table) {
  const Parsed parsed = git.parse(table);
  if (parsed.help) return;
  far_program(git, parsed);
  urls(git, parsed);
  if (dry_run(parsed)) return;
  for (const Seen& one : parsed.seen) {
    if (one.option.name == "verify" && one.negated && one.sure) git.report(Rule::hook_bypass, one.at);
  }
  const bool forced = parsed.flag("force") != nullptr;
  const bool pruned = prunes(git, parsed);
  fetch_refspecs(git, parsed, forced, pruned);
  // Refspecs that no line shows.
  if (const Seen* input = parsed.flag("stdin")) git.report(Rule::branch_force_move, input->at);
  if (const Seen* refmap = parsed.flag("refmap")) {
    const Refspec spec = read_refspec(refmap->value);
    if (spec.force && spec.colon && local_branch(spec.target))
      git.report(Rule::branch_force_move, refmap->at);
  }
  fetch_settings(git, forced, pruned);
}

void clone(const Git& git) {
  const Parsed parsed = git.parse("clone");
  if (parsed.help) return;
  far_program(git, parsed);
  urls(git, parsed);
  for (const Seen* one : parsed.all("config")) {
    const std::size_t equals = one->value.find('=');
    if (equals == npos) continue;
    judge_written_setting(git, setting_key(std::string_view(one->value).substr(0, equals)),
                          one->value.substr(equals + 1), one->value);
  }
}

void remote(const Git& git) {
  std::size_t sub = git.at + 1;
  while (sub < git.args().size() && git.args()[sub].starts_with('-')) ++sub;
  if (sub >= git.args().size()) return;
  const std::string& name = git.args()[sub];
  const Parsed parsed = git.parse_from("remote " + name, sub + 1);
  if (parsed.help) return;
  if (name == "add") {
    urls(git, parsed);
    const Seen* mirror = parsed.flag("mirror");
    if (mirror == nullptr) return;
    // The other kind writes each ref of the remote over one's own.
    git.report(mirror->value == "fetch" ? Rule::branch_force_move : Rule::push_mirror, mirror->at);
  } else if (name == "update" || name == "prune") {
    fetch_settings(git, false, true);
  } else if (name == "set-url") {
    urls(git, parsed);
    git.report(Rule::remote_change, sub);
  } else if (name == "remove" || name == "rm" || name == "rename") {
    git.report(Rule::remote_change, sub);
  }
}

void archive(const Git& git) {
  const Parsed parsed = git.parse("archive");
  if (parsed.help) return;
  if (const Seen* one = parsed.flag("remote")) git.report(Rule::git_transport, one->at);
}

}  // namespace

bool fetches_branches(std::string_view refspec) {
  const Refspec spec = read_refspec(refspec);
  return has_unknown(refspec) || (!spec.target.empty() && local_branch(spec.target));
}

bool risky_refspec(std::string_view value) {
  const Refspec spec = read_refspec(value);
  return spec.force || has_unknown(value) || (spec.source.empty() && !spec.target.empty());
}

void judge_unknown_arguments(const Git& git, const Parsed& parsed) {
  if (parsed.dynamic) git.report(Rule::shell_dynamic, parsed.dynamic_at, "an option is not written out");
  if (git.call.open_ended && !parsed.dashes)
    git.report(Rule::shell_dynamic, git.at, "its arguments come from somewhere else");
}

void judge_git_url(Judge& judge, std::string_view url, unsigned depth, bool repository) {
  const std::size_t transport = url.find("::");
  const std::size_t slash = url.find('/');
  if (transport != npos && transport != 0 && (slash == npos || transport < slash)) {
    judge.report(Rule::git_transport, url, depth);
    return;
  }
  const Network network = judge.policy().network;
  if (network != Network::enforced && network != Network::locked) return;
  const std::size_t colon = url.find(':');
  const bool scheme = url.find("://") != npos;
  const bool ssh = url.starts_with("ssh://") || url.starts_with("git+ssh://") ||
                   url.starts_with("ssh+git://") ||
                   (!scheme && colon != npos && colon != 0 && (slash == npos || colon < slash) &&
                    (repository || url.substr(0, colon).find('@') != npos));
  if (ssh)
    judge.report(Rule::net_ssh, url, depth,
                 "git over ssh has no route here; use the https address of the remote");
  if (url.starts_with("git://"))
    judge.report(Rule::net_raw, url, depth, "git:// has no route here; use https");
}

Push push_kind(std::string_view alias, const std::vector<std::string>& arguments) noexcept {
  try {
    Args argv{"git"};
    if (alias.empty()) {
      argv.emplace_back("push");
    } else if (!split_alias(alias, &argv) || argv.size() < 2 || argv[1] != "push") {
      return Push::plain;
    }
    argv.insert(argv.end(), arguments.begin(), arguments.end());
    const Parsed parsed = parse_options(git_options("push"), argv, 2);
    if (dry_run(parsed)) return Push::dry;
    return parsed.surely("force-with-lease") ? Push::leased : Push::plain;
  } catch (...) {
    return Push::plain;
  }
}

bool judge_push_and_fetch(const Git& git) {
  const std::string_view verb = git.verb;
  if (verb == "push") return push(git), true;
  if (verb == "fetch" || verb == "pull") return fetch(git, verb), true;
  if (verb == "clone") return clone(git), true;
  if (verb == "remote") return remote(git), true;
  if (verb == "send-pack") return send_pack(git), true;
  if (verb == "http-push") return http_push(git), true;
  if (verb == "archive") return archive(git), true;
  if (verb == "ls-remote" || verb == "fetch-pack") {
    const Parsed parsed = git.parse(verb);
    return far_program(git, parsed), urls(git, parsed), true;
  }
  if (verb == "daemon" || verb == "instaweb" || verb == "remote-ext" || verb == "remote-fd") {
    return git.report(Rule::git_transport, git.at), true;
  }
  return false;
}

}  // namespace scc::safety
