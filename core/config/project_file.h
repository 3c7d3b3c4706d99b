// SPDX-License-Identifier: Apache-2.0
// A workspace's own file: exactly one of .scc.yaml, .scc.yml and .scc.json, a regular file in the root,
// opened beneath it without following links, bounded. It comes from whoever writes the repository, so nothing
// in it widens anything; whatever is wrong with it is an error and never "no file".
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "json/value.h"
#include "model/org.h"
#include "os/fs.h"

namespace scc::config {

namespace stdfs = std::filesystem;

struct ProjectFile {
  stdfs::path file;  ///< empty: there is none
  std::string sha256;
  json::Value document;                   ///< null: no layer
  std::optional<model::Project> project;  ///< absent: no layer
  std::vector<std::string> unknown_keys;  ///< JSON pointers
  bool present() const { return !file.empty(); }
};

/// Kind::config project.invalid with the file, and for YAML and JSON line and column.
Result<ProjectFile> load_project_file(const stdfs::path& root);

/// What `scc init` writes: a commented .scc.yaml that says nothing yet.
std::string_view project_template() noexcept;

}  // namespace scc::config
