// SPDX-License-Identifier: Apache-2.0
// Texts that the build compiles in (embed.cmake). Private to this folder but for org_schema, which parse.h
// declares.
#pragma once

#include <array>
#include <span>
#include <string_view>

#include "model/parse.h"

namespace scc::model {

struct EmbeddedTemplate {
  std::string_view name;
  std::string_view text;
};
std::span<const EmbeddedTemplate> embedded_templates() noexcept;

}  // namespace scc::model
