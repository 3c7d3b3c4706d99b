// SPDX-License-Identifier: Apache-2.0
// What the guard reads of others: an agent's tool call, the collector's answer, settings in the environment,
// git's list of aliases, the standard input of git's hooks, the policy's digest; and the line that it writes
// for the audit log. The first byte chooses.
#include <algorithm>
#include <array>
#include <cctype>

#include <scc/sdk/sha256.hpp>

#include "guard/audit.h"
#include "guard/git_side.h"
#include "guard/hooks.h"
#include "guard/places.h"
#include "guard/policy_file.h"
#include "guard/tool_hook.h"
#include "safety/json_reader.h"
#include "tests/fuzz/need.h"

namespace {

using namespace scc::guard;
using scc::fuzz::need;
using scc::safety::Context;
using scc::safety::Policy;
using scc::safety::Verdict;

void fuzz_tool_call(const std::string& text) {
  for (const char* dialect : {"claude", "codex"}) {
    std::string problem;
    const auto call = read_tool_call(text, dialect, &problem);
    need(call.has_value() == problem.empty(), "a tool call is read, or it is said why not");
    if (!call || !call->line) continue;
    const Verdict verdict = scc::safety::evaluate_line(*call->line, Policy{});
    need(verdict.rule != "guard.internal", "the engine does not fail");
  }
}

void fuzz_audit_line(const std::string& text) {
  const std::vector<std::string> argv = scc::fuzz::words(text);
  Verdict verdict;
  verdict.rule = argv[0].substr(0, 64);
  const std::string line = audit_line({"git", "argv", argv, "0123456789abcdef"}, verdict);
  need(line.size() <= 8192, "a line is at most 8 KiB");
  scc::safety::json::Node root;
  std::string error;
  need(scc::safety::json::parse(line, &root, &error), "a line is JSON");
  const auto* words = root.find("argv");
  need(words != nullptr && words->items.size() <= argv.size(), "a line has the words");
  need((root.find("cut") != nullptr) == (words->items.size() < argv.size()),
       "it says whether words are missing");
  for (std::size_t i = 0; i < words->items.size(); ++i) {
    const bool ascii = std::all_of(argv[i].begin(), argv[i].end(), [](char c) { return c > 0; });
    need(!ascii || words->items[i].text == argv[i], "a word is as it was");
  }
}

void fuzz_answer(const std::string& text) {
  need(refusal_of(text).empty() == (text == "ok"), "only ok is ok");
}

void fuzz_environment(const std::string& text) {
  Variables all;
  for (const std::string& word : scc::fuzz::words(text)) {
    const std::size_t equals = word.find('=');
    if (equals != std::string::npos) all.emplace_back(word.substr(0, equals), word.substr(equals + 1));
  }
  const GitEnvironment once(all);
  if (!once.problem().empty()) return;
  const Variables given = once.with_hooks();
  need(given.back().second == kHooksDir, "the guard's hooks come last");
  const GitEnvironment again(given);
  need(again.problem().empty() && again.with_hooks() == given, "its own setting changes nothing");
  need(once.settings().size() % 2 == 0, "settings are pairs");
  std::string quoted;
  for (std::size_t i = 1; i < once.settings().size(); i += 2) {
    const std::string& setting = once.settings()[i];
    need(once.settings()[i - 1] == "-c", "settings are -c");
    quoted += (quoted.empty() ? "" : " ") + scc::fuzz::quoted(setting);
  }
  if (quoted.empty()) return;
  // Git's own quoting of the same settings means the same.
  const GitEnvironment same(Variables{{"GIT_CONFIG_PARAMETERS", quoted}});
  need(same.settings() == once.settings(), "settings survive their quoting");
}

void fuzz_aliases(const std::string& text) {
  Context context;
  take_aliases(text, &context);
  need(context.git_aliases_known, "the list is whole");
  for (const auto& [name, value] : context.git_aliases) {
    need(std::none_of(name.begin(), name.end(), [](unsigned char c) { return std::isupper(c) != 0; }),
         "names are in lower case");
    const Verdict verdict = scc::safety::evaluate_argv({"git", name, "x"}, Policy{}, context);
    need(verdict.rule != "guard.internal", "the engine does not fail");
  }
}

std::string joined(const std::vector<Words>& lines) {
  std::string out;
  for (const Words& line : lines) {
    for (std::size_t i = 0; i < line.size(); ++i) out += (i == 0 ? "" : " ") + line[i];
    out += '\n';
  }
  return out;
}

void fuzz_hook_input(const std::string& text) {
  const std::string whole = text.empty() || text.back() == '\n' ? text : text + '\n';
  for (const bool push : {true, false}) {
    const RefLines lines = push ? pushed_refs(text) : changed_refs(text);
    if (!lines) continue;
    need(joined(*lines) == whole, "no line of a hook is passed over");
    for (const Words& line : *lines) need(line.size() == (push ? 4U : 3U), "a line has its fields");
  }
}

void fuzz_digest(const std::string& text) {
  constexpr std::string_view kKey = "\"sha256\":\"";
  const std::size_t at = text.rfind(kKey);  // the document's own is the last
  if (at == std::string::npos || text.size() < at + kKey.size() + 64) {
    return need(!digest_problem(text).empty(), "without a digest it is not trusted");
  }
  std::string sealed = text;
  sealed.replace(at + kKey.size(), 64, 64, '0');
  const std::string digest = scc::sdk::sha256_hex(sealed);
  sealed.replace(at + kKey.size(), 64, digest);
  need(digest_problem(sealed).empty(), "the digest of a document is its own");
  need(digest_problem(text).empty() == (text == sealed), "and no other one is");
  need(!digest_problem(sealed + " ").empty(), "nothing can be added");
  sealed.back() = static_cast<char>(sealed.back() ^ 1);
  need(!digest_problem(sealed).empty(), "nothing can be changed");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  constexpr std::array kForms{fuzz_tool_call, fuzz_audit_line, fuzz_answer, fuzz_environment,
                              fuzz_aliases,   fuzz_hook_input, fuzz_digest};
  if (size == 0) return 0;
  kForms[data[0] % kForms.size()]({reinterpret_cast<const char*>(data) + 1, size - 1});
  return 0;
}
