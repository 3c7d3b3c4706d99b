// SPDX-License-Identifier: Apache-2.0
// Maps a library for the life of the process: the only user of Boost.DLL. Nothing is ever unloaded, because
// thread-local destructors, static state and callbacks make dlclose the main source of crashes. [main]
#pragma once

#include "base/result.h"
#include "scc/abi.h"

namespace scc::plugin {

/// The entry of the library behind `memfd`, which must stay open: the loader knows it by its /proc name, and
/// a reused number would name another library. Kind::prereq plugin.load or plugin.no-entry.
Result<const scc_plugin_v1*> map_library(int memfd);

}  // namespace scc::plugin
