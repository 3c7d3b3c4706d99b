// SPDX-License-Identifier: Apache-2.0
// The entry of the plugin; id and version come from the build, so that they cannot differ from the manifest.
#include "codex.h"

SCC_PLUGIN(SCC_PLUGIN_ID, SCC_PLUGIN_VERSION, provider<scc::codex::Codex>("codex"))
