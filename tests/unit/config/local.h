// SPDX-License-Identifier: Apache-2.0
// A machine's directories in a test's own place: configuration, state and a system directory that the test's
// user owns in root's stead.
#pragma once

#include <fstream>

#include "os/env.h"
#include "unit/os/scratch.h"

namespace scc::test {

class Local : public Scratch {
 protected:
  void SetUp() override {
    Scratch::SetUp();
    paths.config = dir / "config";
    paths.state = dir / "state";
    paths.cache = dir / "cache";
    paths.runtime = dir / "run";
    paths.system = dir / "etc";
    paths.system_owner = ::geteuid();
  }
  /// Everything below `root` with its bytes: nothing that a read leaves behind escapes it.
  static std::string snapshot(const stdfs::path& root) {
    std::vector<std::string> lines;
    for (const auto& entry : stdfs::recursive_directory_iterator(root)) {
      std::string line = entry.path().native();
      if (entry.is_symlink()) {
        line += " -> " + stdfs::read_symlink(entry.path()).native();
      } else if (entry.is_regular_file()) {
        line += " = " + slurp(entry.path());
      }
      lines.push_back(std::move(line));
    }
    std::sort(lines.begin(), lines.end());
    std::string out;
    for (const std::string& line : lines) out += line + "\n";
    return out;
  }
  static unsigned mode(const stdfs::path& path) {
    struct stat info {};
    return ::lstat(path.c_str(), &info) == 0 ? info.st_mode & 07777U : 0U;
  }

  os::Paths paths;
};

}  // namespace scc::test
