// SPDX-License-Identifier: Apache-2.0
// SHA-256 (FIPS 180-4) of a text in memory: the guard is static and links no library for it.
#pragma once

#include <string>
#include <string_view>

namespace scc::guard {

/// 64 hexadecimal digits, lower case.
std::string sha256_hex(std::string_view text);

}  // namespace scc::guard
