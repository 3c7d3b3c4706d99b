// SPDX-License-Identifier: Apache-2.0
// Whole sessions against an engine with state: what is there while they run and what is left when they end,
// also when the host is killed at any step of the journal.
#include <algorithm>
#include <csignal>
#include <fcntl.h>
#include <unistd.h>

#include <sys/stat.h>
#include <sys/wait.h>

#include "base/str.h"
#include "fixture.h"
#include "os/idmap.h"
#include "session/lister.h"

namespace scc::session {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

/// An idmapped bind needs root and a file system that allows it.
bool idmap_works(const stdfs::path& scratch) {
  if (::geteuid() != 0) return false;
  stdfs::create_directories(scratch / "from");
  stdfs::create_directories(scratch / "to");
  if (!os::mount_idmapped(scratch / "from", scratch / "to", {0, 1000, 0, 1000})) return false;
  return os::unmount(scratch / "to").has_value();
}

class WholeSessionTest : public EngineTest {
 protected:
  WholeSessionTest() : null(::open("/dev/null", O_RDWR | O_CLOEXEC)) {
    options.in = options.out = options.err = null.get();
  }
  os::Fd null;
  AttachOptions options;
};

TEST_F(WholeSessionTest, EndsWithTheAgentsCodeAndAStoppedSandbox) {
  file_engine.agent = [](test::ExecPeer& peer) { peer.exit(3); };
  const auto outcome = run_session(test::make_plan(), deps(), options);
  ASSERT_TRUE(outcome) << explain(outcome.error());
  EXPECT_EQ(outcome->exit_code, 3);
  ASSERT_EQ(count("sandboxes"), 1U);
  EXPECT_EQ(file_engine.objects().at("/sandboxes")->members().begin()->second.str("/state"), "stopped");
  EXPECT_EQ(count("networks"), 0U);
  EXPECT_FALSE(locked());
  const auto record = read_record(directory());
  ASSERT_TRUE(record);
  EXPECT_EQ(record->status, SessionStatus::exited);
  EXPECT_EQ(record->exit_code, 3);
  EXPECT_NE(record->container_id, "");
  EXPECT_NE(record->ended, "");
  EXPECT_EQ(read_journal(directory()).value().back().op, "sandbox.stop");
  EXPECT_EQ(read_journal(directory()).value().back().phase, "done");
}

TEST_F(WholeSessionTest, RunningWhileTheAgentRuns) {
  std::string state;
  std::string status;
  file_engine.agent = [&](test::ExecPeer&) {
    const auto list = list_sandboxes({&file_engine}, paths, env);
    state = list.value().at(0).state;
    EXPECT_TRUE(test::ExecPeer::eventually([&] {
      status = to_string(read_record(directory())->status);
      return status == "running";
    }));
  };
  ASSERT_TRUE(run_session(test::make_plan(), deps(), options));
  EXPECT_EQ(state, "running");
  EXPECT_EQ(status, "running");
}

TEST_F(WholeSessionTest, SecretsAreAskedForLateAndWrittenNowhere) {
  json::Value plan = test::make_plan();
  plan["secrets"] = json::Array{json::Object{{"name", "api-key"}, {"from", "env:CANARY"}}};
  ASSERT_TRUE(run_session(plan, deps(), options));
  for (const auto& entry : stdfs::recursive_directory_iterator(home.path())) {
    if (!entry.is_regular_file()) continue;
    const std::string bytes = os::read_file(entry.path()).value_or("");
    EXPECT_EQ(bytes.find("value of env:CANARY"), std::string::npos) << entry.path();
    EXPECT_EQ(bytes.find("dmFsdWUgb2YgZW52OkNBTkFSWQ"), std::string::npos) << entry.path();
  }
}

TEST_F(WholeSessionTest, FailedVerificationLeavesNothing) {
  file_engine.scripts.push_back([](test::ExecPeer& peer) {
    test::send_evidence(peer, test::good_evidence(peer, json::Value()));  // none of the planned mounts
    peer.read_to_end();
  });
  const auto outcome = run_session(test::make_plan(), deps(), options);
  ASSERT_FALSE(outcome);
  EXPECT_EQ(outcome.error().id, "verify.failed");
  EXPECT_EQ(count("sandboxes"), 0U);
  EXPECT_EQ(count("networks"), 0U);
  EXPECT_EQ(count("volumes"), 1U) << "credentials stay";
  EXPECT_FALSE(stdfs::exists(directory()));
  EXPECT_FALSE(locked());
}

TEST_F(WholeSessionTest, AnotherDirectoryThanThePlannedOneGetsNoAgent) {
  const stdfs::path repo = home.path() / "repo";
  stdfs::create_directories(repo);
  file_engine.scripts.push_back([&](test::ExecPeer& peer) {
    const json::Value plan = read_executed_plan(paths, test::PlanOptions{}.name).value();
    json::Value evidence = test::good_evidence(peer, *plan.at("/sandbox/mounts"));
    evidence["boot_id"] = str::trim(os::read_file("/proc/sys/kernel/random/boot_id").value());
    for (json::Value& mount : evidence["mounts"].array()) mount["device"] = mount["inode"] = 1;
    test::send_evidence(peer, evidence);
    peer.read_to_end();
  });
  test::PlanOptions plan;
  plan.workspace = repo.native();
  const auto outcome = run_session(test::make_plan(plan), deps(), options);
  ASSERT_FALSE(outcome);
  EXPECT_EQ(outcome.error().id, "verify.failed");
  EXPECT_THAT(outcome.error().message, HasSubstr("source:" + repo.native()));
  EXPECT_EQ(count("sandboxes"), 0U);
}

TEST_F(WholeSessionTest, MissingSecretUndoesTheLaunch) {
  json::Value plan = test::make_plan();
  plan["secrets"] = json::Array{json::Object{{"name", "api-key"}, {"from", "env:UNSET"}}};
  Deps without = deps();
  without.secret = [](const std::string&) -> Result<std::string> {
    return fail(Kind::usage, "secret.unset", "UNSET is not set");
  };
  const auto outcome = run_session(plan, without, options);
  ASSERT_FALSE(outcome);
  EXPECT_EQ(outcome.error().id, "secret.unset");
  EXPECT_EQ(count("sandboxes"), 0U);
}

TEST_F(WholeSessionTest, NoAgentWithoutItsAuditLine) {
  file_engine.scripts.push_back([&](test::ExecPeer& peer) {
    const json::Value plan = read_executed_plan(paths, test::PlanOptions{}.name).value();
    test::send_evidence(peer, test::good_evidence(peer, *plan.at("/sandbox/mounts")));
    EXPECT_EQ(peer.read_to_end(), "") << "nothing tells the checker to go on";
  });
  Deps full = deps();
  std::string told;
  full.audit = [&](const std::string& event, const std::string& session,
                   const std::map<std::string, std::string>& facts) -> Status {
    told = event + " " + facts.at("sandbox");
    EXPECT_FALSE(session.empty());
    EXPECT_EQ(facts.at("evidence_sha256").size(), 64U);
    return fail(Kind::config, "audit.unwritable", "no space left on device", "make room");
  };
  const auto outcome = run_session(test::make_plan(), full, options);
  ASSERT_FALSE(outcome);
  EXPECT_EQ(outcome.error().id, "audit.unwritable");
  EXPECT_EQ(told, "launch.started " + test::PlanOptions{}.name);
  EXPECT_EQ(count("sandboxes"), 0U);
  EXPECT_FALSE(stdfs::exists(directory()));
  EXPECT_FALSE(locked());
}

TEST_F(WholeSessionTest, TheCollectorServesAsLongAsTheSession) {
  json::Value plan = test::make_plan();
  plan["audit"]["directory"] = "/run/scc-audit";
  bool serves = false;
  bool served_the_agent = false;
  Deps full = deps();
  full.collect = [&](const std::string&, const stdfs::path& at) -> Result<std::shared_ptr<void>> {
    EXPECT_EQ(at, directory() / "audit");
    serves = true;
    return std::shared_ptr<void>(&serves, [](bool* flag) { *flag = false; });
  };
  file_engine.agent = [&](test::ExecPeer& peer) {
    served_the_agent = serves;
    peer.exit(0);
  };
  ASSERT_TRUE(run_session(plan, full, options));
  EXPECT_TRUE(served_the_agent);
  EXPECT_FALSE(serves);
  full.collect = [](const std::string&, const stdfs::path&) -> Result<std::shared_ptr<void>> {
    return fail(Kind::prereq, "audit.collector", "no sockets here");
  };
  const auto refused = run_session(plan, full, options);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().id, "audit.collector");
  EXPECT_FALSE(locked());
}

