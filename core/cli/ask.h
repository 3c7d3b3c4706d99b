// SPDX-License-Identifier: Apache-2.0
// Questions on the terminal, behind the one gate that says whether any may be asked (Env::interactive).
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "cli/env.h"

namespace scc::cli {

/// y/N on stderr. --yes answers it; where nothing may be asked: Kind::usage cli.confirm.
Result<bool> confirmed(Env& env, const std::string& question);

/// A line of text, trimmed. Where nothing may be asked: Kind::usage cli.missing, and `option` is what to pass
/// instead. Kind::cancelled at the end of input.
Result<std::string> asked(Env& env, const std::string& question, const std::string& option);

/// One of the rows, by its number, asked on stderr; Enter takes `fallback`, 0, "q" and Escape nothing. Asked
/// three times at most. Kind::cancelled when nothing was taken, and at the end of input.
Result<std::size_t> chosen(Env& env, const std::string& question, const std::vector<std::string>& rows,
                           std::size_t fallback);

/// The same where nothing else was given: Enter takes the first; Kind::usage cli.missing where nothing may be
/// asked, which says to add `option`.
Result<std::size_t> picked(Env& env, const std::string& question, const std::vector<std::string>& lines,
                           const std::string& option);

/// Questions may be asked, and there is a terminal to show them on.
bool may_ask(const Env& env);

/// The error of a confirm that was answered with no.
tl::unexpected<Error> declined();

}  // namespace scc::cli
