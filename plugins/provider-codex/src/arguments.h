// SPDX-License-Identifier: Apache-2.0
// The argv of `codex`: our own options, then the user's arguments verbatim, with `resume` put where the agent
// wants it. What the user says wins over what scc would add. Pure.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include <scc/sdk/plugin.hpp>

namespace scc::codex {

/// What the user's arguments say, as far as the plan depends on it.
struct UserArguments {
  std::string command;       ///< the subcommand ("exec"); empty: the full-screen agent
  std::size_t after = 0;     ///< index behind the subcommand; 0 without one
  bool continues = false;    ///< resume, fork, exec resume, exec fork
  bool permissions = false;  ///< says itself how to ask for permission, or which sandbox to use
  bool bypass = false;       ///< asks for work without permission prompts and sandbox
};

UserArguments read_arguments(const std::vector<std::string>& arguments);

struct ArgvInput {
  bool resume = false;       ///< of the session
  std::string conversation;  ///< the agent's id of it; empty: the latest one of the directory
  bool may_bypass = false;   ///< the policy's permission_bypass
  std::vector<std::string> user;
};

struct Argv {
  std::vector<std::string> argv;
  bool bypasses = false;  ///< argv holds a permission bypass: only with evidence
};

/// Failure SCC_E_POLICY (codex.bypass-denied) when the user asks for a bypass that the policy denies.
Argv make_argv(const ArgvInput& input);

}  // namespace scc::codex
