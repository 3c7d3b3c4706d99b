// SPDX-License-Identifier: Apache-2.0
// Proof that an engine sees this machine's files: a bind mount of a non-local engine would otherwise show the
// files of some other machine, or an empty directory, as the workspace.
#pragma once

#include <string_view>

#include "base/result.h"
#include "os/env.h"
#include "plugin/runtime.h"

namespace scc::image {

/// Writes a random nonce into an instance directory of its own, creates (never starts) a labelled throw-away
/// sandbox of `image_ref` with that directory bound read-only, reads the nonce back through it and removes
/// both; after a crash `scc prune` finds them. Kind::policy, runtime.other-machine, when the engine shows
/// something else; errors of the engine as they are.
Status engine_sees_this_machine(plugin::Runtime& runtime, std::string_view image_ref, const os::Paths& paths);

}  // namespace scc::image
