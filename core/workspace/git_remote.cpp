// SPDX-License-Identifier: Apache-2.0
#include "workspace/git_remote.h"

#include "base/str.h"
#include "os/fs.h"
#include "workspace/git_config.h"

namespace scc::workspace {

std::string origin_url(const GitView& view) {
  constexpr std::size_t kLimit = std::size_t{1} << 20U;
  if (view.common_dir.empty()) return {};
  const auto text = os::read_beneath(view.common_dir, "config", kLimit);
  if (!text) return {};
  std::string url;
  for (const detail::ConfigEntry& entry : detail::parse_git_config(*text)) {
    if (entry.section == "remote" && entry.subsection == "origin" && entry.key == "url") url = entry.value;
  }
  return str::printable(url) == url ? url : std::string();
}

}  // namespace scc::workspace
