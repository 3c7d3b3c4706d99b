// SPDX-License-Identifier: Apache-2.0
// What counts as the guard at one place: its own file, under whatever name, and nothing else.
#include "sandbox/guarded.h"

#include <filesystem>
#include <fstream>
#include <string>

#include <gtest/gtest.h>
#include <sys/stat.h>

#include "find_list.h"

namespace {

namespace fs = std::filesystem;

struct Folder {
  Folder() : path(fs::path(testing::TempDir()) / ("scc-guarded-" + std::to_string(getpid()))) {
    fs::create_directories(path);
    std::ofstream(path / "guard") << "guard";
    stat((path / "guard").c_str(), &guard);
  }
  Folder(const Folder&) = delete;
  ~Folder() {
    fs::remove_all(path);
    drop();
  }
  void drop() {
    scc::test::taken(finding.guarded);
    scc::test::taken(finding.unguarded);
    finding = {};
  }
  void look(const char* name) {
    drop();
    look_at_tool(path.c_str(), name, &guard, &finding);
  }
  fs::path path;
  struct stat guard = {};
  GuardFinding finding = {};
};

TEST(Guarded, ALinkToTheGuardIsTheGuard) {
  Folder folder;
  fs::create_hard_link(folder.path / "guard", folder.path / "git");
  fs::create_symlink("git", folder.path / "git-push");
  for (const char* name : {"git", "git-push"}) {
    folder.look(name);
    EXPECT_EQ(folder.finding.guarded.count, 1U) << name;
    EXPECT_EQ(folder.finding.unguarded.count, 0U) << name;
  }
}

TEST(Guarded, ACopyOrAnotherProgramIsNot) {
  Folder folder;
  fs::copy(folder.path / "guard", folder.path / "git");
  folder.look("git");
  EXPECT_EQ(folder.finding.guarded.count, 0U);
  ASSERT_EQ(folder.finding.unguarded.count, 1U);
  EXPECT_EQ(folder.finding.unguarded.items[0], (folder.path / "git").native());
  folder.look("curl");
  EXPECT_EQ(folder.finding.guarded.count + folder.finding.unguarded.count, 0U) << "it is not there";
}

}  // namespace
