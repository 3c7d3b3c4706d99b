// SPDX-License-Identifier: Apache-2.0
#include "guard/hooks.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <unistd.h>

#include <sys/mman.h>

#include "guard/audit.h"
#include "guard/git_side.h"
#include "guard/places.h"
#include "guard/policy_file.h"
#include "guard/report.h"

namespace scc::guard {

namespace {

using safety::Decision;
using safety::Rule;

constexpr std::size_t kMostInput = std::size_t{16} << 20U;
constexpr std::string_view kOwnRefs = "refs/scc/";

constexpr std::array kHooks{
#define SCC_HOOK(name) std::string_view(name),
#include "guard/hooks.def"
#undef SCC_HOOK
};

bool object_name(std::string_view text) {
  return !text.empty() && text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

bool zero(const std::string& object) {
  return object.find_first_not_of('0') == std::string::npos;
}

/// A pattern of the policy: "main", "release/*".
bool matches(std::string_view pattern, std::string_view name) {
  const std::size_t star = pattern.find('*');
  if (star == std::string_view::npos) return pattern == name;
  const std::string_view tail = pattern.substr(star + 1);
  return name.size() + 1 >= pattern.size() && name.starts_with(pattern.substr(0, star)) &&
         name.ends_with(tail);
}

struct Found {
  Rule rule;
  std::string at;
  std::string detail;
};

class Effects {
 public:
  Effects(const Variables& environment, safety::Policy policy)
      : environment_(environment),
        policy_(std::move(policy)),
        parent_(parent_git()),
        verb_(verb_of(parent_)) {}

  /// False: blocked, and reported.
  bool push(const RefLines& lines) const {
    if (!lines) return settle(Found{Rule::internal, "pre-push", "git says what cannot be read"});
    return std::all_of(lines->begin(), lines->end(), [&](const Words& line) { return settle(pushed(line)); });
  }
  bool transaction(const RefLines& lines) const {
    if (!lines) return settle(Found{Rule::internal, "reference-transaction", "git says what cannot be read"});
    return std::all_of(lines->begin(), lines->end(), [&](const Words& line) {
      const bool stays = line[0] == line[1] && !zero(line[1]);
      return stays || settle(changed(line));
    });
  }

 private:
  std::optional<Answer> git(Words argv) const {
    argv.insert(argv.begin(), "git");
    return ask(real_path("git"), argv, environment_.bare(), kEffectMs);
  }

  bool is_protected(const std::string& ref) const {
    constexpr std::string_view kHeads = "refs/heads/";
    if (!ref.starts_with(kHeads)) return false;
    const std::string_view name = std::string_view(ref).substr(kHeads.size());
    return std::any_of(policy_.protected_branches.begin(), policy_.protected_branches.end(),
                       [&](const std::string& pattern) { return matches(pattern, name); });
  }

  /// Said on the command line of the push: what forces it is bound to what the caller saw, or nothing is
  /// sent.
  bool with_lease() const {
    if (!allowed()) return false;
    const bool dashed = !safety::git_dashed(parent_[0]).empty();
    const std::size_t verb = dashed ? 0 : safety::git_verb(parent_);
    const Words arguments(parent_.begin() + static_cast<long>(verb) + 1, parent_.end());
    const safety::Push kind = safety::push_kind(alias_text(verb_, environment_), arguments);
    return kind == safety::Push::dry || (kind == safety::Push::leased && !forced_by_settings());
  }

  /// A "+" or a mirror of the repository's settings forces in spite of the lease.
  bool forced_by_settings() const {
    const auto set = git({"config", "--null", "--get-regexp", R"(^remote\..*\.(push|mirror)$)"});
    if (!set || set->code > 1) return true;
    return set->out.find("\n+") != std::string::npos || set->out.find(".mirror\n") != std::string::npos;
  }

  /// LOCAL-REF LOCAL-OBJECT REMOTE-REF REMOTE-OBJECT
  std::optional<Found> pushed(const Words& line) const {
    if (line[0].starts_with(kOwnRefs) || line[2].starts_with(kOwnRefs))
      return Found{Rule::snapshot_push, line[2], {}};
    if (zero(line[1])) return Found{Rule::push_delete, line[2], "the branch is deleted at the remote"};
    if (zero(line[3])) return std::nullopt;
    const auto answer = git({"merge-base", "--is-ancestor", line[3], line[1]});
    if (answer && answer->code == 0) return std::nullopt;
    if (with_lease() && !is_protected(line[2])) return std::nullopt;
    return Found{Rule::force_push, line[2], "it would not be a fast-forward"};
  }

  /// OLD NEW REF
  std::optional<Found> changed(const Words& line) const {
    const std::string& ref = line[2];
    const bool branch = ref.starts_with("refs/heads/");
    // The guard writes its snapshots without hooks.
    if (ref.starts_with(kOwnRefs) && verb_ != "pack-refs")
      return Found{Rule::update_ref, ref, "the snapshots are the guard's"};
    if (!branch && ref != "refs/stash") return std::nullopt;
    if (!zero(line[1])) return moved(line);
    // Only the loose file goes; the ref is packed.
    if (verb_ == "pack-refs") return std::nullopt;
    if (!branch) {
      // `git stash pop` ends here, too; the command itself says whether work is lost.
      if (verb_ == "stash" && allowed()) return std::nullopt;
      return Found{Rule::stash_clear, ref, {}};
    }
    return deleted(line);
  }

  /// Work is lost when no other ref leads to the branch's commits; its own log goes with it.
  std::optional<Found> deleted(const Words& line) const {
    const std::string& ref = line[2];
    // Without an expected value git writes zeros for the old one, too.
    const auto there = git({"rev-parse", "--quiet", "--verify", ref});
    if (there && there->code == 1) return std::nullopt;
    const bool renames =
        verb_ == "branch" && std::any_of(parent_.begin(), parent_.end(), [](const std::string& one) {
          return one == "-m" || one.starts_with("--mo") || one == "-M";
        });
    if (renames && allowed()) return std::nullopt;
    const auto others = git({"for-each-ref", "--count=2", "--format=%(refname)", "--contains", ref});
    const bool kept =
        others && others->code == 0 && std::count(others->out.begin(), others->out.end(), '\n') > 1;
    if (kept && !is_protected(ref)) return std::nullopt;
    return Found{Rule::branch_force_delete, ref, {}};
  }

  /// A branch that goes elsewhere stays in its log, so only what no command may do is stopped here.
  std::optional<Found> moved(const Words& line) const {
    if (zero(line[0]) || parent_.empty() || allowed()) return std::nullopt;
    return Found{Rule::branch_force_move, line[2], {}};
  }

  bool allowed() const {
    return !parent_.empty() && judge_git(parent_, environment_, policy_, false).decision != Decision::block;
  }

  bool settle(const std::optional<Found>& found) const {
    if (!found) return true;
    const safety::RuleInfo& rule = safety::info(found->rule);
    safety::Verdict verdict;
    // A protected branch is no matter of the rule's level, nor is what the guard cannot read.
    const bool always = is_protected(found->at) || found->rule == Rule::internal;
    verdict.decision = always ? Decision::block : policy_.decide(found->rule, rule.level);
    verdict.rule = rule.id;
    verdict.reason = std::string(rule.loss) + (found->detail.empty() ? "" : ": " + found->detail);
    if (policy_.defective())
      verdict.reason += " (the safety policy cannot be trusted: " + policy_.defect + ")";
    verdict.hint = rule.hint;
    verdict.at = found->at;
    if (verdict.decision == Decision::allow) return true;
    const AuditEntry entry{"git", "ref", parent_.empty() ? Words{"git", found->at} : parent_, new_event_id()};
    if (const std::string missing = record(entry, verdict);
        !missing.empty() && verdict.decision == Decision::warn)
      verdict = unrecorded(missing);
    if (verdict.decision == Decision::warn) report_warning(verdict);
    if (verdict.decision == Decision::block) report_denied(verdict, entry.id, false);
    return verdict.decision != Decision::block;
  }

  GitEnvironment environment_;
  safety::Policy policy_;
  Words parent_;
  std::string verb_;
};

/// What was read becomes standard input again.
bool give_back(const std::string& text) {
  const int fd = memfd_create("scc-hook", MFD_CLOEXEC);
  if (fd < 0) return false;
  std::size_t at = 0;
  while (at < text.size()) {
    const ssize_t done = write(fd, text.data() + at, text.size() - at);
    if (done < 0 && errno == EINTR) continue;
    if (done <= 0) return false;
    at += static_cast<std::size_t>(done);
  }
  return lseek(fd, 0, SEEK_SET) == 0 && dup2(fd, STDIN_FILENO) == STDIN_FILENO;
}

/// The repository's own hook, as git would look for it without the guard's setting; "": none. Nothing:
/// git did not say.
std::optional<std::string> own_hook(const std::string& name, const GitEnvironment& environment) {
  std::string folder;
  const auto set =
      ask(real_path("git"), {"git", "config", "--null", "--type=path", "--get-all", "core.hooksPath"},
          environment.bare(), kEffectMs);
  if (!set) return std::nullopt;
  const std::string values = set->code == 0 ? set->out : "";
  for (std::size_t at = 0; at < values.size();) {
    const std::size_t end = std::min(values.find('\0', at), values.size());
    // The last one counts; the guard's own in the global file does not.
    if (const std::string one = values.substr(at, end - at); one != kHooksDir) folder = one;
    at = end + 1;
  }
  if (folder.empty()) {
    const auto common =
        ask(real_path("git"), {"git", "rev-parse", "--git-common-dir"}, environment.bare(), kEffectMs);
    if (!common) return std::nullopt;
    if (common->code != 0) return "";
    folder = common->out.substr(0, common->out.find('\n')) + "/hooks";
  }
  std::string path = folder + "/" + name;
  if (access(path.c_str(), X_OK) != 0) path.clear();
  return path;
}

int become(const std::string& path, const Words& argv, const Variables& environment) {
  Words words = argv;
  words[0] = path;
  const Words lines = lines_of(environment);
  execve(path.c_str(), pointers(words).data(), pointers(lines).data());
  if (errno == ENOEXEC) {  // a script without #!
    words.insert(words.begin(), "/bin/sh");
    execve("/bin/sh", pointers(words).data(), pointers(lines).data());
  }
  report_text("the hook " + path + " cannot be run: " + strerror(errno));
  return 1;
}

}  // namespace

RefLines pushed_refs(std::string_view input) {
  std::vector<Words> out;
  for (std::size_t at = 0; at < input.size();) {
    const std::size_t end = std::min(input.find('\n', at), input.size());
    std::string_view rest = input.substr(at, end - at);
    Words line(4);
    for (std::size_t field = 3; field > 0; --field) {
      const std::size_t blank = rest.rfind(' ');
      if (blank == std::string_view::npos) return std::nullopt;
      line[field] = rest.substr(blank + 1);
      rest = rest.substr(0, blank);
    }
    line[0] = rest;
    if (!object_name(line[1]) || line[2].empty() || !object_name(line[3])) return std::nullopt;
    out.push_back(std::move(line));
    at = end + 1;
  }
  return out;
}

RefLines changed_refs(std::string_view input) {
  std::vector<Words> out;
  for (std::size_t at = 0; at < input.size();) {
    const std::size_t end = std::min(input.find('\n', at), input.size());
    const std::string_view text = input.substr(at, end - at);
    const std::size_t first = text.find(' ');
    const std::size_t second = first == std::string_view::npos ? first : text.find(' ', first + 1);
    if (second == std::string_view::npos) return std::nullopt;
    Words line{std::string(text.substr(0, first)), std::string(text.substr(first + 1, second - first - 1)),
               std::string(text.substr(second + 1))};
    // Later versions of git write "ref:NAME" for what a symbolic ref leads to.
    const auto known = [](const std::string& one) { return object_name(one) || one.starts_with("ref:"); };
    if (!known(line[0]) || !known(line[1]) || line[2].empty()) return std::nullopt;
    out.push_back(std::move(line));
    at = end + 1;
  }
  return out;
}

bool is_hook_name(std::string_view name) {
  return std::find(kHooks.begin(), kHooks.end(), name) != kHooks.end();
}

int run_hook(const Words& argv, const Variables& environment) {
  const std::string name(name_of(argv[0]));
  const bool push = name == "pre-push";
  const bool transaction = name == "reference-transaction";
  if (push || transaction) {
    std::string input;
    if (!read_input(&input, kMostInput)) {
      report_text("the input of the hook " + name + " cannot be read");
      return 1;
    }
    const bool judged = push || (argv.size() > 1 && argv[1] == "prepared");
    if (judged) {
      const Effects effects(environment, load_policy(std::string(kPolicyFile)));
      if (!(push ? effects.push(pushed_refs(input)) : effects.transaction(changed_refs(input)))) return 1;
    }
    if (!give_back(input)) {
      report_text("the input of the hook " + name + " cannot be handed on");
      return 1;
    }
  }
  const std::optional<std::string> own = own_hook(name, GitEnvironment(environment));
  if (!own) {
    report_text("git does not say where the repository's hooks are, so " + name + " fails");
    return 1;
  }
  return own->empty() ? 0 : become(*own, argv, environment);
}

}  // namespace scc::guard
