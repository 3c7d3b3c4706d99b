// SPDX-License-Identifier: Apache-2.0
// The sandboxes of this user as the engines and the instance directories tell together: list, find one by
// name or id prefix, stop. An engine that does not answer is an error, never an empty list. All strings are
// raw. [main]
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "plugin/runtime.h"
#include "session/instance.h"

namespace scc::session {

struct SandboxEntry {
  std::string id;
  std::string name;
  std::string runtime;  ///< component id
  /// running; stopped; idle: left running on purpose; stale: running, but its session is gone
  std::string state;
  std::string engine_state;  ///< as the engine says
  std::string provider;
  std::string workspace;
  std::string created;
  std::string image;
  std::string network_policy;
  std::string team;
  std::map<std::string, std::string> labels;
  std::optional<SessionRecord> session;
  std::string problem;  ///< why session.json could not be read
};

/// Sorted by creation, newest first, then name.
Result<std::vector<SandboxEntry>> list_sandboxes(const std::vector<plugin::Runtime*>& runtimes,
                                                 const os::Paths& paths, const os::Environment& env);

/// What a list says when some engine did not answer.
struct SandboxListing {
  std::vector<SandboxEntry> entries;  ///< as list_sandboxes() sorts them
  std::vector<Error> errors;          ///< one for each engine that could not be asked
};
SandboxListing list_what_answers(const std::vector<plugin::Runtime*>& runtimes, const os::Paths& paths,
                                 const os::Environment& env);

/// An exact name, else an id prefix. Kind::not_found (sandbox.unknown); Kind::usage (sandbox.ambiguous) with
/// the candidates.
Result<SandboxEntry> resolve_sandbox(const std::vector<SandboxEntry>& entries, std::string_view text);

struct StopOutcome {
  std::vector<SandboxEntry> stopped;
  std::vector<Error> errors;  ///< one for each sandbox that could not be stopped; the others were tried
};

/// Another instance of the runtime `id`: one serves one thread.
using MoreRuntimes = std::function<Result<std::unique_ptr<plugin::Runtime>>(const std::string& id)>;

/// Stops each entry that runs, several at once when `more` is given; the resident process of a live session
/// then ends by itself. For a stale or idle one the session record is closed here.
StopOutcome stop_sandboxes(const std::vector<SandboxEntry>& entries,
                           const std::vector<plugin::Runtime*>& runtimes, const os::Paths& paths,
                           const MoreRuntimes& more = {});
/// One error for all of them (Kind::tool, sandbox.stop), or success.
Status stop_status(const StopOutcome& outcome);

}  // namespace scc::session
