// SPDX-License-Identifier: Apache-2.0
#include "guard/git_side.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <fcntl.h>
#include <unistd.h>

#include <sys/stat.h>

#include "guard/places.h"

namespace scc::guard {

namespace {

constexpr std::string_view kHooksKey = "core.hooksPath";
constexpr unsigned kMostPairs = 128;
constexpr std::size_t kMostParentBytes = std::size_t{1} << 20U;

const std::string* find(const Variables& all, std::string_view name) {
  for (const auto& one : all) {
    if (one.first == name) return &one.second;
  }
  return nullptr;
}

/// Git tells its children where its own programs are.
bool usual_exec_path(std::string_view value) {
  return value == "/usr/lib/git-core" || value == "/usr/libexec/git-core";
}

bool numbered(std::string_view name) {
  return name == "GIT_CONFIG_COUNT" || name.starts_with("GIT_CONFIG_KEY_") ||
         name.starts_with("GIT_CONFIG_VALUE_");
}

/// One word in git's own quoting: '...' with '\'' and '\!' for what ends it. False: not such a word.
bool unquote(std::string_view text, std::size_t* at, std::string* out) {
  if (*at >= text.size() || text[*at] != '\'') return false;
  ++*at;
  for (; *at < text.size(); ++*at) {
    if (text[*at] != '\'') {
      *out += text[*at];
      continue;
    }
    ++*at;
    const bool goes_on = *at + 2 < text.size() && text[*at] == '\\' && text[*at + 2] == '\'' &&
                         (text[*at + 1] == '\'' || text[*at + 1] == '!');
    if (!goes_on) return true;
    *out += text[*at + 1];
    *at += 2;
  }
  return false;
}

/// 'key=value' or 'key'='value' or 'key'=, separated by blanks.
bool parse_parameters(std::string_view text, Words* out) {
  for (std::size_t at = 0; at < text.size();) {
    if (text[at] == ' ') {
      ++at;
      continue;
    }
    std::string setting;
    if (!unquote(text, &at, &setting)) return false;
    if (at < text.size() && text[at] == '=') {
      // -c ends the key at its first '=', so it cannot say this one ("credential.https://h/?a=b.helper").
      if (setting.find('=') != std::string::npos) return false;
      setting += '=';
      ++at;
      if (at < text.size() && text[at] == '\'' && !unquote(text, &at, &setting)) return false;
    }
    if (at < text.size() && text[at] != ' ') return false;
    out->insert(out->end(), {"-c", std::move(setting)});
  }
  return true;
}

/// The global options of an argv, for a question about the same repository with the same settings.
Words question(const Words& words, std::size_t verb, const GitEnvironment& environment) {
  Words out{"git"};
  // The environment still holds them where git is asked; they are not said twice.
  const std::size_t first = 1 + environment.settings().size();
  if (verb > first)
    out.insert(out.end(), words.begin() + static_cast<long>(first), words.begin() + static_cast<long>(verb));
  return out;
}

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return out;
}

/// False: git did not answer.
bool read_aliases(Words ask_with, const GitEnvironment& environment, safety::Context* context) {
  ask_with.insert(ask_with.end(), {"config", "--null", "--get-regexp", "^alias\\."});
  const auto answer = ask(real_path("git"), ask_with, environment.bare());
  // 1: there is none; 128 and above: no repository that could be read, so git will refuse the command, too.
  if (!answer || (answer->code != 0 && answer->code != 1 && answer->code != 128)) return false;
  take_aliases(answer->out, context);
  return true;
}

class Revisions : public safety::Probe {
 public:
  Revisions(Words prefix, const Variables& environment)
      : prefix_(std::move(prefix)), environment_(environment) {}
  std::optional<bool> is_revision(std::string_view name) const override {
    Words argv = prefix_;
    argv.insert(argv.end(),
                {"rev-parse", "--quiet", "--verify", "--end-of-options", std::string(name) + "^{object}"});
    const auto answer = ask(real_path("git"), argv, environment_);
    if (!answer || answer->code > 1) return std::nullopt;
    // `git checkout NAME` takes NAME for a path when it is no commit here and no branch of one remote.
    if (answer->code == 0) return true;
    argv = prefix_;
    argv.insert(argv.end(),
                {"for-each-ref", "--count=1", "--format=%(refname)", "refs/remotes/*/" + std::string(name)});
    const auto remote = ask(real_path("git"), argv, environment_);
    if (!remote || remote->code != 0) return std::nullopt;
    return !remote->out.empty();
  }
  std::optional<bool> is_other_branch(std::string_view name) const override {
    const std::string ref = "refs/heads/" + std::string(name);
    Words argv = prefix_;
    argv.insert(argv.end(), {"symbolic-ref", "--quiet", "HEAD"});
    const auto head = ask(real_path("git"), argv, environment_);
    if (!head || head->code > 1) return std::nullopt;
    if (head->out == ref + "\n") return false;
    argv = prefix_;
    argv.insert(argv.end(), {"show-ref", "--verify", "--quiet", ref});
    const auto found = ask(real_path("git"), argv, environment_);
    if (!found || found->code > 1) return std::nullopt;
    return found->code == 0;
  }

