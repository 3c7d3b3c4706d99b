// SPDX-License-Identifier: Apache-2.0
// The plugin as it is built, through the whole host: trust pipeline, probe child, grants, schemas in both
// directions. What it does is tested next door; here it must get through, and reach nothing but its engine.
#include <cstdlib>
#include <fstream>

#include <gmock/gmock.h>

#include "integration/runtime/tar.h"
#include "plugin/runtime.h"
#include "unit/plugin/plugin_fixture.h"

namespace scc::test {
namespace {

using testing::HasSubstr;

json::Value doc(std::string_view text) {
  auto value = json::parse(text);
  EXPECT_TRUE(value) << value.error().message;
  return value ? *value : json::Value();
}

class PluginHostTest : public PluginFixture {
 protected:
  PluginHostTest() {
    options_.plugin_dirs = {SCC_BUILT_PLUGINS};
    if (const char* host = std::getenv("DOCKER_HOST")) env_.vars["DOCKER_HOST"] = host;
  }
  /// What is built is not installed: the user has to vouch for it.
  void SetUp() override {
    plugin::Registry registry = scan();
    const Status trusted = registry.trust("runtime-docker");
    ASSERT_TRUE(trusted) << trusted.error().message;
  }
  std::unique_ptr<plugin::Runtime> docker() {
    registry_ = std::make_unique<plugin::Registry>(scan());
    auto runtime = registry_->runtime("docker", json::Value(json::Object{}));
    EXPECT_TRUE(runtime) << runtime.error().id << ": " << runtime.error().message;
    return runtime ? std::move(*runtime) : nullptr;
  }
  /// The plugin, where an engine answers.
  std::unique_ptr<plugin::Runtime> engine() {
    auto runtime = docker();
    if (!runtime) return nullptr;
    const auto info = runtime->probe();
    EXPECT_TRUE(info) << info.error().id << ": " << info.error().message;
    if (info && info->flag("/reachable")) return runtime;
    const char* required = std::getenv("SCC_REQUIRE_ENGINES");
    if (required != nullptr && std::string(required) == "1") ADD_FAILURE() << "no Docker engine answers";
    return nullptr;
  }
  std::unique_ptr<plugin::Registry> registry_;
};

TEST_F(PluginHostTest, DeclaresWhatTheCoreMustKnow) {
  const plugin::Registry registry = scan();
  const plugin::Entry* entry = find(registry, "runtime-docker");
  ASSERT_NE(entry, nullptr);
  EXPECT_EQ(entry->state, plugin::State::ready) << entry->error_id << ": " << entry->reason;
  const plugin::Declarations all = registry.declarations();
  EXPECT_THAT(all.engine_sockets, testing::Contains("/var/run/docker.sock"));
  EXPECT_THAT(all.protected_paths, testing::Contains("${HOME}/.docker"));
  EXPECT_THAT(all.env_strip, testing::Contains("DOCKER_HOST"));
  EXPECT_THAT(registry.components("runtime"), testing::Contains("docker"));
}

TEST_F(PluginHostTest, RunsASandboxFromImportToRemoval) {
  const auto runtime = engine();
  if (!runtime) GTEST_SKIP() << "no Docker engine answers";
  const std::string name = "engine-host-test-" + std::to_string(getpid());
  Tar root;
  for (const char* dir : {"proc", "sys", "dev", "etc"}) root.dir(dir);
  root.file("helper", slurp(SCC_RUNTIME_HELPER), 0755);
  const std::string tar = root.finish();
  std::string_view left = tar;
  const plugin::Source source = [&](char* buffer, std::size_t capacity) {
    const std::size_t size = left.copy(buffer, capacity);
    left.remove_prefix(size);
    return std::optional<std::size_t>(size);
  };
  const std::shared_ptr<void> cleanup(nullptr, [&](void*) {
    EXPECT_TRUE(runtime->sandbox_remove(name));
    EXPECT_TRUE(runtime->image_remove(name + ":1"));
  });
  std::string progress;
  const auto imported = runtime->image_import(
      doc(R"({"schema":"scc.image-import/1","tag":")" + name + R"(:1","labels":{"scc.test":"host"}})"),
      source, [&](std::string_view text) { progress += text; });
  ASSERT_TRUE(imported) << imported.error().id << ": " << imported.error().message;
  const auto image = runtime->image_inspect(name + ":1");
  EXPECT_TRUE(image) << image.error().message;

  const auto made = runtime->sandbox_create(doc(
      R"({"schema":"scc.sandbox-spec/1","name":")" + name + R"(","image":")" + name +
      R"(:1","labels":{"scc.test":"host"},"argv":["/helper","init"],"env":{},"workdir":"/","user":{"uid":7,"gid":8},)"
      R"("mounts":[{"type":"tmpfs","target":"/tmp","read_only":false}],"network":{"mode":"none"},)"
      R"("security":{"cap_drop":["ALL"],"no_new_privileges":true,"read_only_root":true},"stop_grace_ms":1000})"));
  ASSERT_TRUE(made) << made.error().id << ": " << made.error().message;
  EXPECT_TRUE(runtime->sandbox_start(name));
  const auto list =
      runtime->sandbox_list(doc(R"({"schema":"scc.list-filter/1","labels":{"scc.test":"host"},"all":true})"));
  ASSERT_TRUE(list) << list.error().id << ": " << list.error().message;
  EXPECT_EQ(list->str("/sandboxes/0/name"), name);

