// SPDX-License-Identifier: Apache-2.0
#include "config/local_prefs.h"

#include "base/str.h"
#include "json/value.h"
#include "unit/config/local.h"

namespace scc::config {
namespace {

using test::slurp;

class Prefs : public test::Local {
 protected:
  void SetUp() override {
    Local::SetUp();
    ws = mkdir("ws");
    git = mkdir("ws/.git");
  }
  Status save(const std::string& provider) { return save_local_prefs(paths, ws, provider, git, &warnings); }
  stdfs::path ws;
  stdfs::path git;
  std::vector<std::string> warnings;
};

TEST_F(Prefs, AreKeptAndKeptOutOfGit) {
  write("ws/.git/info/exclude", "# mine\n*.o");
  ASSERT_TRUE(save("acme"));
  EXPECT_EQ(load_local_prefs(ws).last_used_provider, "acme");
  EXPECT_EQ(mode(ws / ".scc/config.local.json"), 0600U);
  ASSERT_TRUE(save("other"));
  EXPECT_EQ(slurp(git / "info/exclude"), "# mine\n*.o\n.scc/config.local.json\n") << "once";
  write("ws/.scc/config.local.json", R"({"later":1,"last_used_provider":"x"})");
  ASSERT_TRUE(save("acme"));
  EXPECT_EQ(json::parse(slurp(ws / ".scc/config.local.json"))->integer("/later"), 1);
  ASSERT_TRUE(save_local_prefs(paths, ws, "y", std::nullopt, nullptr)) << "no git directory is fine";
  EXPECT_TRUE(warnings.empty());
}

TEST_F(Prefs, OddContentCountsAsEmptyWithAWarning) {
  EXPECT_TRUE(load_local_prefs(ws).warnings.empty()) << "absent is fine";
  for (const std::string& text : std::vector<std::string>{
           "{", "[]", "7", R"({"last_used_provider":7})", R"({"last_used_provider":"../x"})",
           R"({"last_used_provider":"-x"})", std::string(20'000, ' ')}) {
    write("ws/.scc/config.local.json", text);
    EXPECT_EQ(load_local_prefs(ws).last_used_provider, "");
    EXPECT_EQ(load_local_prefs(ws).warnings.size(), 1U) << text.substr(0, 50);
    ASSERT_TRUE(save("acme"));
    EXPECT_EQ(load_local_prefs(ws).last_used_provider, "acme");
  }
}

TEST_F(Prefs, LinksLeadNowhere) {
  const stdfs::path target = write("outside/config.local.json", R"({"last_used_provider":"evil"})");
  write("outside/exclude", "");
  stdfs::create_directory_symlink(dir / "outside", ws / ".scc");
  EXPECT_EQ(load_local_prefs(ws).last_used_provider, "");
  EXPECT_FALSE(save("acme"));
  stdfs::remove(ws / ".scc");
  mkdir("ws/.scc");
  stdfs::create_symlink(target, ws / ".scc/config.local.json");
  EXPECT_EQ(load_local_prefs(ws).warnings.size(), 1U);
  EXPECT_FALSE(save("acme"));
  EXPECT_EQ(slurp(target), R"({"last_used_provider":"evil"})");
  stdfs::remove(ws / ".scc/config.local.json");
  stdfs::create_directory_symlink(dir / "outside", git / "info");
  ASSERT_TRUE(save("acme")) << "the preference is kept, the exclusion is not";
  EXPECT_EQ(warnings.size(), 1U);
  EXPECT_EQ(slurp(dir / "outside/exclude"), "");
}

TEST_F(Prefs, RootGivesWhatItMakesToTheTreesOwner) {
  if (!test::root()) GTEST_SKIP() << "needs root";
  ASSERT_EQ(::chown(ws.c_str(), 12345, 12346), 0);
  ASSERT_TRUE(save("acme"));
  for (const char* path : {".scc", ".scc/config.local.json"}) {
    struct stat info {};
    ASSERT_EQ(::stat((ws / path).c_str(), &info), 0);
    EXPECT_EQ(info.st_uid, 12345U) << path;
    EXPECT_EQ(info.st_gid, 12346U) << path;
  }
}

}  // namespace
}  // namespace scc::config
