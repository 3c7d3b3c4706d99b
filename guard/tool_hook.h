// SPDX-License-Identifier: Apache-2.0
// The guard as an agent's own hook: reads the tool call that an agent is about to make, judges its command
// line as a whole, and answers in the agent's protocol. An early answer; what enforces is the guard over the
// tools.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "guard/git_side.h"

namespace scc::guard {

/// Both protocols let 0 pass without an opinion, and take 2 with a reason on standard error for a refusal.
inline constexpr int kExitNoObjection = 0;
inline constexpr int kExitRefused = 2;

struct ToolCall {
  std::optional<std::string> line;  ///< none: the tool takes no command line
  std::string cwd;                  ///< where it would run; may be empty
};

/// Whether `--format NAME` is known: "claude" or "codex".
bool is_dialect(std::string_view name);

/// Nothing: no tool call of this dialect; `*problem` says why.
std::optional<ToolCall> read_tool_call(std::string_view text, std::string_view dialect, std::string* problem);

/// `words`: scc-guard hook --format DIALECT. Whatever goes wrong is a refusal.
int run_tool_hook(const Words& words, const Variables& environment) noexcept;

}  // namespace scc::guard
