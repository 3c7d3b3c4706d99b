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

tl::unexpected<Error> declined() {
  return fail(Kind::cancelled, "cli.cancelled", "nothing was changed");
}

}  // namespace scc::cli
