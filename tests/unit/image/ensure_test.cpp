// SPDX-License-Identifier: Apache-2.0
// Building what is missing, leaving alone what is there, listing and removing only what is ours.
#include "image/ensure.h"

#include <gmock/gmock.h>

#include "base/str.h"
#include "os/fs.h"
#include "unit/image/support.h"

namespace scc::image {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using testing::FakeRuntime;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::make_host;
using ::testing::Not;
using testing::read_tar;
using testing::slurp;
using ::testing::StartsWith;
using testing::TempDir;
using ::testing::UnorderedElementsAre;
using testing::write;
using testing::write_contexts;

class EnsureTest : public ::testing::Test {
 protected:
  EnsureTest() : host_(make_host(root_.path())) {
    host_.env.uid = 1000;
    write_contexts(root_ / "share");
    for (const char* name : {"newuidmap", "unshare", "apt-config", "apt-get"}) {
      write(root_ / "bin" / name, "#!/bin/sh\n", true);
    }
    write(root_ / "bin/mmdebstrap", "#!/bin/sh\nprintf rootfs\n", true);
  }
  Locator locator() const { return Locator{{}, root_ / "share"}; }
  Result<Ensured> build(std::string_view id = "agent-tool", bool rebuild = false) {
    EnsureOptions options;
    options.rebuild = rebuild;
    options.watch.progress = [this](std::string_view line) { lines_.emplace_back(line); };
    options.watch.cancelled = cancelled_;
    return ensure(runtime_, host_, locator(), id, options);
  }
  ImageStatus state(std::string_view id = "agent-tool") {
    const auto result = status(runtime_, host_, locator(), id);
    EXPECT_TRUE(result) << (result ? "" : result.error().message);
    return result.value_or(ImageStatus{});
  }
  void change_base() { write(root_ / "share/images/base/Containerfile", "FROM ${BASE_REF}\nRUN true\n"); }

