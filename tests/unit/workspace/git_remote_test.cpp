// SPDX-License-Identifier: Apache-2.0
#include "workspace/git_remote.h"

#include "unit/workspace/fixture.h"

namespace scc::workspace {
namespace {

class GitRemote : public test::WorkspaceTest {
 protected:
  std::string url_of(const std::string& config) {
    write("p/.git/config", config);
    GitView view;
    view.common_dir = dir / "p/.git";
    return origin_url(view);
  }
};

TEST_F(GitRemote, ReadsTheLastAddressOfOrigin) {
  EXPECT_EQ(url_of("[remote \"origin\"]\n\turl = https://git.example/a/b.git\n"),
            "https://git.example/a/b.git");
  EXPECT_EQ(url_of("[remote \"upstream\"]\n\turl = x\n[remote \"origin\"]\n\turl = y\n\turl = z\n"), "z");
  EXPECT_EQ(url_of("[core]\n\tbare = false\n"), "");
}

TEST_F(GitRemote, ControlCharactersAndLinksGiveNothing) {
  EXPECT_EQ(url_of("[remote \"origin\"]\n\turl = \"a\\tb\"\n"), "");
  write("q/config", "[remote \"origin\"]\n\turl = y\n");
  stdfs::create_directories(dir / "p/.git");
  stdfs::remove(dir / "p/.git/config");
  stdfs::create_symlink(dir / "q/config", dir / "p/.git/config");
  GitView view;
  view.common_dir = dir / "p/.git";
  EXPECT_EQ(origin_url(view), "");
  EXPECT_EQ(origin_url(GitView{}), "");
}

}  // namespace
}  // namespace scc::workspace
