// SPDX-License-Identifier: Apache-2.0
// The report of a run, as it is kept and printed.
#pragma once

#include <string>
#include <vector>

#include "json/value.h"
#include "prove/verdict.h"

namespace scc::prove {

struct Report {
  std::string id;
  std::string time;
  std::string version;
  std::string runtime;
  std::string runtime_version;
  std::string policy;
  std::string transport;  ///< none, socket, ...
  std::string plan_id;
  std::string seed_leak;  ///< test builds: the wall that was weakened
  std::vector<Outcome> results;
  Controls controls;
  std::vector<std::string> arrived;  ///< the stand-in's record
  std::vector<std::string> notes;

  std::size_t count(Verdict verdict) const;
  /// proved, escaped, inconclusive, or open: nothing is claimed
  std::string verdict() const;
  json::Value to_json() const;
};

}  // namespace scc::prove
