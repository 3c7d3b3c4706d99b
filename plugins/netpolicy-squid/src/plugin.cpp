// SPDX-License-Identifier: Apache-2.0
// The plugin netpolicy-squid: web-egress-enforced with a Squid for each session. It knows no engine: what it
// makes, it makes through the host's runtime.
#include <scc/sdk/plugin.hpp>

#include "sidecar.h"

SCC_PLUGIN(SCC_PLUGIN_ID, SCC_PLUGIN_VERSION, netpolicy<scc_squid::Policy>("web-egress-enforced"))
