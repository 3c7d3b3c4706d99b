// SPDX-License-Identifier: Apache-2.0
// What the commands that start an agent share.
#pragma once

#include "app/launch.h"
#include "cli/command.h"

namespace scc::cli {

app::LaunchOptions launch_options(const Env& env, const Args& args);
/// The options that a session which goes on takes.
std::vector<OptionSpec> resume_options();
/// Kind::usage session.name.
Status check_session_name(const std::string& name);

/// app::start; where a sandbox of that name is in use and questions may be asked, the user decides: join it,
/// keep it, replace it, or cancel.
Result<int> start_with_questions(Env& env, app::LaunchOptions options);

}  // namespace scc::cli
