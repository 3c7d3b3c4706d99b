// SPDX-License-Identifier: Apache-2.0
// SHA-256 (FIPS 180-4) of a short text: a context's directory is named by the hash of its name. Not for
// anything secret.
#pragma once

#include <string>
#include <string_view>

namespace scc::docker {

/// 64 lower-case hex digits.
std::string sha256_hex(std::string_view text);

}  // namespace scc::docker
