// SPDX-License-Identifier: Apache-2.0
#include "integration/runtime/engine_fixture.h"

#include <algorithm>
#include <chrono>
#include <dlfcn.h>
#include <fstream>
#include <iterator>
#include <poll.h>
#include <random>
#include <stdexcept>
#include <unistd.h>

#include "integration/runtime/tar.h"
#include "json/value.h"
#include "scc/sdk/plugin.hpp"

namespace scc::test {
namespace {

using sdk::view;
using Clock = std::chrono::steady_clock;

const char* needed(const char* name) {
  const char* value = std::getenv(name);
  if (value == nullptr) throw std::runtime_error(std::string(name) + " is not set");
  return value;
}

/// A source over bytes, in small pieces.
struct Bytes {
  std::string_view left;
  scc_source source{sizeof(scc_source), 0, this,
                    [](void* ctx, char* buffer, std::size_t capacity, std::size_t* size) {
                      auto& self = *static_cast<Bytes*>(ctx);
                      *size = std::min(capacity, self.left.size());
                      self.left.copy(buffer, *size);
                      self.left.remove_prefix(*size);
                      return static_cast<scc_status>(SCC_OK);
                    }};
};

std::string read_whole(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) throw std::runtime_error("cannot read " + path);
  return {std::istreambuf_iterator<char>(file), {}};
}

}  // namespace

std::string json_text(std::string_view text) {
  return json::dump(json::Value(text));
}

std::string flood_bytes(std::size_t at, std::size_t size) {
  std::string bytes(size, '\0');
  for (std::size_t i = 0; i < size; ++i) {
    bytes[i] = static_cast<char>((static_cast<std::uint32_t>(at + i) * 2654435761U) >> 13U);
  }
  return bytes;
}

