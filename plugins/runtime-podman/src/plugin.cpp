// SPDX-License-Identifier: Apache-2.0
// The plugin runtime-podman: Podman's API, which is the Engine API and an own one beside it, from a service
// that runs already or that the host starts for the command. All verbs are runtime-oci-common's; what is
// Podman's own is where its engine is, how it is started, its create documents and what ails a machine.
#include <memory>

#include <scc/oci/runtime.hpp>
#include <scc/sdk/plugin.hpp>

#include "podman.hpp"

namespace scc::podman {

class Runtime : public oci::Runtime {
 public:
  Runtime(sdk::Host host, const sdk::Json& config)
      : oci::Runtime(host, std::make_shared<const Podman>(host, config)) {}
};

}  // namespace scc::podman

SCC_PLUGIN(SCC_PLUGIN_ID, SCC_PLUGIN_VERSION, runtime<scc::podman::Runtime>("podman"))
