// SPDX-License-Identifier: Apache-2.0
#include "workspace/git_view.h"

#include <algorithm>

#include "unit/workspace/fixture.h"

namespace scc::workspace {
namespace {

class Git : public test::WorkspaceTest {
 protected:
  void SetUp() override {
    WorkspaceTest::SetUp();
    options.owner_uid = ::geteuid();
    options.protected_entries = protected_entries(env, os::Paths::from(env), {});
  }
  /// "rw .git", "ro .git/config" ... relative to `dir`, in mount order.
  std::vector<std::string> binds(const GitView& view) const {
    std::vector<std::string> out;
    for (const GitBind& bind : view.binds) {
      out.push_back((bind.read_only ? "ro " : "rw ") + bind.path.lexically_relative(dir).native());
    }
    return out;
  }
  static bool has(const std::vector<std::string>& list, const std::string& item) {
    return std::find(list.begin(), list.end(), item) != list.end();
  }
  static bool warns(const GitView& view, const std::string& text) {
    return std::any_of(view.warnings.begin(), view.warnings.end(),
                       [&](const std::string& w) { return w.find(text) != std::string::npos; });
  }
  GitView look(const stdfs::path& root) {
    auto view = inspect_git(root, options);
    EXPECT_TRUE(view) << view.error().message;
    return view.value_or(GitView{});
  }
  /// A linked worktree at dir/`at` of the repository at dir/`main`.
  void worktree(const stdfs::path& main, const stdfs::path& at, const std::string& name) {
    const stdfs::path git_dir = main / ".git/worktrees" / name;
    write(git_dir / "HEAD", "ref: refs/heads/" + name + "\n");
    write(git_dir / "commondir", "../..\n");
    write(git_dir / "gitdir", (dir / at / ".git").native() + "\n");
    write(at / ".git", "gitdir: " + (dir / git_dir).native() + "\n");
  }
  GitOptions options;
};

TEST_F(Git, NoneWithoutARepository) {
  const GitView view = look(mkdir("p"));
  EXPECT_EQ(view.kind, GitKind::none);
  EXPECT_TRUE(view.binds.empty());
  EXPECT_TRUE(view.create.empty());
}

TEST_F(Git, AnOrdinaryRepository) {
  const auto root = repo("p");
  write("p/.git/info/attributes", "");
  write("p/.git/objects/info/alternates", "/x\n");
  const GitView view = look(root);
  EXPECT_EQ(view.kind, GitKind::directory);
  EXPECT_EQ(view.branch, "main");
  EXPECT_EQ(view.git_dir, root / ".git");
  EXPECT_EQ(view.common_dir, root / ".git");
  EXPECT_TRUE(view.external_root.empty());
  EXPECT_TRUE(view.warnings.empty());
  // What lies between two binds is bound too: a plain directory above a mount point can be renamed.
  EXPECT_EQ(binds(view), (std::vector<std::string>{
                             "rw p/.git", "ro p/.git/config", "ro p/.git/hooks", "ro p/.git/commondir",
                             "rw p/.git/info", "ro p/.git/info/attributes", "rw p/.git/objects",
                             "rw p/.git/objects/info", "ro p/.git/objects/info/alternates"}));
  EXPECT_EQ(view.binds[1].relative, ".git/config");
  EXPECT_TRUE(view.binds[0].directory);
  EXPECT_FALSE(view.binds[1].directory);
}

TEST_F(Git, MissingGuardsAreMadeAndTheTemporaryOneGoesAgain) {
  const auto root = repo("p", "[extensions]\n\tworktreeConfig = true\n");
  stdfs::remove(root / ".git/hooks");
  const GitView view = look(root);
  EXPECT_FALSE(stdfs::exists(root / ".git/hooks"));  // looking writes nothing
  const uid_t uid = test::root() ? 4242 : ::geteuid();
  const gid_t gid = test::root() ? 4243 : ::getegid();
  auto guards = GitGuards::hold(view, uid, gid);
  ASSERT_TRUE(guards) << guards.error().message;
  EXPECT_TRUE(stdfs::is_directory(root / ".git/hooks"));
  EXPECT_EQ(test::slurp(root / ".git/commondir"), ".\n");
  EXPECT_TRUE(stdfs::is_regular_file(root / ".git/config.worktree"));
  for (const char* name : {"hooks", "commondir", "config.worktree"}) {
    struct stat info {};
    ASSERT_EQ(::lstat((root / ".git" / name).c_str(), &info), 0);
    EXPECT_EQ(info.st_uid, uid) << name;
    EXPECT_EQ(info.st_gid, gid) << name;
  }
  for (const GitBind& bind : view.binds) EXPECT_TRUE(stdfs::exists(bind.path)) << bind.path;
  // The next plan has the same binds, and still removes what a killed session left.
  const GitView again = look(root);
  auto one = binds(view);
  auto two = binds(again);
  std::sort(one.begin(), one.end());
  std::sort(two.begin(), two.end());
  EXPECT_EQ(one, two);
  {
    auto second = GitGuards::hold(again, uid, gid);
    ASSERT_TRUE(second);
    ASSERT_TRUE(guards->release());
    EXPECT_TRUE(stdfs::exists(root / ".git/commondir"));  // the second session still needs it
  }
  EXPECT_FALSE(stdfs::exists(root / ".git/commondir"));
  EXPECT_TRUE(stdfs::exists(root / ".git/hooks"));
  auto third = GitGuards::hold(view, uid, gid).value();
  write("p/.git/commondir", "../elsewhere\n");  // no longer ours
  ASSERT_TRUE(third.release());
  EXPECT_TRUE(stdfs::exists(root / ".git/commondir"));
}

TEST_F(Git, NothingIsMadeOnAReadOnlyFileSystem) {
  if (!test::root()) GTEST_SKIP() << "needs root to mount";
  const auto root = repo("p");
  stdfs::remove(root / ".git/hooks");
  bind(root, root);
  ASSERT_EQ(::mount(nullptr, root.c_str(), nullptr, MS_REMOUNT | MS_BIND | MS_RDONLY, nullptr), 0);
  const GitView view = look(root);
  EXPECT_TRUE(view.create.empty());
  EXPECT_EQ(binds(view), (std::vector<std::string>{"rw p/.git", "ro p/.git/config"}));
}

TEST_F(Git, AKilledSessionsGuardGoesWithTheNextOne) {
  const auto root = repo("p");
  const GitView view = look(root);
  const pid_t pid = test::spawn([&] {
    const auto guards = GitGuards::hold(view, ::geteuid(), ::getegid());
    ::kill(::getpid(), SIGKILL);
    return guards ? 0 : 1;
  });
  EXPECT_EQ(test::join(pid), 128 + SIGKILL);
  EXPECT_TRUE(stdfs::exists(root / ".git/commondir"));
  EXPECT_TRUE(GitGuards::hold(look(root), ::geteuid(), ::getegid()));
  EXPECT_FALSE(stdfs::exists(root / ".git/commondir"));
}

// Sessions come and go at random; while one holds its guard, the file is there.
TEST_F(Git, SessionsThatOverlapNeverLoseTheGuard) {
  const auto root = repo("p");
  const GitView view = look(root);
  std::vector<pid_t> sessions;
  for (int s = 0; s < 4; ++s) {
    sessions.push_back(test::spawn([&] {
      for (int i = 0; i < 60; ++i) {
        const auto guards = GitGuards::hold(view, ::geteuid(), ::getegid());
        if (!guards) return 1;
        for (int look = 0; look < 5; ++look) {
          if (test::slurp(root / ".git/commondir") != ".\n") return 2;
        }
      }
      return 0;
    }));
  }
  for (const pid_t pid : sessions) EXPECT_EQ(test::join(pid), 0);
  EXPECT_FALSE(stdfs::exists(root / ".git/commondir"));
}

TEST_F(Git, CreationFollowsNoLink) {
  const auto root = repo("p");
  stdfs::remove(root / ".git/hooks");
  const GitView view = look(root);
  const auto victim = mkdir("victim");
  stdfs::rename(root / ".git", root / "moved");
  stdfs::create_directory_symlink(victim, root / ".git");  // swapped after the plan was made
  EXPECT_FALSE(GitGuards::hold(view, ::geteuid(), ::getegid()));
  EXPECT_TRUE(stdfs::is_empty(victim));
  stdfs::remove(root / ".git");
  stdfs::rename(root / "moved", root / ".git");
  {
    const auto guards = GitGuards::hold(view, ::geteuid(), ::getegid());
    ASSERT_TRUE(guards);
    write("victim/commondir", ".\n");
    stdfs::rename(root / ".git", root / "moved");
    stdfs::create_directory_symlink(victim, root / ".git");
  }
  EXPECT_TRUE(stdfs::exists(victim / "commondir"));
}

TEST_F(Git, LinksAreRefusedEverywhere) {
  write("evil/file", "");
  admin("evil/git");
  for (const char* name :
       {".git", ".git/config", ".git/hooks", ".git/commondir", ".git/config.worktree", ".git/info",
        ".git/info/attributes", ".git/objects", ".git/objects/info/alternates", ".git/modules",
        ".git/worktrees", ".git/worktrees/x", ".git/modules/m", ".git/modules/m/config",
        ".git/modules/m/hooks"}) {
    stdfs::remove_all(dir / "p");
    const auto root = repo("p");
    write("p/.git/modules/m/HEAD", "");
    write("p/.git/modules/m/config", "");
    mkdir("p/.git/worktrees");
    mkdir("p/.git/info");
    mkdir("p/.git/objects/info");
    stdfs::remove_all(root / name);
    stdfs::create_symlink(stdfs::path{name}.has_extension() && stdfs::path{name}.filename() != ".git"
                              ? dir / "evil/file"
                              : dir / "evil/git",
                          root / name);
    const auto view = inspect_git(root, options);
    ASSERT_FALSE(view) << name;
    EXPECT_EQ(view.error().kind, Kind::policy) << name;
    EXPECT_EQ(view.error().id, "git.link") << name;
    EXPECT_FALSE(view.error().hint.empty());
  }
}

TEST_F(Git, OddTypesAreRefused) {
  for (const char* name : {".git", ".git/config", ".git/hooks", ".git/commondir", ".git/info/attributes"}) {
    stdfs::remove_all(dir / "p");
    const auto root = repo("p");
    mkdir("p/.git/info");
    stdfs::remove_all(root / name);
    ASSERT_EQ(::mkfifo((root / name).c_str(), 0600), 0);
    const auto view = inspect_git(root, options);
    ASSERT_FALSE(view) << name;
    EXPECT_EQ(view.error().id, "git.unsafe") << name;
  }
  stdfs::remove_all(dir / "p");
  const auto root = repo("p");
  stdfs::remove_all(root / ".git/hooks");
  write("p/.git/hooks", "");
  EXPECT_EQ(inspect_git(root, options).error().id, "git.unsafe");
}

TEST_F(Git, WithoutAConfigEverythingIsReadOnly) {
  const auto root = repo("p");
  stdfs::remove(root / ".git/config");
  GitView view = look(root);
  EXPECT_EQ(binds(view), std::vector<std::string>{"ro p/.git"});
  EXPECT_TRUE(warns(view, "no config"));
  mkdir("p/.git/config");
  EXPECT_EQ(binds(look(root)), std::vector<std::string>{"ro p/.git"});
  EXPECT_TRUE(view.create.empty());
}

TEST_F(Git, ACommondirThatPointsElsewhereMakesItReadOnly) {
  const auto root = repo("p");
  write("p/.git/commondir", "../evil\n");
  const GitView view = look(root);
  EXPECT_EQ(binds(view), std::vector<std::string>{"ro p/.git"});
  EXPECT_TRUE(view.create.empty());
  EXPECT_TRUE(warns(view, "points elsewhere"));
}

TEST_F(Git, CommondirIsNotGuardedWhereThatWouldChangeTheRepository) {
  const auto root = repo("p", "[core]\n\tworktree = ../x\n");
  const GitView view = look(root);
  EXPECT_FALSE(has(binds(view), "ro p/.git/commondir"));
  EXPECT_TRUE(warns(view, "core.worktree"));
}

TEST_F(Git, OtherWorktreesAreReadOnlyWithABound) {
  const auto root = repo("p");
  write("p/.git/worktrees/a/HEAD", "");
  write("p/.git/worktrees/b/HEAD", "");
  auto list = binds(look(root));
  EXPECT_TRUE(has(list, "ro p/.git/worktrees/a"));
  EXPECT_TRUE(has(list, "ro p/.git/worktrees/b"));
  for (int i = 0; i < 70; ++i) mkdir("p/.git/worktrees/n" + std::to_string(i));
  const GitView view = look(root);
  list = binds(view);
  EXPECT_TRUE(has(list, "ro p/.git/worktrees"));
  EXPECT_FALSE(has(list, "ro p/.git/worktrees/a"));
  EXPECT_TRUE(warns(view, "worktrees"));
}

TEST_F(Git, ModulesAreReadOnlyWithABound) {
  const auto root = repo("p");
  admin("p/.git/modules/a", "[core]\n\tworktree = ../../../a\n");
  admin("p/.git/modules/libs/b");
  admin("p/.git/modules/a/modules/nested");
  stdfs::remove(dir / "p/.git/modules/a/hooks");
  GitView view = look(root);
  auto list = binds(view);
  for (const char* name :
       {"a/config", "a/hooks", "libs/b/config", "libs/b/hooks", "a/modules/nested/config"}) {
    EXPECT_TRUE(has(list, "ro p/.git/modules/" + std::string{name})) << name;
  }
  EXPECT_TRUE(std::any_of(view.create.begin(), view.create.end(), [&](const GitCreate& item) {
    return item.path == root / ".git/modules/a/hooks" && item.directory && !item.temporary;
  }));
  for (int i = 0; i < 200; ++i) write("p/.git/modules/m" + std::to_string(i) + "/HEAD", "");
  view = look(root);
  EXPECT_TRUE(has(binds(view), "ro p/.git/modules"));
  EXPECT_FALSE(has(binds(view), "ro p/.git/modules/a/config"));
  stdfs::remove_all(root / ".git/modules");
  stdfs::path deep = "p/.git/modules";
  for (int i = 0; i < 40; ++i) deep /= "d";
  mkdir(deep);
  EXPECT_TRUE(has(binds(look(root)), "ro p/.git/modules"));
}

TEST_F(Git, ConfigThatLeadsToWritableFilesIsTold) {
  GitView view = look(repo("p", "[include]\n\tpath = ../shared.config\n[core]\n\thooksPath = .husky\n"));
  EXPECT_TRUE(warns(view, "shared.config"));
  EXPECT_TRUE(warns(view, ".husky"));
  view = look(repo("q", "[include]\n\tpath = ~/mine\n[core]\n\thooksPath = /opt/hooks\n"));
  EXPECT_TRUE(view.warnings.empty());
}

TEST_F(Git, HeadIsForeignText) {
  const auto root = repo("p");
  const std::string hash(40, 'a');
  write("p/.git/HEAD", hash + "\n");
  EXPECT_EQ(look(root).commit, hash);
  EXPECT_EQ(look(root).branch, "");
  write("p/.git/HEAD", "ref: refs/heads/feature/x\x1b[2J\n");
  EXPECT_EQ(look(root).branch, "feature/x\\x1b[2J");
  write("p/.git/HEAD", "ref: refs/remotes/x\n");
  EXPECT_EQ(look(root).branch, "");
  write("p/.git/HEAD", "ref: refs/heads/" + std::string(100'000, 'x'));
  EXPECT_EQ(look(root).branch, "");
  stdfs::remove(root / ".git/HEAD");
  stdfs::create_symlink("/etc/passwd", root / ".git/HEAD");
  EXPECT_EQ(look(root).branch, "");
  stdfs::remove(root / ".git/HEAD");
  ASSERT_EQ(::mkfifo((root / ".git/HEAD").c_str(), 0600), 0);
  EXPECT_EQ(look(root).branch, "");
}

TEST_F(Git, AWorktreeNeedsConsent) {
  repo("main");
  worktree("main", "wt", "wt");
  GitView view = look(dir / "wt");
  EXPECT_EQ(view.kind, GitKind::worktree);
  EXPECT_EQ(binds(view), std::vector<std::string>{"ro wt/.git"});
  EXPECT_TRUE(view.create.empty());
  EXPECT_TRUE(view.external_root.empty());
  EXPECT_TRUE(warns(view, "--allow-external-git-dir"));
  EXPECT_EQ(view.branch, "wt");
}

TEST_F(Git, AWorktreeIsMountedPrecisely) {
  repo("main");
  worktree("main", "wt", "wt");
  worktree("main", "other", "other");
  write("main/.git/worktrees/wt/config.worktree", "");
  options.allow_external_git_dir = true;
  const GitView view = look(dir / "wt");
  EXPECT_EQ(view.external_root, dir / "main/.git");
  EXPECT_EQ(view.common_dir, dir / "main/.git");
  EXPECT_EQ(view.git_dir, dir / "main/.git/worktrees/wt");
  const auto list = binds(view);
  EXPECT_EQ(list[0], "ro wt/.git");
  EXPECT_EQ(list[1], "rw main/.git");
  for (const char* name : {"config", "hooks", "commondir", "worktrees/other", "worktrees/wt/gitdir",
                           "worktrees/wt/commondir", "worktrees/wt/config.worktree"}) {
    EXPECT_TRUE(has(list, "ro main/.git/" + std::string{name})) << name;
  }
  EXPECT_FALSE(has(list, "ro main/.git/worktrees/wt"));
  EXPECT_TRUE(has(list, "rw main/.git/worktrees"));
  EXPECT_TRUE(has(list, "rw main/.git/worktrees/wt"));
  EXPECT_FALSE(has(list, "rw main"));
  EXPECT_TRUE(view.binds[1].relative.empty());
  EXPECT_TRUE(view.warnings.empty());
}

TEST_F(Git, RelativePointersWork) {
  repo("main");
  worktree("main", "wt", "wt");
  write("wt/.git", "gitdir: ../main/.git/worktrees/wt\n");
  write("main/.git/worktrees/wt/gitdir", "../../../../wt/.git\n");
  options.allow_external_git_dir = true;
  EXPECT_EQ(look(dir / "wt").external_root, dir / "main/.git");
}

TEST_F(Git, AManyWorktreesRepositoryKeepsItsOwnWritable) {
  repo("main");
  worktree("main", "wt", "wt");
  for (int i = 0; i < 70; ++i) mkdir("main/.git/worktrees/n" + std::to_string(i));
  options.allow_external_git_dir = true;
  const auto list = binds(look(dir / "wt"));
  const auto all = std::find(list.begin(), list.end(), "ro main/.git/worktrees");
  const auto own = std::find(list.begin(), list.end(), "rw main/.git/worktrees/wt");
  ASSERT_NE(own, list.end());
  EXPECT_LT(all, own);
}

// Each row breaks one thing; consent is given, and still nothing but the workspace may be mounted.
TEST_F(Git, PointersThatDoNotCheckOut) {
  options.allow_external_git_dir = true;
  const std::vector<std::pair<std::string, std::function<void()>>> rows = {
      {"no back pointer", [&] { stdfs::remove(dir / "main/.git/worktrees/wt/gitdir"); }},
      {"back pointer to another",
       [&] { write("main/.git/worktrees/wt/gitdir", (dir / "x/.git").native() + "\n"); }},
      {"commondir elsewhere", [&] { write("main/.git/worktrees/wt/commondir", "../../../../evil\n"); }},
      {"commondir absolute", [&] { write("main/.git/worktrees/wt/commondir", "/etc\n"); }},
      {"not below worktrees",
       [&] {
         stdfs::rename(dir / "main/.git/worktrees", dir / "main/.git/elsewhere");
         write("wt/.git", "gitdir: " + (dir / "main/.git/elsewhere/wt").native() + "\n");
       }},
      {"missing target", [&] { write("wt/.git", "gitdir: /home/u/x/.git/worktrees/y\n"); }},
      {"empty target", [&] { write("wt/.git", "gitdir: \n"); }},
      {"root as target", [&] { write("wt/.git", "gitdir: /\n"); }},
      {"itself as target", [&] { write("wt/.git", "gitdir: .\n"); }},
      {"parent as target", [&] { write("wt/.git", "gitdir: ..\n"); }},
      {"no pointer", [&] { write("wt/.git", "hello\n"); }},
      {"too long", [&] { write("wt/.git", "gitdir: " + std::string(5000, 'x') + "\n"); }},
      {"line break in path", [&] { write("wt/.git", "gitdir: a\nb\n"); }},
      {"escape in path", [&] { write("wt/.git", "gitdir: \x1b[2J\n"); }},
      {"common dir is no repository", [&] { stdfs::remove_all(dir / "main/.git/objects"); }},
      {"common dir without config", [&] { stdfs::remove(dir / "main/.git/config"); }},
      {"config is a link",
       [&] {
         stdfs::remove(dir / "main/.git/config");
         stdfs::create_symlink("/etc/passwd", dir / "main/.git/config");
       }},
      {"hooks is a link",
       [&] {
         stdfs::remove_all(dir / "main/.git/hooks");
         stdfs::create_directory_symlink("/etc", dir / "main/.git/hooks");
       }},
      {"common dir behind a link",
       [&] {
         stdfs::rename(dir / "main/.git", dir / "main/real");
         stdfs::create_directory_symlink(dir / "main/real", dir / "main/.git");
       }},
      {"back pointer is a link",
       [&] {
         const auto path = dir / "main/.git/worktrees/wt/gitdir";
         stdfs::rename(path, dir / "copy");
         stdfs::create_symlink(dir / "copy", path);
       }},
      {"protected common dir",
       [&] {
         mkdir("home/u/.ssh");
         stdfs::rename(dir / "main/.git", home / ".ssh/.git");
         write("wt/.git", "gitdir: " + (home / ".ssh/.git/worktrees/wt").native() + "\n");
       }},
      {"submodule of another",
       [&] {
         admin("mod", "[core]\n\tworktree = /elsewhere\n");
         write("wt/.git", "gitdir: ../mod\n");
       }},
      {"separate directory without a way back",
       [&] {
         admin("mod");
         write("wt/.git", "gitdir: ../mod\n");
       }},
  };
  for (const auto& [name, spoil] : rows) {
    for (const char* part : {"main", "wt", "mod", "copy", "home/u/.ssh"}) stdfs::remove_all(dir / part);
    repo("main");
    worktree("main", "wt", "wt");
    ASSERT_EQ(look(dir / "wt").kind, GitKind::worktree) << name;
    spoil();
    const GitView view = look(dir / "wt");
    EXPECT_EQ(view.kind, GitKind::unverified) << name;
    EXPECT_EQ(binds(view), std::vector<std::string>{"ro wt/.git"}) << name;
    EXPECT_TRUE(view.create.empty()) << name;
    EXPECT_TRUE(view.external_root.empty()) << name;
    ASSERT_EQ(view.warnings.size(), 1U) << name;
    EXPECT_EQ(view.warnings[0].find('\x1b'), std::string::npos);
    EXPECT_TRUE(view.branch.empty());
  }
}

TEST_F(Git, ForeignOwnersOfACommonDirectoryAreRefused) {
  if (!test::root()) GTEST_SKIP() << "needs root to give a file away";
  options.allow_external_git_dir = true;
  repo("main");
  worktree("main", "wt", "wt");
  ASSERT_EQ(::chown((dir / "main/.git").c_str(), 4242, 4242), 0);
  EXPECT_EQ(look(dir / "wt").kind, GitKind::unverified);
  ASSERT_EQ(::chown((dir / "main/.git").c_str(), 0, 0), 0);
  EXPECT_EQ(look(dir / "wt").kind, GitKind::worktree);
  ASSERT_EQ(::chown((dir / "main/.git/worktrees/wt").c_str(), 4242, 4242), 0);
  EXPECT_EQ(look(dir / "wt").kind, GitKind::unverified);
}

// A bare repository with its checkouts inside: mounting it would show the sibling checkouts.
TEST_F(Git, ACommonDirectoryAroundTheWorkspaceIsRefused) {
  options.allow_external_git_dir = true;
  admin("bare", "[core]\n\tbare = true\n");
  write("bare/worktrees/wt/HEAD", "");
  write("bare/worktrees/wt/commondir", "../..\n");
  write("bare/worktrees/wt/gitdir", (dir / "bare/wt/.git").native() + "\n");
  write("bare/wt/.git", "gitdir: " + (dir / "bare/worktrees/wt").native() + "\n");
  const GitView view = look(dir / "bare/wt");
  EXPECT_EQ(view.kind, GitKind::unverified);
  EXPECT_TRUE(warns(view, "contains the workspace"));
}

TEST_F(Git, APointerIntoTheWorkspaceNeedsNoConsent) {
  admin("p/.bare");
  write("p/.git", "gitdir: ./.bare\n");
  const GitView view = look(dir / "p");
  EXPECT_EQ(view.kind, GitKind::directory);
  EXPECT_TRUE(view.external_root.empty());
  EXPECT_TRUE(has(binds(view), "rw p/.bare"));
  EXPECT_TRUE(has(binds(view), "ro p/.bare/config"));
  EXPECT_TRUE(has(binds(view), "ro p/.git"));
  EXPECT_EQ(view.binds[2].relative, ".bare/config");
}

TEST_F(Git, ASubmoduleOnItsOwn) {
  repo("super");
  admin("super/.git/modules/sub", "[core]\n\tworktree = ../../../sub\n");
  write("super/sub/.git", "gitdir: ../.git/modules/sub\n");
  options.allow_external_git_dir = true;
  const GitView view = look(dir / "super/sub");
  EXPECT_EQ(view.kind, GitKind::submodule);
  EXPECT_EQ(view.external_root, dir / "super/.git/modules/sub");
  const auto list = binds(view);
  EXPECT_TRUE(has(list, "rw super/.git/modules/sub"));
  EXPECT_TRUE(has(list, "ro super/.git/modules/sub/config"));
  EXPECT_TRUE(has(list, "ro super/.git/modules/sub/hooks"));
  EXPECT_FALSE(has(list, "rw super/.git"));
}

}  // namespace
}  // namespace scc::workspace
