// SPDX-License-Identifier: Apache-2.0
// A home, a project area and an Environment that knows only them.
#pragma once

#include "os/env.h"
#include "unit/os/scratch.h"

namespace scc::test {

class WorkspaceTest : public Scratch {
 protected:
  void SetUp() override {
    Scratch::SetUp();
    home = mkdir("home/u");
    env.uid = ::geteuid();
    env.gid = ::getegid();
    env.executable = dir / "prefix/bin/scc";
    env.vars = {{"HOME", home.native()}};
    env.cwd = home;
  }
  /// A minimal repository at dir/relative.
  stdfs::path repo(const stdfs::path& relative, const std::string& config = "[core]\n\tbare = false\n") {
    admin(relative / ".git", config);
    return dir / relative;
  }
  stdfs::path admin(const stdfs::path& relative, const std::string& config = "[core]\n\tbare = false\n") {
    write(relative / "HEAD", "ref: refs/heads/main\n");
    write(relative / "config", config);
    mkdir(relative / "objects");
    mkdir(relative / "refs");
    mkdir(relative / "hooks");
    return dir / relative;
  }
  stdfs::path home;
  os::Environment env;
};

}  // namespace scc::test
