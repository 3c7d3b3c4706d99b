// SPDX-License-Identifier: Apache-2.0
// `scc prove`: a session like any other, with the attack battery in the agent's place, against targets that
// this run makes itself. Everything is taken away again, also after a failure or Ctrl-C. [main]
#pragma once

#include "app/host.h"
#include "prove/report.h"

namespace scc::app {

struct ProveOptions {
  std::string runtime;
  std::string policy;  ///< empty: the effective one
  std::string transport;
  std::string provider;   ///< whose image the sandbox is made of
  std::string seed_leak;  ///< test builds only
  bool allow_root = false;
};

struct Proof {
  prove::Report report;
  std::string file;  ///< where the report is kept
};

/// Kind::usage prove.policy, prove.transport, prove.seed-leak; else what keeps a sandbox from being started.
Result<Proof> prove_isolation(Host& host, const ProveOptions& options);

}  // namespace scc::app
