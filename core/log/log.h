// SPDX-License-Identifier: Apache-2.0
// The diagnostic log, off unless asked for (SCC_LOG or --debug): `<state>/log/scc.log`, 0600, rotated. Not
// for the user's eyes and no audit trail. Every line passes redaction. [any] after open().
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "os/fs.h"

namespace scc::log {

/// Opens the log. `level`: debug, info, warn or error; anything else is debug.
Status open(const os::stdfs::path& file, std::string_view level);
bool enabled() noexcept;

void debug(std::string_view message);
void info(std::string_view message);
void warn(std::string_view message);
void error(std::string_view message);

/// Never let this value into the log; for what the user's environment or a file gave as a secret.
void add_secret(std::string_view value);

/// The text with secrets replaced by "[redacted]": known values, and what looks like a key or a credential in
/// a header, a URL or a JSON member.
std::string redact(std::string_view text);

}  // namespace scc::log
