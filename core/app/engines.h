// SPDX-License-Identifier: Apache-2.0
// The engines that a command about existing sandboxes asks: not only the one that a start would use, but also
// each one that an instance directory names. One that should answer and does not is told, never left out in
// silence. [main]
#pragma once

#include <vector>

#include "app/engine.h"
#include "session/lister.h"

namespace scc::app {

enum class Reach : unsigned char {
  records,    ///< the default engine and those that records name
  everything  ///< and every other plugin whose engine answers
};

struct EngineSet {
  std::vector<Engine> engines;  ///< the default one first
  std::vector<Error> down;      ///< those with records, or the user's preferred one, that do not answer

  std::vector<plugin::Runtime*> runtimes() const;
  const Engine* find(const std::string& id) const;
};

/// `wanted` (--runtime): that one alone. Kind::prereq when no engine answers at all.
Result<EngineSet> reach_engines(Host& host, const std::string& wanted, Reach reach);

/// The engines that instance directories name, added to those that are there already.
Status add_recorded_engines(Host& host, EngineSet& set);

/// For stopping in parallel.
session::MoreRuntimes more_runtimes(Host& host);

}  // namespace scc::app
