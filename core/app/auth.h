// SPDX-License-Identifier: Apache-2.0
// Whether the agent can sign in, as far as it can be known without running it: the host reads the files that
// the provider names from the credential volume, the provider judges them. [main]
#pragma once

#include "app/launch.h"

namespace scc::app {

/// For a launch without a terminal, where nobody could sign in: Kind::prereq (auth.missing) with the
/// provider's guidance when its credential is not there. With a terminal, or with secrets in the plan,
/// nothing is asked.
Status check_sign_in(Host& host, Prepared& prepared, bool tty);

}  // namespace scc::app
