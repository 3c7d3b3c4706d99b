// SPDX-License-Identifier: Apache-2.0
#include "workspace/path_map.h"

#include <algorithm>

#include "base/str.h"

namespace scc::workspace::detail {

namespace stdfs = std::filesystem;

bool is_within(const stdfs::path& path, const stdfs::path& prefix) {
  const stdfs::path clean = prefix.has_filename() ? prefix : prefix.parent_path();
  const auto mismatch = std::mismatch(path.begin(), path.end(), clean.begin(), clean.end());
  return mismatch.second == clean.end();
}

namespace {

bool usable(const stdfs::path& path) {
  return path.is_absolute() &&
         std::none_of(path.begin(), path.end(), [](const stdfs::path& part) { return part == ".."; });
}

}  // namespace

Result<stdfs::path> apply_path_map(std::string_view map, const stdfs::path& root) {
  stdfs::path best_from;
  stdfs::path best_to;
  for (const std::string& entry : str::split(map, ',')) {
    const std::size_t colon = entry.find(':');
    const stdfs::path from = entry.substr(0, colon);
    const stdfs::path to = colon == std::string::npos ? std::string{} : entry.substr(colon + 1);
    if (colon == std::string::npos || !usable(from) || !usable(to)) {
      return fail(
          Kind::usage, "workspace.path-map",
          "SCC_WORKSPACE_PATH_MAP: " + str::printable(entry) + " is not <absolute path>:<absolute path>",
          "correct it or unset it: unset SCC_WORKSPACE_PATH_MAP");
    }
    const bool longer =
        std::distance(from.begin(), from.end()) > std::distance(best_from.begin(), best_from.end());
    if (is_within(root, from) && (best_from.empty() || longer)) {
      best_from = from;
      best_to = to;
    }
  }
  if (best_from.empty()) return root;
  const stdfs::path rest = root.lexically_relative(best_from);
  return rest == "." ? best_to.lexically_normal() : (best_to / rest).lexically_normal();
}

}  // namespace scc::workspace::detail
