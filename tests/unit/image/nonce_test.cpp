// SPDX-License-Identifier: Apache-2.0
// The proof that an engine sees this machine's files, against engines that do and engines that do not.
#include "image/nonce.h"

#include <gmock/gmock.h>

#include "session/instance.h"
#include "session/prune.h"
#include "unit/image/support.h"

namespace scc::image {
namespace {

using testing::drain;
using ::testing::ElementsAre;
using testing::FakeRuntime;
using ::testing::IsEmpty;
using testing::slurp;
using testing::TempDir;

std::string tar_with(const std::string& bytes) {
  Context context;
  context.files = {File{"nonce", false, bytes}};
  return drain(context_source(context));
}

class NonceTest : public ::testing::Test {
 protected:
  NonceTest() {
    paths_.state = root_ / "state";
    paths_.runtime = root_ / "run";
  }
  Status prove() { return engine_sees_this_machine(runtime_, "image:1", paths_); }
  void expect_clean(bool created = true) {
    EXPECT_TRUE(stdfs::is_empty(root_ / "state/instances"));
    if (created) {
      EXPECT_THAT(runtime_.removed_sandboxes, ElementsAre("box-1"));
    } else {
      EXPECT_THAT(runtime_.removed_sandboxes, IsEmpty());
    }
  }
  TempDir root_;
  os::Paths paths_;
  FakeRuntime runtime_;
};

TEST_F(NonceTest, AnEngineOfThisMachineReadsTheFile) {
  runtime_.on_get = [](const json::Value& spec, std::string_view path, const plugin::Sink& sink) -> Status {
    EXPECT_EQ(path, spec.str("/mounts/0/target") + "/nonce");
    const stdfs::path source = spec.str("/mounts/0/source");
    EXPECT_EQ(stdfs::status(source).permissions(), stdfs::perms::owner_all);
    sink(tar_with(slurp(source / "nonce")));
    return {};
  };
  const auto proved = prove();
  EXPECT_TRUE(proved) << proved.error().message;
  expect_clean();
  const json::Value& spec = runtime_.created_sandboxes.at(0);
  EXPECT_TRUE(spec.flag("/mounts/0/read_only"));
  EXPECT_EQ(spec.str("/network/mode"), "none");
  EXPECT_EQ(spec.str("/labels/scc.managed"), "true");
  EXPECT_EQ(spec.str("/labels/scc.owner-uid"), std::to_string(::getuid()));
}

/// What `scc prune` goes by: the labels of this home, and an instance directory and a lock of that name.
TEST_F(NonceTest, APruneFindsWhatACrashLeaves) {
  runtime_.on_get = [&](const json::Value& spec, std::string_view, const plugin::Sink&) -> Status {
    EXPECT_TRUE(session::is_ours(spec.map_at("/labels"), paths_, os::Environment::current()));
    os::Paths other = paths_;
    other.state = root_ / "other";
    EXPECT_FALSE(session::is_ours(spec.map_at("/labels"), other, os::Environment::current()));
    const std::string name = spec.str("/name");
    EXPECT_EQ(spec.str("/labels/scc.instance"), name);
    EXPECT_EQ(spec.str("/mounts/0/source"), session::instance_dir(paths_, name).native());
    EXPECT_TRUE(session::is_live(paths_, name)) << "a prune meanwhile must leave it alone";
    const auto instances = session::list_instances(paths_);
    EXPECT_EQ(instances->size(), 1U);
    return fail(Kind::tool, "runtime.tool", "killed here");
  };
  EXPECT_FALSE(prove());
  const json::Value& spec = runtime_.created_sandboxes.at(0);
  EXPECT_FALSE(session::is_live(paths_, spec.str("/name"))) << "the lock goes with the process";
}

TEST_F(NonceTest, AnotherContentIsRefused) {
  runtime_.on_get = [](const json::Value&, std::string_view, const plugin::Sink& sink) -> Status {
    sink(tar_with(std::string(64, '0')));
    return {};
  };
  const auto proved = prove();
  ASSERT_FALSE(proved);
  EXPECT_EQ(proved.error().id, "runtime.other-machine");
  EXPECT_EQ(proved.error().kind, Kind::policy);
  expect_clean();
}

TEST_F(NonceTest, AnEmptyDirectoryThereIsRefused) {
  runtime_.on_get = [](const json::Value&, std::string_view, const plugin::Sink&) -> Status {
    return fail(Kind::not_found, "runtime.not-found", "no such file");
  };
  EXPECT_EQ(prove().error().id, "runtime.other-machine");
  expect_clean();
}

TEST_F(NonceTest, AFloodIsRefused) {
  runtime_.on_get = [](const json::Value&, std::string_view, const plugin::Sink& sink) -> Status {
    while (sink(std::string(4096, 'x'))) {
    }
    return fail(Kind::tool, "runtime.stopped", "the sink refused");
  };
  EXPECT_EQ(prove().error().id, "runtime.other-machine");
  expect_clean();
}

TEST_F(NonceTest, EngineErrorsStayWhatTheyAre) {
  runtime_.create_error = Error{Kind::prereq, "runtime.unreachable", "no answer", "", {}};
  EXPECT_EQ(prove().error().id, "runtime.unreachable");
  expect_clean(false);
}

TEST_F(NonceTest, ReadingThatFailsIsNoProof) {
  runtime_.on_get = [](const json::Value&, std::string_view, const plugin::Sink&) -> Status {
    return fail(Kind::tool, "runtime.tool", "broken");
  };
  EXPECT_EQ(prove().error().id, "runtime.tool");
  expect_clean();
}

}  // namespace
}  // namespace scc::image
