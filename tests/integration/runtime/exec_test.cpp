// SPDX-License-Identifier: Apache-2.0
// Processes in a sandbox over the hijacked connection: both stream formats, both directions, big and binary
// data, window sizes, exit codes, death by memory.
#include <chrono>
#include <poll.h>

#include <gmock/gmock.h>

#include "integration/runtime/engine_fixture.h"

namespace scc::test {
namespace {

using testing::HasSubstr;

TEST_F(RuntimeTest, ReportsExitCodes) {
  const std::string id = run();
  EXPECT_EQ(exec(id, {"/helper", "exit", "0"}).exit_code, 0);
  EXPECT_EQ(exec(id, {"/helper", "exit", "3"}).exit_code, 3);
  EXPECT_EQ(exec(id, {"/helper", "exit", "255"}).exit_code, 255);
  EXPECT_EQ(exec(id, {"/helper", "die"}).exit_code, 137);
  const ExecResult missing = exec(id, {"/nothing-here"});
  EXPECT_THAT(missing.exit_code, testing::AnyOf(126, 127));
  EXPECT_THAT(missing.out + missing.err, HasSubstr("/nothing-here"));
}

TEST_F(RuntimeTest, SeparatesOutputAndErrors) {
  const ExecResult result = exec(run(), {"/helper", "both"});
  ASSERT_EQ(result.out.size(), 128U);
  ASSERT_EQ(result.err.size(), 128U);
  for (std::size_t i = 0; i < 128; ++i) {
    EXPECT_EQ(static_cast<unsigned char>(result.out[i]), 2 * i);
    EXPECT_EQ(static_cast<unsigned char>(result.err[i]), 2 * i + 1);
  }
}

TEST_F(RuntimeTest, ClosesTheInputAloneAndReadsOn) {
  const ExecResult result = exec(run(), {"/helper", "echo"}, std::string("in\0put\r\n", 8));
  EXPECT_EQ(result.out, std::string("in\0put\r\n", 8));
  EXPECT_EQ(result.err, "eof");
  EXPECT_EQ(result.exit_code, 0);
}

TEST_F(RuntimeTest, PassesAHundredMegabytes) {
  constexpr std::size_t kSize = 100'000'000;
  Outcome opened;
  auto handle = engine_->exec(run(), exec_request({"/helper", "flood", std::to_string(kSize)}), opened);
  ASSERT_TRUE(handle) << opened.message;
  std::size_t at = 0;
  while (true) {
    scc_channel channel = SCC_CHANNEL_END;
    std::string bytes;
    ASSERT_EQ(handle->read(30'000, channel, bytes), SCC_OK);
    if (channel == SCC_CHANNEL_END) break;
    ASSERT_EQ(channel, SCC_CHANNEL_OUT);
    ASSERT_EQ(bytes, flood_bytes(at, bytes.size())) << "at byte " << at;
    at += bytes.size();
  }
  EXPECT_EQ(at, kSize);
}

TEST_F(RuntimeTest, EchoesBinaryDataThatFillsEveryBuffer) {
  const std::string data = flood_bytes(0, std::size_t{8} << 20U);
  Outcome opened;
  auto handle = engine_->exec(run(), exec_request({"/helper", "echo"}), opened);
  ASSERT_TRUE(handle) << opened.message;
  ASSERT_GE(handle->fd(), 0);
  std::string_view left = data;
  std::string out;
  bool refused = false;
  bool closed = false;
  while (true) {
    std::size_t written = 0;
    if (!left.empty()) {
      ASSERT_EQ(handle->write(left, written), SCC_OK);
      left.remove_prefix(written);
      refused |= written == 0;
    } else if (!closed) {
      ASSERT_EQ(handle->close_input(), SCC_OK);
      closed = true;
    }
    scc_channel channel = SCC_CHANNEL_END;
    std::string bytes;
    const scc_status status = handle->read(written == 0 ? 5'000 : 0, channel, bytes);
    if (status == SCC_E_TIMEOUT) continue;
    ASSERT_EQ(status, SCC_OK);
    if (channel == SCC_CHANNEL_END) break;
    if (channel == SCC_CHANNEL_OUT) out += bytes;
  }
  EXPECT_TRUE(refused) << "the test never saw a full pipe";
  EXPECT_TRUE(out == data);
}

TEST_F(RuntimeTest, GivesATerminalItsSizeAndItsChanges) {
  Outcome opened;
  auto handle =
      engine_->exec(run(), exec_request({"/helper", "size"}, true, R"(,"rows":33,"cols":111)"), opened);
  ASSERT_TRUE(handle) << opened.message;
  std::string out;
  ASSERT_TRUE(handle->read_until("tty=1 rows=33 cols=111\r\n", out)) << out;
  ASSERT_EQ(handle->resize(50, 200), SCC_OK);
  ASSERT_TRUE(handle->read_until("tty=1 rows=50 cols=200\r\n", out)) << out;
  handle->write_all("q");
  ExecResult result;
  handle->finish(result);
  EXPECT_EQ(result.exit_code, 0);
}

TEST_F(RuntimeTest, PassesKeysOfTheTerminalThrough) {
  Outcome opened;
  auto handle =
      engine_->exec(run(), exec_request({"/helper", "echo"}, true, R"(,"rows":24,"cols":80)"), opened);
  ASSERT_TRUE(handle) << opened.message;
  // Ctrl-P Ctrl-Q is the engine's default way to detach; here it is two keys.
  handle->write_all("a\x10\x11z\n");
  std::string out;
  ASSERT_TRUE(handle->read_until("z\r\n", out)) << out;
  EXPECT_THAT(out, HasSubstr("^P"));
  handle->write_all("\x04");  // end of input, as the terminal says it
  ExecResult result;
  handle->finish(result);
  EXPECT_EQ(result.exit_code, 0);
  EXPECT_THAT(result.out, HasSubstr("eof")) << "a terminal has one channel";
}

TEST_F(RuntimeTest, InterruptsThroughTheTerminal) {
  Outcome opened;
  auto handle = engine_->exec(run(), exec_request({"/helper", "echo"}, true), opened);
  ASSERT_TRUE(handle) << opened.message;
  handle->write_all("x\n");
  std::string out;
  ASSERT_TRUE(handle->read_until("x\r\nx\r\n", out)) << out;
  handle->write_all("\x03");
  ExecResult result;
  handle->finish(result);
  EXPECT_EQ(result.exit_code, 130);
}

TEST_F(RuntimeTest, SaysWhenNothingCame) {
  Outcome opened;
  auto handle = engine_->exec(run(), exec_request({"/helper", "echo"}), opened);
  ASSERT_TRUE(handle) << opened.message;
  scc_channel channel = SCC_CHANNEL_END;
  std::string bytes;
  EXPECT_EQ(handle->read(0, channel, bytes), SCC_E_TIMEOUT);
  EXPECT_EQ(handle->read(50, channel, bytes), SCC_E_TIMEOUT);
  handle->write_all("now");
  pollfd entry{handle->fd(), POLLIN, 0};
  ASSERT_EQ(poll(&entry, 1, 10'000), 1);
  EXPECT_EQ(handle->read(0, channel, bytes), SCC_OK);
  EXPECT_EQ(bytes, "now");
}

TEST_F(RuntimeTest, DropsInputForAProcessThatHasGone) {
  Outcome opened;
  auto handle = engine_->exec(run(), exec_request({"/helper", "exit", "7"}), opened);
  ASSERT_TRUE(handle) << opened.message;
  ExecResult result;
  handle->finish(result);
  EXPECT_EQ(result.exit_code, 7);
  std::size_t written = 0;
  for (int i = 0; i < 3; ++i) EXPECT_EQ(handle->write("too late", written), SCC_OK);
  EXPECT_EQ(handle->close_input(), SCC_OK);
}

TEST_F(RuntimeTest, EndsWhenTheSandboxIsStopped) {
  const std::string id = run();
  Outcome opened;
  auto handle = engine_->exec(id, exec_request({"/helper", "echo"}), opened);
  ASSERT_TRUE(handle) << opened.message;
  handle->write_all("up");
  std::string out;
  ASSERT_TRUE(handle->read_until("up", out));
  ASSERT_TRUE(engine_->stop(id, 1'000).ok());
  ExecResult result;
  handle->finish(result);
  EXPECT_EQ(result.exit_code, 137);
}

TEST_F(RuntimeTest, RefusesAProcessInASandboxThatDoesNotRun) {
  const std::string id = name();
  ASSERT_TRUE(engine_->create(spec(id)).ok());
  Outcome opened;
  EXPECT_FALSE(engine_->exec(id, exec_request({"/helper"}), opened));
  EXPECT_EQ(opened.code, "runtime.conflict") << opened.message;
  EXPECT_FALSE(engine_->exec(unique_ + "-none", exec_request({"/helper"}), opened));
  EXPECT_EQ(opened.status, SCC_E_NOT_FOUND);
}

TEST_F(RuntimeTest, TellsDeathByMemory) {
  if (!engine_->info().flag("/cgroup/memory")) {
    EXPECT_TRUE(engine_->has_problem("runtime.no-memory-limit"));
    return;
  }
  const std::string id = run();
  const ExecResult result = exec(id, {"/helper", "eat"});
  EXPECT_EQ(result.exit_code, 137);
  EXPECT_TRUE(engine_->inspect(id).document.flag("/oom_killed"));
}

}  // namespace
}  // namespace scc::test
