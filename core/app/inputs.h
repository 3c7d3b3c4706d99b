// SPDX-License-Identifier: Apache-2.0
// What every plan takes from the machine it is made on. Reads only. [main]
#pragma once

#include <map>
#include <string>
#include <vector>

#include "app/host.h"

namespace scc::app {

/// TERM, COLORTERM, TZ, and LANG when it names UTF-8: all that crosses from the host's environment
/// (runtime.md §8.10).
std::map<std::string, std::string> terminal_env(const os::Environment& env);

/// The text of tls.ca_file, or nothing where none is set. Kind::config config.ca-file.
Result<std::string> ca_text(const config::UserConfig& config);

/// 65536, or the hard limit of this process where that is lower: an engine on such a machine (root without
/// CAP_SYS_RESOURCE, a small container) has the same one, and refuses to start a sandbox with more.
std::int64_t open_files_limit();

/// Paths of the sockets that no sandbox may reach: the usual ones and the one in use.
std::vector<std::string> engine_sockets(const Host& host, const plugin::Registry& registry,
                                        const json::Value& runtime_info);

}  // namespace scc::app
