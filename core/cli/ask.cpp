// SPDX-License-Identifier: Apache-2.0
#include "cli/ask.h"

#include <iostream>

#include "base/str.h"

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

Result<std::size_t> chosen(const std::string& question, const std::vector<std::string>& rows,
                           std::size_t fallback) {
  std::cerr << str::printable(question) << '\n';
  for (std::size_t i = 0; i < rows.size(); ++i) {
    std::cerr << "  [" << i + 1 << "] " << str::printable(rows[i]) << '\n';
  }
  std::cerr << "  [0] cancel\n";
  for (;;) {
    std::cerr << "number [" << fallback + 1 << "]: " << std::flush;
    std::string answer;
    if (!std::getline(std::cin, answer)) return declined();
    const std::string_view text = str::trim(answer);
    if (text.empty()) return fallback;
    if (text == "0") return declined();
    for (std::size_t i = 0; i < rows.size(); ++i) {
      if (text == std::to_string(i + 1)) return i;
    }
  }
}

tl::unexpected<Error> declined() {
  return fail(Kind::cancelled, "cli.cancelled", "nothing was changed");
}

}  // namespace scc::cli
