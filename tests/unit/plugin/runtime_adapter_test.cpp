// SPDX-License-Identifier: Apache-2.0
// The runtime adapter against a scripted runtime that is compiled in and comes through the registry like any
// other.
#include <gmock/gmock.h>

#include <scc/sdk/plugin.hpp>

#include "plugin/netpolicy.h"
#include "plugin/provider.h"
#include "plugin/runtime.h"
#include "unit/plugin/plugin_fixture.h"

namespace scc::plugin {
namespace {

using testing::HasSubstr;

/// What the scripted runtime saw and should do; one at a time.
struct Script {
  std::vector<std::string> calls;
  std::string list = R"({"schema":"scc.sandbox-list/1","sandboxes":[]})";
  std::string put;
  int destroyed = 0;
  int closed = 0;
  bool saw_cancelled = false;
};
Script* g_script = nullptr;

class FakeExec {
 public:
  std::optional<sdk::Channel> read(std::uint32_t timeout_ms, const sdk::Sink& out) {
    switch (step_++) {
      case 0:
        return std::nullopt;
      case 1:
        out.write("on out");
        return sdk::Channel::out;
      case 2:
        out.write("on err");
        return sdk::Channel::err;
      default:
        static_cast<void>(timeout_ms);
        return sdk::Channel::end;
    }
  }
  std::size_t write(std::string_view bytes) { return bytes.size() / 2; }
  void close_input() { g_script->calls.emplace_back("close_input"); }
  void resize(std::uint16_t rows, std::uint16_t cols) {
    g_script->calls.push_back("resize " + std::to_string(rows) + "x" + std::to_string(cols));
  }
  std::optional<int> wait(std::uint32_t /*timeout_ms*/) { return 137; }
  int fd() const { return 42; }
  ~FakeExec() { ++g_script->closed; }

 private:
  int step_ = 0;
};

class FakeRuntime {
 public:
  FakeRuntime(sdk::Host host, const sdk::Json& config) : host_(host) {
    g_script->calls.push_back("create " + config.str("/config/flavour"));
  }
  ~FakeRuntime() { ++g_script->destroyed; }

  std::string probe() {
    return R"({"schema":"scc.runtime-info/1","runtime_id":"fake","version":"1","reachable":true,"problems":[]})";
  }
  sdk::SandboxHandle sandbox_create(const sdk::Json& spec) {
    sdk::SandboxHandle out;
    out.id = "id-" + spec.str("/name");
    out.name = spec.str("/name");
    return out;
  }
  void sandbox_start(std::string_view id) {
    throw sdk::Failure(SCC_E_TOOL, "runtime.conflict", "cannot start " + std::string(id), "try later");
  }
  std::string sandbox_inspect(std::string_view /*id*/) {
    throw sdk::Failure(SCC_E_NOT_FOUND, "runtime.gone", "gone");
  }
  std::string sandbox_list(const sdk::Json& /*filter*/) { return g_script->list; }
  void sandbox_stop(std::string_view id, std::uint32_t grace_ms) {
    g_script->saw_cancelled = host_.cancelled();
    g_script->calls.push_back("stop " + std::string(id) + " " + std::to_string(grace_ms));
  }
  void sandbox_remove(std::string_view id) { g_script->calls.push_back("remove " + std::string(id)); }
  void sandbox_put(std::string_view /*id*/, std::string_view /*path*/, const sdk::Source& tar) {
    char buffer[8];
    for (std::size_t n = 0; (n = tar.read(buffer, sizeof(buffer))) > 0;) g_script->put.append(buffer, n);
  }
  void sandbox_get(std::string_view /*id*/, std::string_view /*path*/, const sdk::Sink& tar) {
    for (int i = 0; i < 1000; ++i) tar.write(std::string(1024, 'x'));
  }
  void image_build(const sdk::Json& /*request*/, const sdk::Source& context, const sdk::Sink& progress) {
    char buffer[64];
    while (context.read(buffer, sizeof(buffer)) > 0) progress.write("step\n");
  }
  std::unique_ptr<FakeExec> exec_open(std::string_view /*id*/, const sdk::Json& /*request*/) {
    return std::make_unique<FakeExec>();
  }

 private:
  sdk::Host host_;
};

constexpr scc_component kComponents[] = {sdk::runtime<FakeRuntime>("fake")};
constexpr scc_plugin_v1 kFake = {
    sizeof(scc_plugin_v1), SCC_ABI_MAJOR, SCC_ABI_MINOR, "runtime-fake", "1.0.0", kComponents, 1,
    sizeof(scc_component), nullptr};

class RuntimeAdapterTest : public test::PluginFixture {
 protected:
  RuntimeAdapterTest() {
    g_script = &script_;
    options_.builtins = {&kFake};
    options_.cancelled = [this] { return cancelled_; };
  }
  std::unique_ptr<Runtime> open() {
    registry_ = std::make_unique<Registry>(scan());
    json::Value config;
    config["flavour"] = "vanilla";
    auto runtime = registry_->runtime("fake", config);
    if (!runtime) throw std::runtime_error(runtime.error().message);
    return std::move(*runtime);
  }
  static json::Value filter() {
    json::Value f;
    f["schema"] = "scc.list-filter/1";
    f["labels"] = json::Value(json::Object{});
    return f;
  }
  static json::Value exec_request() {
    return *json::parse(R"({"schema":"scc.exec-request/1","argv":["x"],"env":{},"workdir":"/",
                            "user":{"uid":1000,"gid":1000},"tty":false})");
  }
  Script script_;
  bool cancelled_ = false;
  std::unique_ptr<Registry> registry_;
};

TEST_F(RuntimeAdapterTest, LivesAndDiesOnce) {
  open().reset();
  EXPECT_THAT(script_.calls, testing::ElementsAre("create vanilla"));
  EXPECT_EQ(script_.destroyed, 1);
}

TEST_F(RuntimeAdapterTest, DocumentsBothWays) {
  const auto runtime = open();
  EXPECT_EQ(runtime->ref().id, "fake");
  EXPECT_EQ(runtime->probe()->str("/runtime_id"), "fake");
  EXPECT_TRUE(runtime->sandbox_list(filter()));
  const auto refused = runtime->sandbox_list(json::Value(json::Object{}));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().id, "plugin.request");
}

