// SPDX-License-Identifier: Apache-2.0
// When a sandbox that exists may serve another session: only when it was made from the very same document.
// The document is made from the plan before its placeholders are filled, so it is the same for equal plans;
// its digest is the label scc.spec-digest, and `<instance>/create.json` holds the text, so that a difference
// can be named. Pure, except obstacle(), which reads that file.
#pragma once

#include <string>

#include "json/value.h"
#include "session/instance.h"

namespace scc::session {

/// What a sandbox is made of: image id, mounts, environment, user, limits, network, the text of every file
/// that is mounted (by digest), and the digest of the effective policy. Not what each exec brings with it:
/// TERM, COLORTERM, TZ and the session's id.
json::Value create_facts(const json::Value& plan);
std::string facts_digest(const json::Value& facts);
/// "mounts", "env HTTP_PROXY", "files gitconfig": the first difference in the order of weight; empty: none.
std::string first_difference(const json::Value& was, const json::Value& wanted);

/// Why the existing sandbox (scc.sandbox-info/1) of this plan's name cannot be used again; empty: it can.
std::string obstacle(const json::Value& plan, const json::Value& info, const os::Paths& paths);

inline constexpr std::string_view kFactsFile = "create.json";

}  // namespace scc::session
