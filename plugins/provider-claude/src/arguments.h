// SPDX-License-Identifier: Apache-2.0
// The argv of `claude`: our own options, then the user's arguments verbatim. Options that scc owns are
// refused in the user's arguments instead of being fought over. Pure.
#pragma once

#include <string>
#include <vector>

#include <scc/sdk/plugin.hpp>

namespace scc::claude {

/// What the user's arguments say, as far as the plan depends on it.
struct UserArguments {
  bool headless = false;         ///< -p, --print
  bool continues = false;        ///< -c, --continue, -r, --resume, --from-pr
  bool names_session = false;    ///< --session-id
  std::string session_id;        ///< its value
  bool permission_mode = false;  ///< --permission-mode, whatever its value
  bool bypass = false;           ///< asks for work without permission prompts
};

/// Reads the arguments up to "--". Failure SCC_E_USAGE (claude.reserved-argument) for an option that scc
/// owns.
UserArguments read_arguments(const std::vector<std::string>& arguments);

struct ArgvInput {
  std::string workspace;         ///< as the sandbox sees it
  bool resume = false;           ///< of the session
  std::string conversation;      ///< to continue, by the agent's id of it; empty: the directory's latest
  std::string new_conversation;  ///< id for one that begins here
  bool may_bypass = false;       ///< the policy's permission_bypass
  std::vector<std::string> user;
};

struct Argv {
  std::vector<std::string> argv;
  bool bypasses = false;     ///< argv holds a permission bypass: only with evidence
  std::string conversation;  ///< what the agent will call it; empty: not known beforehand
};

/// Failure SCC_E_POLICY (claude.bypass-denied) when the user asks for a bypass that the policy denies.
Argv make_argv(const ArgvInput& input);

}  // namespace scc::claude
