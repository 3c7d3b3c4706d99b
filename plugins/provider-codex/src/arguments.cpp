// SPDX-License-Identifier: Apache-2.0
#include "arguments.h"

#include <algorithm>
#include <array>
#include <string_view>

namespace scc::codex {

namespace {

using sdk::Failure;

constexpr const char* kBypass = "--dangerously-bypass-approvals-and-sandbox";

// `codex --help` of 0.169: options with a value of their own, before a subcommand as well as behind it.
constexpr std::array<std::string_view, 24> kWithValue = {"-c",
                                                         "--config",
                                                         "--enable",
                                                         "--disable",
                                                         "--remote",
                                                         "--remote-auth-token-env",
                                                         "-i",
                                                         "--image",
                                                         "-m",
                                                         "--model",
                                                         "-p",
                                                         "--profile",
                                                         "-s",
                                                         "--sandbox",
                                                         "-C",
                                                         "--cd",
                                                         "-a",
                                                         "--ask-for-approval",
                                                         "-o",
                                                         "--add-dir",
                                                         "--local-provider",
                                                         "--thread-source",
                                                         "--color",
                                                         "--output-schema"};

constexpr std::array<std::string_view, 26> kCommands = {
    "agents", "exec",       "e",          "review",    "login",         "logout",  "mcp",
    "plugin", "app-server", "completion", "update",    "doctor",        "sandbox", "debug",
    "apply",  "a",          "resume",     "queue",     "archive",       "delete",  "fork",
    "cloud",  "features",   "help",       "unarchive", "remote-control"};

template <class List>
bool among(const List& list, std::string_view word) {
  return std::find(list.begin(), list.end(), word) != list.end();
}

/// "--name" or "--name=value", or the letter with or without its value behind it.
bool is_option(std::string_view argument, std::string_view name, std::string_view letter = {}) {
  if (argument.substr(0, name.size()) == name)
    return argument.size() == name.size() || argument[name.size()] == '=';
  return !letter.empty() && argument.substr(0, 2) == letter && argument.substr(0, 2) != "--";
}

/// The index of the first word that is no option and no option's value, from `i` on.
std::size_t next_word(const std::vector<std::string>& arguments, std::size_t i) {
  while (i < arguments.size()) {
    const std::string& argument = arguments[i];
    if (argument == "--" || argument.empty() || argument[0] != '-' || argument == "-") break;
    i += among(kWithValue, argument) ? std::size_t{2} : std::size_t{1};
  }
  return std::min(i, arguments.size());
}

void read_permissions(const std::vector<std::string>& arguments, UserArguments& out) {
  for (const std::string& argument : arguments) {
    if (argument == "--") break;
    if (argument == kBypass || argument == "--yolo") out.bypass = true;
    if (is_option(argument, "--sandbox", "-s") || is_option(argument, "--ask-for-approval", "-a") ||
        argument == "--approve-for-me") {
      out.permissions = true;
    }
  }
}

}  // namespace

UserArguments read_arguments(const std::vector<std::string>& arguments) {
  UserArguments out;
  read_permissions(arguments, out);
  const std::size_t word = next_word(arguments, 0);
  if (word >= arguments.size() || !among(kCommands, arguments[word])) return out;
  out.command = arguments[word] == "e" ? "exec" : arguments[word];
  out.after = word + 1;
  out.continues = out.command == "resume" || out.command == "fork";
  if (out.command == "exec") {
    const std::size_t inner = next_word(arguments, out.after);
    out.continues = inner < arguments.size() && (arguments[inner] == "resume" || arguments[inner] == "fork");
  }
  return out;
}

Argv make_argv(const ArgvInput& input) {
  const UserArguments user = read_arguments(input.user);
  if (user.bypass && !input.may_bypass) {
    throw Failure(SCC_E_POLICY, "codex.bypass-denied",
                  "the policy does not allow an agent that works without permission prompts",
                  std::string("leave out ") + kBypass + ", or ask who owns the policy");
  }
  Argv out;
  out.argv = {"codex"};
  const bool works =
      user.command.empty() || user.command == "exec" || user.command == "resume" || user.command == "fork";
  if (input.may_bypass && works && !user.bypass && !user.permissions) {
    out.argv.emplace_back(kBypass);
    out.bypasses = true;
  }
  out.bypasses = out.bypasses || user.bypass;
  const auto behind = input.user.begin() + static_cast<std::ptrdiff_t>(user.after);
  out.argv.insert(out.argv.end(), input.user.begin(), behind);
  if (input.resume && !user.continues && (user.command.empty() || user.command == "exec")) {
    out.argv.emplace_back("resume");
    if (!input.conversation.empty()) {
      out.argv.push_back(input.conversation);
    } else {
      // Of this directory only: the agent itself looks at where a conversation took place.
      out.argv.emplace_back("--last");
      if (user.command.empty()) out.argv.emplace_back("--include-non-interactive");
    }
  }
  out.argv.insert(out.argv.end(), behind, input.user.end());
  return out;
}

}  // namespace scc::codex
