// SPDX-License-Identifier: Apache-2.0
// Needs root, a local engine with its command line client, and git. Everything made here carries the random
// name of its scratch directory and is removed again.
#include <algorithm>
#include <cstdlib>

#include "os/env.h"
#include "os/idmap.h"
#include "os/process.h"
#include "unit/os/scratch.h"
#include "workspace/git_view.h"

namespace scc {
namespace {

using test::slurp;
namespace stdfs = std::filesystem;

class IdmapEngine : public test::Scratch {
 protected:
  void SetUp() override {
    const bool required = std::getenv("SCC_REQUIRE_ENGINES") != nullptr;
    if (!test::root()) {
      if (required) FAIL() << "SCC_REQUIRE_ENGINES is set and this is not root";
      GTEST_SKIP() << "needs root to mount";
    }
    if (!call({"docker", "version"})) {
      if (required) FAIL() << "SCC_REQUIRE_ENGINES is set and no engine answers";
      GTEST_SKIP() << "no container engine answers";
    }
    Scratch::SetUp();
    ASSERT_EQ(::chmod(dir.c_str(), 0755), 0);
    image = "scc-idmap-test:" + dir.filename().native().substr(9);
    make_image();
    ws = mkdir("ws");
    view = mkdir("view");
    mkdir("home");
  }
  void TearDown() override {
    if (!container.empty()) static_cast<void>(call({"docker", "rm", "--force", container}));
    if (!image.empty()) static_cast<void>(call({"docker", "image", "rm", "--force", image}));
    Scratch::TearDown();
  }

  std::optional<os::ProcessResult> call(std::vector<std::string> argv, const stdfs::path& cwd = {}) {
    os::ProcessRequest request;
    request.argv = std::move(argv);
    request.cwd = cwd;
    request.env = os::Environment::current().vars;
    request.env["HOME"] = dir.empty() ? "/" : (dir / "home").native();
    request.env["GIT_CONFIG_NOSYSTEM"] = "1";
    request.timeout = std::chrono::seconds{60};
    auto result = os::run(request);
    if (!result) {
      last = result.error().message;
      return std::nullopt;
    }
    last = result->out + result->err;
    if (result->exit_code != 0) return std::nullopt;
    return *result;
  }

  void make_image() {
    for (const char* name : {"usr", "proc", "dev", "sys", "etc", "tmp", "ws"})
      mkdir(stdfs::path{"rootfs"} / name);
    // An engine gives a tmpfs the mode of the directory that it covers.
    ASSERT_EQ(::chmod((dir / "rootfs/tmp").c_str(), 01777), 0);
    for (const char* name : {"bin", "lib", "lib64", "sbin"}) {  // merged /usr, as on the host
      stdfs::create_directory_symlink(std::string{"usr/"} + name, dir / "rootfs" / name);
    }
    ASSERT_TRUE(call({"tar", "-C", (dir / "rootfs").native(), "-cf", (dir / "rootfs.tar").native(), "."}))
        << last;
    ASSERT_TRUE(call({"docker", "import", (dir / "rootfs.tar").native(), image})) << last;
  }

  static std::string mount(const stdfs::path& source, const stdfs::path& target, bool read_only) {
    return "type=bind,source=" + source.native() + ",target=" + target.native() +
           (read_only ? ",readonly" : "");
  }

  /// The script as uid 1000 without capabilities, `binds` being added to the workspace's.
  std::optional<os::ProcessResult> sandbox(const std::string& script,
                                           const std::vector<std::string>& binds = {}) {
    std::vector<std::string> argv = {"docker",         "run",
                                     "--rm",           "--network",
                                     "none",           "--read-only",
                                     "--cap-drop",     "ALL",
                                     "--security-opt", "no-new-privileges",
                                     "--user",         "1000:1000",
                                     "--tmpfs",        "/tmp:mode=1777",
                                     "--env",          "HOME=/tmp",
                                     "--workdir",      ws.native(),
                                     "--mount",        mount("/usr", "/usr", true),
                                     "--mount",        mount(view, ws, false)};
    for (const std::string& bind : binds) {
      argv.emplace_back("--mount");
      argv.push_back(bind);
    }
    for (const char* arg : {image.c_str(), "/bin/sh", "-c", script.c_str()}) argv.emplace_back(arg);
    return call(std::move(argv));
  }

  void map() {
    const auto status = os::mount_idmapped(ws, view, {0, 1000, 0, 1000});
    ASSERT_TRUE(status) << status.error().message;
    mounts.push_back(view);
  }

  static struct stat stat_of(const stdfs::path& path) {
    struct stat info {};
    EXPECT_EQ(::lstat(path.c_str(), &info), 0) << path;
    return info;
  }

