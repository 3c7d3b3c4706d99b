// SPDX-License-Identifier: Apache-2.0
// What may not stand in the audit log: secrets in a command line or in a text. It errs on the side of hiding.
// No I/O.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace scc::audit {

inline constexpr std::string_view kHidden = "***";

/// Well-formed UTF-8 of at most 4 KiB and a mark where it was cut.
std::string bounded(const std::string& text);
/// The same of a value under a name: hidden when the name says that it is secret, or the value looks like an
/// issued token.
std::string clean(std::string_view name, const std::string& text);

/// A command line, word by word: users and passwords of URLs, what follows -u, --password, --token and the
/// like, values of headers and of NAME=value whose name says so, issued tokens, and what is long and random
/// and no git object.
std::vector<std::string> redact_argv(const std::vector<std::string>& words);

}  // namespace scc::audit
