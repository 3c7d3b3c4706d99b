// SPDX-License-Identifier: Apache-2.0
// How scc-guard-ext is asked about commands, and how it answers: the question on its standard input, the
// answer on its standard output. Both ends are of the same installation, so the form is private; it carries
// arguments of any bytes. Used by the guard in a sandbox and by `scc safety explain` on the host.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "safety/engine.h"

namespace scc::safety {

/// A check's library as the asked process finds it.
struct CheckLibrary {
  std::string id;      ///< of the component
  std::string path;    ///< absolute
  std::string sha256;  ///< that its bytes must have
  std::string config;  ///< a JSON object
};

struct CheckQuestion {
  std::vector<CheckLibrary> checks;
  std::string cwd;
  std::string raw;  ///< the line, or the argv joined by blanks
  std::vector<Command> commands;
};

inline constexpr std::size_t kQuestionBytes = std::size_t{64} << 20U;
/// For one check and all commands of a line, in processor time.
inline constexpr long kCheckMs = 50;
/// For all of them, in time that passes.
inline constexpr long kChecksMs = 5000;

std::string pack(const CheckQuestion& question);
/// False: no whole question.
bool unpack(std::string_view text, CheckQuestion* out);

/// Pieces of an answer, in the order in which they are written.
std::string pack_running(std::string_view check);
std::string pack_problem(std::string_view text);
struct CheckFinding {
  Decision decision = Decision::allow;
  std::string rule;
  std::string reason;
  std::string at;
  unsigned depth = 0;
};
/// The end of an answer. Rule and reason are cut to 128 and 1024 bytes.
std::string pack_finding(std::string_view check, const CheckFinding& finding);

/// What an answer means under the policy. Anything but a whole answer, and `ended` says that the process
/// ended by itself with 0, is guard.check_failed and names the check that was at work.
Verdict verdict_of_answer(std::string_view answer, bool ended, const Policy& policy);
/// The same for an answer that cannot be had.
Verdict check_failed(const std::string& why, const Policy& policy);

/// argv as a text for people.
std::string joined(const std::vector<std::string>& argv);

}  // namespace scc::safety
