// SPDX-License-Identifier: Apache-2.0
// Order, placeholders, conflicts and rollback of a launch against an engine that fails on any call which was
// not expected.
#include "session/executor.h"

#include "fixture.h"

namespace scc::session {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

class ExecutorTest : public ScriptedTest {
 protected:
  json::Value info(const std::string& state, json::Value labels = test::own_labels("n", "agent")) {
    return json::Object{{"id", "old"}, {"name", "n"}, {"state", state}, {"labels", std::move(labels)}};
  }
  void expect_launch() {
    runtime.expect("sandbox_inspect", not_found())
        .expect("volume_ensure", json::Value(json::Object{{"created", true}}))
        .expect("sandbox_create", handle())
        .expect("sandbox_put")
        .expect("sandbox_start", json::Value(), "c1");
  }
  void expect_nothing_left() {
    EXPECT_EQ(netpolicy.applied, 0);
    EXPECT_FALSE(stdfs::exists(directory()));
    EXPECT_FALSE(locked());
  }
};

TEST_F(ExecutorTest, RunsTheStepsInOrderAndJournalsThem) {
  expect_launch();
  auto running = execute(test::make_plan(), deps());
  ASSERT_TRUE(running) << explain(running.error());
  EXPECT_EQ(running->sandbox_id(), "c1");
  EXPECT_TRUE(locked());
  EXPECT_TRUE(is_live(paths, running->name()));
  std::vector<std::string> lines;
  const auto journal = read_journal(directory());
  ASSERT_TRUE(journal);
  for (const JournalEntry& entry : *journal) lines.push_back(entry.op + " " + entry.phase);
  EXPECT_THAT(lines, ElementsAre("instance.create intent", "instance.create done", "files.write intent",
                                 "files.write done", "volume.ensure intent", "volume.ensure done",
                                 "network.apply intent", "network.apply done", "sandbox.create intent",
                                 "sandbox.create done", "volume.prepare intent", "volume.prepare done",
                                 "sandbox.start intent", "sandbox.start done"));
  const auto record = read_record(directory());
  ASSERT_TRUE(record);
  EXPECT_EQ(record->status, SessionStatus::starting);
  EXPECT_EQ(record->stop_grace_ms, 4000U);
}

TEST_F(ExecutorTest, FillsPlaceholdersButNeverHandsOutTheHandshake) {
  expect_launch();
  auto running = execute(test::make_plan(), deps());
  ASSERT_TRUE(running) << explain(running.error());
  const json::Value& spec = runtime.argument_of("sandbox_create");
  EXPECT_EQ(spec.str("/mounts/1/source"), (directory() / "files/passwd").native());
  EXPECT_EQ(spec.str("/labels/scc.session"), running->session_id());
  EXPECT_EQ(spec.str("/labels/scc.created"), running->record().started);
  EXPECT_EQ(running->plan().str("/exec/argv/2"), running->session_id());
  EXPECT_EQ(running->plan().str("/exec/argv/3"), "say ${nonce}") << "the user's own words stay";
  const std::string stored = os::read_file(directory() / "plan.json").value();
  const std::string journal = os::read_file(directory() / "journal.jsonl").value();
  EXPECT_EQ((stored + journal).find(running->nonce()), std::string::npos);
  EXPECT_EQ((stored + journal).find(running->token()), std::string::npos);
}

TEST_F(ExecutorTest, WritesFilesWithTheirModes) {
  expect_launch();
  auto running = execute(test::make_plan(), deps());
  ASSERT_TRUE(running) << explain(running.error());
  struct stat status {};
  ASSERT_EQ(::stat((directory() / "files/passwd").c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 07777U, 0444U);
  ASSERT_EQ(::stat(directory().c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 07777U, 0700U);
}

TEST_F(ExecutorTest, PreparesTheVolumeWithOneDirectoryEntry) {
  expect_launch();
  auto running = execute(test::make_plan(), deps());
  ASSERT_TRUE(running) << explain(running.error());
  EXPECT_EQ(runtime.argument_of("sandbox_put").str("/path"), "/home/agent/.fake");
  const std::string& tar = runtime.last_tar;
  ASSERT_EQ(tar.size(), 1536U);
  EXPECT_EQ(std::string(tar.c_str()), "./");
  EXPECT_EQ(tar.substr(100, 7), "0000700");
  EXPECT_EQ(tar.substr(108, 7), "0001750");  // 1000
  EXPECT_EQ(tar[156], '5');
  unsigned sum = 8 * ' ';
  for (std::size_t i = 0; i < 512; ++i) {
    if (i < 148 || i >= 156) sum += static_cast<unsigned char>(tar[i]);
  }
  EXPECT_EQ(std::stoul(tar.substr(148, 6), nullptr, 8), sum);
}

TEST_F(ExecutorTest, RefusesPlansThatItCannotExecuteBeforeAnyEffect) {
  const auto refused = [&](const std::function<void(json::Value&)>& spoil) {
    json::Value plan = test::make_plan();
    spoil(plan);
    const auto running = execute(plan, deps());
    EXPECT_FALSE(running);
    EXPECT_FALSE(stdfs::exists(paths.state));
    return running ? std::string() : running.error().id;
  };
  EXPECT_EQ(refused([](json::Value& plan) { plan["schema"] = "other"; }), "launch.plan");
  EXPECT_EQ(refused([](json::Value& plan) { plan["sandbox"]["name"] = "../x"; }), "launch.plan");
  EXPECT_EQ(refused([](json::Value& plan) { plan["steps"] = json::Array{}; }), "launch.plan");
  EXPECT_EQ(refused([](json::Value& plan) {
              plan["steps"].array().push_back(json::Object{{"op", "host.shell"}});
            }),
            "launch.plan");
  EXPECT_EQ(refused([](json::Value& plan) { plan["workspace"]["root"] = "/home/u/${session.dir}"; }),
            "workspace.placeholder");
}

TEST_F(ExecutorTest, RefusesFilesOutsideTheInstance) {
  for (const char* path :
       {"${session.dir}/files/../../x", "/etc/passwd", "../session.json", "a/../../b", ".", ""}) {
    runtime.expect("sandbox_inspect", not_found());
    json::Value plan = test::make_plan();
    plan["files"].array()[0]["path"] = path;
    const auto running = execute(plan, deps());
    ASSERT_FALSE(running) << path;
    EXPECT_EQ(running.error().id, "launch.plan") << path;
    expect_nothing_left();
  }
}

TEST_F(ExecutorTest, RefusesAFileWhoseDigestDiffersAndSetIdModes) {
  runtime.expect("sandbox_inspect", not_found()).expect("sandbox_inspect", not_found());
  json::Value plan = test::make_plan();
  plan["files"].array()[0]["text"] = "root::0:0::/:/bin/sh\n";
  EXPECT_EQ(execute(plan, deps()).error().id, "launch.plan");
  plan = test::make_plan();
  plan["files"].array()[0]["mode"] = "4755";
  EXPECT_EQ(execute(plan, deps()).error().id, "launch.plan");
  expect_nothing_left();
}

TEST_F(ExecutorTest, RunningSandboxOfThatNameIsAConflict) {
  runtime.expect("sandbox_inspect", info("running"));
  const auto running = execute(test::make_plan(), deps());
  ASSERT_FALSE(running);
  EXPECT_EQ(running.error().id, "sandbox.conflict");
  EXPECT_EQ(running.error().kind, Kind::tool);
  EXPECT_THAT(running.error().hint, HasSubstr("scc attach scc-oci-"));
  EXPECT_THAT(running.error().hint, HasSubstr("scc stop scc-oci-"));
  expect_nothing_left();
}

TEST_F(ExecutorTest, RunningSandboxWhoseSccLivesIsAConflict) {
  SessionRecord record;
  record.name = test::PlanOptions{}.name;
  record.status = SessionStatus::running;
  record.pid = ::getpid();
  record.pid_started = own_process_start();
  ASSERT_TRUE(os::make_dirs(directory()));
  ASSERT_TRUE(write_record(directory(), record));
  runtime.expect("sandbox_inspect", info("running"));
  EXPECT_EQ(execute(test::make_plan(), deps()).error().id, "sandbox.conflict");
  EXPECT_TRUE(stdfs::exists(directory() / "session.json")) << "the other one's directory is untouched";
}

TEST_F(ExecutorTest, SecondLaunchWhileTheFirstHoldsTheLockIsAConflict) {
  expect_launch();
  auto first = execute(test::make_plan(), deps());
  ASSERT_TRUE(first) << explain(first.error());
  const auto second = execute(test::make_plan(), deps());  // no engine call at all
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().id, "sandbox.conflict");
  EXPECT_TRUE(stdfs::exists(directory() / "session.json")) << "the first one's directory is untouched";
}

TEST_F(ExecutorTest, StoppedSandboxOfOursIsReplaced) {
  ASSERT_TRUE(os::make_dirs(directory() / "files"));
  ASSERT_TRUE(os::write_file_atomic(directory() / "files" / "stale", "x"));
  runtime.expect("sandbox_inspect", info("stopped")).expect("sandbox_remove", json::Value(), "old");
  runtime.expect("volume_ensure", json::Value(json::Object{{"created", false}}))
      .expect("sandbox_create", handle())
      .expect("sandbox_put")
      .expect("sandbox_start");
  auto running = execute(test::make_plan(), deps());
  ASSERT_TRUE(running) << explain(running.error());
  EXPECT_EQ(read_journal(directory()).value().at(2).op, "sandbox.replace");
  EXPECT_FALSE(stdfs::exists(directory() / "files" / "stale"));
}

TEST_F(ExecutorTest, ForeignContainersAreNeverTouched) {
  const auto foreign = [&](json::Value labels) {
    runtime.expect("sandbox_inspect", info("stopped", std::move(labels)));
    const auto running = execute(test::make_plan(), deps());
    EXPECT_FALSE(running);
    return running ? std::string() : running.error().id;
  };
  EXPECT_EQ(foreign(json::Object{}), "sandbox.foreign");
  json::Value labels = test::own_labels("n", "agent");
  labels["scc.owner-uid"] = std::to_string(env.uid + 1);
  EXPECT_EQ(foreign(labels), "sandbox.foreign");
  labels = test::own_labels("n", "agent");
  labels["scc.state"] = "/another/home";
  EXPECT_EQ(foreign(labels), "sandbox.foreign");
  expect_nothing_left();
}

TEST_F(ExecutorTest, EngineThatDoesNotAnswerIsItsOwnError) {
  runtime.expect("sandbox_inspect", fail(Kind::prereq, "runtime.unreachable", "no engine"));
  EXPECT_EQ(execute(test::make_plan(), deps()).error().id, "runtime.unreachable");
  expect_nothing_left();
}

TEST_F(ExecutorTest, NameTakenBetweenLookAndCreateIsAConflictAndNotRemoved) {
  runtime.expect("sandbox_inspect", not_found())
      .expect("volume_ensure", json::Value(json::Object{{"created", true}}))
      .expect("sandbox_create", fail(Kind::tool, "runtime.conflict", "name in use"));
  const auto running = execute(test::make_plan(), deps());
  ASSERT_FALSE(running);
  EXPECT_EQ(running.error().id, "sandbox.conflict");
  expect_nothing_left();
}

// Failure of each step: what was made before is undone, last first, and nothing else is called.
TEST_F(ExecutorTest, UndoesAFailedVolume) {
  runtime.expect("sandbox_inspect", not_found()).expect("volume_ensure", broken());
  const auto running = execute(test::make_plan(), deps());
  ASSERT_FALSE(running);
  EXPECT_THAT(running.error().context, ElementsAre("in step volume.ensure"));
  expect_nothing_left();
}

TEST_F(ExecutorTest, UndoesAFailedNetworkAndKeepsTheCredentialVolume) {
  runtime.expect("sandbox_inspect", not_found())
      .expect("volume_ensure", json::Value(json::Object{{"created", true}}));
  netpolicy.apply_error = Error{Kind::tool, "net.x", "no network", "", {}};
  EXPECT_EQ(execute(test::make_plan(), deps()).error().id, "net.x");
  expect_nothing_left();
}

TEST_F(ExecutorTest, UndoesAFailedCreateOfAVolumeOfItsOwn) {
  test::PlanOptions options;
  options.instance_volume = true;
  options.volume = "scc-vol-1";
  runtime.expect("sandbox_inspect", not_found())
      .expect("volume_ensure", json::Value(json::Object{{"created", true}}))
      .expect("sandbox_create", broken())
      .expect("sandbox_inspect", not_found())
      .expect("volume_remove", json::Value(), "scc-vol-1");
  EXPECT_EQ(execute(test::make_plan(options), deps()).error().id, "runtime.failed");
  expect_nothing_left();
}

TEST_F(ExecutorTest, RemovesWhatACreateLeftAlthoughItFailed) {
  runtime.expect("sandbox_inspect", not_found())
      .expect("volume_ensure", json::Value(json::Object{{"created", true}}))
      .expect("sandbox_create", broken("timeout"))
      .expect("sandbox_inspect", info("created"))
      .expect("sandbox_remove", json::Value(), "old");
  EXPECT_EQ(execute(test::make_plan(), deps()).error().message, "timeout");
  expect_nothing_left();
}

TEST_F(ExecutorTest, UndoesAFailedPrepareAndStart) {
  runtime.expect("sandbox_inspect", not_found())
      .expect("volume_ensure", json::Value(json::Object{{"created", true}}))
      .expect("sandbox_create", handle())
      .expect("sandbox_put", broken())
      .expect("sandbox_remove", json::Value(), "c1");
  EXPECT_FALSE(execute(test::make_plan(), deps()));
  expect_nothing_left();
  runtime.expect("sandbox_inspect", not_found())
      .expect("volume_ensure", json::Value(json::Object{{"created", true}}))
      .expect("sandbox_create", handle())
      .expect("sandbox_put")
      .expect("sandbox_start", broken())
      .expect("sandbox_stop", json::Value(), "c1")
      .expect("sandbox_remove", json::Value(), "c1");
  EXPECT_FALSE(execute(test::make_plan(), deps()));
  expect_nothing_left();
}

TEST_F(ExecutorTest, UndoErrorsAreContextAndTheDirectoryStaysForPrune) {
  runtime.expect("sandbox_inspect", not_found())
      .expect("volume_ensure", json::Value(json::Object{{"created", true}}))
      .expect("sandbox_create", handle())
      .expect("sandbox_put")
      .expect("sandbox_start", broken("primary"))
      .expect("sandbox_stop", broken("stop failed"))
      .expect("sandbox_remove", broken("remove failed"));
  netpolicy.release_error = Error{Kind::tool, "net.y", "release failed", "", {}};
  const auto running = execute(test::make_plan(), deps());
  ASSERT_FALSE(running);
  EXPECT_EQ(running.error().message, "primary");
  EXPECT_THAT(running.error().context, ElementsAre("in step sandbox.start", HasSubstr("stop failed"),
                                                   HasSubstr("remove failed"), HasSubstr("release failed")));
  EXPECT_THAT(running.error().hint, HasSubstr("scc prune"));
  EXPECT_EQ(read_record(directory())->status, SessionStatus::failed);
  EXPECT_FALSE(locked());
}

TEST_F(ExecutorTest, CancellationBetweenStepsUndoesToo) {
  runtime.expect("sandbox_inspect", not_found());
  int polls = 0;
  Deps cancelled = deps();
  cancelled.cancelled = [&] { return ++polls > 2; };
  const auto running = execute(test::make_plan(), cancelled);
  ASSERT_FALSE(running);
  EXPECT_EQ(running.error().id, "launch.cancelled");
  EXPECT_EQ(running.error().kind, Kind::cancelled);
  expect_nothing_left();
}

TEST_F(ExecutorTest, AbortAfterTheStartUndoesEverything) {
  expect_launch();
  runtime.expect("sandbox_stop", json::Value(), "c1").expect("sandbox_remove", json::Value(), "c1");
  auto running = execute(test::make_plan(), deps());
  ASSERT_TRUE(running) << explain(running.error());
  const Error error =
      abort_launch(std::move(*running), deps(), Error{Kind::prereq, "verify.failed", "no", "", {}});
  EXPECT_EQ(error.id, "verify.failed");
  EXPECT_TRUE(error.context.empty());
  expect_nothing_left();
}

TEST(Placeholders, AreReplacedOnceAndOnlyTheKnownOnes) {
  const std::vector<std::pair<std::string, std::string>> values{{"${session.id}", "${nonce}"},
                                                                {"${nonce}", "N"}};
  const json::Value in =
      json::Object{{"a", json::Array{"x${session.id}y", "${HOME}", "$", "${", "${nonce}"}}};
  const json::Value out = fill_placeholders(in, values);
  EXPECT_THAT(out.strings_at("/a"), ElementsAre("x${nonce}y", "${HOME}", "$", "${", "N"));
}

}  // namespace
}  // namespace scc::session
