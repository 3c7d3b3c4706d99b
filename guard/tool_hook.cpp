// SPDX-License-Identifier: Apache-2.0
#include "guard/tool_hook.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <unistd.h>

#include "guard/audit.h"
#include "guard/checks.h"
#include "guard/places.h"
#include "guard/policy_file.h"
#include "guard/report.h"
#include "safety/json_reader.h"

namespace scc::guard {

namespace {

using safety::Decision;
using safety::Rule;
using safety::Verdict;
using Node = safety::json::Node;

constexpr std::size_t kMostInput = std::size_t{1} << 20U;

/// The tools of an agent that take a shell line in `tool_input.command`, and the ones that mean something
/// else by that member.
struct Dialect {
  std::string_view name;
  std::array<std::string_view, 3> shells;
  std::string_view other;
};
constexpr std::array<Dialect, 2> kDialects{
    {{"claude", {"Bash", "Monitor", "PowerShell"}, ""}, {"codex", {"Bash", "", ""}, "apply_patch"}}};

const Dialect* find_dialect(std::string_view name) {
  const auto* found =
      std::find_if(kDialects.begin(), kDialects.end(), [&](const Dialect& one) { return one.name == name; });
  return found == kDialects.end() ? nullptr : found;
}

const std::string* text_of(const Node& object, std::string_view key) {
  const Node* member = object.find(key);
  return member != nullptr && member->type == Node::Type::string ? &member->text : nullptr;
}

/// Refused it is in any case, recorded or not.
int told(const Verdict& verdict, const std::string& line) {
  const AuditEntry entry{"shell", "line", line.empty() ? Words{"?"} : Words{line}, new_event_id()};
  if (const std::string missing = record(entry, verdict); !missing.empty())
    report_text("warning: this is not in the audit log: " + missing);
  report_denied(verdict, entry.id, false);
  return kExitRefused;
}

int refuse(const std::string& reason) {
  const safety::RuleInfo& rule = safety::info(Rule::internal);
  Verdict verdict;
  verdict.decision = Decision::block;
  verdict.rule = rule.id;
  verdict.reason = reason;
  verdict.hint = rule.hint;
  return told(verdict, {});
}

int judge(const Words& words, const Variables& environment) {
  if (words.size() != 4 || words[2] != "--format" || !is_dialect(words[3]))
    return refuse("the hook is not started as scc-guard hook --format claude|codex");
  std::string text;
  if (!read_input(&text, kMostInput)) return refuse("the tool call cannot be read or is larger than 1 MiB");
  std::string problem;
  const std::optional<ToolCall> call = read_tool_call(text, words[3], &problem);
  if (!call) return refuse("the tool call cannot be read: " + problem);
  if (!call->line) return kExitNoObjection;
  // Where the agent says; elsewhere only other aliases would be found.
  if (call->cwd.starts_with('/') && chdir(call->cwd.c_str()) != 0)
    return refuse("no such directory: " + call->cwd);
  const safety::Policy policy = load_policy(std::string(kPolicyFile));
  std::vector<safety::Command> met;
  Verdict verdict = judge_line(*call->line, GitEnvironment(environment), policy, &met);
  verdict = with_checks(std::move(verdict), met, *call->line, policy);
  if (verdict.decision != Decision::block) return kExitNoObjection;
  return told(verdict, *call->line);
}

}  // namespace

bool is_dialect(std::string_view name) {
  return find_dialect(name) != nullptr;
}

std::optional<ToolCall> read_tool_call(std::string_view text, std::string_view dialect,
                                       std::string* problem) {
  const Dialect* spoken = find_dialect(dialect);
  const auto fail = [&](std::string why) {
    *problem = std::move(why);
    return std::nullopt;
  };
  if (spoken == nullptr) return fail("unknown dialect");
  Node root;
  std::string error;
  if (!safety::json::parse(text, &root, &error)) return fail(error);
  const std::string* tool = root.type == Node::Type::object ? text_of(root, "tool_name") : nullptr;
  if (tool == nullptr || tool->empty()) return fail("it names no tool");
  const Node* input = root.find("tool_input");
  if (input == nullptr || input->type != Node::Type::object) return fail("it has no tool_input");
  ToolCall out;
  if (const std::string* cwd = text_of(root, "cwd")) out.cwd = *cwd;
  if (!spoken->other.empty() && *tool == spoken->other) return out;
  const Node* command = input->find("command");
  const bool shell = std::find(spoken->shells.begin(), spoken->shells.end(), *tool) != spoken->shells.end();
  if (command != nullptr && command->type == Node::Type::string) {
    out.line = command->text;
  } else if (shell) {
    return fail("the tool " + *tool + " has no command");
  }
  return out;
}

int run_tool_hook(const Words& words, const Variables& environment) noexcept {
  try {
    return judge(words, environment);
  } catch (...) {
    static constexpr char kText[] = "scc-safety: denied rule=guard.internal action=block\n";
    const ssize_t ignored = write(STDERR_FILENO, kText, sizeof kText - 1);
    static_cast<void>(ignored);
    return kExitRefused;
  }
}

}  // namespace scc::guard
