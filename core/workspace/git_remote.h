// SPDX-License-Identifier: Apache-2.0
// The address of a repository's remote "origin", as its own config says it: foreign text that only names the
// repository (personal profiles are kept by it). Read with bounds, never followed or contacted.
#pragma once

#include <string>

#include "workspace/git_view.h"

namespace scc::workspace {

/// remote.origin.url of the common directory's config; empty when there is none, when it holds control
/// characters, or when the view has no verified git directory. An include in the config is not followed.
std::string origin_url(const GitView& view);

}  // namespace scc::workspace
