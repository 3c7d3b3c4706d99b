// SPDX-License-Identifier: Apache-2.0
// What every container runtime must do, against a real engine. The plugin is whatever SCC_RUNTIME_PLUGIN, a
// plugin's directory, and SCC_RUNTIME_ID, one of its runtimes, name: its table as the host calls it, behind
// the host's real services and the grants of its manifest. Each test gets a throw-away image made of the
// static helper, and sandboxes that go with it. What an engine cannot do here must be told by its probe, and
// that is asserted instead. Without an engine tests are skipped; with SCC_REQUIRE_ENGINES=1 they fail.
#pragma once

#include <atomic>
#include <cstdlib>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "os/env.h"
#include "plugin/host.h"
#include "plugin/manifest.h"
#include "scc/sdk/testing.hpp"

namespace scc::test {

using sdk::testing::Outcome;

/// A new directory, removed at the end.
class ScratchDir {
 public:
  ScratchDir();
  ~ScratchDir();
  ScratchDir(const ScratchDir&) = delete;
  ScratchDir& operator=(const ScratchDir&) = delete;
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

struct ExecResult {
  Outcome opened;
  std::string out;
  std::string err;
  std::optional<int> exit_code;
};

/// A running exec.
class ExecHandle {
 public:
  ExecHandle(const scc_runtime_v1* table, scc_exec* exec) : table_(table), exec_(exec) {}
  ExecHandle(ExecHandle&& other) noexcept
      : table_(other.table_), exec_(std::exchange(other.exec_, nullptr)) {}
  ExecHandle& operator=(ExecHandle&&) = delete;
  ~ExecHandle() {
    if (exec_ != nullptr) table_->exec_close(exec_);
  }
  /// SCC_OK with the channel, SCC_E_TIMEOUT, or a failure.
  scc_status read(std::uint32_t timeout_ms, scc_channel& channel, std::string& bytes);
  /// Reads until `out` holds `text`; false at the end or after ten seconds.
  bool read_until(std::string_view text, std::string& out);
  /// Everything to the end, then the exit code.
  void finish(ExecResult& result);
  /// Writes all, reading nothing.
  void write_all(std::string_view bytes);
  scc_status write(std::string_view bytes, std::size_t& written);
  scc_status close_input();
  scc_status resize(std::uint16_t rows, std::uint16_t cols);
  int fd() const { return table_->exec_fd(exec_); }
  scc_exec* raw() const { return exec_; }

 private:
  const scc_runtime_v1* table_;
  scc_exec* exec_;
};

/// The plugin that the environment names, mapped once. Throws when it is none.
struct UnderTest {
  static const UnderTest& get();
  std::filesystem::path directory;
  std::string runtime;
  plugin::Manifest manifest;
  const scc_runtime_v1* table = nullptr;
};

/// One instance of the runtime, with the environment's variables that its manifest asks for.
class Engine {
 public:
  /// `more`: variables that count as if they were in the environment.
  explicit Engine(const sdk::StringMap& more = {});
  ~Engine();
  Engine(const Engine&) = delete;
  Engine& operator=(const Engine&) = delete;

  std::atomic<bool> cancelled{false};
  const scc_runtime_v1* table;
  scc_runtime* instance = nullptr;
  /// The probe's answer, asked once.
  const sdk::testing::Value& info();
  bool has_problem(const std::string& code);

  template <class Verb, class... Input>
  Outcome ask(Verb verb, Input... input) {
    return sdk::testing::call(verb, instance, input...);
  }
  Outcome create(std::string_view spec) { return ask(table->sandbox_create, sdk::view(spec)); }
  Outcome inspect(std::string_view id) { return ask(table->sandbox_inspect, sdk::view(id)); }
  Outcome list(std::string_view filter) { return ask(table->sandbox_list, sdk::view(filter)); }
  Outcome start(std::string_view id) { return plain(table->sandbox_start, sdk::view(id)); }
  Outcome stop(std::string_view id, std::uint32_t grace_ms) {
    return plain(table->sandbox_stop, sdk::view(id), grace_ms);
  }
  Outcome remove(std::string_view id) { return plain(table->sandbox_remove, sdk::view(id)); }
  Outcome put(std::string_view id, std::string_view path, std::string_view tar);
  Outcome build(std::string_view request, std::string_view tar, std::string& progress);
  Outcome import(std::string_view request, std::string_view tar, std::string& progress);
  /// A verb without an answer.
  template <class Verb, class... Input>
  Outcome plain(Verb verb, Input... input) {
    Outcome result;
    sdk::ErrorCatch error;
    result.status = verb(instance, input..., error.c());
    result.code = error.code;
    result.message = error.message;
    result.hint = error.hint;
    return result;
  }
  std::optional<ExecHandle> exec(std::string_view id, std::string_view request, Outcome& outcome);

 private:
  std::unique_ptr<plugin::HostContext> host_;
  std::optional<sdk::testing::Value> info_;
  std::filesystem::path state_;

  using Streaming = scc_status (*)(scc_runtime*, scc_str, const scc_source*, const scc_sink*,
                                   const scc_error_sink*);
  Outcome stream(Streaming verb, std::string_view request, std::string_view tar, std::string& progress);
};

class RuntimeTest : public testing::Test {
 protected:
  static void SetUpTestSuite();
  static void TearDownTestSuite();
  void SetUp() override;
  void TearDown() override;

  /// A spec with everything that a sandbox has; `more` is JSON text of further mounts, each begun by a comma.
  std::string spec(const std::string& name, const std::string& mounts = "", const std::string& mode = "init",
                   const std::string& network = R"({"mode":"none"})") const;
  /// A name of this test's own; the sandbox goes with the test.
  std::string name(const std::string& suffix = "a");
  /// Created and started.
  std::string run(const std::string& suffix = "a", const std::string& mounts = "",
                  const std::string& mode = "init");
  static std::string exec_request(const std::vector<std::string>& argv, bool tty = false,
                                  const std::string& more = "");
  ExecResult exec(const std::string& id, const std::vector<std::string>& argv, const std::string& input = "");
  /// Whom a file belongs to on the host that uid 1234 of a sandbox made.
  unsigned owner_outside();

  static std::string image_;
  static std::string unique_;
  std::unique_ptr<Engine> engine_;
  std::vector<std::string> sandboxes_;
  ScratchDir scratch_;
};

/// A root file system of the helper alone, with so many bytes that do not compress beside it.
std::string helper_rootfs(std::size_t padding = 0);
/// scc.image-import/1.
std::string import_request(const std::string& tag, const std::string& label);

/// The bytes of the helper's flood, from `at`.
std::string flood_bytes(std::size_t at, std::size_t size);
std::string json_text(std::string_view text);

}  // namespace scc::test
