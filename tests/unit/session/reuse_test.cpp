// SPDX-License-Identifier: Apache-2.0
// When a stopped or kept sandbox is used again and when it is made anew: an equal document and an idle
// sandbox, nothing else.
#include "session/reuse.h"

#include <fcntl.h>

#include "fixture.h"
#include "session/store.h"

namespace scc::session {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

/// A plan as the planner makes it: with its digest as a label.
json::Value labelled(json::Value plan) {
  plan["sandbox"]["labels"]["scc.spec-digest"] = facts_digest(create_facts(plan));
  return plan;
}

json::Value base_plan() {
  json::Value plan = test::make_plan();
  plan["image"]["id"] = "sha256:one";
  plan["governance"]["digest"] = "d1";
  plan["sandbox"]["env"] = json::Object{{"HOME", "/home/agent"}, {"TERM", "xterm"}, {"SCC_SESSION", "s"}};
  return plan;
}

TEST(CreateFacts, WhatAnExecBringsDoesNotCount) {
  json::Value other = base_plan();
  other["sandbox"]["env"]["TERM"] = "dumb";
  other["exec"]["argv"] = json::Array{"another"};
  other["sandbox"]["labels"]["scc.created"] = "later";
  EXPECT_EQ(facts_digest(create_facts(base_plan())), facts_digest(create_facts(other)));
}

TEST(CreateFacts, EveryPartOfTheSandboxCounts) {
  const json::Value was = create_facts(base_plan());
  const auto difference = [&](const std::function<void(json::Value&)>& change) {
    json::Value plan = base_plan();
    change(plan);
    const json::Value now = create_facts(plan);
    EXPECT_NE(facts_digest(was), facts_digest(now));
    return first_difference(was, now);
  };
  EXPECT_EQ(difference([](json::Value& p) { p["governance"]["digest"] = "d2"; }), "policy digest");
  EXPECT_EQ(difference([](json::Value& p) { p["image"]["id"] = "sha256:two"; }), "image");
  EXPECT_EQ(difference([](json::Value& p) { p["sandbox"]["env"]["PROXY"] = "x"; }), "env PROXY");
  EXPECT_EQ(difference([](json::Value& p) { p["files"].array()[0]["sha256"] = "0"; }), "files passwd");
  EXPECT_EQ(difference([](json::Value& p) { p["sandbox"]["mounts"].array()[1]["read_only"] = false; }),
            "mounts /etc/passwd");
  EXPECT_EQ(difference([](json::Value& p) { p["sandbox"]["user"]["uid"] = 7; }), "user uid");
  EXPECT_EQ(difference([](json::Value& p) {
              p["sandbox"]["network"] = json::Object{{"mode", "none"}};
            }),
            "network sandbox");
  EXPECT_EQ(difference([](json::Value& p) { p["sandbox"]["resources"]["pids"] = 9; }), "resources");
  // Another version or another file of a plugin that makes sandboxes.
  EXPECT_EQ(difference([](json::Value& p) { p["runtime"]["sha256"] = "0"; }), "plugins runtime");
  EXPECT_EQ(difference([](json::Value& p) { p["netpolicy"]["version"] = "9"; }), "plugins netpolicy");
  EXPECT_EQ(first_difference(was, was), "");
}

class ReuseTest : public EngineTest {
 protected:
  ReuseTest() : null(::open("/dev/null", O_RDWR | O_CLOEXEC)) {
    options.in = options.out = options.err = null.get();
  }
  Deps telling() {
    Deps out = deps();
    out.tell = [this](std::string text) { told.push_back(std::move(text)); };
    return out;
  }
  std::string run(const json::Value& plan, bool replace = false) {
    told.clear();
    Deps with = telling();
    with.replace = replace;
    const auto outcome = run_session(plan, with, options);
    EXPECT_TRUE(outcome) << (outcome ? "" : explain(outcome.error()));
    return container();
  }
  std::string container() const {
    const auto sandboxes = file_engine.objects().at("/sandboxes")->members();
    EXPECT_EQ(sandboxes.size(), 1U);
    return sandboxes.empty() ? "" : sandboxes.begin()->first;
  }
  json::Value with(std::initializer_list<std::pair<std::string, json::Value>> fields) const {
    json::Value objects = file_engine.objects();
    auto& sandbox = objects["sandboxes"].object().begin()->second;
    for (const auto& [name, value] : fields) sandbox[name] = value;
    return objects;
  }
  /// The fake engine knows no image ids: what was planned is what it has.
  json::Value plan() const { return labelled(base_plan()); }
  void stamp_image() { file_engine.store(with({{"image_id", "sha256:one"}})); }

