// SPDX-License-Identifier: Apache-2.0
#include "safety/engine.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <utility>

#include "safety/judge.h"
#include "safety/shell_run.h"

namespace scc::safety {

namespace {

constexpr std::size_t kNestedBytes = std::size_t{1} << 20U;
constexpr unsigned kDeepestApart = 3;
thread_local unsigned apart_level = 0;  // NOLINT(cppcoreguidelines-avoid-non-const-global-variables)

struct Level {
  Level() { ++apart_level; }
  Level(const Level&) = delete;
  Level& operator=(const Level&) = delete;
  ~Level() { --apart_level; }
};

constexpr std::array<std::string_view, 7> kGuarded{"git", "curl", "wget", "ssh", "scp", "sftp", "rsync"};
constexpr std::array<std::string_view, 13> kNamed{"git",  "curl", "wget", "ssh",  "scp",    "sftp",   "rsync",
                                                  "bash", "sh",   "eval", "perl", "python", "python3"};

bool word_char(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_';
}

/// What a rule of the organisation is held against: "git-push" as git's, without the options before the verb.
Args plain_command(const Args& argv) {
  Args out = argv;
  out[0] = base_name(argv[0]);
  const std::string verb(dashed_git(out[0]));
  if (!verb.empty()) {
    out[0] = "git";
    out.insert(out.begin() + 1, verb);
  }
  const std::size_t at = out[0] == "git" ? git_verb(out) : 0;
  if (at > 1) out.erase(out.begin() + 1, out.begin() + static_cast<std::ptrdiff_t>(at));
  return out;
}

/// "delete" of `kubectl delete pod` and of `kubectl -n prod delete pod`: whole words that lead the operands.
/// A word behind an option may be that option's value, so the subcommand may come after it.
bool has_subcommand(const Args& words, const std::string& subcommand) {
  std::size_t behind = 1;  // the first operand that follows no option
  while (behind < 16 && behind + 1 < words.size() && words[behind].starts_with('-'))
    behind += words[behind + 1].starts_with('-') ? 1U : 2U;
  for (std::size_t first = 1; first < words.size() && first <= behind; ++first) {
    if (words[first].starts_with('-')) continue;
    std::string operands;
    for (std::size_t i = first; i < words.size() && operands.size() <= subcommand.size(); ++i) {
      if (!words[i].starts_with('-')) operands += (operands.empty() ? "" : " ") + words[i];
    }
    if (operands == subcommand || operands.starts_with(subcommand + " ")) return true;
  }
  return false;
}

Verdict internal_failure() noexcept {
  Verdict out;
  out.decision = Decision::block;
  try {
    out.rule = info(Rule::internal).id;
    out.reason = info(Rule::internal).loss;
  } catch (...) {
    out.rule.clear();
  }
  return out;
}

}  // namespace

bool guarded_tool(std::string_view name) {
  return one_of(kGuarded, name);
}

bool names_guarded(std::string_view text) {
  const auto named = [](std::string_view where) {
    for (const std::string_view name : kNamed) {
      for (std::size_t at = where.find(name); at != std::string_view::npos; at = where.find(name, at + 1)) {
        const bool starts = at == 0 || !word_char(where[at - 1]);
        const bool ends = at + name.size() >= where.size() || !word_char(where[at + name.size()]);
        if (starts && ends) return true;
      }
    }
    return false;
  };
  if (named(text)) return true;
  // Quotes and backslashes inside a word do not hide it.
  std::string plain;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\\' && i + 1 < text.size() && text[i + 1] == '\n') {
      ++i;
    } else if (text[i] != '\\' && text[i] != '\'' && text[i] != '"') {
      plain += text[i];
    }
  }
  return named(plain);
}

void Judge::report(Rule rule, Decision level, std::string_view at, unsigned depth, std::string_view detail) {
  const Decision decision = policy_.decide(rule, level);
  if (decision < verdict_.decision || (decision == verdict_.decision && !verdict_.rule.empty())) return;
  const RuleInfo& what = info(rule);
  verdict_.decision = decision;
  verdict_.rule = what.id;
  verdict_.reason = what.loss;
  if (!detail.empty()) verdict_.reason += std::string(": ") + std::string(detail);
  if (policy_.defective() && rule != Rule::policy_defective)
    verdict_.reason += " (the safety policy cannot be trusted: " + policy_.defect + ")";
  verdict_.hint = what.hint;
  verdict_.depth = depth;
  verdict_.at = at.substr(0, 256);
  std::replace(verdict_.at.begin(), verdict_.at.end(), kUnknown, '?');
}

bool Judge::spend(unsigned depth) {
  if (depth > kMaxDepth) {
    report(Rule::shell_too_deep, "", depth);
    return false;
  }
  if (++commands_ <= kMaxCommands) return true;
  report(Rule::shell_too_complex, "", depth);
  return false;
}

