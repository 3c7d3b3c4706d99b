// SPDX-License-Identifier: Apache-2.0
#include "git/identity.h"

#include "unit/workspace/fixture.h"

namespace scc::git {
namespace {

class GitIdentity : public test::WorkspaceTest {
 protected:
  Identity read() { return identity(env).value(); }
};

TEST_F(GitIdentity, EmptyWithoutFiles) {
  EXPECT_EQ(read().name, "");
  EXPECT_EQ(read().email, "");
  EXPECT_EQ(render_global_config(read()), "[push]\n\tautoSetupRemote = true\n");
}

TEST_F(GitIdentity, HomeBeatsXdgAndIncludesWork) {
  write("home/u/.config/git/config", "[user]\n\tname = Xdg\n\temail = xdg@example.org\n");
  EXPECT_EQ(read().name, "Xdg");
  write("home/u/.gitconfig", "[include]\n\tpath = more\n");
  write("home/u/more", "[user]\n\tname = Home \"Q\" Näme\n");
  EXPECT_EQ(read().name, "Home Q Näme");
  EXPECT_EQ(read().email, "xdg@example.org");
  env.vars["XDG_CONFIG_HOME"] = (dir / "x").native();
  EXPECT_EQ(read().email, "");
  write("own", "[user]\n\tname = Own\n");
  env.vars["GIT_CONFIG_GLOBAL"] = (dir / "own").native();
  EXPECT_EQ(read().name, "Own");
}

TEST_F(GitIdentity, ARepositorysConfigIsNeverRead) {
  repo("p", "[user]\n\tname = Evil\n\temail = evil@example.org\n");
  env.cwd = dir / "p";
  EXPECT_EQ(read().name, "");
}

TEST_F(GitIdentity, BrokenAndHostileValues) {
  write("home/u/.gitconfig", "[user\n");
  EXPECT_EQ(identity(env).error().id, "git.config");
  EXPECT_EQ(identity(env).error().kind, Kind::config);
  write("home/u/.gitconfig", "[user]\n\tname = \"a\\nb\"\n\temail = \"x\\\"]\\\\\"\n");
  EXPECT_EQ(read().name, "");  // a line break would end the value in the sandbox's file
  EXPECT_EQ(read().email, "x\"]\\");
  // What is rendered reads back as the same.
  const std::string text = render_global_config(read());
  write("home/u/.gitconfig", text);
  EXPECT_EQ(read().email, "x\"]\\");
  EXPECT_NE(text.find("autoSetupRemote = true"), std::string::npos);
}

}  // namespace
}  // namespace scc::git
