// SPDX-License-Identifier: Apache-2.0
// An engine that is killed and one whose disk is full. Both are the test's own (private_engine.h).
#include <gmock/gmock.h>

#include "integration/runtime/engine_fixture.h"
#include "integration/runtime/private_engine.h"

namespace scc::test {
namespace {

using sdk::view;
using testing::HasSubstr;

constexpr const char* kNoRecipe = "there is no recipe for an engine of one's own here";

class PrivateTest : public RuntimeTest {
 protected:
  /// False where there is no recipe for an engine of one's own: a third party's, or an ordinary user's
  /// without as-user.
  bool begin(std::size_t megabytes) {
    const std::string& runtime = UnderTest::get().runtime;
    if (!PrivateEngine::possible(runtime)) return false;
    private_ = std::make_unique<PrivateEngine>(runtime, megabytes);
    engine_ = std::make_unique<Engine>(private_->env());
    return true;
  }
  void TearDown() override {
    RuntimeTest::TearDown();
    engine_.reset();
    private_.reset();
  }
  Outcome import_here(std::size_t padding, const std::string& tag) {
    std::string progress;
    return engine_->import(import_request(tag, "private"), helper_rootfs(padding), progress);
  }
  std::unique_ptr<PrivateEngine> private_;
};

TEST_F(PrivateTest, AnEngineThatIsKilledIsToldAndFoundAgain) {
  if (!begin(256)) GTEST_SKIP() << kNoRecipe;
  const Outcome imported = import_here(0, image_);
  ASSERT_TRUE(imported.ok()) << imported.message;
  const std::string id = run();
  Outcome opened;
  auto handle = engine_->exec(id, exec_request({"/helper", "echo"}), opened);
  ASSERT_TRUE(handle) << opened.message;
  handle->write_all("up");
  std::string out;
  ASSERT_TRUE(handle->read_until("up", out));

  private_->kill_hard();
  // The stream ends, or says that it broke; it never hangs.
  scc_channel channel = SCC_CHANNEL_OUT;
  std::string bytes;
  sdk::ErrorCatch error;
  sdk::Collect sink;
  const scc_status status = engine_->table->exec_read(handle->raw(), 10'000, &channel, sink.c(), error.c());
  EXPECT_TRUE((status == SCC_OK && channel == SCC_CHANNEL_END) ||
              (status != SCC_OK && status != SCC_E_TIMEOUT))
      << status << " " << error.message;
  const Outcome list = engine_->list("{}");
  EXPECT_EQ(list.status, SCC_E_PREREQ) << "an engine that is down is an error, never an empty list";
  EXPECT_EQ(list.code, "runtime.unreachable");
  EXPECT_FALSE(list.hint.empty());
  const Outcome probe = engine_->ask(engine_->table->probe);
  EXPECT_FALSE(probe.document.flag("/reachable"));
  EXPECT_FALSE(engine_->stop(id, 0).ok()) << "what is not known is not done";

  private_->start();
  const Outcome again = engine_->list(R"({"all":true,"labels":{"scc.test":)" + json_text(unique_) + "}}");
  ASSERT_TRUE(again.ok()) << again.message;
  ASSERT_EQ(again.document.at("/sandboxes")->children.size(), 1U) << "nothing is lost: " << again.text;
  EXPECT_TRUE(engine_->remove(id).ok());
  EXPECT_EQ(engine_->inspect(id).status, SCC_E_NOT_FOUND);
}

TEST_F(PrivateTest, AFullDiskIsToldAndWhatIsThereStillWorks) {
  if (!begin(48)) GTEST_SKIP() << kNoRecipe;
  const Outcome imported = import_here(0, image_);
  ASSERT_TRUE(imported.ok()) << imported.message;
  const Outcome full = import_here(std::size_t{64} << 20U, unique_ + "-big:1");
  EXPECT_EQ(full.status, SCC_E_PREREQ) << full.code << ": " << full.message;
  EXPECT_EQ(full.code, "runtime.no-space") << full.message;
  EXPECT_FALSE(full.hint.empty());
  EXPECT_FALSE(engine_->ask(engine_->table->image_inspect, view(unique_ + "-big:1")).ok()) << "half an image";
  EXPECT_EQ(exec(run(), {"/helper", "exit", "5"}).exit_code, 5);
}

}  // namespace
}  // namespace scc::test
