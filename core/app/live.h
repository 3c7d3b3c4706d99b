// SPDX-License-Identifier: Apache-2.0
// session.enforce_live: while a session runs, its plan is made again every minute, by a process of scc's own
// that changes nothing (`scc start --dry-run --json`); the session ends when that has become narrower, or is
// refused.
#pragma once

#include <atomic>
#include <functional>
#include <map>
#include <string>
#include <thread>
#include <vector>

#include "app/host.h"
#include "json/value.h"

namespace scc::app {

/// Why a session of the plan `was` must end after a dry run that printed `out` and ended with `code`; empty:
/// it goes on. A refusal of the policy (exit code 6) ends it; a document that is just being written, an
/// engine or a server that does not answer, and output that cannot be read, do not.
std::string revoked_by(const json::Value& was, int code, const std::string& out);

/// The arguments of the dry run, after the program's name.
std::vector<std::string> dry_run_of(const json::Value& plan);

class LiveWatch {
 public:
  /// Begins to watch when the plan asks for it (governance.enforce_live), else does nothing.
  LiveWatch(const Host& host, const json::Value& plan);
  ~LiveWatch();
  LiveWatch(const LiveWatch&) = delete;

  /// What AttachOptions::revoked wants; null when nothing is watched.
  std::function<std::string()> asker();

 private:
  void watch();

  json::Value plan_;
  std::string program_;
  std::map<std::string, std::string> env_;
  std::vector<std::string> more_;
  std::atomic<bool> ended_ = false;
  std::atomic<bool> revoked_ = false;
  std::string reason_;  ///< written before revoked_
  std::thread thread_;
};

}  // namespace scc::app