 private:
  Words prefix_;
  const Variables& environment_;
};

std::string read_small(const std::string& path) {
  std::string out;
  const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return out;
  std::array<char, 4096> buffer{};
  ssize_t got = 0;
  while (out.size() < kMostParentBytes && (got = read(fd, buffer.data(), buffer.size())) > 0)
    out.append(buffer.data(), static_cast<std::size_t>(got));
  close(fd);
  return out;
}

/// Whether a git in the line may work in another repository than the one of the current directory.
bool leaves_repository(std::string_view line) {
  constexpr std::array<std::string_view, 6> kMoves{"cd",        "pushd",       "-C",
                                                   "--git-dir", "--work-tree", "GIT_DIR"};
  return std::any_of(kMoves.begin(), kMoves.end(),
                     [&](std::string_view one) { return line.find(one) != std::string_view::npos; });
}

}  // namespace

void take_aliases(std::string_view listing, safety::Context* context) {
  constexpr std::string_view kSection = "alias.";
  for (std::size_t at = 0; at < listing.size();) {
    const std::size_t end = std::min(listing.find('\0', at), listing.size());
    const std::string_view entry = listing.substr(at, end - at);
    const std::size_t line = entry.find('\n');
    if (entry.starts_with(kSection) && line != std::string_view::npos) {
      const std::string_view name = entry.substr(kSection.size(), line - kSection.size());
      context->git_aliases[lower(name)] = std::string(entry.substr(line + 1));
    }
    at = end + 1;
  }
  context->git_aliases_known = true;
}

std::string real_path(std::string_view tool) {
  return std::string(kRealDir) + "/" + std::string(tool);
}

std::string_view name_of(std::string_view path) {
  const std::size_t slash = path.rfind('/');
  return slash == std::string_view::npos ? path : path.substr(slash + 1);
}

GitEnvironment::GitEnvironment(const Variables& all) {
  take_pairs(all);
  for (const auto& one : all) {
    if (numbered(one.first)) continue;
    bare_.push_back(one);
    if (one.first == "GIT_CONFIG_PARAMETERS" && parse_parameters(one.second, &settings_)) continue;
    if (one.first == "GIT_EXEC_PATH" && usual_exec_path(one.second)) continue;
    judged_.push_back(one);
  }
  if (pairs_.empty()) return;
  Variables numbers{{"GIT_CONFIG_COUNT", std::to_string(pairs_.size())}};
  for (std::size_t i = 0; i < pairs_.size(); ++i) {
    numbers.emplace_back("GIT_CONFIG_KEY_" + std::to_string(i), pairs_[i].first);
    numbers.emplace_back("GIT_CONFIG_VALUE_" + std::to_string(i), pairs_[i].second);
  }
  judged_.insert(judged_.end(), numbers.begin(), numbers.end());
  bare_.insert(bare_.end(), numbers.begin(), numbers.end());
}

void GitEnvironment::take_pairs(const Variables& all) {
  const std::string* count = find(all, "GIT_CONFIG_COUNT");
  if (count == nullptr || count->empty()) return;
  unsigned number = 0;
  for (const char c : *count) {
    if (c < '0' || c > '9' || number > kMostPairs) {
      problem_ = "GIT_CONFIG_COUNT is no number up to " + std::to_string(kMostPairs);
      return;
    }
    number = number * 10 + static_cast<unsigned>(c - '0');
  }
  if (number > kMostPairs) problem_ = "GIT_CONFIG_COUNT is larger than " + std::to_string(kMostPairs);
  for (unsigned i = 0; i < number && problem_.empty(); ++i) {
    const std::string* key = find(all, "GIT_CONFIG_KEY_" + std::to_string(i));
    const std::string* value = find(all, "GIT_CONFIG_VALUE_" + std::to_string(i));
    if (key == nullptr || value == nullptr) {
      problem_ = "GIT_CONFIG_COUNT counts more settings than there are";
    } else if (lower(*key) != lower(kHooksKey) || *value != kHooksDir) {
      pairs_.emplace_back(*key, *value);
    }
  }
}

Variables GitEnvironment::with_hooks() const {
  Variables out = bare_;
  const std::size_t count = pairs_.size();
  std::erase_if(out, [](const auto& one) { return one.first == "GIT_CONFIG_COUNT"; });
  out.emplace_back("GIT_CONFIG_COUNT", std::to_string(count + 1));
  out.emplace_back("GIT_CONFIG_KEY_" + std::to_string(count), kHooksKey);
  out.emplace_back("GIT_CONFIG_VALUE_" + std::to_string(count), kHooksDir);
  return out;
}

