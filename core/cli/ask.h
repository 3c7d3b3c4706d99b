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

/// One of the rows, by its number; Enter takes `fallback`, 0 nothing. Asked again until the answer is a
/// number that is there. Kind::cancelled for 0 and at the end of input.
Result<std::size_t> chosen(const std::string& question, const std::vector<std::string>& rows,
                           std::size_t fallback);

/// The error of a confirm that was answered with no.
tl::unexpected<Error> declined();

}  // namespace scc::cli
