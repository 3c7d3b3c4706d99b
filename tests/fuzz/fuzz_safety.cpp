// SPDX-License-Identifier: Apache-2.0
// The safety engine on hostile input. The first byte chooses: a shell line, an argv (arguments end at byte
// 1), a policy document, or a line with an alias. Beside crashes it looks for answers that may not be: a
// block without a rule, and a blocked line that a preceding harmless command unblocks.
#include <cstdlib>
#include <string>

#include "safety/engine.h"

namespace {

using namespace scc::safety;

void check(const Verdict& verdict) {
  if (verdict.decision == Decision::block && (verdict.rule.empty() || verdict.rule == "guard.internal"))
    std::abort();
}

void fuzz_line(const std::string& text) {
  const Verdict verdict = evaluate_line(text, Policy{});
  check(verdict);
  if (verdict.decision != Decision::block || text.size() > 4096) return;
  if (evaluate_line("true\n" + text, Policy{}).decision != Decision::block) std::abort();
}

void fuzz_argv(const std::string& text) {
  std::vector<std::string> argv(1);
  for (const char c : text) {
    if (c == '\x01')
      argv.emplace_back();
    else
      argv.back() += c;
  }
  check(evaluate_argv(argv, Policy{}));
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
      check(evaluate_line("git push -f; git tag -d x; curl h", read_policy(text)));
      check(evaluate_line("git push -f", read_inline_policy(text)));
      break;
    default: {
      Context context;
      context.git_aliases["x"] = text;
      check(evaluate_argv({"git", "x", "a"}, Policy{}, context));
    }
  }
  return 0;
}