safety::Verdict judge_git(const Words& words, const GitEnvironment& environment, const safety::Policy& policy,
                          bool here, std::vector<safety::Command>* commands, bool answered) {
  Words argv = words;
  if (const std::string_view dashed = safety::git_dashed(argv[0]); !dashed.empty()) {
    argv.insert(argv.begin() + 1, std::string(dashed));
    argv[0] = "git";
  }
  argv.insert(argv.begin() + 1, environment.settings().begin(), environment.settings().end());
  safety::Context context;
  context.commands = commands;
  context.answered = answered;
  context.environment = environment.judged();
  const std::size_t verb = safety::git_verb(argv);
  const Words prefix = here && verb > 0 ? question(argv, verb, environment) : Words{"git"};
  const Revisions revisions(prefix, environment.bare());
  context.probe = &revisions;
  // Without an answer it may be any alias, which is blocked.
  if (verb > 0 && !safety::git_has(argv[verb]) && !read_aliases(prefix, environment, &context))
    context.git_aliases[lower(argv[verb])] = std::string(1, '\0');
  return safety::evaluate_argv(argv, policy, context);
}

safety::Verdict judge_line(const std::string& line, const GitEnvironment& environment,
                           const safety::Policy& policy, std::vector<safety::Command>* commands) {
  if (!environment.problem().empty()) {
    const safety::RuleInfo& rule = safety::info(safety::Rule::env_injection);
    return {
        safety::Decision::block, std::string(rule.id), environment.problem(), std::string(rule.hint), "", 0};
  }
  safety::Context context;
  context.commands = commands;
  context.environment = environment.judged();
  const bool moves = leaves_repository(line);
  const Revisions revisions({"git"}, environment.bare());
  if (!moves) context.probe = &revisions;
  if (line.find("git") != std::string::npos) read_aliases({"git"}, environment, &context);
  safety::Verdict verdict = safety::evaluate_line(line, policy, context);
  if (!moves || policy.defective() || verdict.rule != safety::info(safety::Rule::unknown_command).id)
    return verdict;
  // Another repository may have that alias: the guard over git asks it there.
  safety::Policy rest = policy;
  rest.levels[static_cast<std::size_t>(safety::Rule::unknown_command)] = safety::Decision::allow;
  context.commands = nullptr;  // the same once more
  return safety::evaluate_line(line, rest, context);
}

Words parent_git() {
  const std::string folder = "/proc/" + std::to_string(getppid());
  struct stat parent {};
  struct stat real {};
  if (stat((folder + "/exe").c_str(), &parent) != 0 || stat(real_path("git").c_str(), &real) != 0) return {};
  if (parent.st_dev != real.st_dev || parent.st_ino != real.st_ino) return {};
  const std::string text = read_small(folder + "/cmdline");
  Words out;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find('\0', at), text.size());
    out.push_back(text.substr(at, end - at));
    at = end + 1;
  }
  if (!out.empty()) out[0] = std::string(name_of(out[0]));
  return out;
}

std::string verb_of(const Words& words) {
  if (words.empty()) return "";
  if (const std::string_view dashed = safety::git_dashed(words[0]); !dashed.empty())
    return std::string(dashed);
  const std::size_t at = safety::git_verb(words);
  return at > 0 ? words[at] : "";
}

bool step_of_git(const Words& parent, const Words& words) {
  struct Step {
    std::string_view parent;
    std::string_view child;
    std::string_view first;  ///< option that this step of git's begins with; "": any
  };
  constexpr std::array<Step, 17> kSteps{{{"stash", "reset", "--hard"},
                                         {"stash", "clean", "--force"},
                                         {"worktree", "reset", "--hard"},
                                         {"worktree", "update-ref", ""},
                                         {"worktree", "symbolic-ref", ""},
                                         {"submodule--helper", "checkout", "-f"},
                                         {"submodule--helper", "checkout", "-q"},
                                         {"rebase", "commit", "-n"},
                                         {"cherry-pick", "commit", "-n"},
                                         {"revert", "commit", "-n"},
                                         {"bisect--helper", "checkout", "-q"},
                                         {"bisect", "checkout", "-q"},
                                         {"maintenance", "prune", "--expire"},
                                         {"gc", "prune", "--expire"},
                                         {"stash", "checkout", "--no-overlay"},
                                         {"worktree", "branch", "--force"},
                                         // Back to where it began, from a stash that it made.
                                         {"merge", "read-tree", "-v"}}};
  const std::string outer = verb_of(parent);
  const std::size_t at = safety::git_verb(words);
  if (outer.empty() || at == 0) return false;
  const std::string_view next = at + 1 < words.size() ? std::string_view(words[at + 1]) : std::string_view();
  return std::any_of(kSteps.begin(), kSteps.end(), [&](const Step& one) {
    return one.parent == outer && one.child == words[at] && (one.first.empty() || one.first == next);
  });
}

std::string alias_text(const std::string& verb, const GitEnvironment& environment) {
  safety::Context context;
  if (verb.empty() || safety::git_has(verb) || !read_aliases({"git"}, environment, &context)) return "";
  const auto found = context.git_aliases.find(lower(verb));
  return found == context.git_aliases.end() ? "" : found->second;
}

}  // namespace scc::guard
