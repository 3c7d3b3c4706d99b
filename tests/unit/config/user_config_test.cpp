// SPDX-License-Identifier: Apache-2.0
#include "config/user_config.h"

#include <gtest/gtest.h>

#include "config/keys.h"

namespace scc::config {
namespace {

TEST(UserConfig, ReadsEverySection) {
  const auto config = parse_user_config(R"({"config_version":"1.0.0","runtime":{"preferred":"x"},
      "selected_provider":"acme","network":{"open":{"network":"n","dns":["10.0.0.2"]}},"tls":{"ca_file":"/ca.pem"},
      "sandbox":{"memory":"2g","pids":100},"images":{"base":{"ref":"r@sha256:0"}},
      "credentials":{"volume":"work"},
      "providers":{"acme":{"auth":"api_key"}},"plugins":{"runtime-x":{"config":{"a":1}}}})",
                                        "/c.json");
  ASSERT_TRUE(config) << config.error().message;
  EXPECT_EQ(config->runtime_preferred, "x");
  EXPECT_EQ(config->selected_provider, "acme");
  EXPECT_EQ(config->open_network.str("/network"), "n");
  EXPECT_EQ(config->memory_bytes, std::int64_t{2} << 30U);
  EXPECT_EQ(config->pids, 100);
  EXPECT_EQ(config->image_refs.at("base"), "r@sha256:0");
  EXPECT_EQ(config->credential_volume, "work");
  EXPECT_EQ(config->provider_config.at("acme").str("/auth"), "api_key");
  EXPECT_EQ(config->plugin_config.at("runtime-x").integer("/a"), 1);
}

TEST(UserConfig, NamesEveryProblemWithItsPointer) {
  const auto config = parse_user_config(
      R"({"runtme":{},"sandbox":{"memory":"lots","pids":1},"credentials":{"volume":"../x"}})",
      "/home/u/c.json");
  ASSERT_FALSE(config);
  EXPECT_EQ(config.error().kind, Kind::config);
  EXPECT_NE(config.error().message.find("/home/u/c.json"), std::string::npos);
  ASSERT_EQ(config.error().context.size(), 4U) << testing::PrintToString(config.error().context);
  EXPECT_NE(testing::PrintToString(config.error().context).find("did you mean \\\"runtime\\\"?"),
            std::string::npos);
  EXPECT_NE(testing::PrintToString(config.error().context).find("/sandbox/memory"), std::string::npos);
}

TEST(UserConfig, AbsentFileMeansDefaultsAndBrokenOneDoesNot) {
  os::Paths paths;
  paths.config = "/nonexistent/scc";
  const auto absent = load_user_config(paths);
  ASSERT_TRUE(absent);
  EXPECT_FALSE(absent->present);
  EXPECT_EQ(parse_user_config("{", "/c").error().kind, Kind::config);
  EXPECT_EQ(parse_user_config("[]", "/c").error().id, "config.invalid");
}

TEST(Memory, TakesSizesAndNothingElse) {
  EXPECT_EQ(parse_memory("64m"), std::int64_t{64} << 20U);
  EXPECT_EQ(parse_memory("1073741824"), std::int64_t{1} << 30U);
  for (const char* bad : {"", "g", "-1g", "63m", "8gb", "1.5g", "99999999999999g", "0"}) {
    EXPECT_FALSE(parse_memory(bad)) << bad;
  }
}

}  // namespace
}  // namespace scc::config
