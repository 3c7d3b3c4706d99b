// SPDX-License-Identifier: Apache-2.0
#include "app/host.h"

#include <chrono>

namespace scc::app {

std::int64_t Host::now() {
  return std::chrono::duration_cast<std::chrono::seconds>(std::chrono::system_clock::now().time_since_epoch())
      .count();
}

Result<const config::UserConfig*> Host::config() {
  if (!config_) {
    SCC_TRY(auto loaded, config::load_user_config(paths));
    config_ = std::move(loaded);
  }
  return &*config_;
}

Result<plugin::Registry*> Host::registry() {
  if (!registry_) {
    SCC_TRY(auto scanned, plugin::Registry::scan(env, paths, plugin_options));
    registry_.emplace(std::move(scanned));
  }
  return &*registry_;
}

}  // namespace scc::app
