// SPDX-License-Identifier: Apache-2.0
// What prune and stop may touch, and what they must leave alone.
#include "session/prune.h"

#include "fixture.h"
#include "session/lister.h"

namespace scc::session {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class PruneTest : public EngineTest {
 protected:
  const std::string name = test::PlanOptions{}.name;

  void add(const char* kind, const std::string& id, json::Value labels, const char* state = "stopped",
           const std::string& object_name = "") {
    json::Value all = file_engine.objects();
    all[kind][id] = json::Object{{"id", id},
                                 {"name", object_name.empty() ? id : object_name},
                                 {"state", state},
                                 {"created", "2026-01-0" + std::to_string(all[kind].members().size() + 1)},
                                 {"labels", std::move(labels)}};
    file_engine.store(all);
  }
  json::Value labels(const char* role = "agent") const { return test::own_labels(name, role); }
  void add_instance(const std::string& runtime, SessionStatus status = SessionStatus::exited) {
    ASSERT_TRUE(os::make_dirs(directory() / "files"));
    SessionRecord record;
    record.name = name;
    record.runtime = runtime;
    record.status = status;
    record.container_id = "c1";
    ASSERT_TRUE(write_record(directory(), record));
  }
  std::vector<std::string> planned() {
    const auto report = plan_prune({&file_engine}, paths, env);
    EXPECT_TRUE(report) << explain(report.error());
    std::vector<std::string> out;
    for (const PruneItem& item : report->items)
      out.push_back(std::string(to_string(item.what)) + " " + item.name);
    return out;
  }
  PruneOutcome prune() {
    const auto report = plan_prune({&file_engine}, paths, env);
    EXPECT_TRUE(report) << explain(report.error());
    return apply_prune(*report, {&file_engine}, paths);
  }
};

TEST_F(PruneTest, NothingIsAnEmptyReport) {
  EXPECT_THAT(planned(), IsEmpty());
  EXPECT_FALSE(stdfs::exists(paths.state));
}

TEST_F(PruneTest, TakesStoppedAndLeakedSandboxesAndTheirThings) {
  add("sandboxes", "c1", labels(), "stopped", name);
  add("networks", "n1", labels("network"));
  add("volumes", "v1", labels("volume"));
  add_instance("fake");
  const json::Value before = file_engine.objects();
  EXPECT_THAT(planned(), ElementsAre("sandbox " + name, "network n1", "volume v1", "instance " + name));
  EXPECT_EQ(file_engine.objects(), before) << "the plan only looks";
  const PruneOutcome outcome = prune();
  EXPECT_THAT(outcome.removed, SizeIs(4));
  EXPECT_THAT(outcome.errors, IsEmpty());
  EXPECT_EQ(count("sandboxes") + count("networks") + count("volumes"), 0U);
  EXPECT_FALSE(stdfs::exists(directory()));
  EXPECT_THAT(planned(), IsEmpty());
}

TEST_F(PruneTest, RunningSandboxWithoutItsSessionIsStoppedFirst) {
  add("sandboxes", "c1", labels(), "running", name);
  file_engine.failures["sandbox_stop"] = Error{Kind::tool, "x", "stuck", "", {}};
  EXPECT_THAT(prune().errors, SizeIs(1));
  EXPECT_EQ(count("sandboxes"), 1U);
  file_engine.failures.clear();
  EXPECT_THAT(prune().removed, SizeIs(1));
  EXPECT_EQ(count("sandboxes"), 0U);
}

TEST_F(PruneTest, LiveSessionProtectsAllItsThings) {
  add("sandboxes", "c1", labels(), "running", name);
  add("networks", "n1", labels("network"));
  add("volumes", "v1", labels("volume"));
  add_instance("fake", SessionStatus::running);
  auto lock = os::FileLock::acquire(launch_lock_path(paths, name), 0);
  ASSERT_TRUE(lock);
  EXPECT_THAT(planned(), IsEmpty());
  EXPECT_THAT(plan_prune({&file_engine}, paths, env)->skipped, ElementsAre(name));
}

TEST_F(PruneTest, SessionThatBeginsBetweenPlanAndRemovalKeepsItsThings) {
  add("sandboxes", "c1", labels(), "stopped", name);
  add_instance("fake");
  const auto report = plan_prune({&file_engine}, paths, env);
  ASSERT_TRUE(report);
  ASSERT_THAT(report->items, SizeIs(2));
  auto lock = os::FileLock::acquire(launch_lock_path(paths, name), 0);
  ASSERT_TRUE(lock);
  const PruneOutcome outcome = apply_prune(*report, {&file_engine}, paths);
  EXPECT_THAT(outcome.removed, IsEmpty());
  EXPECT_THAT(outcome.kept, SizeIs(2));
  EXPECT_EQ(count("sandboxes"), 1U);
  EXPECT_TRUE(stdfs::exists(directory()));
}

TEST_F(PruneTest, NothingOfAnyoneElse) {
  const auto variant = [&](const char* key, const char* value) {
    json::Value out = labels();
    if (value == nullptr) {
      out.object().erase(key);
    } else {
      out[key] = value;
    }
    return out;
  };
  const std::string other = std::to_string(env.uid + 1);
  add("sandboxes", "a", variant("scc.managed", nullptr));
  add("sandboxes", "b", variant("scc.owner-uid", other.c_str()));
  add("sandboxes", "c", variant("scc.owner-uid", nullptr));
  add("sandboxes", "d", variant("scc.state", "/another/home/state/scc"));
  add("sandboxes", "e", variant("scc.instance", "../../etc"));
  add("sandboxes", "i", variant("scc.instance", nullptr));  // from one of our images
  add("networks", "f", variant("scc.instance", nullptr));
  add("networks", "g", variant("scc.managed", "yes"));
  EXPECT_THAT(planned(), IsEmpty());
}

TEST_F(PruneTest, OwnStateDirectoryIsOurs) {
  json::Value mine = labels();
  mine["scc.state"] = paths.state.native();
  add("sandboxes", "c1", mine, "stopped", name);
  EXPECT_THAT(planned(), SizeIs(1));
}

TEST_F(PruneTest, CredentialVolumesStayHoweverTheyAreMarked) {
  add("volumes", "scc-cred-fake-default-1000", labels("volume"));
  add("volumes", "v1", labels("credentials"));
  json::Value without = labels("volume");
  without.object().erase("scc.instance");
  add("volumes", "v2", without);
  EXPECT_THAT(planned(), IsEmpty());
}

TEST_F(PruneTest, EngineThatDoesNotAnswerIsAnErrorAndNothingIsRemoved) {
  add_instance("fake");
  for (const char* verb : {"sandbox_list", "network_list", "volume_list"}) {
    file_engine.failures = {{verb, Error{Kind::prereq, "runtime.unreachable", "down", "", {}}}};
    const auto report = plan_prune({&file_engine}, paths, env);
    ASSERT_FALSE(report);
    EXPECT_EQ(report.error().id, "runtime.unreachable");
  }
}

TEST_F(PruneTest, DirectoryOfAnotherRuntimeStays) {
  add_instance("elsewhere");
  EXPECT_THAT(planned(), IsEmpty());
  EXPECT_THAT(plan_prune({&file_engine}, paths, env)->skipped, ElementsAre(name));
}

TEST_F(PruneTest, DirectoryStaysWhenItsSandboxCannotBeRemoved) {
  add("sandboxes", "c1", labels(), "stopped", name);
  add_instance("fake");
  file_engine.failures["sandbox_remove"] = Error{Kind::tool, "x", "device busy", "", {}};
  const PruneOutcome outcome = prune();
  EXPECT_THAT(outcome.errors, SizeIs(1));
  EXPECT_TRUE(stdfs::exists(directory()));
  file_engine.failures.clear();
  EXPECT_THAT(prune().errors, IsEmpty());
  EXPECT_FALSE(stdfs::exists(directory()));
}

TEST_F(PruneTest, StaleLockFilesGo) {
  ASSERT_TRUE(os::make_dirs(paths.runtime / "locks"));
  ASSERT_TRUE(os::write_file_atomic(launch_lock_path(paths, name), "1\n"));
  ASSERT_TRUE(os::write_file_atomic(paths.runtime / "locks" / "other.lock", "1\n"));
  EXPECT_THAT(planned(), ElementsAre("lock launch-" + name + ".lock"));
  EXPECT_THAT(prune().removed, SizeIs(1));
  EXPECT_FALSE(locked());
  EXPECT_TRUE(stdfs::exists(paths.runtime / "locks" / "other.lock"));
}

class ListTest : public PruneTest {
 protected:
  std::vector<SandboxEntry> list() {
    auto out = list_sandboxes({&file_engine}, paths, env);
    EXPECT_TRUE(out) << explain(out.error());
    return out.value_or(std::vector<SandboxEntry>{});
  }
};

TEST_F(ListTest, EngineThatIsDownIsAnErrorNeverAnEmptyList) {
  file_engine.failures["sandbox_list"] = Error{Kind::prereq, "runtime.unreachable", "down", "start it", {}};
  const auto out = list_sandboxes({&file_engine}, paths, env);
  ASSERT_FALSE(out);
  EXPECT_EQ(out.error().id, "runtime.unreachable");
  EXPECT_EQ(out.error().hint, "start it");
}

TEST_F(ListTest, StatesFollowEngineAndSession) {
  json::Value mine = labels();
  mine["scc.workspace"] = "/w\x1b[2J";
  mine["scc.provider"] = "fake";
  add("sandboxes", "c1", mine, "running", name);
  add_instance("fake", SessionStatus::running);
  ASSERT_THAT(list(), SizeIs(1));
  EXPECT_EQ(list()[0].state, "stale") << "running, and nobody looks after it";
  EXPECT_EQ(list()[0].workspace, "/w\x1b[2J") << "raw: the printer escapes";
  EXPECT_EQ(list()[0].session->status, SessionStatus::running);
  {
    auto lock = os::FileLock::acquire(launch_lock_path(paths, name), 0);
    EXPECT_EQ(list()[0].state, "running");
  }
  file_engine.sandbox_stop("c1", 0);
  EXPECT_EQ(list()[0].state, "stopped");
}

TEST_F(ListTest, RecordOfAnEarlierSandboxIsNotShown) {
  add("sandboxes", "c2", labels(), "stopped", name);
  add_instance("fake");
  EXPECT_FALSE(list()[0].session);
}

TEST_F(ListTest, ResolvesNamesAndPrefixes) {
  add("sandboxes", "abc111", labels(), "stopped", "scc-oci-1");
  add("sandboxes", "abc222", labels(), "stopped", "scc-oci-2");
  EXPECT_EQ(resolve_sandbox(list(), "scc-oci-2")->id, "abc222");
  EXPECT_EQ(resolve_sandbox(list(), "abc1")->name, "scc-oci-1");
  const auto ambiguous = resolve_sandbox(list(), "abc");
  ASSERT_FALSE(ambiguous);
  EXPECT_EQ(ambiguous.error().id, "sandbox.ambiguous");
  EXPECT_THAT(ambiguous.error().message, HasSubstr("scc-oci-1"));
  EXPECT_THAT(ambiguous.error().message, HasSubstr("scc-oci-2"));
  EXPECT_EQ(resolve_sandbox(list(), "zzz").error().kind, Kind::not_found);
  EXPECT_EQ(resolve_sandbox(list(), "").error().kind, Kind::not_found);
}

TEST_F(ListTest, StopTriesAllAndCollectsErrors) {
  add("sandboxes", "a1", labels(), "running", "scc-oci-1");
  add("sandboxes", "a2", labels(), "stopped", "scc-oci-2");
  add("sandboxes", "a3", labels(), "running", "scc-oci-3");
  auto entries = list();
  for (SandboxEntry& entry : entries) {
    if (entry.name == "scc-oci-3") entry.runtime = "gone";
  }
  const StopOutcome outcome = stop_sandboxes(entries, {&file_engine}, paths);
  ASSERT_THAT(outcome.stopped, SizeIs(1));
  EXPECT_EQ(outcome.stopped[0].name, "scc-oci-1");
  ASSERT_THAT(outcome.errors, SizeIs(1));
  const Status status = stop_status(outcome);
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().kind, Kind::tool);
  EXPECT_THAT(status.error().context, ElementsAre(HasSubstr("scc-oci-3")));
  EXPECT_TRUE(stop_status(StopOutcome{}));
}

TEST_F(ListTest, StoppingAStaleSandboxClosesItsRecord) {
  add("sandboxes", "c1", labels(), "running", name);
  add_instance("fake", SessionStatus::running);
  ASSERT_THAT(stop_sandboxes(list(), {&file_engine}, paths).errors, IsEmpty());
  EXPECT_EQ(read_record(directory())->status, SessionStatus::failed);
}

}  // namespace
}  // namespace scc::session
