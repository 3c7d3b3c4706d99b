// SPDX-License-Identifier: Apache-2.0
// Words of command lines that scc prints for people to paste. It never gives them to a shell itself.
#pragma once

#include <string>
#include <string_view>

namespace scc::str {

/// One word for a POSIX shell; quoted only where that is needed. Foreign text is made printable first.
std::string shell_word(std::string_view text);

}  // namespace scc::str
