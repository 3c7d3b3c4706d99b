// SPDX-License-Identifier: Apache-2.0
// Documents that cross the plugin boundary are checked against the embedded schemas, in both directions; so
// is the host's own launch plan. [any]
#pragma once

#include <string_view>

#include "json/value.h"

namespace scc::plugin {

inline constexpr std::size_t kMaxDocument = std::size_t{16} << 20U;

/// `name` without the version: "launch-spec" stands for scc.launch-spec/1. Kind::config, document.schema: the
/// pointer and keyword that failed.
Status check_document(std::string_view name, const json::Value& document);

/// Parses (at most 16 MiB) and checks. Kind::config: document.json, document.schema.
Result<json::Value> parse_document(std::string_view name, std::string_view text);

}  // namespace scc::plugin