  os::Fd null;
  AttachOptions options;
  std::vector<std::string> told;
};

TEST_F(ReuseTest, AStoppedSandboxOfTheSameDocumentIsStartedAgain) {
  const std::string first = run(plan());
  stamp_image();
  const auto before = read_record(directory());
  EXPECT_EQ(run(plan()), first);
  EXPECT_THAT(told, IsEmpty());
  const auto record = read_record(directory());
  EXPECT_NE(record->id, before->id) << "a session of its own";
  EXPECT_EQ(record->container_id, first);
  EXPECT_TRUE(stdfs::exists(directory() / "files" / "passwd")) << "its files were made for this launch";
}

TEST_F(ReuseTest, ADifferenceMakesItAnewAndIsNamed) {
  const std::string first = run(plan());
  stamp_image();
  json::Value changed = base_plan();
  changed["governance"]["digest"] = "d2";
  EXPECT_NE(run(labelled(changed)), first);
  EXPECT_THAT(told, ElementsAre(HasSubstr("policy digest")));
}

TEST_F(ReuseTest, AnotherPluginMakesItAnew) {
  const std::string first = run(plan());
  stamp_image();
  json::Value changed = base_plan();
  changed["runtime"]["version"] = "1.0.1";
  EXPECT_NE(run(labelled(changed)), first);
  EXPECT_THAT(told, ElementsAre(HasSubstr("plugins runtime")));
}

TEST_F(ReuseTest, AnotherImageBehindTheSameNameIsADifference) {
  const std::string first = run(plan());
  file_engine.store(with({{"image_id", "sha256:other"}}));
  EXPECT_NE(run(plan()), first);
  EXPECT_THAT(told, ElementsAre(HasSubstr("image")));
}

TEST_F(ReuseTest, ARecordThatDoesNotFitTheLabelProvesNothing) {
  const std::string first = run(plan());
  stamp_image();
  ASSERT_TRUE(os::write_file_atomic(directory() / kFactsFile, "{}"));
  EXPECT_NE(run(plan()), first);
  EXPECT_THAT(told, ElementsAre(HasSubstr("record")));
}

TEST_F(ReuseTest, AnEnforcedPolicyAndFreshMakeItAnew) {
  const std::string first = run(plan());
  stamp_image();
  const std::string second = run(plan(), true);
  EXPECT_NE(second, first);
  EXPECT_THAT(told, IsEmpty()) << "it was asked for";
  stamp_image();
  json::Value enforced = base_plan();
  enforced["network"]["enforced"] = true;
  EXPECT_NE(run(labelled(enforced)), second);
  EXPECT_THAT(told, ElementsAre(HasSubstr("network")));
}

json::Value kept_plan() {
  json::Value plan = base_plan();
  plan["session"] = json::Object{{"name", "n"}, {"slot", ""}, {"on_exit", "keep"}};
  return labelled(plan);
}

TEST_F(ReuseTest, AKeptSandboxRunsOnAndPruneSparesIt) {
  const std::string first = run(kept_plan());
  EXPECT_EQ(file_engine.objects().at("/sandboxes")->members().begin()->second.str("/state"), "running");
  EXPECT_TRUE(read_record(directory())->kept);
  EXPECT_THAT(plan_prune({&file_engine}, paths, env)->items, IsEmpty());
  file_engine.store(with({{"active_execs", 0}, {"image_id", "sha256:one"}}));
  EXPECT_EQ(run(kept_plan()), first) << "idle: stopped, then started again";
}

TEST_F(ReuseTest, AKeptSandboxInUseIsAConflict) {
  run(kept_plan());
  for (const json::Value& active : {json::Value(1), json::Value()}) {  // null: the engine cannot tell
    file_engine.store(with({{"active_execs", active}}));
    const auto refused = run_session(kept_plan(), deps(), options);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().id, "sandbox.conflict");
    EXPECT_THAT(refused.error().hint, HasSubstr("scc attach"));
    EXPECT_THAT(refused.error().hint, HasSubstr("scc stop"));
    EXPECT_THAT(refused.error().hint, HasSubstr("scc start --fresh"));
  }
  run(kept_plan(), true);
}

