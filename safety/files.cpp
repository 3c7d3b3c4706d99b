// SPDX-License-Identifier: Apache-2.0
// Commands that damage .git behind git's back, and copies of or links to guarded programs.
#include <algorithm>
#include <array>

#include "safety/judge.h"

namespace scc::safety {

namespace {

using View = std::string_view;

/// Whether a path leads to .git or below it; patterns count as what they match. Lock files that a dead git
/// left behind are fair game.
bool in_git_dir(const std::string& path) {
  if (path.ends_with(".lock")) return false;
  std::size_t start = 0;
  while (start <= path.size()) {
    const std::size_t end = std::min(path.find('/', start), path.size());
    const std::string part = path.substr(start, end - start);
    if (part == ".git") return true;
    const bool pattern = part.find_first_of("*?[") != std::string::npos;
    // ".*" and "*" match it too, but whoever writes them means something else; ".g*" means it.
    if (pattern && part.size() > 2 && part[0] == '.' && !has_unknown(part) && glob_matches(part, ".git"))
      return true;
    start = end + 1;
  }
  return false;
}

/// Where find's paths begin: behind -L, -O3, -D exec.
std::size_t find_options(const Args& argv) {
  std::size_t at = 1;
  for (; at < argv.size(); ++at) {
    const std::string& arg = argv[at];
    if (arg == "-D")
      ++at;
    else if (arg != "-H" && arg != "-L" && arg != "-P" && !arg.starts_with("-O"))
      break;
  }
  return std::min(at, argv.size());
}

/// `find . -delete`, with no test that would leave .git out.
bool deletes_all(const Args& argv) {
  std::size_t at = find_options(argv);
  bool here = at < argv.size() && argv[at].starts_with('-');
  for (; at < argv.size() && !argv[at].starts_with('-'); ++at)
    here = here || argv[at].find_first_not_of("./") == std::string::npos;
  constexpr std::array<View, 5> kOpen{"-mindepth", "-maxdepth", "-depth", "-xdev", "-mount"};
  for (; here && at < argv.size() && argv[at] != "-delete"; ++at) {
    if (!one_of(kOpen, argv[at])) return false;
    if (argv[at].ends_with("depth") && argv[at] != "-depth") ++at;
  }
  return here;
}

Args operands_of(const Args& argv) {
  Args out;
  bool ended = false;
  for (std::size_t i = 1; i < argv.size(); ++i) {
    if (!ended && argv[i] == "--") {
      ended = true;
    } else if (ended || !argv[i].starts_with('-')) {
      out.push_back(argv[i]);
    }
  }
  return out;
}

void copies(Judge& judge, const Call& call, View name, const Args& operands) {
  const bool link = name == "ln" || name == "hash";
  if ((!link && name != "cp" && name != "install" && name != "mv") || operands.empty()) return;
  // The value of an option may stand before it.
  const auto found = std::find_if(operands.begin(), operands.end() - 1, [](const std::string& one) {
    return guarded_tool(base_name(one)) && one.find('/') != std::string::npos;
  });
  if (found == operands.end() - 1) return;
  const std::string& source = *found;
  const View tool = base_name(source);
  const std::string& target = operands.back();
  if (link) {
    judge.links[target.substr(target.starts_with("./") ? 2 : 0)] = std::string(tool);
    return;
  }
  judge.copies.insert(target);
  judge.report(Rule::copied_binary, Decision::warn, source, call.depth);
}

}  // namespace

void judge_redirect(Judge& judge, View target, bool writes, unsigned depth) {
  for (const View local : {View("localhost/"), View("127.0.0.1/")}) {
    if (target.substr(0, 9) == "/dev/tcp/" && target.substr(9).starts_with(local)) return;
  }
  if (target.starts_with("/dev/tcp/") || target.starts_with("/dev/udp/")) {
    return judge.report(Rule::net_raw,
                        judge.policy().network == Network::open ? Decision::allow : Decision::block, target,
                        depth);
  }
  if (writes && in_git_dir(std::string(target))) judge.report(Rule::git_dir, Decision::warn, target, depth);
}

Args found_names(const Args& argv, std::size_t end) {
  Args starts;
  std::size_t at = find_options(argv);
  for (; at < end && !argv[at].starts_with('-') && argv[at] != "(" && argv[at] != "!"; ++at) {
    if (starts.size() < 64) starts.push_back(argv[at]);
  }
  if (starts.empty()) starts.emplace_back(".");
  Args out;
  int open = 0;
  bool whole_trees = false;
  int refused = -1;  // how deep the parentheses are that "!" stands before
  for (bool no = false; at < end; ++at) {
    const std::string& arg = argv[at];
    const std::string value = at + 1 < end ? argv[at + 1] : std::string();
    if (arg == "!" || arg == "-not") {
      no = !no;
      continue;
    }
    if (arg == "(" && ++open != 0 && no && refused < 0) refused = open;
    if (arg == ")" && open-- == refused) refused = -1;
    // What is on the other side of an "or" is not what the action gets.
    const bool either = arg == "-o" || arg == "-or" || arg == ",";
    if (open == 0 && either) out.clear();
    if (open > 0 && either && refused < 0) whole_trees = true;  // the other side may ask for anything
    const bool whole = arg == "-path" || arg == "-wholename" || arg == "-ipath";
    if (whole) whole_trees = whole_trees || std::any_of(starts.begin(), starts.end(), in_git_dir);
    if ((whole || arg == "-name" || arg == "-iname") && !no && refused < 0) {
      for (const std::string& start : starts) {
        if (out.size() < 64) out.push_back(whole ? value : start + "/" + value);
      }
    }
    no = false;
  }
  if (out.empty() || whole_trees) out.insert(out.end(), starts.begin(), starts.end());
  return out;
}

void judge_files(Judge& judge, const Call& call) {
  const View name = base_name(call.argv[0]);
  const Args operands = operands_of(call.argv);
  copies(judge, call, name, operands);
  constexpr std::array<View, 7> kDestroys{"rm", "rmdir", "unlink", "shred", "truncate", "srm", "wipe"};
  const bool destroys = one_of(kDestroys, name);
  if (destroys) {
    for (const std::string& one : operands) {
      if (in_git_dir(one)) return judge.report(Rule::git_dir, one, call.depth);
    }
    return;
  }
  if (name == "mv") {
    const bool named = std::any_of(call.argv.begin(), call.argv.end(), [](const std::string& one) {
      return one.starts_with("-t") || one.starts_with("--t");  // the target does not come last
    });
    for (std::size_t i = 0; i < operands.size(); ++i) {
      if (in_git_dir(operands[i])) {
        judge.report(Rule::git_dir, named || i + 1 < operands.size() ? Decision::block : Decision::warn,
                     operands[i], call.depth);
      }
    }
    return;
  }
  if ((name == "tee" || name == "cp" || name == "ln" || name == "install" || name == "rsync") &&
      !operands.empty()) {
    const std::size_t first = name == "tee" ? 0 : operands.size() - 1;
    for (std::size_t i = first; i < operands.size() && (first == 0 || operands.size() > 1); ++i) {
      if (in_git_dir(operands[i])) judge.report(Rule::git_dir, Decision::warn, operands[i], call.depth);
    }
    return;
  }
  if (name == "find") {
    const auto deletes = std::find(call.argv.begin(), call.argv.end(), "-delete");
    if (deletes == call.argv.end()) return;
    // -delete goes into a folder before it looks at it, so that -prune keeps nothing.
    const bool pruned = std::find(call.argv.begin(), call.argv.end(), "-prune") != call.argv.end();
    for (const std::string& one :
         pruned ? operands : found_names(call.argv, static_cast<std::size_t>(deletes - call.argv.begin()))) {
      if (in_git_dir(one)) return judge.report(Rule::git_dir, one, call.depth);
    }
    if (!judge.moved && deletes_all(call.argv)) judge.report(Rule::git_dir, "-delete", call.depth);
    return;
  }
  if (name == "dd") {
    for (const std::string& one : operands) {
      if (one.starts_with("of=") && in_git_dir(one.substr(3))) judge.report(Rule::git_dir, one, call.depth);
    }
  }
  if (name == "java") {
    const bool jar = std::any_of(operands.begin(), operands.end(), [](const std::string& one) {
      return base_name(one).starts_with("bfg") && one.ends_with(".jar");
    });
    if (jar) judge.report(Rule::history_rewrite, call.argv[0], call.depth);
  }
  if (name == "bfg") judge.report(Rule::history_rewrite, call.argv[0], call.depth);
}

}  // namespace scc::safety
