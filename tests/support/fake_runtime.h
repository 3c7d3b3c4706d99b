// SPDX-License-Identifier: Apache-2.0
// Two engines for tests behind plugin::Runtime. ScriptedRuntime knows the calls that may come, in order, and
// fails the test on any other. FileEngine behaves like an engine whose objects live in a JSON file, so that a
// process that was killed leaves them for the next one to find.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "json/value.h"
#include "plugin/netpolicy.h"
#include "plugin/runtime.h"
#include "support/fake_exec.h"

namespace scc::test {

/// Every verb as one function of (verb, argument).
class FakeRuntime : public plugin::Runtime {
 public:
  const plugin::ComponentRef& ref() const noexcept override { return ref_; }
  Result<json::Value> probe() override { return call("probe", {}); }
  Result<json::Value> image_inspect(std::string_view image) override { return call("image_inspect", image); }
  Result<json::Value> image_list(const json::Value& filter) override { return call("image_list", filter); }
  Status image_build(const json::Value& request, const plugin::Source&, const plugin::Progress&) override {
    return effect("image_build", request);
  }
  Status image_import(const json::Value& request, const plugin::Source&, const plugin::Progress&) override {
    return effect("image_import", request);
  }
  Result<json::Value> image_pull(std::string_view image, const plugin::Progress&) override {
    return call("image_pull", image);
  }
  Status image_remove(std::string_view image) override { return effect("image_remove", image); }
  Result<json::Value> volume_ensure(const json::Value& request) override {
    return call("volume_ensure", request);
  }
  Result<json::Value> volume_list(const json::Value& filter) override { return call("volume_list", filter); }
  Status volume_remove(std::string_view name) override { return effect("volume_remove", name); }
  Result<json::Value> network_create(const json::Value& request) override {
    return call("network_create", request);
  }
  Result<json::Value> network_list(const json::Value& filter) override {
    return call("network_list", filter);
  }
  Status network_remove(std::string_view name) override { return effect("network_remove", name); }
  Result<json::Value> sandbox_create(const json::Value& spec) override {
    return call("sandbox_create", spec);
  }
  Status sandbox_put(std::string_view id, std::string_view path, const plugin::Source& tar) override;
  Status sandbox_get(std::string_view id, std::string_view, const plugin::Sink&) override {
    return effect("sandbox_get", id);
  }
  Status sandbox_start(std::string_view id) override { return effect("sandbox_start", id); }
  Result<json::Value> sandbox_inspect(std::string_view id) override { return call("sandbox_inspect", id); }
  Result<json::Value> sandbox_list(const json::Value& filter) override {
    return call("sandbox_list", filter);
  }
  Status sandbox_stop(std::string_view id, unsigned) override { return effect("sandbox_stop", id); }
  Status sandbox_remove(std::string_view id) override { return effect("sandbox_remove", id); }
  Result<std::unique_ptr<plugin::Exec>> exec_open(std::string_view id, const json::Value& request) override;

  std::string last_tar;               ///< what sandbox_put got
  std::deque<ExecScript> scripts;     ///< for the next exec_open calls, in order
  std::vector<json::Value> requests;  ///< exec requests, in order

 protected:
  virtual Result<json::Value> call(const std::string& verb, const json::Value& argument) = 0;
  /// What to run when `scripts` is empty; null: the call is unexpected.
  virtual ExecScript default_script(const json::Value&) { return nullptr; }
  Status effect(const std::string& verb, const json::Value& argument) {
    auto result = call(verb, argument);
    if (!result) return fail(std::move(result).error());
    return {};
  }

 private:
  plugin::ComponentRef ref_{"runtime", "fake", "runtime-fake", "1.0.0", ""};
};

class ScriptedRuntime : public FakeRuntime {
 public:
  ~ScriptedRuntime() override;
  /// `argument`, when given, must equal the call's string argument (id or name).
  ScriptedRuntime& expect(const std::string& verb, Result<json::Value> answer = json::Value(),
                          std::optional<std::string> argument = std::nullopt);
  const json::Value& argument_of(const std::string& verb) const;  ///< of its last call
  std::vector<std::string> calls;

 protected:
  Result<json::Value> call(const std::string& verb, const json::Value& argument) override;

 private:
  struct Expected {
    std::string verb;
    Result<json::Value> answer;
    std::optional<std::string> argument;
  };
  std::deque<Expected> expected_;
  std::map<std::string, json::Value> arguments_;
};

class FileEngine : public FakeRuntime {
 public:
  explicit FileEngine(std::filesystem::path file) : file_(std::move(file)) {}
  /// {"sandboxes":{id:{...}},"networks":{},"volumes":{},"images":{}}
  json::Value objects() const;
  void store(const json::Value& objects) const;
  /// Errors by verb, kept until removed.
  std::map<std::string, Error> failures;
  ExecScript agent;  ///< run by exec_open; the checker's part comes before it

 protected:
  Result<json::Value> call(const std::string& verb, const json::Value& argument) override;
  ExecScript default_script(const json::Value& request) override;

 private:
  Result<json::Value> list(const char* kind, const json::Value& filter) const;
  Result<json::Value> create(const json::Value& spec);
  Result<json::Value> change_state(const std::string& id, const char* state);
  std::filesystem::path file_;
};

/// Says what was asked of it; `applied` counts attachments that were not released.
class FakeNetPolicy : public plugin::NetPolicy {
 public:
  const plugin::ComponentRef& ref() const noexcept override { return ref_; }
  Result<json::Value> plan(const json::Value&) override { return json::Value(); }
  Result<json::Value> apply(const json::Value& plan) override;
  Result<json::Value> verify(const json::Value&) override { return json::Value(); }
  Status release(const json::Value& attachment) override;

  int applied = 0;
  std::optional<Error> apply_error;
  std::optional<Error> release_error;
  FileEngine* engine = nullptr;  ///< makes and removes a labelled network there
  std::string instance;

 private:
  plugin::ComponentRef ref_{"netpolicy", "fake", "builtin", "1.0.0", ""};
};

}  // namespace scc::test