TEST_F(WholeSessionTest, SandboxThatCannotBeStoppedIsAnError) {
  file_engine.failures["sandbox_stop"] = Error{Kind::tool, "x", "stuck", "", {}};
  const auto outcome = run_session(test::make_plan(), deps(), options);
  ASSERT_FALSE(outcome);
  EXPECT_EQ(outcome.error().id, "session.not-stopped");
  EXPECT_THAT(outcome.error().hint, HasSubstr("scc stop"));
  EXPECT_EQ(count("networks"), 0U) << "the rest is done all the same";
  EXPECT_FALSE(locked());
}

TEST_F(WholeSessionTest, NextSessionReplacesTheStoppedSandbox) {
  ASSERT_TRUE(run_session(test::make_plan(), deps(), options));
  const std::string first = read_record(directory())->container_id;
  ASSERT_TRUE(run_session(test::make_plan(), deps(), options));
  EXPECT_EQ(count("sandboxes"), 1U);
  EXPECT_NE(read_record(directory())->container_id, first);
}

TEST_F(WholeSessionTest, ShellGoesThroughTheCheckerWithThePlanOfTheSession) {
  ASSERT_TRUE(run_session(test::make_plan(), deps(), options));
  const std::string id = read_record(directory())->container_id;
  ASSERT_TRUE(file_engine.sandbox_start(id));
  const auto target = shell_target(paths, test::PlanOptions{}.name, id, {"/bin/bash"}, false);
  ASSERT_TRUE(target) << explain(target.error());
  EXPECT_EQ(target->uid, 1000);
  EXPECT_EQ(target->sandbox_id, id);
  EXPECT_THAT(target->argv, ElementsAre("/bin/bash"));
  EXPECT_EQ(target->mounts.items().size(), 4U);
  EXPECT_TRUE(target->secrets.empty());
  const auto outcome = attach_exec(*target, deps(), options);
  ASSERT_TRUE(outcome) << explain(outcome.error());
  EXPECT_EQ(shell_target(paths, "scc-oci-none", "c", {}, false).error().id, "session.no-plan");
}

