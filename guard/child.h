// SPDX-License-Identifier: Apache-2.0
// Runs the real git for an answer (its aliases, whether a name is a commit). Bounded in time and output.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

namespace scc::guard {

using Words = std::vector<std::string>;
using Variables = std::vector<std::pair<std::string, std::string>>;

struct Answer {
  int code = -1;
  std::string out;
};

inline constexpr long kQuestionMs = 500;   ///< before a command
inline constexpr long kEffectMs = 10'000;  ///< in a hook: ancestry of a large history

struct Talk {
  int input = -1;  ///< its standard input; /dev/null without one
  long patience_ms = kQuestionMs;
};

/// What it wrote so far, and the code it ended with; -1: it could not be run, was killed, was not done in
/// time, or wrote more than 1 MiB. Its standard error is dropped.
Answer talk_to(const std::string& program, const Words& argv, const Variables& environment, const Talk& talk);

/// Nothing: it could not be run, was not done in time, or wrote more than 1 MiB. Its standard error is
/// dropped.
std::optional<Answer> ask(const std::string& program, const Words& argv, const Variables& environment,
                          long patience_ms = kQuestionMs);

/// Standard input to its end. False: it cannot be read, or is more than `most` bytes.
bool read_input(std::string* out, std::size_t most);

/// argv or environment as execve(2) wants it; the strings must outlive it.
std::vector<char*> pointers(const Words& words);
Words lines_of(const Variables& environment);

}  // namespace scc::guard
