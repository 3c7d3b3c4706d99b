// SPDX-License-Identifier: Apache-2.0
// What the guard says on standard error: one line for machines, then the reason and the safe way for people.
#pragma once

#include <string>

#include "safety/verdict.h"

namespace scc::guard {

/// 16 hex digits that the audit log and standard error have in common.
std::string new_event_id();
/// `json`: one JSON object instead (SCC_SAFETY_FORMAT=json).
void report_denied(const safety::Verdict& verdict, const std::string& id, bool json);
void report_warning(const safety::Verdict& verdict);
void report_text(const std::string& text);

}  // namespace scc::guard
