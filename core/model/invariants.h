// SPDX-License-Identifier: Apache-2.0
// What a shape cannot say about an organisation's document: names that must exist, items that block each
// other. Errors refuse the document; what the merge drops anyway is a warning, so that one team's mistake
// does not take the whole organisation down.
#pragma once

#include "model/parse.h"

namespace scc::model {

/// Every violation, with its rule; of errors and of warnings at most 500 each and one more that counts the
/// rest.
std::vector<Problem> check_invariants(const Org& org);

}  // namespace scc::model