TEST_F(ReuseTest, KeptIsOverOnceItIsStopped) {
  const std::string id = run(kept_plan());
  ASSERT_TRUE(file_engine.sandbox_stop(id, 0));
  EXPECT_THAT(plan_prune({&file_engine}, paths, env)->items, ::testing::Not(IsEmpty()));
}

TEST_F(ReuseTest, OnExitRemoveLeavesNothing) {
  json::Value plan = base_plan();
  plan["session"] = json::Object{{"name", "n"}, {"slot", ""}, {"on_exit", "remove"}};
  ASSERT_TRUE(run_session(labelled(plan), deps(), options));
  EXPECT_EQ(count("sandboxes"), 0U);
  EXPECT_FALSE(stdfs::exists(directory()));
  const auto stored = SessionStore(paths).list();
  ASSERT_TRUE(stored);
  ASSERT_EQ(stored->sessions.size(), 1U) << "the record outlives the sandbox";
  EXPECT_EQ(stored->sessions[0].status, SessionStatus::exited);
}

TEST_F(ReuseTest, AResumedSessionKeepsItsIdNameAndPin) {
  json::Value plan = base_plan();
  plan["session"] = json::Object{{"name", "first"}, {"slot", ""}, {"conversation", "${session.id}"}};
  run(labelled(plan));
  const SessionStore store(paths);
  const StoredSession begun = store.list()->sessions.at(0);
  EXPECT_EQ(begun.conversation, begun.id);
  EXPECT_EQ(begun.runs, 1);
  ASSERT_TRUE(store.update(begun.id, [](StoredSession& now) {
    now.name = "renamed";
    now.pinned = true;
    return true;
  }));
  plan["session"]["resumes"] = begun.id;
  plan["session"]["conversation"] = begun.conversation;
  run(labelled(plan));
  const auto all = store.list()->sessions;
  ASSERT_EQ(all.size(), 1U);
  EXPECT_EQ(all[0].id, begun.id);
  EXPECT_EQ(all[0].name, "renamed");
  EXPECT_TRUE(all[0].pinned);
  EXPECT_EQ(all[0].runs, 2);
  EXPECT_EQ(all[0].created, begun.created);
}

TEST_F(ReuseTest, ALaunchThatFailsIsTold) {
  file_engine.failures["sandbox_start"] = Error{Kind::tool, "runtime.failed", "no room", {}, {}};
  ASSERT_FALSE(run_session(plan(), deps(), options));
  const auto all = SessionStore(paths).list()->sessions;
  ASSERT_EQ(all.size(), 1U);
  EXPECT_EQ(all[0].status, SessionStatus::failed);
  EXPECT_EQ(all[0].ended_by, "launch");
  EXPECT_EQ(all[0].runs, 0);
  EXPECT_THAT(all[0].reason, HasSubstr("no room"));
}

}  // namespace
}  // namespace scc::session