TEST_F(WholeSessionTest, ShellGetsNothingWhereASourceHasChanged) {
  const stdfs::path repo = home.path() / "repo";
  stdfs::create_directories(repo);
  test::PlanOptions made;
  made.workspace = repo.native();
  ASSERT_TRUE(run_session(test::make_plan(made), deps(), options));
  const std::string id = read_record(directory())->container_id;
  ASSERT_TRUE(file_engine.sandbox_start(id));
  const auto target = shell_target(paths, made.name, id, {"/bin/bash"}, false);
  ASSERT_TRUE(target) << explain(target.error());
  // The sandbox still shows the directory that was there.
  struct stat was {};
  ASSERT_EQ(::stat(repo.c_str(), &was), 0);
  stdfs::rename(repo, home.path() / "aside");
  stdfs::create_directories(repo);
  file_engine.scripts.push_back([&](test::ExecPeer& peer) {
    json::Value evidence = test::good_evidence(peer, target->mounts);
    evidence["boot_id"] = str::trim(os::read_file("/proc/sys/kernel/random/boot_id").value());
    for (json::Value& mount : evidence["mounts"].array()) {
      mount["device"] = static_cast<std::int64_t>(was.st_dev);
      mount["inode"] = static_cast<std::int64_t>(was.st_ino);
    }
    test::send_evidence(peer, evidence);
    peer.read_to_end();
  });
  const auto outcome = attach_exec(*target, deps(), options);
  ASSERT_FALSE(outcome);
  EXPECT_EQ(outcome.error().id, "verify.failed");
  EXPECT_THAT(outcome.error().message, HasSubstr("source:" + repo.native()));
}

/// kill -9 of the host at one point of a session; what is left must go with one prune.
class KillTest : public WholeSessionTest, public ::testing::WithParamInterface<std::string> {
 protected:
  json::Value plan() {
    test::PlanOptions plan_options;
    plan_options.volume = "scc-vol-own";
    plan_options.instance_volume = true;
    stdfs::create_directories(home.path() / "repo");
    if (idmap_works(home.path() / "probe")) plan_options.idmap_source = (home.path() / "repo").native();
    return test::make_plan(plan_options);
  }
  /// The signal that ended a child which runs the session, or 0.
  int run_and_die(const json::Value& what) {
    const pid_t child = ::fork();
    if (child == 0) {
      env.vars["SCC_TEST_KILL_AT"] = GetParam();
      static_cast<void>(run_session(what, deps(), options));
      ::_exit(0);
    }
    int status = 0;
    EXPECT_EQ(::waitpid(child, &status, 0), child);
    return WIFSIGNALED(status) ? WTERMSIG(status) : 0;
  }
};

