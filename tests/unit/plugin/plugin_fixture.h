// SPDX-License-Identifier: Apache-2.0
// A home of its own and a directory of plugins to fill, for tests of the plugin host.
#pragma once

#include <filesystem>
#include <fstream>
#include <string>

#include <gtest/gtest.h>

#include "json/value.h"
#include "os/env.h"
#include "plugin/registry.h"

namespace scc::test {

inline void write(const std::filesystem::path& path, std::string_view bytes) {
  std::filesystem::create_directories(path.parent_path());
  std::ofstream(path, std::ios::binary | std::ios::trunc) << bytes;
  std::filesystem::permissions(path, std::filesystem::perms(0644));
}

inline std::string slurp(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

/// The manifest of tests/contract/bad_plugins/bad_plugin.c as it stands.
inline json::Value sample_manifest(std::string_view id, std::string_view library_sha256) {
  json::Value m;
  m["schema"] = "scc.plugin/1";
  m["id"] = id;
  m["version"] = "1.0.0";
  m["title"] = "A sample";
  m["license"] = "Apache-2.0";
  m["sdk"]["major"] = 1;
  m["sdk"]["min_minor"] = 0;
  json::Value& library = m["libraries"][plugin::platform()];
  library["path"] = "lib/plugin.so";
  library["sha256"] = library_sha256;
  json::Value component;
  component["kind"] = "provider";
  component["interface"] = "scc.provider/1";
  component["id"] = "sample";
  m["components"] = json::Array{component};
  return m;
}

class PluginFixture : public testing::Test {
 protected:
  PluginFixture() {
    std::string text = (std::filesystem::temp_directory_path() / "scc-plugin-test-XXXXXX").string();
    root_ = mkdtemp(text.data());
    env_ = os::Environment::current();
    env_.vars = {{"HOME", (root_ / "home").string()}, {"PATH", "/usr/bin:/bin"}};
    env_.cwd = root_;
    env_.executable = root_ / "prefix/bin/scc";
    paths_ = os::Paths::from(env_);
    plugins_ = root_ / "plugins";
    for (const std::filesystem::path& dir : {root_ / "home", plugins_})
      std::filesystem::create_directories(dir);
    options_.plugin_dirs = {plugins_};
    options_.system_dirs = {root_ / "system"};
    options_.cancelled = [] { return false; };
  }
  ~PluginFixture() override {
    std::error_code ignored;
    std::filesystem::remove_all(root_, ignored);
  }

  /// Puts a plugin directory below `parent`.
  void install(const std::filesystem::path& parent, const json::Value& manifest, std::string_view library) {
    const std::filesystem::path dir = parent / manifest.str("/id");
    write(dir / "lib/plugin.so", library);
    write(dir / "plugin.json", json::pretty(manifest));
    for (const auto& d : {parent, dir, dir / "lib"}) {
      std::filesystem::permissions(d, std::filesystem::perms(0755));
    }
  }

  plugin::Registry scan() {
    Result<plugin::Registry> registry = plugin::Registry::scan(env_, paths_, options_);
    if (!registry) throw std::runtime_error(registry.error().message);
    return std::move(*registry);
  }

  static const plugin::Entry* find(const plugin::Registry& registry, std::string_view id) {
    for (const plugin::Entry& entry : registry.entries()) {
      if (entry.manifest.id == id) return &entry;
    }
    return nullptr;
  }

  std::filesystem::path root_;
  std::filesystem::path plugins_;
  os::Environment env_;
  os::Paths paths_;
  plugin::Options options_;
};

}  // namespace scc::test
