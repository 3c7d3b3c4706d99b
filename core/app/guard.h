// SPDX-License-Identifier: Apache-2.0
// What a plan says about the guard in front of git and the network tools: the policy that it judges by, the
// paths it is bound over, and whether a sandbox without it may run.
#pragma once

#include <string>
#include <vector>

#include "app/governance.h"
#include "app/planner.h"
#include "plugin/runtime.h"

namespace scc::app {

/// Label of an image whose tools have their second name below /usr/libexec/scc/real: the paths, by blanks.
inline constexpr std::string_view kGuardedLabel = "scc.guarded";

/// The document scc.safety-policy/1 as the guard reads it: canonical, with its own "sha256" (of the text with
/// 64 zeros in the digest's place).
std::string guard_policy_text(const model::Effective& effective, const std::vector<CheckInput>& checks = {});

/// The paths that a label names. What is no path of a guarded tool is left out: a label of a foreign image
/// must not have the guard bound over anything else.
std::vector<std::string> guarded_paths(std::string_view label);

/// Fills in.guard, but for the checks, which are there, for the image of `in.image_ref`, which may not be
/// there yet.
Status fill_guard(plugin::Runtime& runtime, const Governance& governance, PlanInputs& in);

}  // namespace scc::app
