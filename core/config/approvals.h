// SPDX-License-Identifier: Apache-2.0
// Which bytes of a repository's exception store this user agreed to. A store that changed since, by a pull or
// by the agent, is not approved any more.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "config/exceptions.h"
#include "os/env.h"

namespace scc::config {

class Approvals {
 public:
  explicit Approvals(const os::Paths& paths) : file_(paths.config / "approvals.json") {}

  /// False for an empty hash, and, with a warning, while the file is damaged or others can write it.
  bool approved(std::string_view repo_id, std::string_view sha256, std::vector<std::string>* warnings) const;
  Status approve(std::string_view repo_id, std::string_view sha256) const;
  Status revoke(std::string_view repo_id) const;
  /// After a change of the user's own: approves the new bytes if the old ones were approved or there were
  /// none. False: they were not, so what else the store holds is still to be looked at.
  Result<bool> carry_over(std::string_view repo_id, const ExceptionChange& change) const;

 private:
  stdfs::path file_;
};

}  // namespace scc::config
