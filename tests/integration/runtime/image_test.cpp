// SPDX-License-Identifier: Apache-2.0
// Images and the engine as a whole: import, build with progress and its failures, probe.
#include <gmock/gmock.h>

#include "integration/runtime/engine_fixture.h"
#include "integration/runtime/tar.h"

namespace scc::test {
namespace {

using sdk::view;
using testing::HasSubstr;

std::string build_request(const std::string& tag) {
  return R"({"schema":"scc.image-build/1","tags":[)" + json_text(tag) +
         R"(],"labels":{"scc.test":"built"},"build_args":{"WORD":"a b"}})";
}

TEST_F(RuntimeTest, InspectsAndListsImages) {
  const Outcome seen = engine_->ask(engine_->table->image_inspect, view(image_));
  ASSERT_TRUE(seen.ok()) << seen.message;
  EXPECT_EQ(seen.document.strings("/tags"), std::vector<std::string>{image_});
  EXPECT_EQ(seen.document.str("/labels/scc.test"), "engine \"quoted\" $HOME");
  EXPECT_GT(seen.document.at("/size")->integer, 100'000);
  EXPECT_THAT(seen.document.str("/id"), HasSubstr("sha256:"));
  const std::string filter = R"({"labels":{"scc.test":"engine \"quoted\" $HOME"}})";
  const Outcome list = engine_->ask(engine_->table->image_list, view(filter));
  ASSERT_TRUE(list.ok()) << list.message;
  bool found = false;
  for (const auto& item : list.document.at("/images")->children) {
    found |= item.str("/id") == seen.document.str("/id");
  }
  EXPECT_TRUE(found) << list.text;
  const Outcome none = engine_->ask(engine_->table->image_inspect, view("scc-engine-test-none:1"));
  EXPECT_EQ(none.status, SCC_E_NOT_FOUND);
  EXPECT_EQ(none.code, "runtime.no-image");
}

TEST_F(RuntimeTest, BuildsWithProgress) {
  const std::string tag = unique_ + "-built:1";
  Tar context;
  context.file("Containerfile",
               "FROM " + image_ + "\nARG WORD\nENV SAID=$WORD\nUSER 1234\nCOPY note /note\n");
  context.file("note", "hello");
  std::string progress;
  const Outcome built = engine_->build(build_request(tag), context.finish(), progress);
  ASSERT_TRUE(built.ok()) << built.message;
  EXPECT_THAT(progress, HasSubstr("COPY note /note"));
  const Outcome seen = engine_->ask(engine_->table->image_inspect, view(tag));
  ASSERT_TRUE(seen.ok()) << seen.message;
  EXPECT_EQ(seen.document.str("/user"), "1234");
  EXPECT_THAT(seen.document.strings("/env"), testing::Contains("SAID=a b"));
  EXPECT_EQ(seen.document.str("/labels/scc.test"), "built");
  EXPECT_TRUE(engine_->plain(engine_->table->image_remove, view(tag)).ok());
  EXPECT_TRUE(engine_->plain(engine_->table->image_remove, view(tag)).ok()) << "gone already";
}

TEST_F(RuntimeTest, TellsAFailedBuild) {
  Tar context;
  context.file("Containerfile", "FROM " + image_ + "\nRUN [\"/helper\", \"exit\", \"9\"]\n");
  std::string progress;
  const Outcome built = engine_->build(build_request(unique_ + "-bad:1"), context.finish(), progress);
  EXPECT_EQ(built.status, SCC_E_TOOL);
  EXPECT_EQ(built.code, "runtime.build");
  EXPECT_THAT(built.message, HasSubstr("9"));
  Tar broken;
  broken.file("Containerfile", "NONSENSE\n");
  const Outcome refused = engine_->build(build_request(unique_ + "-bad:1"), broken.finish(), progress);
  EXPECT_FALSE(refused.ok());
  EXPECT_THAT(refused.message, testing::AnyOf(HasSubstr("NONSENSE"), HasSubstr("FROM")));
  Tar empty;
  const Outcome nothing = engine_->build(build_request(unique_ + "-bad:1"), empty.finish(), progress);
  EXPECT_FALSE(nothing.ok());
  EXPECT_THAT(nothing.message, HasSubstr("Containerfile"));
}

TEST_F(RuntimeTest, PullsByDigestOnly) {
  sdk::Collect progress;
  const Outcome pulled =
      engine_->ask(engine_->table->image_pull, view("scc-engine-test-none:latest"), progress.c());
  EXPECT_EQ(pulled.status, SCC_E_USAGE);
  EXPECT_EQ(pulled.code, "runtime.name");
}

TEST_F(RuntimeTest, ProbesTheEngine) {
  const Outcome probe = engine_->ask(engine_->table->probe);
  ASSERT_TRUE(probe.ok()) << probe.message;
  EXPECT_TRUE(probe.document.flag("/reachable")) << probe.text;
  EXPECT_EQ(probe.document.str("/runtime_id"), UnderTest::get().runtime);
  EXPECT_FALSE(probe.document.str("/version").empty());
  EXPECT_THAT(probe.document.str("/api_version"), HasSubstr("1."));
  EXPECT_THAT(probe.document.str("/endpoint"), HasSubstr("://"));
  EXPECT_GT(probe.document.at("/memory_bytes")->integer, 1 << 20);
  EXPECT_EQ(probe.document.str("/security/seccomp"), "default");
}

}  // namespace
}  // namespace scc::test
