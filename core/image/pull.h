// SPDX-License-Identifier: Apache-2.0
// Images by digest from a registry that configuration names. Internal to core/image.
#pragma once

#include <string>
#include <string_view>

#include "image/work.h"
#include "plugin/runtime.h"

namespace scc::image {

/// Error id of a runtime whose engine could not reach the registry at all.
inline constexpr std::string_view kRegistryUnreachable = "runtime.registry-unreachable";

/// Kind::config, image.ref, unless `ref` names a digest: a tag can change under the user.
Status check_ref(std::string_view id, std::string_view ref);

/// Makes sure that the engine has exactly this image and that the engine itself reports the digest.
/// Kind::tool, image.digest: it has another one.
Result<json::Value> pull_by_digest(plugin::Runtime& runtime, const std::string& ref, const Watch& watch,
                                   BuildLog& log);

}  // namespace scc::image