TEST_P(KillTest, PruneLeavesNothingAndTakesNothingElse) {
  json::Value all = file_engine.objects();
  all["volumes"]["scc-cred-fake-default-1000"] =
      json::Object{{"name", "scc-cred-fake-default-1000"}, {"labels", test::own_labels("x", "volume")}};
  all["images"]["img"] = json::Object{{"name", "img"}};
  all["sandboxes"]["foreign"] =
      json::Object{{"id", "foreign"}, {"name", "other"}, {"state", "stopped"}, {"labels", json::Object{}}};
  file_engine.store(all);
  const json::Value what = plan();
  if (GetParam().rfind("workspace.", 0) == 0 &&
      json::dump(what).find("workspace.idmap") == std::string::npos) {
    GTEST_SKIP() << "idmapped mounts need root and a file system that allows them";
  }
  ASSERT_EQ(run_and_die(what), SIGKILL) << "the kill point was not reached";

  const auto report = plan_prune({&file_engine}, paths, env);
  ASSERT_TRUE(report) << explain(report.error());
  const PruneOutcome outcome = apply_prune(*report, {&file_engine}, paths);
  for (const Error& error : outcome.errors) ADD_FAILURE() << explain(error);
  EXPECT_THAT(outcome.kept, IsEmpty());
  EXPECT_EQ(count("sandboxes"), 1U) << "the foreign one stays";
  EXPECT_EQ(count("networks"), 0U);
  EXPECT_EQ(count("volumes"), 1U) << "credentials stay";
  EXPECT_EQ(count("images"), 1U);
  EXPECT_TRUE(list_instances(paths)->empty());
  EXPECT_FALSE(locked());
  EXPECT_TRUE(stdfs::exists(home.path() / "repo"));
  EXPECT_TRUE(plan_prune({&file_engine}, paths, env)->items.empty()) << "a second prune finds nothing";
  // And the next launch works.
  const auto next = run_session(what, deps(), options);
  EXPECT_TRUE(next) << explain(next.error());
}

TEST_P(KillTest, TheNextStartNeedsNoPrune) {
  const json::Value what = plan();
  if (GetParam().rfind("workspace.", 0) == 0 &&
      json::dump(what).find("workspace.idmap") == std::string::npos) {
    GTEST_SKIP() << "idmapped mounts need root and a file system that allows them";
  }
  ASSERT_EQ(run_and_die(what), SIGKILL) << "the kill point was not reached";
  const auto left = list_sandboxes({&file_engine}, paths, env);
  const bool ran = !left->empty() && left->front().state == "stale";
  const auto next = run_session(what, deps(), options);
  ASSERT_TRUE(next) << explain(next.error());
  EXPECT_EQ(count("sandboxes"), 1U);
  EXPECT_EQ(count("networks"), 0U) << "also what the killed one had made";
  EXPECT_EQ(read_record(directory())->status, SessionStatus::exited);
  if (ran) {
    ASSERT_FALSE(notes.empty());
    EXPECT_THAT(notes.front(), HasSubstr("is gone"));
  } else {
    EXPECT_THAT(notes, IsEmpty());
  }
}

std::vector<std::string> kill_points() {
  std::vector<std::string> out;
  for (const char* op : {"instance.create", "files.write", "workspace.idmap", "volume.ensure",
                         "network.apply", "sandbox.create", "volume.prepare", "sandbox.start",
                         "workspace.detach", "agent.exec", "sandbox.stop"}) {
    out.push_back(std::string(op) + ":before");
    out.push_back(std::string(op) + ":after");
  }
  return out;
}

INSTANTIATE_TEST_SUITE_P(EveryStep, KillTest, ::testing::ValuesIn(kill_points()), [](const auto& one) {
  std::string name = one.param;
  std::replace_if(
      name.begin(), name.end(), [](char c) { return c == '.' || c == ':'; }, '_');
  return name;
});

TEST_F(WholeSessionTest, KillWithoutAPointIsBeforeTheEffect) {
  const pid_t child = ::fork();
  if (child == 0) {
    env.vars["SCC_TEST_KILL_AT"] = "sandbox.create";
    static_cast<void>(run_session(test::make_plan(), deps(), options));
    ::_exit(0);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFSIGNALED(status));
  EXPECT_EQ(count("sandboxes"), 0U);
  EXPECT_EQ(read_journal(directory()).value().back().phase, "intent");
}

}  // namespace
}  // namespace scc::session
