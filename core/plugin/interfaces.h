// SPDX-License-Identifier: Apache-2.0
// The plugin interfaces that this host speaks, and the shape of a plugin's constant tables: read with bounds,
// by the plugin's own sizes and strides, before any of its functions run. [any]
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "plugin/manifest.h"
#include "scc/abi.h"

namespace scc::plugin {

/// "provider" for "scc.provider/1" or "/2"; empty for a third party's interface.
std::string_view kind_of(std::string_view interface) noexcept;
/// True for the interface ids that this host can call.
bool supported(std::string_view interface) noexcept;

struct TableComponent {
  std::string interface;
  std::string id;
  const void* table = nullptr;
};

struct Tables {
  std::string id;
  std::string version;
  std::vector<TableComponent> components;
  scc_status (*init)(const scc_host_v1*, const scc_error_sink*) = nullptr;
};

/// Kind::prereq plugin.sdk-version (another major) or plugin.table (sizes, counts, missing members).
Result<Tables> read_tables(const scc_plugin_v1* entry);

/// Kind::prereq plugin.manifest-mismatch when id, version or the set of components differ.
Status match_manifest(const Manifest& manifest, std::string_view id, std::string_view version,
                      const std::vector<TableComponent>& components);

}  // namespace scc::plugin