void Judge::line(std::string_view text, unsigned depth, const Args& positional) {
  Variables known;
  Variables* const variables = shared != nullptr ? std::exchange(shared, nullptr) : &known;
  if (variables == &known && depth > 0) {
    for (const auto& [name, value] : exported) {
      auto& all = known[name];
      if (all.size() == kAlternatives)
        cut_names.insert(name);
      else if (all.empty() || all.back().front() != value)
        all.push_back({value});
    }
  }
  nested_ += static_cast<unsigned>(text.size());
  if (text.size() > kLineBytes || nested_ > kNestedBytes) return report(Rule::shell_too_complex, "", depth);
  if (depth > kMaxDepth) return report(Rule::shell_too_deep, "", depth);
  if (text.find_first_not_of(" \t\r\n") == std::string_view::npos) return;
  shell::Script script;
  const shell::Failure failure = shell::parse(text, &script);
  if (failure == shell::Failure::too_deep) return report(Rule::shell_too_deep, "", depth);
  if (failure == shell::Failure::too_complex) return report(Rule::shell_too_complex, "", depth);
  if (failure == shell::Failure::syntax && names_guarded(text)) report(Rule::shell_unparsable, "", depth);
  shell::Runner(*this, positional, variables).run(script, depth);
}

Decision Judge::apart(std::string_view text) const {
  if (apart_level >= kDeepestApart) return Decision::block;
  const Level level;
  Judge judge(policy_, context_);
  judge.line(text, 1);
  return judge.take().decision;
}

Decision Judge::apart_git(const Args& argv) const {
  if (apart_level >= kDeepestApart) return Decision::block;
  const Level level;
  // Nothing says that it is git: a word that git does not have is hardly an alias.
  Context known = context_;
  known.git_aliases_known = true;
  known.commands = nullptr;
  Judge judge(policy_, known);
  Call call;
  call.argv = argv;
  call.depth = 1;
  judge_git(judge, call);
  return judge.take().decision;
}

void Judge::meet(const Call& call) {
  if (context_.commands != nullptr && context_.commands->size() < kMaxCommands)
    context_.commands->push_back({call.argv, call.depth});
  custom_rules(call);
}

void Judge::custom_rules(const Call& call) {
  if (policy_.org.empty()) return;
  const Args words = plain_command(call.argv);
  for (const OrgRule& rule : policy_.org) {
    if (rule.program != words[0]) continue;
    const bool leads = rule.subcommand.empty() || has_subcommand(words, rule.subcommand);
    const bool flags = std::all_of(rule.flags.begin(), rule.flags.end(), [&](const std::string& flag) {
      return std::any_of(call.argv.begin() + 1, call.argv.end(), [&](const std::string& arg) {
        if (arg == flag || arg.starts_with(flag + "=")) return true;
        // "-rf" holds "-f".
        return flag.size() == 2 && arg.size() > 2 && arg[0] == '-' && arg[1] != '-' &&
               arg.find(flag[1], 1) != std::string::npos;
      });
    });
    if (!leads || !flags || rule.verdict < verdict_.decision ||
        (rule.verdict == verdict_.decision && !verdict_.rule.empty()))
      continue;
    verdict_ = {rule.verdict,
                rule.id,
                rule.message.empty() ? std::string(info(Rule::org).loss) : rule.message,
                std::string(info(Rule::org).hint),
                call.argv[0],
                call.depth};
  }
}

void Judge::call(Call call) {
  if (call.argv.empty() || call.argv[0].empty() || !spend(call.depth)) return;
  meet(call);
  if (copies.count(call.argv[0]) != 0) report(Rule::copied_binary, call.argv[0], call.depth);
  const auto link = links.find(call.argv[0].substr(call.argv[0].starts_with("./") ? 2 : 0));
  if (link != links.end()) call.argv[0] = link->second;
  Input outer = std::exchange(inherited, call.input);
  dispatch(call);
  inherited = std::move(outer);
}

void Judge::dispatch(Call& call) {
  const std::string_view name = base_name(call.argv[0]);
  if (name == "git") return judge_git(*this, call);
  const std::string_view dashed = dashed_git(name);
  if (!dashed.empty()) {
    const std::string verb(dashed);
    call.argv[0] = "git";
    call.argv.insert(call.argv.begin() + 1, verb);
    return judge_git(*this, call);
  }
  if (name == "git-filter-repo") {
    call.argv[0] = "git";
    call.argv.insert(call.argv.begin() + 1, "filter-repo");
    return judge_git(*this, call);
  }
  judge_files(*this, call);
  if (judge_network(*this, call) || unwrap(*this, call)) return;
  judge_interpreter(*this, call);
}

Verdict evaluate_line(std::string_view line, const Policy& policy, const Context& context) noexcept {
  try {
    Judge judge(policy, context);
    judge.exported = context.environment;
    if (line.find(kUnknown) != std::string_view::npos) {
      judge.report(Rule::shell_unparsable, "", 0, "it holds a NUL byte");
    } else {
      judge.line(line, 0);
    }
    return judge.take();
  } catch (...) {
    return internal_failure();
  }
}

Verdict evaluate_argv(const std::vector<std::string>& argv, const Policy& policy,
                      const Context& context) noexcept {
  try {
    Judge judge(policy, context);
    judge.exported = context.environment;
    for (const std::string& arg : argv) {
      if (has_unknown(arg)) judge.report(Rule::shell_unparsable, "", 0, "an argument holds a NUL byte");
    }
    if (!argv.empty() && !judge.blocked()) {
      Call call;
      call.argv = argv;
      call.env = context.environment;
      if (context.answered) call.input.kind = Input::Kind::unknown;
      judge.call(std::move(call));
    }
    return judge.take();
  } catch (...) {
    return internal_failure();
  }
}

}  // namespace scc::safety
