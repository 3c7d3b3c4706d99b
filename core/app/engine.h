// SPDX-License-Identifier: Apache-2.0
// Which container runtime a command uses (runtime.md §3.1): --runtime, SCC_RUNTIME, the user's preference,
// else the first by auto_priority whose engine answers. An engine that is down is an error with its remedy,
// never "nothing".
#pragma once

#include <memory>
#include <string>

#include "app/host.h"
#include "plugin/runtime.h"

namespace scc::app {

struct Engine {
  std::unique_ptr<plugin::Runtime> runtime;
  json::Value info;  ///< scc.runtime-info/1
};

/// One engine as it is now, reachable or not.
Result<Engine> probe_engine(Host& host, const std::string& id);

/// `wanted` is the value of --runtime or empty. Kind::prereq runtime.unreachable with the engine's own
/// remedy.
Result<Engine> choose_engine(Host& host, const std::string& wanted);
/// An instance of the runtime plugin `id` with its section of the configuration; nothing is asked of it.
Result<std::unique_ptr<plugin::Runtime>> open_runtime(Host& host, const std::string& id);

}  // namespace scc::app