ScratchDir::ScratchDir() {
  std::string pattern = (std::filesystem::temp_directory_path() / "scc-engine-XXXXXX").string();
  if (mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("mkdtemp");
  path_ = pattern;
}
ScratchDir::~ScratchDir() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

// ---- exec ----

scc_status ExecHandle::read(std::uint32_t timeout_ms, scc_channel& channel, std::string& bytes) {
  sdk::Collect out;
  sdk::ErrorCatch error;
  const scc_status status = table_->exec_read(exec_, timeout_ms, &channel, out.c(), error.c());
  if (status != SCC_OK && status != SCC_E_TIMEOUT) ADD_FAILURE() << error.code << ": " << error.message;
  bytes = out.str();
  return status;
}

bool ExecHandle::read_until(std::string_view text, std::string& out) {
  const auto deadline = Clock::now() + std::chrono::seconds(10);
  while (out.find(text) == std::string::npos) {
    scc_channel channel = SCC_CHANNEL_END;
    std::string bytes;
    const scc_status status = read(200, channel, bytes);
    if (status == SCC_OK && channel == SCC_CHANNEL_END) return false;
    out += bytes;
    if (Clock::now() > deadline) return false;
  }
  return true;
}

void ExecHandle::finish(ExecResult& result) {
  while (true) {
    scc_channel channel = SCC_CHANNEL_END;
    std::string bytes;
    const scc_status status = read(30'000, channel, bytes);
    if (status != SCC_OK) {
      ADD_FAILURE() << "the process is silent";
      return;
    }
    if (channel == SCC_CHANNEL_END) break;
    (channel == SCC_CHANNEL_OUT ? result.out : result.err) += bytes;
  }
  std::int32_t code = -1;
  sdk::ErrorCatch error;
  const scc_status status = table_->exec_wait(exec_, 10'000, &code, error.c());
  EXPECT_EQ(status, SCC_OK) << error.message;
  if (status == SCC_OK) result.exit_code = code;
}

scc_status ExecHandle::write(std::string_view bytes, std::size_t& written) {
  sdk::ErrorCatch error;
  return table_->exec_write(exec_, view(bytes), &written, error.c());
}

void ExecHandle::write_all(std::string_view bytes) {
  while (!bytes.empty()) {
    std::size_t written = 0;
    ASSERT_EQ(write(bytes, written), SCC_OK);
    bytes.remove_prefix(written);
    if (written != 0) continue;
    pollfd entry{fd(), POLLOUT, 0};
    ASSERT_GT(poll(&entry, 1, 10'000), 0);
  }
}

scc_status ExecHandle::close_input() {
  sdk::ErrorCatch error;
  return table_->exec_close_input(exec_, error.c());
}
scc_status ExecHandle::resize(std::uint16_t rows, std::uint16_t cols) {
  sdk::ErrorCatch error;
  return table_->exec_resize(exec_, rows, cols, error.c());
}

// ---- engine ----

const UnderTest& UnderTest::get() {
  static const UnderTest found = [] {
    UnderTest test;
    test.directory = needed("SCC_RUNTIME_PLUGIN");
    test.runtime = needed("SCC_RUNTIME_ID");
    auto manifest = plugin::parse_manifest(read_whole(test.directory / "plugin.json"),
                                           test.directory.filename().string());
    if (!manifest) throw std::runtime_error(manifest.error().message);
    test.manifest = std::move(*manifest);
    const auto& library = test.manifest.libraries.at(std::string(plugin::platform()));
    void* handle = dlopen((test.directory / library.path).c_str(), RTLD_NOW | RTLD_LOCAL);
    if (handle == nullptr) throw std::runtime_error(dlerror());
    const auto* entry = static_cast<const scc_plugin_v1*>(dlsym(handle, "scc_plugin_entry_v1"));
    for (std::size_t i = 0; entry != nullptr && i < entry->component_count; ++i) {
      const scc_component& component = entry->components[i];
      if (component.interface_id == std::string(SCC_IFACE_RUNTIME) && component.id == test.runtime) {
        test.table = static_cast<const scc_runtime_v1*>(component.table);
      }
    }
    if (test.table == nullptr) throw std::runtime_error("the plugin has no runtime " + test.runtime);
    return test;
  }();
  return found;
}

Engine::Engine(const sdk::StringMap& more) : table(UnderTest::get().table) {
  const UnderTest& test = UnderTest::get();
  std::string pattern = (std::filesystem::temp_directory_path() / "scc-state-XXXXXX").string();
  if (mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("mkdtemp");
  state_ = pattern;
  auto services = std::make_shared<plugin::HostServices>();
  services->env = os::Environment::current();
  for (const auto& [name, value] : more) services->env.vars[name] = value;
  services->state = state_;
  services->runtime = state_ / "run";
  services->cancelled = [this] { return cancelled.load(); };
  sdk::StringMap env;
  for (const std::string& name : test.manifest.grants.env) {
    if (const auto value = services->env.get(name)) env.emplace(name, *value);
  }
  host_ = std::make_unique<plugin::HostContext>(test.manifest.id, "runtime", test.manifest.grants, services);
  sdk::JsonWriter w;
  w.begin_object().member("schema", "scc.component-config/1").key("config").begin_object().end_object();
  w.member("env", env).member("plugin_dir", test.directory.string()).end_object();
  sdk::ErrorCatch error;
  if (table->create(host_->table(), view(w.str()), &instance, error.c()) != SCC_OK) {
    throw std::runtime_error(error.message);
  }
}
Engine::~Engine() {
  table->destroy(instance);
  host_->close();
  std::error_code ignored;
  std::filesystem::remove_all(state_, ignored);
}

const sdk::testing::Value& Engine::info() {
  if (!info_) info_ = ask(table->probe).document;
  return *info_;
}

bool Engine::has_problem(const std::string& code) {
  const auto* problems = info().at("/problems");
  if (problems == nullptr) return false;
  return std::any_of(problems->children.begin(), problems->children.end(), [&](const auto& problem) {
    return problem.str("/code") == code && !problem.str("/remedy").empty();
  });
}

Outcome Engine::put(std::string_view id, std::string_view path, std::string_view tar) {
  Bytes bytes{tar};
  return plain(table->sandbox_put, view(id), view(path), &bytes.source);
}

Outcome Engine::stream(Streaming verb, std::string_view request, std::string_view tar,
                       std::string& progress) {
  Bytes bytes{tar};
  sdk::Collect out;
  Outcome result = plain(verb, view(request), &bytes.source, out.c());
  progress = out.str();
  return result;
}
Outcome Engine::build(std::string_view request, std::string_view tar, std::string& progress) {
  return stream(table->image_build, request, tar, progress);
}
Outcome Engine::import(std::string_view request, std::string_view tar, std::string& progress) {
  return stream(table->image_import, request, tar, progress);
}

std::optional<ExecHandle> Engine::exec(std::string_view id, std::string_view request, Outcome& outcome) {
  sdk::ErrorCatch error;
  scc_exec* exec = nullptr;
  outcome.status = table->exec_open(instance, view(id), view(request), &exec, error.c());
  outcome.code = error.code;
  outcome.message = error.message;
  if (exec == nullptr) return std::nullopt;
  return ExecHandle(table, exec);
}

// ---- fixture ----

std::string RuntimeTest::image_;
std::string RuntimeTest::unique_;

std::string helper_rootfs(std::size_t padding) {
  Tar root;
  for (const char* dir : {"proc", "sys", "dev", "etc", "run", "repo", "data"}) root.dir(dir);
  root.dir("tmp", 01777);
  root.file("helper", read_whole(needed("SCC_RUNTIME_HELPER")), 0755);
  root.file("etc/passwd", "agent:x:1234:1234::/tmp:/helper\n");
  if (padding != 0) {
    std::mt19937 random(1);  // a fixed seed: the same bytes every time
    std::string bytes(padding, '\0');
    for (char& byte : bytes) byte = static_cast<char>(random());
    root.file("padding", bytes);
  }
  return root.finish();
}

std::string import_request(const std::string& tag, const std::string& label) {
  return R"({"schema":"scc.image-import/1","tag":)" + json_text(tag) + R"(,"labels":{"scc.test":)" +
         json_text(label) + R"(},"cmd":["/helper"]})";
}

void RuntimeTest::SetUpTestSuite() {
  unique_ = "engine-test-" + UnderTest::get().runtime + "-" + std::to_string(getpid());
  Engine engine;
  if (!engine.info().flag("/reachable")) return;
  image_ = unique_ + ":v1";
  std::string progress;
  const Outcome made =
      engine.import(import_request(image_, R"(engine "quoted" $HOME)"), helper_rootfs(), progress);
  ASSERT_TRUE(made.ok()) << made.code << ": " << made.message;
}

void RuntimeTest::TearDownTestSuite() {
  if (image_.empty()) return;
  Engine engine;
  const Outcome gone = engine.plain(engine.table->image_remove, view(image_));
  EXPECT_TRUE(gone.ok()) << gone.message;
  image_.clear();
}

void RuntimeTest::SetUp() {
  engine_ = std::make_unique<Engine>();
  if (!image_.empty()) return;
  const std::string why =
      "no engine of " + UnderTest::get().runtime + " answers: " + engine_->info().str("/problems/0/message");
  const char* required = std::getenv("SCC_REQUIRE_ENGINES");
  if (required != nullptr && std::string(required) == "1") FAIL() << why;
  GTEST_SKIP() << why;
}

void RuntimeTest::TearDown() {
  for (const std::string& sandbox : sandboxes_) {
    const Outcome gone = engine_->remove(sandbox);
    EXPECT_TRUE(gone.ok()) << gone.message;
  }
}

std::string RuntimeTest::name(const std::string& suffix) {
  sandboxes_.push_back(unique_ + "-" + suffix);
  return sandboxes_.back();
}

std::string RuntimeTest::spec(const std::string& sandbox, const std::string& mounts, const std::string& mode,
                              const std::string& network) const {
  return R"({"schema":"scc.sandbox-spec/1","name":)" + json_text(sandbox) + R"(,"image":)" +
         json_text(image_) + R"(,"hostname":"scc-test","labels":{"scc.test":)" + json_text(unique_) +
         R"(},"argv":["/helper",)" + json_text(mode) +
         R"(],"env":{"MARK":"a=b c"},"workdir":"/tmp","user":{"uid":1234,"gid":1234},"mounts":[)"
         R"({"type":"tmpfs","target":"/tmp","read_only":false,"options":{"size":16777216,"mode":"1777"}})" +
         mounts + R"(],"network":)" + network +
         R"(,"dns":[],"extra_hosts":[],"resources":{"memory_bytes":268435456,"pids":64,"nofile":4321,)"
         R"("shm_bytes":1048576},"security":{"cap_drop":["ALL"],"no_new_privileges":true,"read_only_root":true},)"
         R"("stop_grace_ms":2000})";
}

std::string RuntimeTest::run(const std::string& suffix, const std::string& mounts, const std::string& mode) {
  const std::string sandbox = name(suffix);
  const Outcome made = engine_->create(spec(sandbox, mounts, mode));
  EXPECT_TRUE(made.ok()) << made.code << ": " << made.message;
  const Outcome started = engine_->start(sandbox);
  EXPECT_TRUE(started.ok()) << started.code << ": " << started.message;
  return sandbox;
}

std::string RuntimeTest::exec_request(const std::vector<std::string>& argv, bool tty,
                                      const std::string& more) {
  sdk::JsonWriter w;
  w.begin_object().member("schema", "scc.exec-request/1").member("argv", argv);
  w.key("user").begin_object().member("uid", 1234).member("gid", 1234).end_object();
  w.member("tty", tty);
  std::string text = w.take();
  return text + more + "}";
}

ExecResult RuntimeTest::exec(const std::string& id, const std::vector<std::string>& argv,
                             const std::string& input) {
  ExecResult result;
  auto handle = engine_->exec(id, exec_request(argv), result.opened);
  EXPECT_TRUE(handle) << result.opened.code << ": " << result.opened.message;
  if (!handle) return result;
  if (!input.empty()) handle->write_all(input);
  EXPECT_EQ(handle->close_input(), SCC_OK);
  handle->finish(result);
  return result;
}

unsigned RuntimeTest::owner_outside() {
  return engine_->info().flag("/rootless") ? geteuid() : 1234U;
}

}  // namespace scc::test