  auto exec = runtime->exec_open(
      name,
      doc(R"({"schema":"scc.exec-request/1","argv":["/helper","echo"],"env":{},"workdir":"/tmp","user":{"uid":7,"gid":8},"tty":false})"));
  ASSERT_TRUE(exec) << exec.error().id << ": " << exec.error().message;
  ASSERT_TRUE((*exec)->write("over there"));
  ASSERT_TRUE((*exec)->close_input());
  std::string out;
  while (true) {
    std::string bytes;
    const auto channel = (*exec)->read(10'000, bytes);
    ASSERT_TRUE(channel) << channel.error().message;
    if (*channel == plugin::Exec::Channel::end) break;
    ASSERT_NE(*channel, plugin::Exec::Channel::nothing_yet);
    if (*channel == plugin::Exec::Channel::out) out += bytes;
  }
  EXPECT_EQ(out, "over there");
  EXPECT_EQ((*exec)->wait(10'000).value_or(-1), 0);

  const auto seen = runtime->sandbox_inspect(name);
  ASSERT_TRUE(seen) << seen.error().id << ": " << seen.error().message;
  EXPECT_EQ(seen->str("/state"), "running");
  EXPECT_TRUE(runtime->sandbox_stop(name, 1'000));
}

TEST_F(PluginHostTest, RefusesAContextThatDoesNotExist) {
  env_.vars.erase("DOCKER_HOST");
  write(root_ / "home/.docker/config.json", R"({"currentContext":"gone"})");
  const auto runtime = docker();
  ASSERT_TRUE(runtime);
  const auto info = runtime->probe();
  ASSERT_TRUE(info) << info.error().message;
  EXPECT_FALSE(info->flag("/reachable")) << "the default engine is not what the user chose";
  EXPECT_EQ(info->str("/problems/0/code"), "runtime.endpoint");
}

TEST_F(PluginHostTest, FollowsTheUsersContext) {
  env_.vars.erase("DOCKER_HOST");
  write(root_ / "home/.docker/config.json", R"({"currentContext":"far"})");
  const std::string socket = (root_ / "far.sock").string();
  write(root_ / "home/.docker/contexts/meta" / os::sha256_hex("far") / "meta.json",
        R"({"Name":"far","Endpoints":{"docker":{"Host":"unix://)" + socket + R"("}}})");
  const auto runtime = docker();
  ASSERT_TRUE(runtime);
  const auto info = runtime->probe();
  ASSERT_TRUE(info) << info.error().message;
  EXPECT_EQ(info->str("/endpoint"), "unix://" + socket);
  EXPECT_EQ(info->str("/context"), "far");
  EXPECT_EQ(info->str("/problems/0/code"), "runtime.missing") << "granted, but nobody is there";
}

}  // namespace
}  // namespace scc::test
