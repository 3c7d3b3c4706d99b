// SPDX-License-Identifier: Apache-2.0
// Whether the agent can sign in, as far as it can be known without running it: the host reads the files that
// the provider names from the credential volume, the provider judges them. [main]
#pragma once

#include "app/launch.h"

namespace scc::app {

/// scc.auth-status/1 for the volume of a plan, as its provider judges it. In a plan with secrets (an API key
/// of the environment) these are judged. Otherwise, where the volume exists, its files are read through a
/// sandbox that is made and never started; without the image for that the status is unknown.
Result<json::Value> auth_status(Host& host, plugin::Runtime& runtime, plugin::Provider& provider,
                                const json::Value& plan);

/// For a launch without a terminal, where nobody could sign in: Kind::prereq (auth.missing) with the
/// provider's guidance when its credential is not there. With a terminal, or with secrets in the plan,
/// nothing is asked.
Status check_sign_in(Host& host, Prepared& prepared, bool tty);

}  // namespace scc::app
