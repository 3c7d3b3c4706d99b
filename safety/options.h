// SPDX-License-Identifier: Apache-2.0
// Decodes a git subcommand's arguments the way git's own parse-options does: unique prefixes of long options,
// "--no-", short clusters with values, "--", help only where the parser reaches it. A byte NUL in an argument
// stands for text that is known only when the command runs (no real argument can hold one).
//
// An option list is one text, an option a word: "force,f" both forms, ",D" a letter alone, "repo=" takes a
// value, "gpg-sign?,S" takes one only when glued on.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace scc::safety {

using Args = std::vector<std::string>;
inline constexpr char kUnknown = '\0';
inline bool has_unknown(std::string_view text) {
  return text.find(kUnknown) != std::string_view::npos;
}

/// Whether a list holds the word.
bool one_of(std::span<const std::string_view> list, std::string_view word) noexcept;

struct Option {
  std::string_view name;  ///< may be empty
  char letter = 0;        ///< may be 0
  bool value = false;     ///< takes one
  bool glued = false;     ///< ... which must be glued on and may be missing
};

struct Seen {
  Option option;
  bool negated = false;
  bool sure = true;  ///< false: an ambiguous prefix, which git would refuse
  std::string value;
  std::size_t at = 0;  ///< index of the argument
};

struct Operand {
  std::string text;
  std::size_t at = 0;
  bool after_dashes = false;
};

class Parsed {
 public:
  std::vector<Seen> seen;
  std::vector<Operand> operands;
  bool help = false;     ///< git prints its usage and does nothing
  bool dashes = false;   ///< "--" was given
  bool dynamic = false;  ///< an option's name is known only when it runs
  bool refused = false;  ///< an option that no version of git's subcommands takes
  std::size_t dynamic_at = 0;

  /// The last of --name and --no-name (or of the letter) wins; an ambiguous prefix counts as given.
  const Seen* flag(std::string_view name) const;
  /// As flag(), but an ambiguous prefix does not count: for options that make a command harmless.
  bool surely(std::string_view name) const;
  std::vector<const Seen*> all(std::string_view name) const;
  /// The last of several options that exclude each other, or null.
  const Seen* last_of(std::initializer_list<std::string_view> names) const;
};

enum class Order : unsigned char { mixed, stop_at_operand };

/// `first`: index of the first argument after the subcommand.
Parsed parse_options(std::string_view options, const Args& args, std::size_t first,
                     Order order = Order::mixed);

/// Option `name` or, for one without, its letter.
bool is_option(const Option& option, std::string_view name);

/// The options of a subcommand ("push", "worktree add"), or null.
const char* git_options(std::string_view verb) noexcept;

}  // namespace scc::safety
