// SPDX-License-Identifier: Apache-2.0
// What scc's objects take on disk (`scc du`): sandboxes, volumes and images as their engines measure them,
// instance directories and session records as they lie in the state directory. [main]
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "app/engines.h"

namespace scc::app {

struct DiskItem {
  std::string what;  ///< sandbox, volume, image, instance, records
  std::string name;
  std::string runtime;                ///< empty for what is on this machine's disk
  std::string detail;                 ///< workspace of a sandbox, role of an image; may be empty
  std::optional<std::int64_t> bytes;  ///< nullopt: the engine did not say
};

struct DiskReport {
  std::vector<DiskItem> items;
  std::vector<std::string> problems;
};

/// Bytes that a tree takes (allocated blocks); links are not followed and other file systems not entered.
std::int64_t tree_bytes(const os::stdfs::path& root);

Result<DiskReport> disk_usage(Host& host, const std::string& runtime);

}  // namespace scc::app
