// SPDX-License-Identifier: Apache-2.0
// The C++17 layer of the plugin SDK in one include. A plugin is one or more plain classes and, outside any
// namespace, one line:
//
//   SCC_PLUGIN("acme", "1.0.0", provider<Acme>("acme"))
//
// Header-only and hidden: two plugins never share a symbol of it, and nothing of it crosses the boundary.
#pragma once

#include <scc/sdk/component.hpp>
#include <scc/sdk/documents.hpp>
#include <scc/sdk/failure.hpp>
#include <scc/sdk/host.hpp>
#include <scc/sdk/json.hpp>
#include <scc/sdk/mcp.hpp>
#include <scc/sdk/netpolicy.hpp>
#include <scc/sdk/provider.hpp>
#include <scc/sdk/runtime.hpp>
#include <scc/sdk/safety.hpp>

/// Defines the one exported symbol. The components are named as in scc::sdk: provider<T>("id"), ...
#define SCC_PLUGIN(plugin_id, plugin_version, ...)                                                        \
  namespace {                                                                                             \
  namespace scc_plugin_components {                                                                       \
  using namespace scc::sdk;                                                                               \
  constexpr scc_component kAll[] = {__VA_ARGS__};                                                         \
  }                                                                                                       \
  }                                                                                                       \
  const scc_plugin_v1 scc_plugin_entry_v1 = {sizeof(scc_plugin_v1),                                       \
                                             SCC_ABI_MAJOR,                                               \
                                             SCC_ABI_MINOR,                                               \
                                             plugin_id,                                                   \
                                             plugin_version,                                              \
                                             scc_plugin_components::kAll,                                 \
                                             sizeof(scc_plugin_components::kAll) / sizeof(scc_component), \
                                             sizeof(scc_component),                                       \
                                             nullptr};
