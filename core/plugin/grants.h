// SPDX-License-Identifier: Apache-2.0
// What a manifest's grants allow, decided per request. Pure except for `file:` endpoint grants, whose files
// are read anew each time, because the user may switch engine contexts while we run. [any]
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "os/env.h"
#include "plugin/manifest.h"

namespace scc::plugin {

/// argv[0] is granted as it stands: a bare name stays a bare name.
bool process_granted(const Grants& grants, std::string_view program);

/// `path` is absolute, free of "..", and matches a pattern; * stands for text within one component.
bool file_granted(const Grants& grants, const os::Environment& env, std::string_view path);

/// The comparable form of unix:///path, tcp://host:port, http(s)://host[:port]; nullopt for anything else.
std::optional<std::string> canonical_endpoint(std::string_view url);

bool endpoint_granted(const Grants& grants, const os::Environment& env, std::string_view url);

}  // namespace scc::plugin
