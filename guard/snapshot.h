// SPDX-License-Identifier: Apache-2.0
// A snapshot before an allowed command of git that can lose work: a commit of the working tree (its first
// parent is HEAD, its second the index) under refs/scc/snapshots/. Neither the user's index nor a file of the
// working tree is touched, and nothing of the repository runs: no hook, no filter, no file system monitor.
#pragma once

#include <string>

#include "guard/git_side.h"
#include "safety/policy.h"
#include "safety/risk.h"

namespace scc::guard {

inline constexpr std::string_view kSnapshotRefs = "refs/scc/snapshots/";

struct Snapshot {
  std::string id;        ///< "20261127T181500Z-1a2b3c4d"; empty: none was needed
  std::string left_out;  ///< for people; empty: nothing
  std::string failure;   ///< empty: done, or not needed
};

/// The risk of a command that may run, aliases resolved.
safety::Risk risk_of_command(const Words& words, const safety::Verdict& verdict,
                             const GitEnvironment& environment);

/// `rule`: what the policy has lowered; may be empty.
Snapshot take_snapshot(const Words& words, const std::string& rule, safety::Risk risk,
                       const GitEnvironment& environment, const safety::Policy& policy);

}  // namespace scc::guard