  TempDir root_;
  Host host_;
  FakeRuntime runtime_;
  std::vector<std::string> lines_;
  std::function<bool()> cancelled_;
};

TEST_F(EnsureTest, BuildsAncestorsFirst) {
  EXPECT_EQ(state().state, State::missing);
  EXPECT_EQ(state().existing, "");
  const auto ensured = build();
  ASSERT_TRUE(ensured) << ensured.error().message;
  EXPECT_THAT(ensured->built, ElementsAre("base", "agent-tool"));
  ASSERT_EQ(runtime_.builds.size(), 2U);
  const json::Value& base = runtime_.builds[0];
  const json::Value& tool = runtime_.builds[1];
  EXPECT_THAT(base.str("/build_args/BASE_REF"), StartsWith("scc-rootfs:"));
  EXPECT_EQ(base.str("/build_args/PACKAGES"), "curl git");
  EXPECT_EQ(tool.str("/build_args/BASE_REF"), base.str("/tags/0"));
  EXPECT_FALSE(tool.has("/build_args/PACKAGES"));
  EXPECT_EQ(tool.str("/tags/0"), ensured->ref);
  EXPECT_EQ(tool.str("/tags/1"), "scc-agent-tool:latest");
  EXPECT_EQ(tool.str("/labels/scc.image-digest"), ensured->digest);
  EXPECT_EQ(tool.str("/labels/scc.agent-version"), "1.2.3");
  EXPECT_EQ(read_tar(runtime_.contexts[1])[0].path, "Containerfile");
  const ImageStatus after = state();
  EXPECT_EQ(after.state, State::present);
  EXPECT_EQ(after.ref, ensured->ref);
  EXPECT_EQ(after.image_id, ensured->image_id);
}

TEST_F(EnsureTest, PresentIsOneQuestionAndNoWrite) {
  ASSERT_TRUE(build());
  runtime_.calls.clear();
  stdfs::remove_all(host_.paths.cache);
  stdfs::remove_all(host_.paths.runtime);
  const auto again = build();
  ASSERT_TRUE(again);
  EXPECT_THAT(again->built, IsEmpty());
  EXPECT_THAT(runtime_.calls, ElementsAre("inspect " + again->ref));
  EXPECT_FALSE(stdfs::exists(host_.paths.cache));
  EXPECT_FALSE(stdfs::exists(host_.paths.runtime));
}

TEST_F(EnsureTest, AChangedContextIsStaleAndGetsANewTag) {
  const auto before = build();
  ASSERT_TRUE(before);
  change_base();
  const ImageStatus stale = state();
  EXPECT_EQ(stale.state, State::stale);
  EXPECT_EQ(stale.existing, before->ref);
  EXPECT_NE(stale.ref, before->ref);
  const auto after = build();
  ASSERT_TRUE(after);
  EXPECT_EQ(after->ref, stale.ref);
  EXPECT_THAT(after->built, ElementsAre("base", "agent-tool"));
  EXPECT_NE(runtime_.find(before->ref), nullptr) << "the older version stays until it is removed";
}

TEST_F(EnsureTest, OnlyTheChangedPartIsBuilt) {
  ASSERT_TRUE(build());
  write(root_ / "share/images/agent-tool/Containerfile", "FROM ${BASE_REF}\nRUN true\n");
  const auto after = build();
  ASSERT_TRUE(after);
  EXPECT_THAT(after->built, ElementsAre("agent-tool"));
}

TEST_F(EnsureTest, RebuildMakesTheWholeChainAnew) {
  const auto before = build();
  ASSERT_TRUE(before);
  const auto after = build("agent-tool", true);
  ASSERT_TRUE(after);
  EXPECT_THAT(after->built, ElementsAre("base", "agent-tool"));
  EXPECT_EQ(after->ref, before->ref);
  EXPECT_EQ(runtime_.imports.size(), 2U);
  EXPECT_THAT(runtime_.removed, ::testing::Contains(before->image_id)) << "it has no name any more";
}

TEST_F(EnsureTest, ATagWithoutOurLabelIsNotBelieved) {
  FakeRuntime::Image image;
  image.tags = {state().ref};
  runtime_.add(image);
  EXPECT_EQ(state().state, State::missing);
  image.labels = {{"scc.managed", "true"}, {"scc.image-digest", "0123"}};
  runtime_.add(image);
  EXPECT_EQ(state().state, State::missing);
  EXPECT_THAT(build()->built, ElementsAre("base", "agent-tool"));
}

TEST_F(EnsureTest, AnEngineThatDoesNotAnswerIsNotMissing) {
  runtime_.down = Error{Kind::prereq, "runtime.unreachable", "no answer", "start it", {}};
  EXPECT_EQ(status(runtime_, host_, locator(), "agent-tool").error().id, "runtime.unreachable");
  EXPECT_EQ(build().error().id, "runtime.unreachable");
  EXPECT_EQ(list(runtime_).error().id, "runtime.unreachable");
  EXPECT_EQ(remove(runtime_, "").error().id, "runtime.unreachable");
}

TEST_F(EnsureTest, AFailedBuildSaysWhatTheLogSaysAndHowToRetry) {
  runtime_.on_build = [](const json::Value& request, const plugin::Progress& progress) -> Status {
    if (!str::starts_with(request.str("/tags/0"), "scc-agent-tool")) {
      return {};
    }
    progress("Step 3/4 : RUN npm ci\nnpm ERR! code EINTEGRITY");
    return fail(Kind::tool, "runtime.build", "the command returned a non-zero code: 1");
  };
  const auto ensured = build();
  ASSERT_FALSE(ensured);
  EXPECT_EQ(ensured.error().kind, Kind::tool);
  EXPECT_EQ(ensured.error().id, "image.build");
  EXPECT_THAT(ensured.error().message, AllOf(HasSubstr("agent-tool"), HasSubstr("non-zero code: 1")));
  EXPECT_THAT(ensured.error().context,
              AllOf(::testing::Contains("log: npm ERR! code EINTEGRITY"),
                    ::testing::Contains("full log: " + log_path(host_, "agent-tool").string())));
  EXPECT_THAT(ensured.error().hint, HasSubstr("scc image build agent-tool"));
  EXPECT_THAT(slurp(log_path(host_, "agent-tool")), HasSubstr("EINTEGRITY"));
  EXPECT_EQ(state().state, State::missing);
  EXPECT_EQ(state("base").state, State::present) << "the next try goes on from here";
}

TEST_F(EnsureTest, ABuildThatLeavesNoImageIsAFailure) {
  class Liar : public FakeRuntime {
   public:
    Status image_build(const json::Value&, const plugin::Source&, const plugin::Progress&) override {
      return {};
    }
  } liar;
  const auto ensured = ensure(liar, host_, locator(), "base", EnsureOptions{});
  ASSERT_FALSE(ensured);
  EXPECT_EQ(ensured.error().id, "image.build");
}

TEST_F(EnsureTest, CancelledBeforeAndDuringABuild) {
  bool stop = true;
  cancelled_ = [&stop] { return stop; };
  EXPECT_EQ(build().error().kind, Kind::cancelled);
  EXPECT_THAT(runtime_.builds, IsEmpty());
  stop = false;
  runtime_.on_build = [&stop](const json::Value&, const plugin::Progress&) -> Status {
    stop = true;
    return fail(Kind::tool, "runtime.tool", "the transfer was stopped");
  };
  EXPECT_EQ(build().error().kind, Kind::cancelled);
}

TEST_F(EnsureTest, ASecondBuilderWaitsAndCanBeStopped) {
  const stdfs::path path = host_.paths.runtime / "locks/images.lock";
  ASSERT_TRUE(os::make_dirs(path.parent_path()));
  const auto lock = os::FileLock::acquire(path, 0);
  ASSERT_TRUE(lock);
  cancelled_ = [this] { return !lines_.empty(); };
  EXPECT_EQ(build().error().kind, Kind::cancelled);
  EXPECT_THAT(lines_, ElementsAre(HasSubstr("waiting for another scc")));
  EXPECT_THAT(runtime_.builds, IsEmpty());
}

TEST_F(EnsureTest, TheRegistryIsPassedOnButNamesNoOtherImage) {
  const std::string plain = state().ref;
  host_.env.vars["npm_config_registry"] = "https://npm.example/";
  host_.env.vars["http_proxy"] = "http://127.0.0.1:3128";
  host_.env.vars["https_proxy"] = "http://proxy.example:3128";
  const auto ensured = build();
  ASSERT_TRUE(ensured);
  EXPECT_EQ(ensured->ref, plain);
  const json::Value& tool = runtime_.builds[1];
  EXPECT_EQ(tool.str("/build_args/NPM_CONFIG_REGISTRY"), "https://npm.example/");
  EXPECT_EQ(tool.str("/build_args/https_proxy"), "http://proxy.example:3128");
  EXPECT_FALSE(tool.has("/build_args/http_proxy")) << "the build container has another loopback";
  EXPECT_FALSE(runtime_.builds[0].has("/build_args/NPM_CONFIG_REGISTRY"));
}

TEST_F(EnsureTest, ARegistryWithAPasswordStaysOutOfTheBuild) {
  host_.env.vars["NPM_CONFIG_REGISTRY"] = "https://user:secret@npm.example/";
  const auto ensured = build();
  ASSERT_TRUE(ensured);
  EXPECT_FALSE(runtime_.builds[1].has("/build_args/NPM_CONFIG_REGISTRY"));
  EXPECT_THAT(ensured->notes, ElementsAre(AllOf(HasSubstr("NPM_CONFIG_REGISTRY"), Not(HasSubstr("secret")))));
}

TEST_F(EnsureTest, HostCertificatesReachTheBaseAndChangeItsName) {
  const std::string before = state().ref;
  write(root_ / "certificates/corp.crt", "-----BEGIN CERTIFICATE-----\nx\n-----END CERTIFICATE-----\n");
  const auto ensured = build();
  ASSERT_TRUE(ensured);
  EXPECT_NE(ensured->ref, before);
  std::vector<std::string> paths;
  for (const auto& entry : read_tar(runtime_.contexts[0])) {
    paths.push_back(entry.path);
  }
  EXPECT_THAT(paths, ::testing::Contains(StartsWith("ca/host-corp-")));
}

TEST_F(EnsureTest, FetchStagesGoAfterASuccessfulBuildOnly) {
  FakeRuntime::Image stage;
  stage.id = "sha256:stage";
  stage.labels = {{"scc.image-stage", "fetch"}, {"scc.managed", "true"}, {"scc.role", "image"}};
  runtime_.add(stage);
  runtime_.on_build = [](const json::Value&, const plugin::Progress&) -> Status {
    return fail(Kind::tool, "runtime.build", "broken");
  };
  EXPECT_FALSE(build("base"));
  EXPECT_NE(runtime_.find("sha256:stage"), nullptr) << "the cache of the next try";
  EXPECT_THAT(*list(runtime_), ::testing::SizeIs(1)) << "the root filesystem; a stage is no image of ours";
  runtime_.on_build = nullptr;
  ASSERT_TRUE(build("base"));
  EXPECT_EQ(runtime_.find("sha256:stage"), nullptr);
}

TEST_F(EnsureTest, StagesOfAnotherBuildAreLeftAlone) {
  const std::string mine = "sha256:" + std::string(12, 'b') + std::string(52, '1');
  const std::string other = "sha256:" + std::string(12, 'c') + std::string(52, '1');
  for (const std::string& id : {mine, other}) {
    FakeRuntime::Image stage;
    stage.id = id;
    stage.created = "2999-01-01T00:00:00Z";
    stage.labels = {{"scc.image-stage", "fetch"}};
    runtime_.add(stage);
  }
  runtime_.on_build = [](const json::Value&, const plugin::Progress& progress) -> Status {
    progress(" ---> bbbbbbbbbbbb\n");
    return {};
  };
  ASSERT_TRUE(build("base"));
  EXPECT_EQ(runtime_.find(mine), nullptr);
  EXPECT_NE(runtime_.find(other), nullptr) << "a build of another user may stand on it";
}

TEST_F(EnsureTest, ABuildThatLostAnIntermediateImageIsTriedAgain) {
  int failures = 2;
  runtime_.on_build = [&failures](const json::Value&, const plugin::Progress&) -> Status {
    return failures-- > 0 ? Status(fail(Kind::tool, "runtime.lost-image", "No such image")) : Status();
  };
  const auto ensured = build("base");
  ASSERT_TRUE(ensured) << ensured.error().message;
  EXPECT_EQ(runtime_.builds.size(), 3U);
  failures = 100;
  change_base();
  EXPECT_EQ(build("base").error().id, "image.build");
  EXPECT_EQ(runtime_.builds.size(), 6U);
}

class ConfiguredTest : public EnsureTest {
 protected:
  const std::string digest_ = "sha256:" + std::string(64, '9');
  const std::string base_ref_ = "reg.example/debian@" + digest_;
  const std::string tool_ref_ = "reg.example/tool@" + digest_;
  static Result<FakeRuntime::Image> serve(std::string_view ref) {
    FakeRuntime::Image image;
    image.digests = {std::string(ref)};
    return image;
  }
};

TEST_F(ConfiguredTest, TheBaseIsBuiltOnTheConfiguredImage) {
  host_.refs["base"] = base_ref_;
  runtime_.on_pull = serve;
  const auto ensured = build();
  ASSERT_TRUE(ensured) << ensured.error().message;
  EXPECT_EQ(runtime_.builds[0].str("/build_args/BASE_REF"), base_ref_);
  EXPECT_EQ(runtime_.builds[0].str("/build_args/PACKAGES"), "curl git");
  EXPECT_THAT(runtime_.imports, IsEmpty());
  EXPECT_EQ(state().state, State::present);
}

TEST_F(ConfiguredTest, WhatWasBootstrappedInsteadIsGoodUntilARebuild) {
  host_.refs["base"] = base_ref_;
  runtime_.on_pull = [](std::string_view) -> Result<FakeRuntime::Image> {
    return fail(Kind::tool, "runtime.registry-unreachable", "connection refused");
  };
  const auto ensured = build();
  ASSERT_TRUE(ensured) << ensured.error().message;
  EXPECT_THAT(ensured->notes, ElementsAre(HasSubstr("connection refused")));
  EXPECT_THAT(runtime_.builds[0].str("/build_args/BASE_REF"), StartsWith("scc-rootfs:"));
  EXPECT_EQ(state().state, State::present);
  EXPECT_EQ(state().ref, ensured->ref);
  EXPECT_THAT(build()->built, IsEmpty());
  runtime_.on_pull = serve;
  EXPECT_EQ(build("agent-tool", true)->built.size(), 2U);
  EXPECT_EQ(runtime_.builds[2].str("/build_args/BASE_REF"), base_ref_);
}

TEST_F(ConfiguredTest, AnAgentImageCanBeReplacedAsAWhole) {
  host_.refs["agent-tool"] = tool_ref_;
  EXPECT_EQ(state().state, State::missing);
  runtime_.on_pull = serve;
  const auto ensured = build();
  ASSERT_TRUE(ensured) << ensured.error().message;
  EXPECT_EQ(ensured->ref, tool_ref_);
  EXPECT_THAT(runtime_.builds, IsEmpty());
  EXPECT_EQ(state().state, State::present);
  EXPECT_EQ(state().existing, tool_ref_);
}

TEST_F(ConfiguredTest, AReplacementIsNeverBuiltInstead) {
  host_.refs["agent-tool"] = tool_ref_;
  runtime_.on_pull = [](std::string_view) -> Result<FakeRuntime::Image> {
    return fail(Kind::tool, "runtime.registry-unreachable", "connection refused");
  };
  EXPECT_EQ(build().error().id, "runtime.registry-unreachable");
  EXPECT_THAT(runtime_.builds, IsEmpty());
}

TEST_F(ConfiguredTest, ReferencesWithoutDigestAreRefused) {
  host_.refs["agent-tool"] = "reg.example/tool:1";
  EXPECT_EQ(status(runtime_, host_, locator(), "agent-tool").error().id, "image.ref");
  EXPECT_EQ(build().error().id, "image.ref");
  host_.refs = {{"base", "debian:12"}};
  EXPECT_EQ(build().error().id, "image.ref");
  EXPECT_THAT(runtime_.calls, IsEmpty());
}

class ListTest : public EnsureTest {
 protected:
  ListTest() {
    EXPECT_TRUE(build());
    FakeRuntime::Image derived;  // FROM scc-base: inherits every label
    derived.tags = {"corp/tools:1"};
    derived.labels = runtime_.find(state("base").ref)->labels;
    runtime_.add(derived);
    FakeRuntime::Image foreign;
    foreign.tags = {"scc-base:mine"};
    runtime_.add(foreign);
  }
  std::vector<std::string> names() {
    std::vector<std::string> result;
    for (const FakeRuntime::Image& image : runtime_.images) {
      result.insert(result.end(), image.tags.begin(), image.tags.end());
    }
    return result;
  }
};

TEST_F(ListTest, OnlyOurs) {
  const auto images = list(runtime_);
  ASSERT_TRUE(images);
  ASSERT_EQ(images->size(), 3U);
  EXPECT_EQ((*images)[0].id, "agent-tool");
  EXPECT_EQ((*images)[0].agent_version, "1.2.3");
  EXPECT_THAT((*images)[0].tags, ElementsAre(state().ref, "scc-agent-tool:latest"));
  EXPECT_EQ((*images)[1].id, "base");
  EXPECT_EQ((*images)[2].id, "rootfs");
  EXPECT_EQ((*images)[2].role, "rootfs");
}

TEST_F(ListTest, RemovesAllOfOursAndNothingElse) {
  const auto removals = remove(runtime_, "");
  ASSERT_TRUE(removals);
  EXPECT_THAT(names(), UnorderedElementsAre("corp/tools:1", "scc-base:mine"));
  EXPECT_THAT(runtime_.removed.front(), StartsWith("scc-agent-tool:")) << "children first";
  EXPECT_TRUE(remove(runtime_, "")->empty());
}

TEST_F(ListTest, RemovesByIdTagAndEngineId) {
  ASSERT_TRUE(remove(runtime_, "agent-tool"));
  EXPECT_EQ(state().state, State::missing);
  EXPECT_EQ(state("base").state, State::present);
  const std::string base = state("base").image_id;
  ASSERT_TRUE(remove(runtime_, base.substr(7)));
  EXPECT_EQ(state("base").state, State::missing);
  const std::string tag = list(runtime_)->front().tags.front();
  ASSERT_TRUE(remove(runtime_, tag));
  EXPECT_TRUE(list(runtime_)->empty());
}

TEST_F(ListTest, ForeignImagesCannotBeNamed) {
  for (const char* selector : {"corp/tools:1", "scc-base:mine", "debian:12", "aaaa", "sha256:"}) {
    const auto removals = remove(runtime_, selector);
    ASSERT_FALSE(removals) << selector;
    EXPECT_EQ(removals.error().kind, Kind::not_found) << selector;
  }
  EXPECT_THAT(runtime_.removed, IsEmpty());
}

TEST_F(ListTest, AnImageInUseIsReportedAndTheRestGoes) {
  const std::string tool = state().ref;
  runtime_.remove_errors[tool] = Error{Kind::tool, "runtime.conflict", "in use by container x", "", {}};
  const auto removals = remove(runtime_, "agent-tool");
  ASSERT_TRUE(removals);
  ASSERT_EQ(removals->size(), 2U);
  EXPECT_FALSE((*removals)[0].removed);
  EXPECT_EQ((*removals)[0].reason, "in use by container x");
  EXPECT_TRUE((*removals)[1].removed);
}

}  // namespace
}  // namespace scc::image
