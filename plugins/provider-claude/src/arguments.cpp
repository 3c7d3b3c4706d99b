// SPDX-License-Identifier: Apache-2.0
#include "arguments.h"

#include <algorithm>
#include <string_view>

namespace scc::claude {

namespace {

using sdk::Failure;

/// "--name" or "--name=value".
bool is_option(std::string_view argument, std::string_view name) {
  return argument == name || (argument.size() > name.size() && argument.substr(0, name.size()) == name &&
                              argument[name.size()] == '=');
}

/// A group of one-letter options such as "-pc" holds `letter`. Values glued to a letter do not occur among
/// the options that matter here.
bool has_letter(std::string_view argument, char letter) {
  return argument.size() >= 2 && argument[0] == '-' && argument[1] != '-' &&
         argument.substr(1).find(letter) != std::string_view::npos;
}

std::string option_value(const std::vector<std::string>& arguments, std::size_t i, std::string_view name) {
  if (arguments[i].size() > name.size()) return arguments[i].substr(name.size() + 1);
  return i + 1 < arguments.size() ? arguments[i + 1] : std::string();
}

/// The setting sources decide whether a repository's own settings count, so they are not the user's to give
/// by accident: with "project" among them the repository's `env` would receive the key (the managed settings
/// only pin the variables that they know of).
void refuse_reserved(const std::string& argument) {
  if (is_option(argument, "--setting-sources")) {
    throw Failure(SCC_E_USAGE, "claude.reserved-argument",
                  "the argument " + argument + " is set by scc and cannot be given",
                  "leave it out: a repository's own settings are not loaded inside the sandbox");
  }
}

}  // namespace

UserArguments read_arguments(const std::vector<std::string>& arguments) {
  UserArguments out;
  for (std::size_t i = 0; i < arguments.size() && arguments[i] != "--"; ++i) {
    const std::string& argument = arguments[i];
    refuse_reserved(argument);
    if (argument == "--print" || has_letter(argument, 'p')) out.headless = true;
    const bool resumes = argument == "--continue" || has_letter(argument, 'c') ||
                         is_option(argument, "--resume") || has_letter(argument, 'r') ||
                         is_option(argument, "--from-pr");
    if (resumes) out.continues = true;
    if (is_option(argument, "--session-id")) {
      out.names_session = true;
      out.session_id = option_value(arguments, i, "--session-id");
    }
    if (is_option(argument, "--permission-mode")) {
      out.permission_mode = true;
      if (option_value(arguments, i, "--permission-mode") == "bypassPermissions") out.bypass = true;
    }
    if (argument == "--dangerously-skip-permissions" || argument == "--allow-dangerously-skip-permissions") {
      out.bypass = true;
    }
  }
  return out;
}

namespace {

/// Which conversation it is. What the user says about that wins; then its id is the user's, too, or unknown.
void add_conversation(const ArgvInput& input, const UserArguments& user, Argv& out) {
  if (user.continues || user.names_session) {
    if (user.names_session) out.conversation = user.session_id;
    return;
  }
  if (!input.resume) {
    out.conversation = input.new_conversation;
    if (!out.conversation.empty()) out.argv.push_back("--session-id=" + out.conversation);
  } else if (!input.conversation.empty()) {
    out.conversation = input.conversation;
    out.argv.push_back("--resume=" + out.conversation);
  } else {
    out.argv.emplace_back("--continue");
  }
}

}  // namespace

Argv make_argv(const ArgvInput& input) {
  const UserArguments user = read_arguments(input.user);
  if (user.bypass && !input.may_bypass) {
    throw Failure(SCC_E_POLICY, "claude.bypass-denied",
                  "the policy does not allow an agent that works without permission prompts",
                  "leave out --dangerously-skip-permissions, or ask who owns the policy");
  }
  Argv out;
  out.argv = {"claude"};
  // The repository's settings, hooks and MCP servers are not loaded; its CLAUDE.md is, as the notes of an
  // additional directory (CLAUDE_CODE_ADDITIONAL_DIRECTORIES_CLAUDE_MD). "=" matters: with a blank the option
  // would swallow the prompt that follows.
  out.argv.push_back("--add-dir=" + input.workspace);
  out.argv.insert(out.argv.end(), {"--setting-sources", "user"});
  if (input.may_bypass && !user.bypass && !user.permission_mode) {
    out.argv.emplace_back("--dangerously-skip-permissions");
    out.bypasses = true;
  }
  out.bypasses = out.bypasses || user.bypass;
  add_conversation(input, user, out);
  out.argv.insert(out.argv.end(), input.user.begin(), input.user.end());
  return out;
}

}  // namespace scc::claude