  std::string image;
  std::string container;  // name of one that outlives one call
  std::string last;
  stdfs::path ws;
  stdfs::path view;
};

TEST_F(IdmapEngine, WhatTheAgentWritesBelongsToRootOnDisk) {
  write("ws/old", "x");
  ASSERT_EQ(::chmod((ws / "old").c_str(), 0600), 0);
  map();
  const auto seen =
      sandbox("id -u; stat -c %u old . ; echo more >> old; mkdir d; echo new > d/new; stat -c %u d/new");
  ASSERT_TRUE(seen) << last;
  EXPECT_EQ(seen->out, "1000\n1000\n1000\n1000\n");
  EXPECT_EQ(slurp(ws / "old"), "xmore\n");
  EXPECT_EQ(stat_of(ws / "d/new").st_uid, 0U);
  EXPECT_EQ(stat_of(ws / "d/new").st_gid, 0U);
  EXPECT_EQ(stat_of(ws / "d").st_uid, 0U);
}

TEST_F(IdmapEngine, WithoutTheMappingTheAgentCannotWrite) {
  write("ws/old", "x");
  bind(ws, view);  // a plain bind: the counter-proof
  EXPECT_FALSE(sandbox("echo more >> old"));
  EXPECT_EQ(slurp(ws / "old"), "x");
}

TEST_F(IdmapEngine, DetachingWhileAContainerRunsHarmsNeither) {
  write("ws/old", "x");
  map();
  container = "scc-idmap-test-" + dir.filename().native().substr(9);
  ASSERT_TRUE(call({"docker", "run", "--detach", "--name", container, "--network", "none", "--user",
                    "1000:1000", "--mount", mount("/usr", "/usr", true), "--mount", mount(view, "/ws", false),
                    image, "/bin/sleep", "300"}))
      << last;
  ASSERT_TRUE(os::unmount(view));
  ASSERT_TRUE(os::remove_tree(view));
  EXPECT_EQ(slurp(ws / "old"), "x");
  ASSERT_TRUE(call({"docker", "exec", container, "/bin/sh", "-c", "echo new > /ws/new"})) << last;
  EXPECT_EQ(slurp(ws / "new"), "new\n");
  EXPECT_EQ(stat_of(ws / "new").st_uid, 0U);
}

// The git view against real git: work is possible, and nothing that the host's git obeys can be changed.
TEST_F(IdmapEngine, TheAgentCommitsButCannotArmTheHostsGit) {
  const auto git = [&](std::vector<std::string> argv) {
    argv.insert(argv.begin(), {"git", "-c", "user.name=t", "-c", "user.email=t@example.org"});
    return call(std::move(argv), ws);
  };
  ASSERT_TRUE(git({"init", "-q"})) << last;
  write("ws/a", "a");
  ASSERT_TRUE(git({"add", "a"}) && git({"commit", "-qm", "one"})) << last;
  stdfs::remove_all(ws / ".git/hooks");
  write("ws/.git/modules/m/HEAD", "ref: refs/heads/main\n");
  write("ws/.git/modules/m/config", "[core]\n");
  write("ws/.git/info/attributes", "");
  workspace::GitOptions options;
  const auto found = workspace::inspect_git(ws, options);
  ASSERT_TRUE(found) << found.error().message;
  auto guards = workspace::GitGuards::hold(*found, 0, 0);
  ASSERT_TRUE(guards) << guards.error().message;
  map();
  std::vector<std::string> binds;
  for (const workspace::GitBind& item : found->binds) {
    binds.push_back(mount(view / item.relative, item.path, item.read_only));
  }
  const auto worked = sandbox(
      "set -e; git config --global user.name agent; git config --global user.email a@example.org; echo b > "
      "b; git add b;"
      "git commit -qm two; git checkout -qb topic; git stash list; git gc -q; git status --porcelain; git "
      "log --oneline "
      "| wc -l",
      binds);
  ASSERT_TRUE(worked) << last;
  EXPECT_EQ(worked->out, "2\n");
  for (const char* attack :
       {"git config core.fsmonitor 'touch pwned'", "echo x > .git/config", "rm .git/config",
        "mv .git/config .git/c", "echo x > .git/hooks/pre-commit", "mv .git/hooks .git/h", "rmdir .git/hooks",
        "mv .git .git2", "mv .git/modules .git/m2", "mv .git/modules/m .git/m2", "mv .git/info .git/i2",
        "rm .git/info/attributes", "echo x > .git/modules/m/hooks/post-checkout",
        "rm -f .git/commondir && test ! -e .git/commondir", "echo ../evil > .git/commondir",
        "mv .git/commondir .git/x", "ln -s /tmp/evil .git/config", "chmod 777 .git/config"}) {
    EXPECT_FALSE(sandbox(attack, binds)) << attack;
  }
  // Without the binds the same is possible: the refusals above are theirs.
  EXPECT_TRUE(
      sandbox("mv .git .git2 && mv .git2 .git && git config core.pager x && git config --unset core.pager"))
      << last;
  // The host sees the work, unharmed, and root's.
  const auto log = git({"log", "--format=%an", "topic"});
  ASSERT_TRUE(log) << last;
  EXPECT_EQ(log->out, "agent\nt\n");
  EXPECT_TRUE(git({"fsck", "--strict"})) << last;
  EXPECT_EQ(stat_of(ws / ".git/HEAD").st_uid, 0U);
  ASSERT_TRUE(guards->release());
  EXPECT_FALSE(stdfs::exists(ws / ".git/commondir"));
  EXPECT_TRUE(git({"status", "--porcelain"}));
}

}  // namespace
}  // namespace scc
