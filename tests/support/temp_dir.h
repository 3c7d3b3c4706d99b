// SPDX-License-Identifier: Apache-2.0
// A directory of a test's own, gone afterwards, and an Environment whose HOME and XDG directories lie in it.
#pragma once

#include <cstdlib>
#include <filesystem>
#include <stdexcept>
#include <string>
#include <unistd.h>

#include "os/env.h"

namespace scc::test {

class TempDir {
 public:
  TempDir() {
    std::string name = (std::filesystem::temp_directory_path() / "scc-test-XXXXXX").native();
    if (::mkdtemp(name.data()) == nullptr) throw std::runtime_error("mkdtemp failed");
    path_ = name;
  }
  ~TempDir() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  TempDir(const TempDir&) = delete;
  TempDir& operator=(const TempDir&) = delete;
  const std::filesystem::path& path() const noexcept { return path_; }

 private:
  std::filesystem::path path_;
};

/// Nothing of the caller's environment but who it is.
inline os::Environment environment_in(const std::filesystem::path& home) {
  os::Environment env;
  env.uid = ::geteuid();
  env.gid = ::getegid();
  env.cwd = home;
  env.executable = home / "bin" / "scc";
  env.vars["HOME"] = home.native();
  env.vars["XDG_CONFIG_HOME"] = (home / "config").native();
  env.vars["XDG_CACHE_HOME"] = (home / "cache").native();
  env.vars["XDG_STATE_HOME"] = (home / "state").native();
  env.vars["XDG_DATA_HOME"] = (home / "data").native();
  env.vars["XDG_RUNTIME_DIR"] = (home / "run").native();
  return env;
}

}  // namespace scc::test
