// SPDX-License-Identifier: Apache-2.0
// The user's name and mail address from their own global git configuration, read with libgit2 (includes work
// as they do there). A repository's configuration is never looked at. libgit2 is included by this folder
// only.
#pragma once

#include <string>

#include "os/env.h"

namespace scc::git {

struct Identity {
  std::string name;   ///< empty when unset, or when it holds control characters
  std::string email;  ///< likewise
};

/// $GIT_CONFIG_GLOBAL, else $XDG_CONFIG_HOME/git/config and ~/.gitconfig. Missing files are no error; a file
/// with a syntax error is git.config (config).
Result<Identity> identity(const os::Environment& env);

/// The sandbox's read-only global config: user.name, user.email (when set) and push.autoSetupRemote.
std::string render_global_config(const Identity& identity);

}  // namespace scc::git
