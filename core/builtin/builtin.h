// SPDX-License-Identifier: Apache-2.0
// Components compiled into the host. They use the same C tables, adapters and schemas as a vendor's plugin;
// only the trust pipeline has nothing to ask. The caller hands them to the plugin registry
// (Options::builtins).
#pragma once

#include <vector>

#include <scc/abi.h>

namespace scc::builtin {

std::vector<const scc_plugin_v1*> plugins();

/// Of which one is the rules of the safety engine (safety.cpp).
const scc_plugin_v1& safety_plugin();

}  // namespace scc::builtin
