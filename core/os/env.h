// SPDX-License-Identifier: Apache-2.0
// The process environment read once at the door, the directories that follow from it, and who is running.
// Passed as a value so that tests set their own; nothing else in the host calls getenv.
#pragma once

#include <map>
#include <optional>
#include <string>

#include <sys/types.h>

#include "os/fs.h"

namespace scc::os {

struct Environment {
  std::map<std::string, std::string> vars;
  uid_t uid = 0;  ///< effective
  gid_t gid = 0;
  stdfs::path cwd;         ///< real path
  stdfs::path executable;  ///< real path of this binary

  static Environment current();
  std::optional<std::string> get(std::string_view name) const;
  /// $HOME when absolute, else the passwd entry of the uid.
  stdfs::path home() const;
  /// Replaces ${VAR} and a leading ~ or ~/; nullopt when a variable is unset or empty, or a "${" has no end.
  /// ${HOME} is home().
  std::optional<std::string> expand(std::string_view text) const;
};

/// cli.md §7: SCC_*_DIR, else XDG_*, else the defaults below home. Relative values are ignored, as XDG
/// demands.
struct Paths {
  stdfs::path config;      ///< ~/.config/scc
  stdfs::path cache;       ///< ~/.cache/scc
  stdfs::path state;       ///< ~/.local/state/scc
  stdfs::path data;        ///< ~/.local/share/scc
  stdfs::path runtime;     ///< $XDG_RUNTIME_DIR/scc, else state/run
  stdfs::path prefix;      ///< installation prefix, from the executable (<prefix>/bin/scc)
  stdfs::path libexec;     ///< <prefix>/libexec/scc: init and checker
  stdfs::path share;       ///< <prefix>/share/scc: schemas, images
  stdfs::path plugins;     ///< <prefix>/lib/scc/plugins
  stdfs::path system;      ///< /etc/scc: what the machine's administrator pins; no variable moves it
  uid_t system_owner = 0;  ///< who must own what lies there; tests set themselves

  static Paths from(const Environment& env);
};

}  // namespace scc::os
