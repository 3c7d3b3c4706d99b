// SPDX-License-Identifier: Apache-2.0
#include "workspace/resolve.h"

#include <sys/socket.h>
#include <sys/un.h>

#include "unit/workspace/fixture.h"

namespace scc::workspace {
namespace {

class Resolve : public test::WorkspaceTest {};

TEST_F(Resolve, ExplicitPathWinsAndIsReal) {
  repo("src/repo");
  const auto other = mkdir("src/other");
  env.cwd = dir / "src/repo";
  stdfs::create_directory_symlink(other, dir / "link");
  const Workspace found = resolve(env, (dir / "link").native()).value();
  EXPECT_EQ(found.root, other);
  EXPECT_EQ(found.target, other);
  EXPECT_EQ(found.source, other);
  EXPECT_EQ(found.entry_dir, other);
  EXPECT_FALSE(found.auto_detected);
  EXPECT_FALSE(found.suspicious);
  EXPECT_EQ(found.owner_uid, ::geteuid());
  EXPECT_EQ(resolve(env, "../other").value().root, other);
  EXPECT_EQ(resolve(env, ".").value().root, dir / "src/repo");
  EXPECT_EQ(resolve(env, "").error().kind, Kind::usage);
}

TEST_F(Resolve, TildeIsHomeOnlyAtTheStart) {
  mkdir("home/u/p");
  const auto odd = mkdir("x/~");
  EXPECT_EQ(resolve(env, "~/p").value().root, home / "p");
  env.cwd = dir / "x";
  EXPECT_EQ(resolve(env, "./~").value().root, odd);
  EXPECT_EQ(resolve(env, "~").value().root, home);
}

TEST_F(Resolve, OddNamesWork) {
  for (const char* name :
       {"with space", "a:b", "a,b", "it's", "q\"q", "größe日本", "-rf", "${HOME}", "$(x)", "a\\b"}) {
    const auto path = mkdir(stdfs::path{"odd"} / name);
    env.cwd = dir / "odd";
    const auto found = resolve(env, std::string{name});
    ASSERT_TRUE(found) << name << ": " << found.error().message;
    EXPECT_EQ(found->root, path);
  }
}

TEST_F(Resolve, ControlCharactersAndBrokenUtf8AreRefused) {
  for (const char* name : {"a\nb", "a\x1b[2J", "a\x7f", "\xff\xfe"}) {
    const auto path = mkdir(stdfs::path{"odd"} / name);
    const auto found = resolve(env, path.native());
    ASSERT_FALSE(found);
    EXPECT_EQ(found.error().id, "workspace.path");
    EXPECT_EQ(found.error().kind, Kind::usage);
    EXPECT_EQ(found.error().message.find('\n'), std::string::npos);
    EXPECT_EQ(found.error().message.find('\x1b'), std::string::npos);
    // Also behind a harmless name.
    const auto link = dir / "link";
    stdfs::remove(link);
    stdfs::create_directory_symlink(path, link);
    EXPECT_EQ(resolve(env, link.native()).error().id, "workspace.path");
  }
  EXPECT_EQ(resolve(env, std::string("a\0b", 3)).error().id, "workspace.path");
}

TEST_F(Resolve, MissingIsNotFoundFilesAreUsageSocketsAreRefused) {
  EXPECT_EQ(resolve(env, (dir / "none").native()).error().id, "workspace.not-found");
  EXPECT_EQ(exit_code(resolve(env, (dir / "none").native()).error().kind), 1);
  const auto file = write("file", "");
  EXPECT_EQ(resolve(env, file.native()).error().id, "workspace.not-directory");
  EXPECT_EQ(resolve(env, (file / "below").native()).error().id, "workspace.not-found");
  struct sockaddr_un address {};
  address.sun_family = AF_UNIX;
  const std::string path = (dir / "engine.sock").native();
  path.copy(address.sun_path, sizeof address.sun_path - 1);
  const os::Fd socket{::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)};
  ASSERT_EQ(::bind(socket.get(), reinterpret_cast<const struct sockaddr*>(&address), sizeof address), 0);
  stdfs::create_symlink(path, dir / "innocent");
  const auto refused = resolve(env, (dir / "innocent").native()).error();
  EXPECT_EQ(refused.id, "workspace.protected");
  EXPECT_EQ(exit_code(refused.kind), 6);
  env.cwd.clear();
  EXPECT_EQ(resolve(env, std::nullopt).error().id, "workspace.not-found");
}

TEST_F(Resolve, GitToplevelAboveTheCurrentDirectory) {
  const auto top = repo("src/repo");
  env.cwd = mkdir("src/repo/a/b");
  const Workspace found = resolve(env, std::nullopt).value();
  EXPECT_EQ(found.root, top);
  EXPECT_EQ(found.entry_dir, env.cwd);
  EXPECT_TRUE(found.auto_detected);
  EXPECT_NE(found.reason.find("git repository"), std::string::npos);
}

TEST_F(Resolve, WhatOnlyLooksLikeGitIsPassedOver) {
  const auto top = repo("src/repo");
  mkdir("src/repo/empty/.git");
  write("src/repo/file/.git", "not a pointer");
  write("src/repo/pointer/.git", "gitdir: ../../x\n");
  mkdir("src/repo/big");
  write("src/repo/big/.git", "gitdir: " + std::string(10'000, 'x'));
  ASSERT_EQ(::mkfifo((mkdir("src/repo/fifo") / ".git").c_str(), 0600), 0);
  for (const char* name : {"empty", "file", "big", "fifo"}) {
    env.cwd = dir / "src/repo" / name;
    EXPECT_EQ(resolve(env, std::nullopt).value().root, top) << name;
  }
  env.cwd = dir / "src/repo/pointer";
  EXPECT_EQ(resolve(env, std::nullopt).value().root, env.cwd);
  // A link is what git would take too; inspect_git() refuses it with its reason.
  mkdir("src/repo/linked");
  stdfs::create_directory_symlink(top / ".git", dir / "src/repo/linked/.git");
  env.cwd = dir / "src/repo/linked";
  EXPECT_EQ(resolve(env, std::nullopt).value().root, env.cwd);
}

TEST_F(Resolve, NearestConfigFileWhenThereIsNoRepository) {
  write("src/p/.scc.yaml", "");
  env.cwd = mkdir("src/p/a/b");
  EXPECT_EQ(resolve(env, std::nullopt).value().root, dir / "src/p");
  mkdir("src/p/a/.scc.yaml");  // a directory is none
  EXPECT_EQ(resolve(env, std::nullopt).value().root, dir / "src/p");
  repo("src");  // a repository counts more, also further up
  EXPECT_EQ(resolve(env, std::nullopt).value().root, dir / "src");
}

TEST_F(Resolve, HomeIsNotFoundFromBelow) {
  repo("home/u");
  write("home/u/.scc.yaml", "");
  write("home/.scc.yaml", "");
  env.cwd = mkdir("home/u/src/p");
  const auto found = resolve(env, std::nullopt);
  ASSERT_FALSE(found);
  EXPECT_EQ(found.error().id, "workspace.none");
  EXPECT_EQ(exit_code(found.error().kind), 2);
  env.cwd = home;  // standing in it, it is found, and protected
  EXPECT_EQ(resolve(env, std::nullopt).value().root, home);
}

TEST_F(Resolve, OtherPeoplesFilesAreNotBelieved) {
  if (!test::root()) GTEST_SKIP() << "needs root to give a file away";
  repo("shared");
  write("shared/.scc.yaml", "");
  env.cwd = mkdir("shared/mine");
  env.uid = 4242;  // whoever runs scc
  ASSERT_EQ(::lchown((dir / "shared/.git").c_str(), 6666, 6666), 0);
  ASSERT_EQ(::lchown((dir / "shared/.scc.yaml").c_str(), 6666, 6666), 0);
  EXPECT_EQ(resolve(env, std::nullopt).error().id, "workspace.none");
  ASSERT_EQ(::lchown((dir / "shared/.git").c_str(), 4242, 4242), 0);
  EXPECT_EQ(resolve(env, std::nullopt).value().root, dir / "shared");
}

TEST_F(Resolve, TheSearchStopsAtAFileSystemBoundary) {
  if (!test::root()) GTEST_SKIP() << "needs root to mount";
  repo("shared");
  const auto below = mkdir("shared/mnt");
  ASSERT_EQ(::mount("none", below.c_str(), "tmpfs", 0, nullptr), 0);
  mounts.push_back(below);
  env.cwd = mkdir("shared/mnt/x");
  EXPECT_EQ(resolve(env, std::nullopt).error().id, "workspace.none");
}

TEST_F(Resolve, MarkersFeedTheHintOnly) {
  write("p/package.json", "");
  write("p/x.sln", "");
  env.cwd = dir / "p";
  const auto error = resolve(env, std::nullopt, {"package.json", "*.sln"}).error();
  EXPECT_EQ(error.id, "workspace.none");
  EXPECT_NE(error.hint.find("package.json"), std::string::npos);
  const auto found = resolve(env, ".", {"go.mod", "*.sln", "package.json", "../home", "a/b"}).value();
  EXPECT_EQ(found.markers, (std::vector<std::string>{"*.sln", "package.json"}));
}

TEST_F(Resolve, SuspiciousDirectories) {
  for (const char* name : {"/", "/tmp", "/usr", "/etc"}) {
    const auto found = resolve(env, name);
    ASSERT_TRUE(found) << name;
    EXPECT_TRUE(found->suspicious) << name;
    EXPECT_FALSE(found->suspicious_why.empty());
  }
  mkdir("home/u/Downloads/x");
  EXPECT_TRUE(resolve(env, "~").value().suspicious);
  EXPECT_TRUE(resolve(env, "~/Downloads").value().suspicious);
  EXPECT_FALSE(resolve(env, "~/Downloads/x").value().suspicious);
  EXPECT_TRUE(resolve(env, (dir / "home").native()).value().suspicious);
  EXPECT_FALSE(resolve(env, mkdir("plain").native()).value().suspicious);
}

TEST_F(Resolve, SuspiciousUnderAnotherName) {
  if (!test::root()) GTEST_SKIP() << "needs root to mount";
  mkdir("home/u/Desktop");
  const auto alias = mkdir("alias");
  bind(dir / "home/u/Desktop", alias);
  EXPECT_TRUE(resolve(env, alias.native()).value().suspicious);
}

TEST_F(Resolve, PathMap) {
  const auto root = mkdir("ws/p q");
  env.vars["SCC_WORKSPACE_PATH_MAP"] = dir.native() + ":/host," + (dir / "ws").native() + ":/host/longer/";
  Workspace found = resolve(env, root.native()).value();
  EXPECT_EQ(found.source, "/host/longer/p q");
  EXPECT_EQ(found.target, root);
  EXPECT_TRUE(found.mapped);
  env.vars["SCC_WORKSPACE_PATH_MAP"] = (dir / "w").native() + ":/host";  // not by characters
  EXPECT_FALSE(resolve(env, root.native()).value().mapped);
  env.vars["SCC_WORKSPACE_PATH_MAP"] = root.native() + ":/host";
  EXPECT_EQ(resolve(env, root.native()).value().source, "/host");
  for (const char* bad : {"x", "/a", "/a:b", "a:/b", "/a/../b:/c", "/a:/b/..", "/a:/b,", ":"}) {
    env.vars["SCC_WORKSPACE_PATH_MAP"] = bad;
    const auto error = resolve(env, root.native());
    ASSERT_FALSE(error) << bad;
    EXPECT_EQ(error.error().id, "workspace.path-map") << bad;
    EXPECT_EQ(error.error().kind, Kind::usage);
  }
}

TEST_F(Resolve, ASwappedDirectoryIsNoticed) {
  const auto root = mkdir("ws/p");
  const Workspace found = resolve(env, root.native()).value();
  EXPECT_TRUE(unchanged(found));
  stdfs::rename(root, dir / "ws/old");
  EXPECT_EQ(unchanged(found).error().id, "workspace.changed");
  mkdir("ws/p");
  EXPECT_FALSE(unchanged(found));
  stdfs::remove(root);
  stdfs::rename(dir / "ws/old", root);
  EXPECT_TRUE(unchanged(found));
  stdfs::rename(dir / "ws", dir / "real");
  stdfs::create_directory_symlink(dir / "real", dir / "ws");
  EXPECT_FALSE(unchanged(found));  // the same inode, but behind a link now
}

}  // namespace
}  // namespace scc::workspace
