// SPDX-License-Identifier: Apache-2.0
// What scc remembers in a workspace: .scc/config.local.json, one machine's own and kept out of git. The agent
// can write it, so it is a suggestion: read without following links, bounded, and what is odd counts as
// empty.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "os/env.h"

namespace scc::config {

namespace stdfs = std::filesystem;

struct LocalPrefs {
  std::string last_used_provider;     ///< an id by its shape; empty: none
  std::vector<std::string> warnings;  ///< the file was there and not usable
};

LocalPrefs load_local_prefs(const stdfs::path& root);

/// Sets the provider and keeps the file's other keys. `git_common_dir`: where info/exclude is; the file's
/// line is added there once, and its failure is a warning in `warnings`.
Status save_local_prefs(const os::Paths& paths, const stdfs::path& root, const std::string& provider,
                        const std::optional<stdfs::path>& git_common_dir, std::vector<std::string>* warnings);

}  // namespace scc::config
