// SPDX-License-Identifier: Apache-2.0
// Every bind of a git view must stay where it is: no directory above it, up to the workspace, may be one that
// the agent can rename (only mount points cannot be).
#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <unistd.h>
#include <vector>

#include <gtest/gtest.h>

#include "workspace/git_view.h"

namespace {

namespace fs = std::filesystem;
using scc::workspace::GitBind;
using scc::workspace::GitView;

class GitPin : public testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = (fs::temp_directory_path() / "scc-pin-XXXXXX").string();
    ASSERT_NE(mkdtemp(pattern.data()), nullptr);
    root_ = fs::canonical(pattern);
    admin(root_ / ".git");
  }
  void TearDown() override { fs::remove_all(root_); }

  static void write(const fs::path& path, const std::string& text = "\n") {
    fs::create_directories(path.parent_path());
    std::ofstream(path) << text;
  }
  static void admin(const fs::path& dir) {
    write(dir / "HEAD", "ref: refs/heads/main\n");
    write(dir / "config", "[core]\n\tbare = false\n");
    fs::create_directories(dir / "objects");
    fs::create_directories(dir / "refs");
    fs::create_directories(dir / "hooks");
  }
  GitView inspect() const {
    scc::workspace::GitOptions options;
    options.owner_uid = getuid();
    auto view = scc::workspace::inspect_git(root_, options);
    EXPECT_TRUE(view.has_value()) << (view ? "" : view.error().message);
    return view ? *view : GitView{};
  }
  static const GitBind* find(const GitView& view, const fs::path& path) {
    const auto found = std::find_if(view.binds.begin(), view.binds.end(),
                                    [&path](const GitBind& bind) { return bind.path == path; });
    return found == view.binds.end() ? nullptr : &*found;
  }
  // Walks up from every bind; names the first directory that is none.
  std::string first_loose(const GitView& view) const {
    for (const GitBind& bind : view.binds) {
      for (fs::path dir = bind.path.parent_path(); dir != root_ && dir != dir.root_path();
           dir = dir.parent_path()) {
        const GitBind* above = find(view, dir);
        if (above == nullptr) return dir.string();
        if (above->read_only) break;
      }
    }
    return {};
  }

  fs::path root_;
};

TEST_F(GitPin, APlainRepositoryIsItself) {
  const GitView view = inspect();
  ASSERT_NE(find(view, root_ / ".git"), nullptr);
  EXPECT_FALSE(find(view, root_ / ".git")->read_only);
  ASSERT_NE(find(view, root_ / ".git/config"), nullptr);
  EXPECT_EQ(first_loose(view), "");
}

TEST_F(GitPin, DirectoriesAboveProtectedFilesAreBinds) {
  write(root_ / ".git/info/attributes");
  write(root_ / ".git/objects/info/alternates", "/elsewhere\n");
  admin(root_ / ".git/modules/group/name");
  write(root_ / ".git/worktrees/other/gitdir", "/elsewhere/.git\n");
  const GitView view = inspect();
  EXPECT_EQ(first_loose(view), "");
  for (const char* path : {".git/info", ".git/objects", ".git/objects/info", ".git/modules",
                           ".git/modules/group", ".git/modules/group/name", ".git/worktrees"}) {
    const GitBind* bind = find(view, root_ / path);
    ASSERT_NE(bind, nullptr) << path;
    EXPECT_FALSE(bind->read_only) << path;
    EXPECT_TRUE(bind->directory) << path;
    EXPECT_EQ(bind->relative, path);
  }
  for (const char* path :
       {".git/info/attributes", ".git/objects/info/alternates", ".git/modules/group/name/config"}) {
    ASSERT_NE(find(view, root_ / path), nullptr) << path;
    EXPECT_TRUE(find(view, root_ / path)->read_only) << path;
  }
}

TEST_F(GitPin, ComesAfterWhatItLiesBelowAndOnlyOnce) {
  write(root_ / ".git/info/attributes");
  admin(root_ / ".git/modules/a");
  admin(root_ / ".git/modules/b");
  const GitView view = inspect();
  for (size_t i = 0; i < view.binds.size(); ++i) {
    for (size_t later = i + 1; later < view.binds.size(); ++later) {
      const fs::path up = view.binds[i].path.lexically_relative(view.binds[later].path);
      EXPECT_TRUE(up.empty() || *up.begin() == "..")
          << view.binds[later].path << " hides " << view.binds[i].path;
    }
  }
}

}  // namespace
