// SPDX-License-Identifier: Apache-2.0
// What a plugin's library would do to this process, read from its bytes before anything maps them (sdk.md §6
// step 6). A bounded reader of ELF-64 little-endian; every offset is checked. No I/O.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace scc::plugin {

/// The one symbol that a plugin exports.
inline constexpr std::string_view kEntrySymbol = "scc_plugin_entry_v1";

struct Image {
  std::vector<std::string> needed;   ///< DT_NEEDED
  std::vector<std::string> exports;  ///< defined dynamic symbols that others could bind to
};

/// Kind::prereq. plugin.image: no shared object for this machine, a library outside the allow-list, RPATH or
/// RUNPATH, text relocations, an executable stack, a writable and executable segment, an auditor or filter,
/// an export besides the entry. plugin.no-entry: well-formed, but it exports no entry of this major.
Result<Image> check_image(std::string_view bytes);

}  // namespace scc::plugin
