// SPDX-License-Identifier: Apache-2.0
// Finds and removes what sessions left behind. An object is ours when it carries scc.managed=true, our
// scc.owner-uid and a well-formed scc.instance, and (where the label scc.state is set) was made from the
// state directory of this caller: another home's locks cannot be judged from here. It may go when no live
// session of that instance exists. Never images, never credential volumes, nothing of anyone else. [main]
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "base/result.h"
#include "json/value.h"
#include "os/env.h"
#include "plugin/runtime.h"

namespace scc::session {

struct PruneItem {
  enum class What { sandbox, network, volume, instance, lock };
  What what = What::sandbox;
  std::string name;      ///< raw
  std::string id;        ///< engine id, or path of a directory or file
  std::string instance;  ///< container name that it belongs to
  std::string runtime;   ///< component id; empty for what is on disk
  std::string reason;    ///< "stopped", "running, but its session is gone", ...
  bool running = false;
};
std::string_view to_string(PruneItem::What value) noexcept;

struct PruneReport {
  std::vector<PruneItem> items;      ///< in the order of removal
  std::vector<std::string> skipped;  ///< instances that are live or whose runtime was not given
};

struct PruneOutcome {
  std::vector<PruneItem> removed;
  std::vector<PruneItem> kept;  ///< a session took the instance meanwhile
  std::vector<Error> errors;    ///< one for each object that could not be removed; the rest was tried
};

/// Looks only. Fails when an engine cannot be asked: a partial list would be a false answer.
Result<PruneReport> plan_prune(const std::vector<plugin::Runtime*>& runtimes, const os::Paths& paths,
                               const os::Environment& env);
/// Removes what the report names, holding each instance's launch lock meanwhile. Idempotent.
/// Removes what belongs to the sandbox beside itself: the containers and networks of its network policy. For
/// a sandbox whose scc is gone, or a launch that failed. The caller holds the launch lock or knows that
/// nobody does.
Status end_helpers(plugin::Runtime& runtime, const std::string& instance, const os::Paths& paths,
                   const os::Environment& env);

PruneOutcome apply_prune(const PruneReport& report, const std::vector<plugin::Runtime*>& runtimes,
                         const os::Paths& paths);

/// Stops and removes what the engine holds of one instance whose session is gone: sandboxes, networks,
/// volumes of its own. The caller holds the instance's launch lock and knows that its process is dead.
Status end_orphan(plugin::Runtime& runtime, const std::string& instance, unsigned stop_grace_ms,
                  const os::Paths& paths, const os::Environment& env);

/// True for labels of an object that this caller's sessions made (see above).
bool is_ours(const std::map<std::string, std::string>& labels, const os::Paths& paths,
             const os::Environment& env);
/// {"schema":"scc.list-filter/1", labels: managed and owner, all:true}
json::Value own_filter(const os::Environment& env);

}  // namespace scc::session
