// SPDX-License-Identifier: Apache-2.0
#include "cli/ask.h"

#include <charconv>
#include <iostream>
#include <unistd.h>

#include "base/str.h"
#include "os/tty.h"

namespace scc::cli {

Result<bool> confirmed(Env& env, const std::string& question) {
  if (env.assume_yes) return true;
  if (!env.interactive) {
    return fail(Kind::usage, "cli.confirm", question + " needs a confirmation", "add --yes");
  }
  std::cerr << str::printable(question) << " [y/N] " << std::flush;
  std::string answer;
  std::getline(std::cin, answer);
  return answer == "y" || answer == "Y" || answer == "yes";
}

Result<std::string> asked(Env& env, const std::string& question, const std::string& option) {
  if (!env.interactive) {
    return fail(Kind::usage, "cli.missing", question + ": not given, and nothing may be asked here",
                "add " + option);
  }
  std::cerr << str::printable(question) << ": " << std::flush;
  std::string answer;
  if (!std::getline(std::cin, answer)) return fail(Kind::cancelled, "cli.cancelled", "nothing was changed");
  return std::string(str::trim(answer));
}

bool may_ask(const Env& env) {
  return env.interactive && os::is_tty(STDERR_FILENO);
}

Result<std::size_t> picked(Env& env, const std::string& question, const std::vector<std::string>& lines,
                           const std::string& option) {
  if (!may_ask(env)) {
    return fail(Kind::usage, "cli.missing", question + ": not given, and nothing may be asked here",
                "add " + option);
  }
  return chosen(env, question, lines, 0);
}

Result<std::size_t> chosen(Env& env, const std::string& question, const std::vector<std::string>& rows,
                           std::size_t fallback) {
  env.console.clear_progress();
  std::cerr << str::printable(question) << '\n';
  for (std::size_t i = 0; i < rows.size(); ++i) {
    std::cerr << "  [" << i + 1 << "] " << str::printable(rows[i]) << '\n';
  }
  std::cerr << "  [0] cancel\n";
  constexpr int kTries = 3;
  for (int i = 0; i < kTries; ++i) {
    std::cerr << "number [" << fallback + 1 << "]: " << std::flush;
    std::string answer;
    if (!std::getline(std::cin, answer)) break;
    const std::string_view word = str::trim(answer);
    if (word == "0" || word == "q" || str::starts_with(word, "\x1b")) break;
    if (word.empty() && fallback < rows.size()) return fallback;
    std::size_t number = 0;
    const auto [end, code] = std::from_chars(word.data(), word.data() + word.size(), number);
    if (code == std::errc{} && end == word.data() + word.size() && number >= 1 && number <= rows.size()) {
      return number - 1;
    }
  }
  return declined();
}

tl::unexpected<Error> declined() {
  return fail(Kind::cancelled, "cli.cancelled", "nothing was changed");
}

}  // namespace scc::cli
