// SPDX-License-Identifier: Apache-2.0
#include "workspace/protected.h"

#include <optional>
#include <pwd.h>

#include "unit/workspace/fixture.h"

namespace scc::workspace {
namespace {

class Protected : public test::WorkspaceTest {
 protected:
  Status check(const stdfs::path& path) {
    return check_protected(path, protected_entries(env, os::Paths::from(env), sources));
  }
  void expect_refused(const stdfs::path& path) {
    const auto status = check(path);
    ASSERT_FALSE(status) << path;
    EXPECT_EQ(status.error().id, "workspace.protected") << path;
    EXPECT_EQ(exit_code(status.error().kind), 6) << path;
    EXPECT_FALSE(status.error().hint.empty());
  }
  void expect_fine(const stdfs::path& path) {
    const auto status = check(path);
    EXPECT_TRUE(status) << path << ": " << status.error().message;
  }
  ProtectedSources sources;
};

TEST_F(Protected, RootHomeAndWhatIsAboveHome) {
  for (const stdfs::path& path : {stdfs::path{"/"}, home, home.parent_path(), dir}) expect_refused(path);
  expect_fine(mkdir("home/u/src/project"));
  expect_fine(mkdir("home/u/project"));
  expect_fine(mkdir("home/other"));
  expect_fine(mkdir("home/u2"));  // not by characters
  EXPECT_NE(check("/").error().message.find("root directory"), std::string::npos);
  EXPECT_NE(check(home).error().message.find("home directory"), std::string::npos);
}

TEST_F(Protected, TheAccountsHomeCountsWhenHomePointsElsewhere) {
  if (!test::root()) GTEST_SKIP() << "the expectations are about root's home";
  expect_refused("/root");
  expect_refused("/root/.ssh");
  expect_fine("/root/surely-a-project");
}

// Root works for whoever owns the workspace: then it is the owner's home and keys that must stay out.
TEST_F(Protected, TheHomeOfTheWorkspacesOwner) {
  const struct passwd* owner = nullptr;
  ::setpwent();
  while ((owner = ::getpwent()) != nullptr) {
    const stdfs::path home_of = owner->pw_dir;
    if (owner->pw_uid != 0 && owner->pw_uid != env.uid && stdfs::is_directory(home_of) && check(home_of))
      break;
  }
  const stdfs::path home_of = owner != nullptr ? owner->pw_dir : "";
  sources.workspace_owner = owner != nullptr ? std::optional(owner->pw_uid) : std::nullopt;
  ::endpwent();
  if (!sources.workspace_owner) GTEST_SKIP() << "no other account has a home that is not protected anyway";
  env.uid = 0;
  expect_refused(home_of);
  expect_refused(home_of / ".ssh");
  expect_fine(home_of / "surely-a-project");
}

TEST_F(Protected, CredentialsInEveryRelation) {
  for (const char* name :
       {".ssh", ".aws", ".gnupg", ".kube", ".azure", ".config/gcloud", ".config/gh", ".config/git"}) {
    expect_refused(home / name);          // need not exist
    expect_refused(home / name / "a/b");  // under
  }
  expect_refused(home / ".config");  // contains
  expect_refused(home / ".local");
  expect_fine(home / ".sshx");
  const auto message = check(home / ".ssh/keys").error().message;
  EXPECT_NE(message.find("lies in " + (home / ".ssh").native() + " (SSH keys)"), std::string::npos)
      << message;
}

TEST_F(Protected, SystemDirectories) {
  for (const char* name :
       {"/etc", "/etc/x", "/proc", "/sys", "/dev", "/dev/shm/x", "/run", "/run/user/0", "/var/run", "/var",
        "/boot", "/usr", "/usr/src/x", "/bin", "/sbin", "/lib", "/lib64/x"}) {
    expect_refused(name);
  }
  for (const char* name :
       {"/tmp/x", "/srv/x", "/opt/x", "/var/lib/x/workspace", "/var/tmp/x", "/mnt/x", "/usrx"}) {
    expect_fine(name);
  }
}

TEST_F(Protected, OwnDirectoriesInEveryRelation) {
  env.vars["SCC_CONFIG_DIR"] = (dir / "own/config").native();
  env.vars["SCC_STATE_DIR"] = (dir / "own/state").native();
  sources.plugin_dirs = {dir / "plug/a"};
  for (const char* name : {"own", "own/config", "own/config/x", "own/state/instances", "plug", "plug/a/b",
                           "prefix", "prefix/lib/scc/plugins/x", "prefix/libexec/scc", "prefix/bin"}) {
    expect_refused(dir / name);
  }
  expect_fine(dir / "owner");
  expect_fine(dir / "plug/b");
}

TEST_F(Protected, EntriesOfManifests) {
  env.vars["ENGINE_DIR"] = "rel";
  env.cwd = dir / "cwd";
  sources.protected_paths = {"${HOME}/.vendor", "${UNSET}/x", "${ENGINE_DIR}/y"};
  sources.engine_sockets = {"unix://" + (dir / "eng/run/e.sock").native(),
                            "unix:" + (dir / "eng2/e.sock").native()};
  expect_refused(home / ".vendor/data");
  expect_refused(dir / "cwd/rel/y");
  for (const char* name : {"eng", "eng/run", "eng2"}) expect_refused(dir / name);
  expect_refused(dir / "eng/run/e.sock");
  expect_fine(dir / "eng/other");
  expect_fine(dir / "cwd/rel/z");
  EXPECT_NE(check(dir / "eng").error().message.find("an engine's socket"), std::string::npos);
}

TEST_F(Protected, ProtectedEntriesBehindLinksCountTwice) {
  const auto real = mkdir("real/ssh");
  stdfs::create_directory_symlink(real, home / ".ssh");
  expect_refused(real);
  expect_refused(mkdir("real/ssh/sub"));
  expect_refused(dir / "real");
  expect_refused(home / ".ssh");
  const auto socket = write("hidden/e.sock", "");
  stdfs::create_symlink(socket, dir / "e.sock");
  sources.engine_sockets = {(dir / "e.sock").native()};
  expect_refused(dir / "hidden");
}

TEST_F(Protected, AliasesByBindMounts) {
  if (!test::root()) GTEST_SKIP() << "needs root to mount";
  mkdir("home/u/.ssh/deep");
  mkdir("home/u/src");
  const auto alias = mkdir("alias");
  bind(home / ".ssh", alias);
  expect_refused(alias);
  expect_refused(alias / "deep");
  const auto home_alias = mkdir("home_alias");
  bind(home, home_alias);
  expect_refused(home_alias);
  expect_refused(home_alias / ".ssh");
  expect_fine(home_alias / "src");
  const auto above = mkdir("above");
  bind(home.parent_path(), above);
  expect_refused(above);
}

TEST_F(Protected, NamesArePrintedSafely) {
  const auto message = check(home / ".ssh/\x1b[2Jx").error().message;
  EXPECT_EQ(message.find('\x1b'), std::string::npos);
}

TEST_F(Protected, SudoProtectsTheCallersHome) {
  env.uid = 0;
  env.vars["SUDO_UID"] = "1";  // daemon: /usr/sbin, which has no project
  expect_refused("/usr/sbin");
  env.vars["SUDO_UID"] = "1; rm";
  expect_fine(mkdir("p"));
}

}  // namespace
}  // namespace scc::workspace
