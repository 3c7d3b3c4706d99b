// SPDX-License-Identifier: Apache-2.0
// The plugin runtime-docker: Docker's Engine API through the host's endpoint service. All verbs are
// runtime-oci-common's; what is Docker's own is where its engine is and what to do when it is not.
#include <memory>

#include <scc/oci/runtime.hpp>
#include <scc/sdk/plugin.hpp>

#include "contexts.hpp"

namespace scc::docker {

class Docker : public oci::Runtime {
 public:
  Docker(sdk::Host host, const sdk::Json& config)
      : oci::Runtime(host, std::make_shared<const Contexts>(host, config)) {}
};

}  // namespace scc::docker

SCC_PLUGIN(SCC_PLUGIN_ID, SCC_PLUGIN_VERSION, runtime<scc::docker::Docker>("docker"))