TEST_F(RuntimeAdapterTest, FailuresKeepKindCodeAndHint) {
  const auto runtime = open();
  const Status started = runtime->sandbox_start("x");
  ASSERT_FALSE(started);
  EXPECT_EQ(started.error().kind, Kind::tool);
  EXPECT_EQ(started.error().id, "runtime.conflict");
  EXPECT_EQ(started.error().hint, "try later");
  EXPECT_THAT(started.error().context.front(), HasSubstr("runtime-fake (sandbox_start)"));
  EXPECT_EQ(runtime->sandbox_inspect("x").error().kind, Kind::not_found);
  const auto missing = runtime->volume_list(filter());
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().kind, Kind::tool) << "a verb that the runtime lacks";
}

TEST_F(RuntimeAdapterTest, CleanupRunsAfterABadAnswerAndAfterCtrlC) {
  const auto runtime = open();
  script_.list = R"({"schema":"scc.sandbox-list/1"})";
  EXPECT_EQ(runtime->sandbox_list(filter()).error().id, "plugin.output-schema");
  EXPECT_EQ(runtime->probe().error().id, "plugin.faulty");
  cancelled_ = true;
  EXPECT_TRUE(runtime->sandbox_stop("a", 2'000'000));
  EXPECT_TRUE(runtime->sandbox_remove("a"));
  EXPECT_FALSE(script_.saw_cancelled);
  EXPECT_THAT(script_.calls, testing::ElementsAre("create vanilla", "stop a 600000", "remove a"));
}

TEST_F(RuntimeAdapterTest, BulkDataStreams) {
  const auto runtime = open();
  std::string input = "a tar of some length";
  const Source source = [&](char* buffer, std::size_t capacity) -> std::optional<std::size_t> {
    const std::size_t n = std::min(capacity, input.size());
    input.copy(buffer, n);
    input.erase(0, n);
    return n;
  };
  ASSERT_TRUE(runtime->sandbox_put("x", "/", source));
  EXPECT_EQ(script_.put, "a tar of some length");
  const Source broken = [](char*, std::size_t) -> std::optional<std::size_t> { return std::nullopt; };
  EXPECT_EQ(runtime->sandbox_put("x", "/", broken).error().kind, Kind::cancelled);
  const Source throwing = [](char*, std::size_t) -> std::optional<std::size_t> {
    throw std::runtime_error("no");
  };
  EXPECT_EQ(runtime->sandbox_put("x", "/", throwing).error().kind, Kind::internal);

  std::size_t taken = 0;
  ASSERT_TRUE(runtime->sandbox_get("x", "/", [&](std::string_view bytes) {
    taken += bytes.size();
    return true;
  }));
  EXPECT_EQ(taken, 1000U * 1024U);
  taken = 0;
  const Status stopped = runtime->sandbox_get("x", "/", [&](std::string_view bytes) {
    taken += bytes.size();
    return taken < 5'000;
  });
  EXPECT_EQ(stopped.error().kind, Kind::cancelled);
  EXPECT_LT(taken, 10'000U);

  json::Value build = *json::parse(R"({"schema":"scc.image-build/1","tags":["a:b"],"labels":{}})");
  input = "context";
  std::string lines;
  ASSERT_TRUE(runtime->image_build(build, source, [&](std::string_view t) { lines += t; }));
  EXPECT_EQ(lines, "step\n");
}

TEST_F(RuntimeAdapterTest, ExecChannels) {
  auto runtime = open();
  auto opened = runtime->exec_open("x", exec_request());
  ASSERT_TRUE(opened) << opened.error().message;
  const std::unique_ptr<Exec> exec = std::move(*opened);
  runtime.reset();
  EXPECT_EQ(script_.destroyed, 0) << "an exec keeps its runtime";
  EXPECT_EQ(exec->fd(), 42);
  std::string bytes;
  EXPECT_EQ(*exec->read(0, bytes), Exec::Channel::nothing_yet);
  EXPECT_EQ(*exec->read(0, bytes), Exec::Channel::out);
  EXPECT_EQ(bytes, "on out");
  EXPECT_EQ(*exec->read(0, bytes), Exec::Channel::err);
  EXPECT_EQ(bytes, "on outon err");
  EXPECT_EQ(*exec->write("1234"), 2U);
  EXPECT_TRUE(exec->resize(70'000, 80));
  EXPECT_TRUE(exec->close_input());
  EXPECT_EQ(*exec->read(0, bytes), Exec::Channel::end);
  EXPECT_EQ(*exec->wait(0), 137);
  EXPECT_THAT(script_.calls, testing::Contains("resize 65535x80"));
}

TEST_F(RuntimeAdapterTest, ClosingOrder) {
  {
    auto runtime = open();
    auto exec = runtime->exec_open("x", exec_request());
    runtime.reset();
  }
  EXPECT_EQ(script_.closed, 1);
  EXPECT_EQ(script_.destroyed, 1);
}

}  // namespace
}  // namespace scc::plugin
