// SPDX-License-Identifier: Apache-2.0
// What the session tests share: a home of their own, an engine, the Deps around them.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "session/finalise.h"
#include "session/prune.h"
#include "support/fake_runtime.h"
#include "support/launch_plan.h"
#include "support/temp_dir.h"

namespace scc::session {

template <class Engine>
class SessionTest : public ::testing::Test {
 protected:
  test::TempDir home;
  os::Environment env = test::environment_in(home.path());
  os::Paths paths = os::Paths::from(env);
  test::FakeNetPolicy netpolicy;
  std::vector<std::string> notes;
  bool cancel = false;

  virtual Engine& engine() = 0;
  Deps deps() {
    return Deps{engine(),
                netpolicy,
                paths,
                env,
                [](std::string) {},
                [this](std::string text) { notes.push_back(std::move(text)); },
                [](const std::string& from) -> Result<std::string> { return "value of " + from; },
                [this] { return cancel; }};
  }
  stdfs::path directory(const std::string& name = test::PlanOptions{}.name) const {
    return instance_dir(paths, name);
  }
  bool locked(const std::string& name = test::PlanOptions{}.name) const {
    return stdfs::exists(launch_lock_path(paths, name));
  }
};

class ScriptedTest : public SessionTest<test::ScriptedRuntime> {
 protected:
  test::ScriptedRuntime runtime;
  test::ScriptedRuntime& engine() override { return runtime; }
  static Result<json::Value> not_found() {
    return fail(Kind::not_found, "runtime.not-found", "no such object");
  }
  static Result<json::Value> broken(const std::string& what = "the engine said no") {
    return fail(Kind::tool, "runtime.failed", what);
  }
  static json::Value handle() { return json::Object{{"id", "c1"}, {"name", "n"}}; }
};

class EngineTest : public SessionTest<test::FileEngine> {
 protected:
  EngineTest() {
    netpolicy.engine = &file_engine;
    netpolicy.instance = test::PlanOptions{}.name;
  }
  test::FileEngine file_engine{home.path() / "engine.json"};
  test::FileEngine& engine() override { return file_engine; }
  std::size_t count(const char* kind) const {
    return file_engine.objects().at("/" + std::string(kind))->members().size();
  }
};

inline std::string explain(const Error& error) {
  std::string out = error.id + ": " + error.message;
  for (const std::string& line : error.context) out += "\n  " + line;
  return out;
}

}  // namespace scc::session
