// SPDX-License-Identifier: Apache-2.0
// Reads the safety policy of this sandbox. What is missing, damaged, writable or not what the host wrote
// gives a defective policy, which blocks everything guarded.
#pragma once

#include <string>

#include "safety/policy.h"

namespace scc::guard {

safety::Policy load_policy(const std::string& path);

/// "" when the document's own "sha256" is that of its text (with 64 zeros in the digest's place), else why
/// not.
std::string digest_problem(std::string_view text);

}  // namespace scc::guard
