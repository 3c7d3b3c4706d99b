// SPDX-License-Identifier: Apache-2.0
// scc-guard: stands in a sandbox where git, curl, wget, ssh, scp, sftp and rsync are, judges each command by
// its argv, and becomes the real program or says why not. Also git's hooks (hooks.h) and the agent's own
// (tool_hook.h). Static; takes nothing
// from the environment or the current directory but what git itself would. Whatever goes wrong is a denial,
// but for git's read-only commands, which run with a warning.
#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <unistd.h>

#include <sys/stat.h>

#include "guard/audit.h"
#include "guard/checks.h"
#include "guard/git_side.h"
#include "guard/hooks.h"
#include "guard/places.h"
#include "guard/policy_file.h"
#include "guard/report.h"
#include "guard/snapshot.h"
#include "guard/tool_hook.h"
#include "safety/check_wire.h"

namespace scc::guard {

namespace {

using safety::Decision;
using safety::Verdict;

constexpr std::array<std::string_view, 7> kTools{"git", "curl", "wget", "ssh", "scp", "sftp", "rsync"};

/// The path of this program's file as it was run: the name of the covered tool, whatever link led to it.
std::string own_path() {
  std::string out(4096, '\0');
  const ssize_t size = readlink("/proc/self/exe", out.data(), out.size());
  out.resize(size > 0 ? static_cast<std::size_t>(size) : 0);
  return out;
}

Variables variables() {
  Variables out;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const char* equals = strchr(*entry, '=');
    if (equals != nullptr)
      out.emplace_back(std::string(*entry, static_cast<std::size_t>(equals - *entry)), equals + 1);
  }
  return out;
}

bool wants_json(const Variables& environment) {
  return std::any_of(environment.begin(), environment.end(), [](const auto& one) {
    return one.first == "SCC_SAFETY_FORMAT" && one.second == "json";
  });
}

Verdict internal(std::string reason) {
  Verdict out;
  out.decision = Decision::block;
  out.rule = std::string(safety::info(safety::Rule::internal).id);
  out.reason = std::move(reason);
  out.hint = std::string(safety::info(safety::Rule::internal).hint);
  return out;
}

/// Only returns when the program cannot be run.
int become(const std::string& tool, char** argv, const Variables& environment) {
  const std::string path = real_path(tool);
  struct stat own {};
  struct stat real {};
  if (stat("/proc/self/exe", &own) != 0 || stat(path.c_str(), &real) != 0) {
    report_text(tool + " is not in this image (" + path + ": " + strerror(errno) + ")");
    return kExitNoTool;
  }
  if (own.st_dev == real.st_dev && own.st_ino == real.st_ino) {
    report_denied(internal(path + " is the guard itself"), new_event_id(), false);
    return kExitDenied;
  }
  const Words lines = lines_of(environment);
  execve(path.c_str(), argv, pointers(lines).data());
  report_text(path + " cannot be run: " + strerror(errno));
  return kExitDenied;
}

/// argv as it is judged: the tool's name first, or "git-VERB" where that is what the caller said.
Words judged_words(const std::string& tool, int argc, char** argv) {
  Words out(argv, argv + argc);
  if (out.empty()) out.emplace_back();
  const std::string name(name_of(out[0]));
  out[0] = tool == "git" && !safety::git_dashed(name).empty() ? name : tool;
  return out;
}

/// Writes the verdict to the audit log; it becomes a block where that fails and `needed` says so. True: it is
/// one.
bool blocked(Verdict& verdict, const std::string& tool, const Words& words, bool needed, bool json) {
  const AuditEntry entry{tool, "argv", words, new_event_id()};
  const std::string missing = record(entry, verdict);
  if (!missing.empty() && verdict.decision != Decision::block && needed) {
    verdict = unrecorded(missing);
  } else if (!missing.empty()) {
    report_text("warning: this is not in the audit log: " + missing);
  }
  if (verdict.decision != Decision::block) return false;
  report_denied(verdict, entry.id, json);
  return true;
}

bool only_looks(const Words& words) {
  const std::string verb = verb_of(words);
  return !verb.empty() && safety::read_only_git(verb) && safety::git_output(words, 1).empty();
}

/// Before a command that may run and can lose work. False: it must not run after all.
bool keep_snapshot(const Words& words, const Verdict& found, const GitEnvironment& environment,
                   const safety::Policy& policy, bool json) {
  const safety::Risk risk = risk_of_command(words, found, environment);
  // Said of this very rule; an action of "allow" does not switch them off.
  const bool off = policy.levels[static_cast<std::size_t>(safety::Rule::snapshot_failed)] == Decision::allow;
  const bool wanted = policy.snapshots && !off && risk != safety::Risk::none;
  // What git starts itself belongs to the command that was looked at before.
  if (!wanted || !parent_git().empty()) return true;
  const Snapshot taken = take_snapshot(words, found.rule, risk, environment, policy);
  if (!taken.failure.empty()) {
    const safety::RuleInfo& rule = safety::info(safety::Rule::snapshot_failed);
    Verdict verdict{policy.decide(safety::Rule::snapshot_failed, rule.level),
                    std::string(rule.id),
                    std::string(rule.loss) + ": " + taken.failure,
                    std::string(rule.hint),
                    "",
                    0};
    if (blocked(verdict, "git", words, true, json)) return false;
    if (verdict.decision == Decision::warn) report_warning(verdict);
    return true;
  }
  // Everyday commands stay quiet.
  if (!taken.id.empty() && (!found.rule.empty() || !taken.left_out.empty())) {
    report_text("snapshot " + taken.id + " taken; on the host `scc undo " + taken.id + "` brings it back" +
                (taken.left_out.empty() ? "" : "; left out: " + taken.left_out));
  }
  return true;
}

/// Options alone (`git --version`) do nothing.
bool no_command(const Words& words) {
  return words[0] == "git" && std::all_of(words.begin() + 1, words.end(),
                                          [](const std::string& one) { return one.starts_with("-"); });
}

/// With what third parties' checks say. A command that only looks runs although one of them is broken.
Verdict ask_checks(Verdict verdict, const std::vector<safety::Command>& met, const Words& words,
                   const safety::Policy& policy, bool looks) {
  if (policy.checks.empty()) return verdict;
  Verdict out = with_checks(std::move(verdict), met, safety::joined(words), policy);
  const bool broken = out.rule == safety::info(safety::Rule::check_failed).id;
  if (looks && broken && out.decision == Decision::block) out.decision = Decision::warn;
  return out;
}

int run_git(const Words& words, char** argv, const Variables& all) {
  const GitEnvironment environment(all);
  const safety::Policy policy = load_policy(std::string(kPolicyFile));
  const bool json = wants_json(all);
  Verdict verdict;
  std::vector<safety::Command> met;
  if (!environment.problem().empty()) {
    verdict = internal(environment.problem());
    verdict.rule = std::string(safety::info(safety::Rule::env_injection).id);
    verdict.hint = std::string(safety::info(safety::Rule::env_injection).hint);
  } else {
    verdict = judge_git(words, environment, policy, true, &met);
  }
  const bool looks = only_looks(words);
  const bool may_step = !policy.defective() && (!looks || verdict.decision != Decision::allow);
  const bool step = may_step && step_of_git(parent_git(), words);
  verdict = step ? Verdict{} : ask_checks(std::move(verdict), met, words, policy, looks);
  const bool silent = verdict.decision == Decision::allow && (looks || step || no_command(words));
  if (!silent && blocked(verdict, "git", words, !looks, json)) return kExitDenied;
  if (policy.defective())
    report_text("warning: the safety policy cannot be trusted (" + policy.defect +
                "); only commands that look run");
  if (verdict.decision == Decision::warn) report_warning(verdict);
  if (looks) return become("git", argv, environment.bare());
  if (access(std::string(kHooksDir).c_str(), X_OK) != 0) {
    report_denied(internal("git's guarded hooks are missing: " + std::string(kHooksDir)), new_event_id(),
                  json);
    return kExitDenied;
  }
  if (!policy.defective() && !keep_snapshot(words, verdict, environment, policy, json)) return kExitDenied;
  return become("git", argv, environment.with_hooks());
}

int run_tool(const std::string& tool, const Words& words, char** argv, Variables all) {
  const safety::Policy policy = load_policy(std::string(kPolicyFile));
  safety::Context context;
  context.environment = all;
  std::vector<safety::Command> met;
  context.commands = &met;
  Verdict verdict = safety::evaluate_argv(words, policy, context);
  verdict = ask_checks(std::move(verdict), met, words, policy, false);
  if (policy.defective() && verdict.decision != Decision::block) {
    verdict = internal("the safety policy cannot be trusted: " + policy.defect);
    verdict.rule = std::string(safety::info(safety::Rule::policy_defective).id);
    verdict.hint = std::string(safety::info(safety::Rule::policy_defective).hint);
  }
  if (blocked(verdict, tool, words, true, wants_json(all))) return kExitDenied;
  if (verdict.decision == Decision::warn) report_warning(verdict);
  // A library that is loaded into a network tool would run behind the verdict.
  std::erase_if(all, [](const auto& one) { return one.first.starts_with("LD_"); });
  return become(tool, argv, all);
}

int run(int argc, char** argv) {
  const std::string path = own_path();
  const std::string tool(name_of(path));
  const Words words(argv, argv + argc);
  if (tool == "scc-guard" && argc > 0 && is_hook_name(name_of(words[0]))) return run_hook(words, variables());
  if (tool == "scc-guard" && argc > 1 && words[1] == "hook") return run_tool_hook(words, variables());
  if (std::find(kTools.begin(), kTools.end(), tool) == kTools.end()) {
    report_text("the guard does not stand in front of a tool here: " + path);
    return kExitDenied;
  }
  const Words judged = judged_words(tool, argc, argv);
  return tool == "git" ? run_git(judged, argv, variables()) : run_tool(tool, judged, argv, variables());
}

/// The guard itself failed: only what provably looks goes on.
int failed(int argc, char** argv) noexcept {
  try {
    const std::string tool(name_of(own_path()));
    if (tool == "git" && only_looks(judged_words(tool, argc, argv))) {
      report_text("warning: the guard failed; this command only looks and runs");
      return become(tool, argv, variables());
    }
    report_denied(internal("the guard failed while it judged the command"), new_event_id(), false);
  } catch (...) {
    static constexpr char kText[] = "scc-safety: denied rule=guard.internal action=block\n";
    const ssize_t ignored = write(STDERR_FILENO, kText, sizeof kText - 1);
    static_cast<void>(ignored);
  }
  return kExitDenied;
}

}  // namespace

}  // namespace scc::guard

// The library's own one prints the exception's type, for which it brings a demangler of 100 KiB along.
namespace __gnu_cxx {
void __verbose_terminate_handler();
void __verbose_terminate_handler() {
  std::abort();
}
}  // namespace __gnu_cxx

int main(int argc, char** argv) {
  try {
    return scc::guard::run(argc, argv);
  } catch (...) {
    return scc::guard::failed(argc, argv);
  }
}
