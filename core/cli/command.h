// SPDX-License-Identifier: Apache-2.0
// The command table: one row a command. Help, completion and parsing are all made from it.
// Boost.Program_options stays behind options.cpp.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "cli/env.h"

namespace scc::cli {

struct OptionSpec {
  std::string_view name;   ///< without dashes
  char letter = 0;         ///< 0: none
  std::string_view value;  ///< placeholder of its argument; empty: a flag
  std::string_view help;
  bool repeatable = false;
  bool optional = false;  ///< its argument may be left out; when given it follows "="
};

/// What was typed, after parsing.
struct Args {
  std::map<std::string, std::vector<std::string>> values;  ///< flags have one empty value
  std::vector<std::string> positional;
  std::vector<std::string> rest;  ///< after "--"
  bool has(std::string_view name) const { return values.count(std::string(name)) != 0; }
  std::string get(std::string_view name) const {
    const auto found = values.find(std::string(name));
    return found == values.end() || found->second.empty() ? std::string() : found->second.back();
  }
  std::vector<std::string> all(std::string_view name) const {
    const auto found = values.find(std::string(name));
    return found == values.end() ? std::vector<std::string>() : found->second;
  }
};

struct Command {
  std::string_view path;      ///< "plugin list"
  std::string_view summary;   ///< one sentence, lower case
  std::string_view operands;  ///< "[PATH] [-- AGENT ARGS...]"
  std::vector<OptionSpec> options;
  std::size_t max_positional = 0;
  bool takes_rest = false;  ///< arguments after "--"
  Result<int> (*run)(Env& env, const Args& args) = nullptr;
};

const std::vector<OptionSpec>& global_options();
const std::vector<Command>& commands();

/// The commands of each file; commands() joins them in help order.
std::vector<Command> start_commands();
std::vector<Command> session_commands();
std::vector<Command> sandbox_commands();
std::vector<Command> image_commands();
std::vector<Command> plugin_commands();
std::vector<Command> provider_commands();
std::vector<Command> config_commands();
std::vector<Command> explain_commands();
std::vector<Command> egress_commands();
std::vector<Command> prove_commands();
std::vector<Command> team_commands();
std::vector<Command> org_commands();
std::vector<Command> exception_commands();
std::vector<Command> profile_commands();
std::vector<Command> safety_commands();
std::vector<Command> undo_commands();
std::vector<Command> audit_commands();
std::vector<Command> doctor_commands();
std::vector<Command> meta_commands();

struct Parsed {
  const Command* command = nullptr;  ///< null: bare `scc`
  Args args;                         ///< global options included
};
/// Kind::usage with a hint for unknown commands and options.
Result<Parsed> parse(const std::vector<std::string>& argv);

/// Help text for one command, a group ("plugin"), or everything.
std::string help(const Command* command);
std::string group_help(std::string_view group);

}  // namespace scc::cli
