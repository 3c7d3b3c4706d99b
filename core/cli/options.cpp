// SPDX-License-Identifier: Apache-2.0
// Parsing by the command table. The only includer of Boost.Program_options.
#include <algorithm>

#include <boost/program_options.hpp>

#include "base/str.h"
#include "cli/command.h"

namespace scc::cli {

namespace po = boost::program_options;

namespace {

const OptionSpec* find_option(std::string_view token) {
  for (const OptionSpec& option : global_options()) {
    if (token.size() == 2 && token[0] == '-' && token[1] == option.letter && option.letter != 0)
      return &option;
    if (token.substr(0, 2) == "--" && token.substr(2, token.find('=') - 2) == option.name) return &option;
  }
  return nullptr;
}

struct Split {
  std::vector<std::string> words;  ///< everything before "--" but the command's own words
  std::vector<std::string> rest;
  const Command* command = nullptr;
  std::string group;  ///< a group name without a command: `scc plugin`
  bool saw_rest = false;
};

const Command* find_command(std::string_view path) {
  for (const Command& command : commands()) {
    if (command.path == path) return &command;
  }
  return nullptr;
}

bool is_group(std::string_view word) {
  return std::any_of(commands().begin(), commands().end(), [&](const Command& command) {
    return str::starts_with(command.path, std::string(word) + " ");
  });
}

/// Groups that say what there is when nothing follows them.
const Command* listed_by_default(const std::string& group) {
  for (const std::string_view name : {"team", "session", "worktree"}) {
    if (group == name) return find_command(group + " list");
  }
  return nullptr;
}

Error unknown_command(const std::string& word) {
  std::vector<std::string> names;
  for (const Command& command : commands()) names.emplace_back(command.path);
  const std::string near = str::nearest(word, names);
  return {Kind::usage,
          "cli.unknown-command",
          "there is no command " + word,
          near.empty() ? "run `scc --help`" : "did you mean `scc " + near + "`?",
          {}};
}

/// Finds the command's words; global options may stand before them.
Result<Split> split(const std::vector<std::string>& argv) {
  Split out;
  std::vector<std::string> command_words;
  for (std::size_t i = 0; i < argv.size(); ++i) {
    const std::string& token = argv[i];
    if (token == "--") {
      out.rest.assign(argv.begin() + static_cast<std::ptrdiff_t>(i) + 1, argv.end());
      out.saw_rest = true;
      break;
    }
    if (out.command != nullptr || (!token.empty() && token[0] == '-')) {
      out.words.push_back(token);
      const OptionSpec* option = out.command == nullptr ? find_option(token) : nullptr;
      if (option != nullptr && !option->value.empty() && token.find('=') == std::string::npos &&
          i + 1 < argv.size()) {
        out.words.push_back(argv[++i]);
      }
      continue;
    }
    command_words.push_back(token);
    const std::string path = str::join(command_words, " ");
    if (is_group(path)) {
      out.group = path;
      continue;
    }
    out.command = find_command(path);
    if (out.command == nullptr) return fail(unknown_command(path));
    out.group.clear();
  }
  // A word that is both a command and a group ("plugin" alone) is not used; a bare group lists, or shows its
  // help.
  const bool help = std::any_of(out.words.begin(), out.words.end(),
                                [](const std::string& word) { return word == "--help" || word == "-h"; });
  if (out.command == nullptr && !help) out.command = listed_by_default(out.group);
  if (out.command != nullptr) out.group.clear();
  return out;
}

po::options_description describe(const std::vector<const OptionSpec*>& specs) {
  po::options_description out;
  for (const OptionSpec* spec : specs) {
    std::string names(spec->name);
    if (spec->letter != 0) names += std::string(",") + spec->letter;
    if (spec->value.empty()) {
      out.add_options()(names.c_str(), "");
    } else if (spec->optional) {
      out.add_options()(names.c_str(),
                        po::value<std::vector<std::string>>()->composing()->implicit_value({}, ""), "");
    } else {
      out.add_options()(names.c_str(), po::value<std::vector<std::string>>()->composing(), "");
    }
  }
  return out;
}

Error usage_error(const po::error& cause, const Command* command,
                  const std::vector<const OptionSpec*>& specs) {
  const std::string name = command != nullptr ? "scc " + std::string(command->path) : "scc";
  std::string message = cause.what();
  std::string hint = "run `" + name + " --help`";
  if (const auto* unknown = dynamic_cast<const po::unknown_option*>(&cause)) {
    const std::string typed = unknown->get_option_name();
    message = name + " has no option " + typed;
    std::vector<std::string> names;
    for (const OptionSpec* spec : specs) names.push_back("--" + std::string(spec->name));
    if (const std::string near = str::nearest(typed, names); !near.empty())
      hint = "did you mean " + near + "?";
  }
  return {Kind::usage, "cli.usage", message, hint, {}};
}

}  // namespace

Result<Parsed> parse(const std::vector<std::string>& argv) {
  SCC_TRY(Split parts, split(argv));
  Parsed out;
  out.command = parts.command;
  std::vector<const OptionSpec*> specs;
  for (const OptionSpec& option : global_options()) specs.push_back(&option);
  if (parts.command != nullptr) {
    for (const OptionSpec& option : parts.command->options) specs.push_back(&option);
  }
  po::options_description description = describe(specs);
  po::options_description hidden;
  hidden.add(description);
  hidden.add_options()("positional.words", po::value<std::vector<std::string>>(), "");
  po::positional_options_description positional;
  positional.add("positional.words", -1);
  try {
    const int style = po::command_line_style::unix_style & ~po::command_line_style::allow_guessing;
    const auto parsed =
        po::command_line_parser(parts.words).options(hidden).positional(positional).style(style).run();
    for (const auto& option : parsed.options) {
      if (option.string_key == "positional.words") {
        out.args.positional.insert(out.args.positional.end(), option.value.begin(), option.value.end());
        continue;
      }
      auto& values = out.args.values[option.string_key];
      values.insert(values.end(), option.value.begin(), option.value.end());
    }
  } catch (const po::error& cause) {
    return fail(usage_error(cause, parts.command, specs));
  }
  out.args.rest = std::move(parts.rest);
  if (!parts.group.empty()) out.args.values["help-group"] = {parts.group};
  if (parts.command == nullptr) return out;
  const std::string name = "scc " + std::string(parts.command->path);
  if (out.args.positional.size() > parts.command->max_positional) {
    return fail(
        Kind::usage, "cli.usage",
        name + " takes " + std::to_string(parts.command->max_positional) + " argument(s), got " +
            std::to_string(out.args.positional.size()),
        parts.command->takes_rest ? "arguments for the agent follow `--`" : "run `" + name + " --help`");
  }
  if (parts.saw_rest && !parts.command->takes_rest) {
    return fail(Kind::usage, "cli.usage", name + " takes no arguments after `--`",
                "run `" + name + " --help`");
  }
  return out;
}

}  // namespace scc::cli
