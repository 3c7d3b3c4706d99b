// SPDX-License-Identifier: Apache-2.0
// The safety engine on hostile input. The first byte chooses: a shell line, an argv (arguments end at byte
// 1), a policy document, or a line with an alias. Beside crashes it looks for answers that may not be: a
// block without a rule, a blocked line that a harmless command before it or a shell around it unblocks, and a
// command that its quoted line, its "git-VERB" form or a lower action judges otherwise.
#include "safety/engine.h"
#include "tests/fuzz/need.h"

namespace {

using namespace scc::safety;
using scc::fuzz::need;
using scc::fuzz::quoted;

constexpr std::size_t kTwice = 4096;  ///< a longer text is judged once

Verdict check(Verdict verdict) {
  need(verdict.decision != Decision::block || !verdict.rule.empty(), "a block has a rule");
  need(verdict.rule != info(Rule::internal).id, "the engine does not fail");
  return verdict;
}

/// Whether a line asks for its shell's own arguments: another shell has other ones.
bool positional(const std::string& text) {
  for (std::size_t at = text.find('$'); at != std::string::npos; at = text.find('$', at + 1)) {
    if (at + 1 < text.size() && std::string("@*#?-{0123456789").find(text[at + 1]) != std::string::npos)
      return true;
  }
  return false;
}

void fuzz_line(const std::string& text) {
  const Verdict verdict = check(evaluate_line(text, Policy{}));
  if (verdict.decision != Decision::block || text.size() > kTwice) return;
  need(evaluate_line("true\n" + text, Policy{}).decision == Decision::block,
       "a command before it is no way out");
  need(positional(text) || evaluate_line("sh -c -- " + quoted(text), Policy{}).decision == Decision::block,
       "a shell is no way out");
}

void fuzz_argv(const std::string& text) {
  std::vector<std::string> argv = scc::fuzz::words(text);
  const Verdict verdict = check(evaluate_argv(argv, Policy{}));
  Policy lower;
  for (const Decision action : {Decision::warn, Decision::allow}) {
    lower.action = action;
    need(evaluate_argv(argv, lower).decision <= action, "no rule goes beyond the action");
  }
  if (text.size() > kTwice || argv[0] != "git") return;
  std::string line;
  for (const std::string& word : argv) line += (line.empty() ? "" : " ") + quoted(word);
  const Verdict hook = evaluate_line(line, Policy{});
  need(hook.decision == verdict.decision && hook.rule == verdict.rule, "hook and guard agree");
  if (argv.size() < 2 || git_dashed("git-" + argv[1]).empty()) return;
  argv.erase(argv.begin());
  argv[0] = "git-" + argv[0];
  const Verdict dashed = evaluate_argv(argv, Policy{});
  need(dashed.decision == verdict.decision && dashed.rule == verdict.rule, "git-VERB is git VERB");
}

void fuzz_policy(const std::string& text) {
  for (const Policy& policy : {read_policy(text), read_inline_policy(text)}) {
    const Verdict verdict = check(evaluate_line("git push -f; git tag -d x; curl h", policy));
    need(!policy.defective() || verdict.decision == Decision::block, "a defective policy blocks");
    need(evaluate_argv({"git", "status"}, policy).decision != Decision::block || !policy.org.empty(),
         "git status runs");
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string text(reinterpret_cast<const char*>(data) + 1, size - 1);
  switch (data[0] & 3U) {
    case 0:
      fuzz_line(text);
      break;
    case 1:
      fuzz_argv(text);
      break;
    case 2:
      fuzz_policy(text);
      break;
    default: {
      Context context;
      context.git_aliases["x"] = text;
      check(evaluate_argv({"git", "x", "a"}, Policy{}, context));
    }
  }
  return 0;
}
