// SPDX-License-Identifier: Apache-2.0
// Where plugins are looked for, one readdir pass over those directories, and who shadows whom (sdk.md §5).
// Reads manifests; maps and hashes no library. [main]
#pragma once

#include <vector>

#include "os/env.h"
#include "plugin/registry.h"

namespace scc::plugin {

/// True when the environment cannot be believed: a set-id program, or root acting for another user.
bool env_path_untrusted(const os::Environment& env);

/// The search list in the order of precedence, with the reason for what is left out.
std::vector<SearchDir> search_list(const os::Environment& env, const os::Paths& paths,
                                   const Options& options);

/// Reads the manifests of one directory and appends an entry for each plugin, sorted by id. Entries are
/// `ready` as far as their manifest goes; trust is judged later. Sets dir.used and dir.reason.
void scan_directory(SearchDir& dir, std::vector<Entry>& entries);

/// An entry for a component compiled into the host.
Entry builtin_entry(const scc_plugin_v1& plugin);

/// Marks losers as shadowed and sorts by id, winners first. A plugin or component id that a system, bundled
/// or built-in plugin owns is never replaced by a user or dev one, unless `allow_override` names it.
void resolve_shadowing(std::vector<Entry>& entries, const std::vector<std::string>& allow_override);

/// Refuses an entry: its state, error id, reason and hint.
void refuse(Entry& entry, State state, Error error);

}  // namespace scc::plugin
