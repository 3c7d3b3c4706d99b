// SPDX-License-Identifier: Apache-2.0
// The small part of YAML that a project file may be written in: one document of maps, sequences and scalars
// of the YAML 1.2 core schema (yes, on and 012 are no booleans and no octals). No tags, anchors, aliases,
// merge keys, directives or second documents; duplicate keys are errors. yaml-cpp scans; this folder alone
// includes it. The text may be hostile.
#pragma once

#include <string_view>

#include "json/value.h"

namespace scc::config {

struct YamlLimits {
  std::size_t bytes = std::size_t{64} << 10U;
  std::size_t depth = 16;
};

/// null for an empty document. Kind::config yaml.syntax, yaml.refused (outside the subset),
/// yaml.duplicate-key, yaml.limit; the message begins "line L, column C: " where there is a place.
Result<json::Value> parse_yaml(std::string_view text, const YamlLimits& limits = {});

}  // namespace scc::config
