// SPDX-License-Identifier: Apache-2.0
// One judgement: walks a command or a shell line, everything that it would start included, and keeps the
// worst finding. Bounded in depth, commands and work. Private to this folder; engine.h is the door.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "safety/engine.h"
#include "safety/options.h"
#include "safety/policy.h"

namespace scc::safety {

inline constexpr std::size_t kLineBytes = std::size_t{64} << 10U;
inline constexpr unsigned kMaxDepth = 16;
inline constexpr unsigned kMaxCommands = 4096;
inline constexpr std::size_t kMaxWords = 1'000'000;
/// Outcomes of a word and values of a variable that are looked at; more may be anything.
inline constexpr std::size_t kAlternatives = 256;

/// NAME=value before a command, or exported earlier in the line.
using Environment = std::vector<std::pair<std::string, std::string>>;

/// What the shell's variables may hold: by name the alternatives, each of words.
using Variables = std::map<std::string, std::vector<std::vector<std::string>>>;

/// What a command reads, as far as the line says.
struct Input {
  enum class Kind : unsigned char { none, text, names, file, unknown };
  /// none: the terminal or whatever the line inherits; names: paths or refs that git or find lists.
  Kind kind = Kind::none;
  std::string text;
};

/// One simple command with all its words known as well as the line tells.
struct Call {
  Args argv;
  Environment env;
  Input input;
  unsigned depth = 0;
  unsigned hops = 0;                 ///< aliases of git that led here
  bool open_ended = false;           ///< more arguments may follow that nobody knows (xargs)
  std::vector<std::string> outputs;  ///< text that an argument's process substitution delivers
};

class Judge {
 public:
  Judge(const Policy& policy, const Context& context) : policy_(policy), context_(context) {}

  /// A whole shell line. `positional` are $0, $1, ...
  void line(std::string_view text, unsigned depth, const Args& positional = {});
  /// Holds a command against the organisation's rules and notes it for the checks of plugins.
  void meet(const Call& call);
  /// One command: unwraps sudo, env, sh -c, ... and judges what is left.
  void call(Call call);
  /// A finding. `level` is what the rule says of it before the policy has its word.
  void report(Rule rule, Decision level, std::string_view at, unsigned depth, std::string_view detail = {});
  void report(Rule rule, std::string_view at, unsigned depth, std::string_view detail = {}) {
    report(rule, info(rule).level, at, depth, detail);
  }
  /// What a judgement of its own says of the same text: for settings that hold a command.
  Decision apart(std::string_view text) const;
  Decision apart_git(const Args& argv) const;
  /// False when the budget is spent; the finding is then reported.
  bool spend(unsigned depth);
  /// The same for words that are made or copied; whoever asked says what is left out.
  bool spend_words(std::size_t count) { return (words_ += count) <= kMaxWords; }

  const Policy& policy() const { return policy_; }
  const Context& context() const { return context_; }
  Verdict take() { return std::move(verdict_); }
  bool blocked() const { return verdict_.decision == Decision::block; }

  // What the line itself said about names, kept for the commands after it.
  std::map<std::string, std::string> shell_aliases;
  std::map<std::string, std::string> links;  ///< path -> guarded program that it is a link to
  std::set<std::string> copies;              ///< paths of copies of guarded programs
  Environment exported;
  std::set<std::string> cut_names;  ///< variables that may have more values than are remembered
  Variables* shared = nullptr;      ///< the next line runs in a shell that has these already (eval)
  Input inherited;                  ///< what the commands of the line in work read unless it says otherwise
  bool moved = false;               ///< the line went to another directory
  bool initialised = false;         ///< the line ran `git init` in the directory where it is
  bool in_environment = false;      ///< a variable's program is judged: what it starts has the same variables

 private:
  void custom_rules(const Call& call);
  void dispatch(Call& call);
  const Policy& policy_;
  const Context& context_;
  Verdict verdict_;
  unsigned commands_ = 0;
  unsigned nested_ = 0;
  std::size_t words_ = 0;
};

/// The last part of a path.
inline std::string_view base_name(std::string_view path) {
  const std::size_t slash = path.rfind('/');
  return slash == std::string_view::npos ? path : path.substr(slash + 1);
}
/// Whether a shell's pattern (*, ?, [...]) matches the whole text; a class ("[[:alpha:]]") matches anything.
bool glob_matches(std::string_view pattern, std::string_view text);
/// git and the network tools: what a guard stands in front of.
bool guarded_tool(std::string_view name);
/// Whether raw text names a guarded tool, a shell or an interpreter as a word.
bool names_guarded(std::string_view text);

// The parts that judge one kind of command (git.cpp, network.cpp, files.cpp, interpreters.cpp, unwrap.cpp).
void judge_git(Judge& judge, const Call& call);
/// "push" for "git-push"; empty: no command of git's.
std::string_view dashed_git(std::string_view program);
bool judge_network(Judge& judge, const Call& call);
void judge_files(Judge& judge, const Call& call);
void judge_redirect(Judge& judge, std::string_view target, bool writes, unsigned depth);
/// What find hands to an action at `end`, as patterns: the names that its tests ask for, or where it starts.
Args found_names(const Args& argv, std::size_t end);
bool judge_interpreter(Judge& judge, const Call& call);
/// True: the command was a wrapper or a shell and what it starts was judged.
bool unwrap(Judge& judge, const Call& call);
/// A URL or host:path that git would talk to. Not `repository`: it may be a refspec, which has a colon as
/// well.
void judge_git_url(Judge& judge, std::string_view url, unsigned depth, bool repository = true);

}  // namespace scc::safety
