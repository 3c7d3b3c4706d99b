// SPDX-License-Identifier: Apache-2.0
// The sandbox verbs against a real engine: life cycle, hardening seen from inside, mounts with hostile names,
// limits.
#include <filesystem>
#include <fstream>
#include <unistd.h>

#include <gmock/gmock.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include "integration/runtime/engine_fixture.h"
#include "integration/runtime/tar.h"

namespace scc::test {
namespace {

namespace fs = std::filesystem;
using sdk::view;
using testing::Contains;
using testing::HasSubstr;

int mount_tmpfs(const fs::path& path) {
  return mount("none", path.c_str(), "tmpfs", MS_NOSUID | MS_NODEV, nullptr);
}
void unmount(const fs::path& path) {
  umount2(path.c_str(), MNT_DETACH);
}

TEST_F(RuntimeTest, LivesThroughAllStates) {
  const std::string id = name();
  const Outcome made = engine_->create(spec(id));
  ASSERT_TRUE(made.ok()) << made.code << ": " << made.message;
  EXPECT_EQ(made.document.str("/name"), id);
  const bool limited = engine_->info().flag("/cgroup/memory") && engine_->info().flag("/cgroup/pids");
  if (limited) {
    EXPECT_EQ(made.document.at("/warnings")->children.size(), 0U) << made.text;
  }

  Outcome seen = engine_->inspect(id);
  ASSERT_TRUE(seen.ok()) << seen.message;
  EXPECT_EQ(seen.document.str("/state"), "created");
  EXPECT_EQ(seen.document.str("/id"), made.document.str("/id"));
  EXPECT_EQ(seen.document.str("/image"), image_);
  EXPECT_EQ(seen.document.str("/started"), "");
  EXPECT_EQ(seen.document.str("/labels/scc.test"), unique_);

  ASSERT_TRUE(engine_->start(id).ok());
  EXPECT_TRUE(engine_->start(id).ok()) << "starting what runs is no error";
  seen = engine_->inspect(made.document.str("/id"));
  EXPECT_EQ(seen.document.str("/state"), "running");
  EXPECT_EQ(seen.document.str("/finished"), "");
  EXPECT_GT(seen.document.at("/pid")->integer, 0);
  EXPECT_EQ(seen.document.at("/exit_code")->type, SCC_JSON_NULL);

  ASSERT_TRUE(engine_->stop(id, 5'000).ok());
  EXPECT_TRUE(engine_->stop(id, 5'000).ok()) << "stopping what is stopped is no error";
  seen = engine_->inspect(id);
  EXPECT_EQ(seen.document.str("/state"), "stopped");
  EXPECT_EQ(seen.document.at("/exit_code")->integer, 0) << "SIGTERM came, not SIGKILL";
  EXPECT_NE(seen.document.str("/finished"), "");
  EXPECT_FALSE(seen.document.flag("/oom_killed"));

  ASSERT_TRUE(engine_->remove(id).ok());
  EXPECT_TRUE(engine_->remove(id).ok()) << "removing what is gone is no error";
  EXPECT_TRUE(engine_->stop(id, 0).ok()) << "stopping what is gone is no error";
  seen = engine_->inspect(id);
  EXPECT_EQ(seen.status, SCC_E_NOT_FOUND);
  EXPECT_EQ(seen.code, "runtime.not-found");
}

TEST_F(RuntimeTest, KillsAfterTheGrace) {
  const std::string id = run("a", "", "stubborn");
  const auto start = std::chrono::steady_clock::now();
  ASSERT_TRUE(engine_->stop(id, 900).ok());
  EXPECT_GE(std::chrono::steady_clock::now() - start, std::chrono::milliseconds(900));
  EXPECT_EQ(engine_->inspect(id).document.at("/exit_code")->integer, 137);
}

TEST_F(RuntimeTest, RemovesARunningSandbox) {
  const std::string id = run();
  EXPECT_TRUE(engine_->remove(id).ok());
  EXPECT_EQ(engine_->inspect(id).status, SCC_E_NOT_FOUND);
}

TEST_F(RuntimeTest, ListsByLabelInOneCall) {
  const std::string running = run("run");
  const std::string created = name("new");
  ASSERT_TRUE(engine_->create(spec(created)).ok());
  const std::string labels = R"("labels":{"scc.test":)" + json_text(unique_) + "}";
  const Outcome all = engine_->list(R"({"schema":"scc.list-filter/1","all":true,)" + labels + "}");
  ASSERT_TRUE(all.ok()) << all.message;
  ASSERT_EQ(all.document.at("/sandboxes")->children.size(), 2U) << all.text;
  for (const auto& item : all.document.at("/sandboxes")->children) {
    EXPECT_EQ(item.str("/state"), item.str("/name") == running ? "running" : "created");
    EXPECT_EQ(item.str("/labels/scc.test"), unique_);
    EXPECT_THAT(item.str("/created"), HasSubstr("T"));
    EXPECT_EQ(item.str("/image"), image_);
  }
  const Outcome some = engine_->list(R"({"all":false,)" + labels + "}");
  ASSERT_EQ(some.document.at("/sandboxes")->children.size(), 1U) << some.text;
  EXPECT_EQ(some.document.str("/sandboxes/0/name"), running);
  const Outcome none = engine_->list(R"({"all":true,"labels":{"scc.test":"nobody"}})");
  EXPECT_EQ(none.document.at("/sandboxes")->children.size(), 0U);
}

TEST_F(RuntimeTest, TellsAConflictAndAMissingImage) {
  const std::string id = name();
  ASSERT_TRUE(engine_->create(spec(id)).ok());
  const Outcome again = engine_->create(spec(id));
  EXPECT_EQ(again.status, SCC_E_TOOL);
  EXPECT_EQ(again.code, "runtime.conflict");
  EXPECT_THAT(again.message, HasSubstr(id));
  EXPECT_FALSE(again.hint.empty());

  std::string missing = spec(unique_ + "-missing");
  missing.replace(missing.find(image_), image_.size(), "scc-engine-test-none:1");
  const Outcome refused = engine_->create(missing);
  EXPECT_EQ(refused.status, SCC_E_PREREQ);
  EXPECT_EQ(refused.code, "runtime.no-image");
}

TEST_F(RuntimeTest, IsHardenedAsSeenFromInside) {
  const ExecResult facts = exec(run(), {"/helper", "facts"});
  EXPECT_EQ(facts.exit_code, 0);
  for (const char* line :
       {"CapInh:\t0000000000000000\n", "CapPrm:\t0000000000000000\n", "CapEff:\t0000000000000000\n",
        "CapBnd:\t0000000000000000\n", "CapAmb:\t0000000000000000\n", "NoNewPrivs:\t1\n", "Seccomp:\t2\n",
        "uid=1234 gid=1234 euid=1234\n", "nofile=4321\n", "core=0\n", "root-write=Read-only file system\n",
        "tmp-write=yes\n", "mount=Operation not permitted\n", "setuid=Operation not permitted\n",
        "mknod=Operation not permitted\n", "kmsg=No such file or directory\n",
        "engine-socket=No such file or directory\n"}) {
    EXPECT_THAT(facts.out, HasSubstr(line));
  }
  const bool nested = engine_->info().flag("/features/nested_user_namespaces");
  EXPECT_THAT(facts.out, HasSubstr(nested ? "unshare=yes\n" : "unshare=Operation not permitted\n"));
}

TEST_F(RuntimeTest, PassesTheEnvironmentAndNothingElse) {
  setenv("SCC_TEST_CANARY", "canary", 1);
  // Podman hands its own on to every container unless it is told not to.
  engine_ = std::make_unique<Engine>(
      sdk::StringMap{{"HTTP_PROXY", "http://canary:1"}, {"http_proxy", "http://canary:1"}});
  const ExecResult env = exec(run(), {"/helper", "env"});
  EXPECT_THAT(env.out, HasSubstr("MARK=a=b c\n"));
  EXPECT_THAT(env.out, testing::Not(HasSubstr("canary")));
}

TEST_F(RuntimeTest, BindsDirectoriesWhateverTheirNames) {
  std::vector<std::string> names = {"with space",  "co:lon",   "com,ma", "quo\"te",
                                    "apo'strophe", "-leading", "ünï→😀",  "back\\slash",
                                    "dol$HOME",    "%41",      "a=b",    "tab\there"};
  for (const std::string& directory : names) {
    SCOPED_TRACE(directory);
    const fs::path source = scratch_.path() / directory;
    fs::create_directory(source);
    fs::permissions(source, fs::perms::all);
    std::ofstream(source / "there") << "content of " << directory;
    const std::string id = name("bind");
    const Outcome made = engine_->create(
        spec(id, R"(,{"type":"bind","source":)" + json_text(source.string()) + R"(,"target":)" +
                     json_text("/repo/" + directory) + R"(,"read_only":false})"));
    if (directory.find('\t') != std::string::npos) {
      EXPECT_EQ(made.code, "runtime.spec") << "a control character in a path is refused";
      continue;
    }
    ASSERT_TRUE(made.ok()) << made.code << ": " << made.message;
    ASSERT_TRUE(engine_->start(id).ok());
    EXPECT_EQ(exec(id, {"/helper", "cat", "/repo/" + directory + "/there"}).out, "content of " + directory);
    EXPECT_EQ(exec(id, {"/helper", "write", "/repo/" + directory + "/new", "x"}).exit_code, 0);
    EXPECT_TRUE(fs::exists(source / "new"));
    struct stat info {};
    ASSERT_EQ(stat((source / "new").c_str(), &info), 0);
    EXPECT_EQ(info.st_uid, owner_outside());
    ASSERT_TRUE(engine_->remove(id).ok());
  }
}

TEST_F(RuntimeTest, NeverMakesAMissingSource) {
  const fs::path source = scratch_.path() / "absent";
  const Outcome made =
      engine_->create(spec(name(), R"(,{"type":"bind","source":)" + json_text(source.string()) +
                                       R"(,"target":"/repo","read_only":true})"));
  EXPECT_EQ(made.status, SCC_E_PREREQ);
  EXPECT_EQ(made.code, "runtime.mount") << made.message;
  EXPECT_FALSE(made.hint.empty());
  EXPECT_FALSE(fs::exists(source));
}

TEST_F(RuntimeTest, KeepsReadOnlyMountsReadOnly) {
  const fs::path file = scratch_.path() / "file";
  std::ofstream(file) << "text";
  fs::permissions(file, fs::perms::all);
  const std::string id = run("a", R"(,{"type":"bind","source":)" + json_text(file.string()) +
                                      R"(,"target":"/etc/file","read_only":true})");
  EXPECT_EQ(exec(id, {"/helper", "cat", "/etc/file"}).out, "text");
  EXPECT_EQ(exec(id, {"/helper", "write", "/etc/file", "x"}).exit_code, EROFS);
  const Outcome seen = engine_->inspect(id);
  bool found = false;
  for (const auto& mount : seen.document.at("/mounts")->children) {
    if (mount.str("/target") != "/etc/file") continue;
    found = true;
    EXPECT_EQ(mount.str("/type"), "bind");
    EXPECT_EQ(mount.str("/source"), file.string());
    EXPECT_TRUE(mount.flag("/read_only"));
  }
  EXPECT_TRUE(found) << seen.text;
}

TEST_F(RuntimeTest, LeavesOutWhatIsMountedBelowASource) {
  if (geteuid() != 0) {
    // What is mounted below /dev is locked for a user of his own namespace: the kernel refuses to leave it
    // out.
    const std::string dev = name();
    const Outcome made =
        engine_->create(spec(dev, R"(,{"type":"bind","source":"/dev","target":"/repo","read_only":true})"));
    const Outcome started = made.ok() ? engine_->start(dev) : made;
    if (started.ok()) {
      EXPECT_EQ(exec(dev, {"/helper", "stat", "/repo/pts/ptmx"}).exit_code, ENOENT);
    }
    return;
  }
  const fs::path outer = scratch_.path() / "outer";
  fs::create_directories(outer / "inner");
  ASSERT_EQ(mount_tmpfs(outer / "inner"), 0);
  std::ofstream(outer / "inner" / "secret") << "secret";
  const std::string id = run("a", R"(,{"type":"bind","source":)" + json_text(outer.string()) +
                                      R"(,"target":"/repo","read_only":false})");
  EXPECT_EQ(exec(id, {"/helper", "cat", "/repo/inner/secret"}).exit_code, ENOENT);
  unmount(outer / "inner");
}

TEST_F(RuntimeTest, GivesTmpfsTheirOptions) {
  // A directory that is not in the image: runc before 1.1.8 gives a tmpfs the mode of the directory it
  // covers.
  const std::string id = run("a", R"(,{"type":"tmpfs","target":"/fresh","read_only":false,"options":)"
                                  R"({"size":4194304,"mode":"0700","uid":1234,"gid":1234,"exec":true}})");
  // An engine that gives a tmpfs no owner lets the sandbox's only user write it otherwise.
  const bool owner = engine_->info().flag("/features/tmpfs_owner");
  EXPECT_EQ(exec(id, {"/helper", "stat", "/fresh"}).out, owner ? "700 1234 1234" : "1777 0 0");
  EXPECT_EQ(exec(id, {"/helper", "write", "/fresh/new", "x"}).exit_code, 0);
  EXPECT_EQ(exec(id, {"/helper", "stat", "/tmp"}).out, "1777 0 0");
  const std::string mounts = exec(id, {"/helper", "cat", "/proc/self/mounts"}).out;
  EXPECT_THAT(mounts, testing::ContainsRegex("tmpfs /fresh tmpfs rw,nosuid,nodev,relatime,size=4096k"));
  EXPECT_THAT(mounts, testing::ContainsRegex("tmpfs /tmp tmpfs rw,nosuid,nodev,noexec,"));
}

TEST_F(RuntimeTest, KeepsVolumesAndTellsWhoMadeThem) {
  const std::string volume = unique_ + "-volume";
  const std::string request = R"({"schema":"scc.volume-request/1","name":)" + json_text(volume) +
                              R"(,"labels":{"scc.test":)" + json_text(unique_) + "}}";
  const Outcome first = engine_->ask(engine_->table->volume_ensure, view(request));
  ASSERT_TRUE(first.ok()) << first.message;
  EXPECT_TRUE(first.document.flag("/created"));
  const Outcome second = engine_->ask(engine_->table->volume_ensure, view(request));
  EXPECT_FALSE(second.document.flag("/created"));
  EXPECT_EQ(second.document.str("/labels/scc.test"), unique_);
  const std::string mount =
      R"(,{"type":"volume","source":)" + json_text(volume) + R"(,"target":"/data","read_only":false})";
  const std::string id = run("a", mount);
  const Outcome busy = engine_->plain(engine_->table->volume_remove, view(volume));
  EXPECT_EQ(busy.code, "runtime.conflict");
  Tar tar;
  tar.file("from-tar", "through put", 0600, 1234, 1234);
  const Outcome put = engine_->put(id, "/data", tar.finish());
  ASSERT_TRUE(put.ok()) << put.message;
  EXPECT_EQ(exec(id, {"/helper", "cat", "/data/from-tar"}).out, "through put");
  ASSERT_TRUE(engine_->remove(id).ok());
  // Before the first start, as a launch gives a volume to the user of the sandbox.
  const std::string later = name("b");
  ASSERT_TRUE(engine_->create(spec(later, mount)).ok());
  Tar owner;
  owner.dir(".", 0750, 1234, 1234);
  ASSERT_TRUE(engine_->put(later, "/data", owner.finish()).ok());
  ASSERT_TRUE(engine_->start(later).ok());
  EXPECT_EQ(exec(later, {"/helper", "stat", "/data"}).out, "750 1234 1234")
      << "the entry of the directory itself is obeyed";
  ASSERT_TRUE(engine_->remove(later).ok());
  const std::string filter = R"({"labels":{"scc.test":)" + json_text(unique_) + "}}";
  const Outcome list = engine_->ask(engine_->table->volume_list, view(filter));
  ASSERT_EQ(list.document.at("/volumes")->children.size(), 1U) << "a named volume survives its sandbox";
  EXPECT_EQ(list.document.str("/volumes/0/name"), volume);
  EXPECT_TRUE(engine_->plain(engine_->table->volume_remove, view(volume)).ok());
  EXPECT_TRUE(engine_->plain(engine_->table->volume_remove, view(volume)).ok()) << "gone already";
}

TEST_F(RuntimeTest, CopiesOutOfAStoppedSandbox) {
  const std::string id = name();
  ASSERT_TRUE(engine_->create(spec(id)).ok());
  const Outcome got = engine_->ask(engine_->table->sandbox_get, view(id), view("/etc/passwd"));
  ASSERT_TRUE(got.ok()) << got.message;
  EXPECT_EQ(Tar::read(got.text)["passwd"], "agent:x:1234:1234::/tmp:/helper\n");
  const Outcome none = engine_->ask(engine_->table->sandbox_get, view(id), view("/none"));
  EXPECT_EQ(none.status, SCC_E_NOT_FOUND);
  EXPECT_TRUE(none.text.empty()) << "no error document in the tar";
}

TEST_F(RuntimeTest, TellsARefusedUploadWhateverItsSize) {
  const std::string id = name();
  ASSERT_TRUE(engine_->create(spec(id)).ok());
  Tar tar;
  tar.file("big", std::string(std::size_t{40} << 20U, 'x'));
  // The engine answers before it has read the body and closes.
  const Outcome missing = engine_->put(id, "/none", tar.finish());
  EXPECT_EQ(missing.code, "runtime.not-found") << missing.message;
  const Outcome read_only = engine_->put(id, "/etc", tar.finish());
  // An engine may write below a root that is read-only for the sandbox; nothing else may happen.
  if (!read_only.ok()) {
    EXPECT_THAT(read_only.message, HasSubstr("read-only"));
  }
}

TEST_F(RuntimeTest, MakesNetworksAndUsesThem) {
  const std::string network = unique_ + "-net";
  const std::string request = R"({"schema":"scc.network-request/1","name":)" + json_text(network) +
                              R"(,"labels":{"scc.test":)" + json_text(unique_) +
                              R"(},"internal":true,"options":{}})";
  const Outcome made = engine_->ask(engine_->table->network_create, view(request));
  ASSERT_TRUE(made.ok()) << made.message;
  EXPECT_THAT(made.document.str("/subnet"), HasSubstr("/"));
  EXPECT_EQ(engine_->ask(engine_->table->network_create, view(request)).code, "runtime.conflict");
  const std::string id = name();
  ASSERT_TRUE(
      engine_->create(spec(id, "", "init", R"({"mode":"named","name":)" + json_text(network) + "}")).ok());
  ASSERT_TRUE(engine_->start(id).ok());
  EXPECT_EQ(engine_->inspect(id).document.strings("/networks"), std::vector<std::string>{network});
  EXPECT_FALSE(engine_->plain(engine_->table->network_remove, view(network)).ok()) << "in use";
  ASSERT_TRUE(engine_->remove(id).ok());
  const std::string filter = R"({"labels":{"scc.test":)" + json_text(unique_) + "}}";
  const Outcome list = engine_->ask(engine_->table->network_list, view(filter));
  EXPECT_EQ(list.document.str("/networks/0/id"), made.document.str("/id"));
  EXPECT_TRUE(engine_->plain(engine_->table->network_remove, view(network)).ok());
  EXPECT_TRUE(engine_->plain(engine_->table->network_remove, view(network)).ok()) << "gone already";
}

TEST_F(RuntimeTest, RefusesSpecsThatWouldOpenTheSandbox) {
  const std::string good = spec(unique_ + "-never");
  const auto with = [&](const std::string& from, const std::string& to) {
    std::string text = good;
    const auto at = text.find(from);
    EXPECT_NE(at, std::string::npos) << from;
    text.replace(at, from.size(), to);
    const Outcome made = engine_->create(text);
    EXPECT_FALSE(made.ok()) << to;
    return made.code;
  };
  EXPECT_EQ(with(R"(["ALL"])", R"(["NET_RAW"])"), "runtime.spec");
  EXPECT_EQ(with(R"("no_new_privileges":true)", R"("no_new_privileges":false)"), "runtime.spec");
  EXPECT_EQ(with(R"({"mode":"none"})", R"({"mode":"host"})"), "runtime.spec");
  EXPECT_EQ(with(R"({"mode":"none"})", R"({"mode":"named","name":"host"})"), "runtime.spec");
  EXPECT_EQ(with(R"({"mode":"none"})", R"({"mode":"named","name":"container:x"})"), "runtime.name");
  EXPECT_EQ(with(R"("target":"/tmp")", R"("target":"tmp")"), "runtime.spec");
  EXPECT_EQ(with(R"("target":"/tmp")", R"("target":"/tmp/../etc")"), "runtime.spec");
  EXPECT_EQ(with(R"("mode":"1777")", R"("mode":"1777,exec")"), "runtime.spec");
  EXPECT_EQ(with(unique_ + "-never", "a/b?x=y"), "runtime.name");
  EXPECT_EQ(with(R"("uid":1234)", R"("uid":-1)"), "runtime.spec");
}

TEST_F(RuntimeTest, LimitsTheNumberOfProcessesOrTellsThatItCannot) {
  if (!engine_->info().flag("/cgroup/pids")) {
    EXPECT_TRUE(engine_->has_problem("runtime.no-pids-limit"));
    const Outcome made = engine_->create(spec(name()));
    ASSERT_TRUE(made.ok()) << made.message;
    EXPECT_THAT(made.document.strings("/warnings"), Contains(HasSubstr("number of processes")));
    return;
  }
  const std::string forks = exec(run(), {"/helper", "forks"}).out;
  EXPECT_GT(std::stoi("0" + forks), 10) << forks;
  EXPECT_LT(std::stoi("0" + forks), 64) << forks;
}

TEST_F(RuntimeTest, RunsTwentySandboxesAtOnce) {
  constexpr int kMany = 20;
  std::vector<std::string> ids;
  for (int i = 0; i < kMany; ++i) ids.push_back(run("many" + std::to_string(i)));
  std::vector<ExecHandle> running;
  for (const std::string& id : ids) {
    Outcome opened;
    auto handle = engine_->exec(id, exec_request({"/helper", "echo"}), opened);
    ASSERT_TRUE(handle) << opened.message;
    running.push_back(std::move(*handle));
  }
  for (int i = 0; i < kMany; ++i) {
    running[static_cast<std::size_t>(i)].write_all("to " + std::to_string(i) + ";");
  }
  for (int i = 0; i < kMany; ++i) {
    ExecResult result;
    EXPECT_EQ(running[static_cast<std::size_t>(i)].close_input(), SCC_OK);
    running[static_cast<std::size_t>(i)].finish(result);
    EXPECT_EQ(result.out, "to " + std::to_string(i) + ";");
    EXPECT_EQ(result.exit_code, 0);
  }
  const Outcome all = engine_->list(R"({"all":false,"labels":{"scc.test":)" + json_text(unique_) + "}}");
  EXPECT_EQ(all.document.at("/sandboxes")->children.size(), static_cast<std::size_t>(kMany)) << all.message;
}

TEST_F(RuntimeTest, KeepsTheNamesOfTheHostToItself) {
  std::ifstream file("/etc/hosts");
  const std::string inside = exec(run(), {"/helper", "cat", "/etc/hosts"}).out;
  for (std::string line; std::getline(file, line);) {
    const bool local = line.find("localhost") != std::string::npos || line.find("ip6-") != std::string::npos;
    if (line.empty() || line.front() == '#' || local) continue;
    EXPECT_THAT(inside, testing::Not(HasSubstr(line)));
  }
}

TEST_F(RuntimeTest, EscapesNamesInUrls) {
  for (const std::string id : {"", "..", "a/../b", "x?all=1", "x#y", "%2e%2e", "a b", "-x", "\n"}) {
    EXPECT_EQ(engine_->inspect(id).code, "runtime.name") << id;
    EXPECT_EQ(engine_->remove(id).code, "runtime.name") << id;
  }
}

TEST_F(RuntimeTest, StopsWhenTheUserAsksTo) {
  engine_->cancelled = true;
  const Outcome list = engine_->list("{}");
  EXPECT_EQ(list.status, SCC_E_CANCELLED) << list.message;
  engine_->cancelled = false;
}

}  // namespace
}  // namespace scc::test
