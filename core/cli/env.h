// SPDX-License-Identifier: Apache-2.0
// What every command gets: the process environment, the directories, the console, and the configuration and
// plugin registry made on first use (so that `scc --version` reads nothing).
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "app/host.h"
#include "ui/console.h"

namespace scc::cli {

struct Env {
  app::Host host;
  ui::Console& console;
  bool assume_yes = false;
  bool interactive = false;  ///< prompts are allowed (cli.md §4)
};

}  // namespace scc::cli
