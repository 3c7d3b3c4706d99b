// SPDX-License-Identifier: Apache-2.0
// The globs of core/model under the names that this folder uses: validation and evaluation share one matcher.
#pragma once

#include "model/glob.h"

namespace scc::policy {

using model::fold;
using model::Glob;
using model::GlobList;

}  // namespace scc::policy
