// SPDX-License-Identifier: Apache-2.0
// The use cases of `scc unblock` and `scc exceptions`: what may be lifted, by whom, for how long; each one is
// audited before it is stored. [main]
#pragma once

#include <string>
#include <vector>

#include "app/governance.h"
#include "config/exceptions.h"
#include "config/time_bounds.h"

namespace scc::app {

struct StoredException {
  model::Exception exception;
  std::string store;  ///< user, repo
  bool approved = true;
};
struct ExceptionView {
  std::vector<StoredException> entries;
  std::string repo_sha256;  ///< of the shared store's bytes; empty: there is none
  std::vector<std::string> warnings;
};
/// `workspace` as typed; empty: the one here, and no error when there is none.
Result<ExceptionView> all_exceptions(Host& host, const std::string& workspace);

struct NewOverride {
  std::vector<std::string> plugins;
  std::vector<std::string> mcp_servers;
  std::string reason;
  std::string ticket;
  config::TimeBound bound;
  bool shared = false;
  std::string workspace;
};
struct CreatedException {
  model::Exception exception;
  std::string store;
  std::string file;
  std::vector<std::string> warnings;
};
/// Kind::policy exceptions.forbidden where the organisation honours no local overrides; Kind::usage for time
/// bounds and targets.
Result<CreatedException> create_override(Host& host, const NewOverride& wanted);

struct Unblock {
  std::string target;
  std::string team;
  NewOverride override;
};
/// Only what is denied now can be unblocked. Kind::policy unblock.blocked for what the security section,
/// stdio or network gate blocks, with the command for a policy exception; Kind::not_found unblock.not-denied
/// with near names; Kind::policy unblock.kind for what no exception lifts.
Result<CreatedException> unblock(Host& host, const Unblock& wanted);

/// When a policy exception ends: `text`, else 30 days from now; at most 365 days. Kind::usage
/// exceptions.time.
Result<std::int64_t> policy_expiry(const std::string& text, std::int64_t now);

Result<std::vector<std::string>> delete_exception(Host& host, const std::string& workspace,
                                                  const std::string& prefix);
Result<std::vector<std::string>> cleanup_exceptions(Host& host, const std::string& workspace);
/// `sha256` is what the user looked at: a file that changed since is not approved.
Status approve_shared(Host& host, const std::string& workspace, const std::string& sha256);
Status reset_exceptions(Host& host, const std::string& workspace, bool repo);

}  // namespace scc::app
