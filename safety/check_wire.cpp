// SPDX-License-Identifier: Apache-2.0
#include "safety/check_wire.h"

#include <cstdint>
#include <cstring>
#include <optional>
#include <utility>

namespace scc::safety {

namespace {

constexpr char kRunning = 'R';
constexpr char kProblem = 'P';
constexpr char kFinding = 'F';
constexpr std::size_t kRuleBytes = 128;
constexpr std::size_t kReasonBytes = 1024;

// A number is four bytes in this machine's order, a text its size and its bytes.
void put(std::size_t number, std::string* out) {
  const auto small = static_cast<std::uint32_t>(number);
  out->append(reinterpret_cast<const char*>(&small), sizeof small);
}
void put(std::string_view text, std::string* out) {
  put(text.size(), out);
  out->append(text);
}

class Unpacker {
 public:
  explicit Unpacker(std::string_view text) : text_(text) {}

  bool number(std::size_t* out) {
    std::uint32_t small = 0;
    if (text_.size() < sizeof small) return false;
    std::memcpy(&small, text_.data(), sizeof small);
    text_.remove_prefix(sizeof small);
    *out = small;
    return true;
  }
  bool text(std::string* out) {
    std::size_t size = 0;
    if (!number(&size) || size > text_.size()) return false;
    *out = text_.substr(0, size);
    text_.remove_prefix(size);
    return true;
  }
  /// A count of things that take at least four bytes each.
  bool count(std::size_t* out) { return number(out) && *out <= text_.size() / sizeof(std::uint32_t); }
  bool kind(char* out) {
    if (text_.empty()) return false;
    *out = text_.front();
    text_.remove_prefix(1);
    return true;
  }
  bool done() const { return text_.empty(); }

 private:
  std::string_view text_;
};

bool unpack_command(Unpacker& in, Command* out) {
  std::size_t depth = 0;
  std::size_t words = 0;
  if (!in.number(&depth) || !in.count(&words)) return false;
  out->depth = static_cast<unsigned>(depth);
  out->argv.resize(words);
  for (std::string& word : out->argv) {
    if (!in.text(&word)) return false;
  }
  return true;
}

struct Answer {
  std::string running;  ///< the check that was at work
  std::optional<std::string> problem;
  std::optional<CheckFinding> finding;
};

bool unpack_finding(Unpacker& in, Answer* out) {
  CheckFinding found;
  std::size_t decision = 0;
  std::size_t depth = 0;
  if (!in.text(&out->running) || !in.number(&decision) || !in.text(&found.rule) || !in.text(&found.reason) ||
      !in.text(&found.at) || !in.number(&depth) || decision > static_cast<std::size_t>(Decision::block))
    return false;
  found.decision = static_cast<Decision>(decision);
  found.depth = static_cast<unsigned>(depth);
  out->finding = std::move(found);
  return true;
}

/// False: not an answer, but what came before the damage counts.
bool unpack_answer(std::string_view text, Answer* out) {
  Unpacker in(text);
  while (!in.done()) {
    char kind = 0;
    if (out->finding || out->problem || !in.kind(&kind)) return false;
    if (kind == kRunning) {
      if (!in.text(&out->running)) return false;
    } else if (kind == kProblem) {
      std::string why;
      if (!in.text(&why)) return false;
      out->problem = std::move(why);
    } else if (kind != kFinding || !unpack_finding(in, out)) {
      return false;
    }
  }
  return true;
}

}  // namespace

std::string pack(const CheckQuestion& question) {
  std::string out;
  put(question.checks.size(), &out);
  for (const CheckLibrary& one : question.checks) {
    put(one.id, &out);
    put(one.path, &out);
    put(one.sha256, &out);
    put(one.config, &out);
  }
  put(question.cwd, &out);
  put(question.raw, &out);
  put(question.commands.size(), &out);
  for (const Command& command : question.commands) {
    put(command.depth, &out);
    put(command.argv.size(), &out);
    for (const std::string& word : command.argv) put(word, &out);
  }
  return out;
}

bool unpack(std::string_view text, CheckQuestion* out) {
  Unpacker in(text);
  std::size_t number = 0;
  if (!in.count(&number)) return false;
  out->checks.resize(number);
  for (CheckLibrary& one : out->checks) {
    if (!in.text(&one.id) || !in.text(&one.path) || !in.text(&one.sha256) || !in.text(&one.config))
      return false;
  }
  if (!in.text(&out->cwd) || !in.text(&out->raw) || !in.count(&number)) return false;
  out->commands.resize(number);
  for (Command& command : out->commands) {
    if (!unpack_command(in, &command)) return false;
  }
  return in.done();
}

std::string pack_running(std::string_view check) {
  std::string out(1, kRunning);
  put(check, &out);
  return out;
}

std::string pack_problem(std::string_view text) {
  std::string out(1, kProblem);
  put(text.substr(0, kReasonBytes), &out);
  return out;
}

std::string pack_finding(std::string_view check, const CheckFinding& finding) {
  std::string out(1, kFinding);
  put(check, &out);
  put(static_cast<std::size_t>(finding.decision), &out);
  put(std::string_view(finding.rule).substr(0, kRuleBytes), &out);
  put(std::string_view(finding.reason).substr(0, kReasonBytes), &out);
  put(std::string_view(finding.at).substr(0, kReasonBytes), &out);
  put(finding.depth, &out);
  return out;
}

Verdict check_failed(const std::string& why, const Policy& policy) {
  const RuleInfo& rule = info(Rule::check_failed);
  return {policy.decide(Rule::check_failed, rule.level),
          std::string(rule.id),
          std::string(rule.loss) + ": " + why,
          std::string(rule.hint),
          "",
          0};
}

Verdict verdict_of_answer(std::string_view answer, bool ended, const Policy& policy) {
  Answer read;
  const bool whole = unpack_answer(answer, &read);
  if (whole && read.problem) return check_failed(*read.problem, policy);
  if (!whole || !ended || !read.finding) {
    return check_failed((read.running.empty() ? "the program for checks" : read.running) +
                            " died, worked for more than " + std::to_string(kCheckMs) +
                            " ms, or let the guard wait for more than " + std::to_string(kChecksMs) + " ms",
                        policy);
  }
  const CheckFinding& found = *read.finding;
  Verdict out;
  if (found.decision == Decision::allow) return out;
  out.rule = found.rule.empty() ? read.running : found.rule;
  out.decision = policy.decide(std::string_view(out.rule), found.decision);
  out.reason = found.reason.empty() ? read.running + " forbids this command" : found.reason;
  out.hint = info(Rule::org).hint;
  out.at = found.at;
  out.depth = found.depth;
  return out;
}

std::string joined(const std::vector<std::string>& argv) {
  std::string out;
  for (const std::string& word : argv) out += (out.empty() ? "" : " ") + word;
  return out;
}

}  // namespace scc::safety
