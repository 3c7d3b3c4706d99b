// SPDX-License-Identifier: Apache-2.0
// `scc doctor`: whether this machine could start a sandbox, and the line that mends what stands in the way.
// Looks only, and starts no sandbox; what an engine's trouble is and what mends it, its plugin says. [main]
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "app/host.h"
#include "base/result.h"

namespace scc::app {

struct Check {
  enum class State {
    ok,
    warn,    ///< works, but not as it should
    fail,    ///< `scc start` would not work
    skipped  ///< could not be looked at, because something before it failed, or does not matter here
  };
  std::string id;        ///< stable: "user-config", "engine.<component>", "image.<provider>"
  std::string category;  ///< machine, configuration, governance, plugins, engine, agent, workspace
  State state = State::ok;
  std::string message;
  std::string remedy;  ///< to be pasted, or what to do; empty when nothing is wrong
  std::vector<std::string> details;
  bool fixable = false;  ///< `--fix` mends it
  std::string target;    ///< what `--fix` works on: a path, a provider
};
std::string_view to_string(Check::State state) noexcept;

struct DoctorOptions {
  std::string workspace;   ///< as typed; empty: from the current directory
  std::string provider;    ///< this agent only
  std::string runtime;     ///< --runtime
  bool no_engine = false;  ///< ask no engine
  bool online = false;     ///< ask the organisation's server, too
};

struct DoctorReport {
  std::vector<Check> checks;
  std::size_t count(Check::State state) const;
  bool ok() const { return count(Check::State::fail) == 0; }
};

/// Kind::usage provider.unknown. Everything else that goes wrong is a check that failed.
Result<DoctorReport> examine(Host& host, const DoctorOptions& options);

struct Repair {
  std::string check;
  std::string what;   ///< "chmod 700 /home/u/.config/scc"
  std::string error;  ///< empty: done
};
/// The safe repairs of a report: modes of scc's own directories and files, what killed sessions left behind,
/// missing images.
std::vector<Repair> mend(Host& host, const DoctorOptions& options, const DoctorReport& report);

}  // namespace scc::app
