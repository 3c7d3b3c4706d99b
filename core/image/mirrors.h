// SPDX-License-Identifier: Apache-2.0
// Asks this host's apt where Debian is. Internal to core/image; the pure parts are in bootstrap.h.
#pragma once

#include <map>
#include <string>

#include "image/bootstrap.h"
#include "image/work.h"

namespace scc::image {

/// Environment of the tools that are run: fixed, plus the proxies of the user or of apt.
std::map<std::string, std::string> tool_environment(const Host& host);

/// The same for mmdebstrap: with the proxy of apt's configuration, TMPDIR and SOURCE_DATE_EPOCH.
std::map<std::string, std::string> bootstrap_environment(const Host& host, const BootstrapSpec& spec,
                                                         const stdfs::path& temporary);

/// Mirrors from apt's own reading of its configuration; with no package lists downloaded yet, they are
/// fetched into `work` (a private directory). Nothing found, or no apt: empty, never an error except
/// Kind::cancelled.
Result<Mirrors> find_mirrors(const Host& host, const stdfs::path& work, const Watch& watch, BuildLog& log);

}  // namespace scc::image
