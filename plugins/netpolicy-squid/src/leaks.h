// SPDX-License-Identifier: Apache-2.0
// Walls of the proxy that a test takes down on purpose (`scc prove --seed-leak`): in test builds only, one at
// a time, each by a change of the finished configuration.
#pragma once

#include <string>

namespace scc_squid {

/// The configuration with that wall down. Failure SCC_E_USAGE network.leak for a name that is none, and for
/// every name in a build that knows none.
std::string weaken(const std::string& name, std::string config);

}  // namespace scc_squid
