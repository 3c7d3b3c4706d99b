// SPDX-License-Identifier: Apache-2.0
// A real engine through the real plugin, with directories of its own for every test. Without an engine a test
// is skipped, or fails where SCC_REQUIRE_ENGINES=1. What a test makes carries a random name and goes with it.
#pragma once

#include <cstdlib>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "image/ensure.h"
#include "image/tar.h"
#include "os/fs.h"
#include "plugin/registry.h"
#include "unit/image/support.h"

namespace scc::image::testing {

class EngineTest : public ::testing::Test {
 protected:
  void SetUp() override {
    host_.env = os::Environment::current();
    host_.env.vars["HOME"] = (root_ / "home").string();
    host_.paths = os::Paths::from(host_.env);
    host_.paths.config = root_ / "config";
    host_.paths.cache = root_ / "cache";
    host_.paths.state = root_ / "state";
    host_.paths.data = root_ / "data";
    host_.paths.runtime = root_ / "run";
    host_.paths.plugins = root_ / "none";
    stdfs::create_directories(root_ / "home");
    if (auto opened = open(); !opened) {
      const char* required = std::getenv("SCC_REQUIRE_ENGINES");
      if (required != nullptr && std::string_view(required) == "1") {
        FAIL() << opened.error().id << ": " << opened.error().message << "\n" << opened.error().hint;
      }
      GTEST_SKIP() << opened.error().message;
    }
  }

  void TearDown() override {
    for (auto it = made_.rbegin(); runtime_ != nullptr && it != made_.rend(); ++it) {
      static_cast<void>(runtime_->image_remove(*it));
    }
  }

  Result<void> open() {
    plugin::Options options;
    options.plugin_dirs = {stdfs::path(SCC_TEST_PLUGINS)};
    options.use_env_path = false;
    options.system_dirs.clear();
    auto registry = plugin::Registry::scan(host_.env, host_.paths, options);
    if (!registry) {
      return fail(std::move(registry).error());
    }
    registry_.emplace(std::move(*registry));
    SCC_CHECK(registry_->trust(SCC_TEST_RUNTIME_PLUGIN));
    SCC_TRY(runtime_, registry_->runtime(SCC_TEST_RUNTIME, json::Value(json::Object{})));
    SCC_TRY(info_, runtime_->probe());
    if (!info_.flag("/reachable")) {
      return fail(Kind::prereq, info_.str("/problems/0/code"), info_.str("/problems/0/message"),
                  info_.str("/problems/0/remedy"));
    }
    return {};
  }

  /// A name that no other test and no user has.
  std::string unique(const std::string& what) const { return "scc-imghost-" + tag_ + "-" + what; }
  /// Removes this image when the test ends.
  std::string made(std::string ref) {
    made_.push_back(ref);
    return ref;
  }

  TempDir root_;
  Host host_;
  std::string tag_ = os::random_hex(4);
  std::optional<plugin::Registry> registry_;
  std::unique_ptr<plugin::Runtime> runtime_;
  json::Value info_;
  std::vector<std::string> made_;
};

}  // namespace scc::image::testing
