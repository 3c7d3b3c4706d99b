// SPDX-License-Identifier: Apache-2.0
// What every use case needs: environment, directories, configuration, plugins, and a way to say what is going
// on. Configuration and registry are read on first use. [main]
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "config/user_config.h"
#include "os/env.h"
#include "plugin/registry.h"

namespace scc::app {

inline constexpr std::string_view kVersion = SCC_VERSION;

class Host {
 public:
  Host(os::Environment environment, plugin::Options options)
      : env(std::move(environment)), paths(os::Paths::from(env)), plugin_options(std::move(options)) {}

  os::Environment env;
  os::Paths paths;
  plugin::Options plugin_options;
  std::function<void(std::string_view)> progress = [](std::string_view) {};  ///< a step, for people
  std::function<void(std::string_view)> detail = [](std::string_view) {
  };  ///< output of a tool, for the impatient
  std::function<void(std::string_view)> warn = [](std::string_view) {};
  std::function<void(std::string_view)> tell = [](std::string_view) {};  ///< a statement that is no warning

  /// Lets the user choose one of the rows (Enter means `fallback`); empty where nobody can be asked.
  /// Kind::cancelled when nothing is chosen.
  std::function<Result<std::size_t>(const std::string& question, const std::vector<std::string>& rows,
                                    std::size_t fallback)>
      choose;

  /// Seconds since the epoch: the one clock that policy is judged by.
  static std::int64_t now();
  /// The user configuration, or why it cannot be used.
  Result<const config::UserConfig*> config();
  /// In the place of the file, for the rest of this run (`scc prove` has a network of its own).
  void set_config(config::UserConfig config) { config_ = std::move(config); }
  /// The plugins of this run.
  Result<plugin::Registry*> registry();
  bool plugin_policy = false;  ///< the organisation's rules for plugins were given to the registry

 private:
  std::optional<config::UserConfig> config_;
  std::optional<plugin::Registry> registry_;
};

}  // namespace scc::app
