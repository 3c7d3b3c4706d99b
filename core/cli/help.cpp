// SPDX-License-Identifier: Apache-2.0
// Help from the command table.
#include <algorithm>

#include "cli/command.h"

namespace scc::cli {

namespace {

std::string option_left(const OptionSpec& option) {
  std::string out = option.letter != 0 ? std::string("-") + option.letter + ", " : "    ";
  out += "--" + std::string(option.name);
  if (option.optional) return out + "[=" + std::string(option.value) + "]";
  if (!option.value.empty()) out += " " + std::string(option.value);
  return out;
}

std::string columns(const std::vector<std::pair<std::string, std::string>>& rows) {
  std::size_t width = 0;
  for (const auto& [left, right] : rows) width = std::max(width, left.size());
  std::string out;
  for (const auto& [left, right] : rows) {
    out += "  " + left + std::string(width - left.size() + 2, ' ') + right + "\n";
  }
  return out;
}

std::string options_block(const std::vector<OptionSpec>& options) {
  std::vector<std::pair<std::string, std::string>> rows;
  for (const OptionSpec& option : options) rows.emplace_back(option_left(option), std::string(option.help));
  return columns(rows);
}

}  // namespace

std::string help(const Command* command) {
  if (command != nullptr) {
    std::string out = "scc " + std::string(command->path) + ": " + std::string(command->summary) +
                      "\n\nusage: scc " + std::string(command->path) + " [OPTIONS]";
    if (!command->operands.empty()) out += " " + std::string(command->operands);
    out += "\n";
    if (!command->options.empty()) out += "\noptions:\n" + options_block(command->options);
    return out + "\nglobal options:\n" + options_block(global_options());
  }
  std::string out =
      "scc runs AI coding agents in governed sandboxes.\n\nusage: scc [OPTIONS] COMMAND [ARGS...]\n"
      "       scc                  the same as `scc start` in this directory\n\ncommands:\n";
  std::vector<std::pair<std::string, std::string>> rows;
  for (const Command& entry : commands())
    rows.emplace_back(std::string(entry.path), std::string(entry.summary));
  out += columns(rows) + "\nglobal options:\n" + options_block(global_options());
  return out + "\nrun `scc COMMAND --help` for one command\n";
}

std::string group_help(std::string_view group) {
  std::vector<std::pair<std::string, std::string>> rows;
  for (const Command& entry : commands()) {
    if (entry.path.substr(0, group.size() + 1) == std::string(group) + " ") {
      rows.emplace_back("scc " + std::string(entry.path), std::string(entry.summary));
    }
  }
  return "commands of `scc " + std::string(group) + "`:\n" + columns(rows);
}

}  // namespace scc::cli
