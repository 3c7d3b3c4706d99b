// SPDX-License-Identifier: Apache-2.0
#include "config/audit.h"

#include <csignal>

#include "base/str.h"
#include "config/local_prefs.h"
#include "json/value.h"
#include "unit/config/local.h"

namespace scc::config {
namespace {

using test::slurp;

class Audit : public test::Local {
 protected:
  std::vector<std::string> lines() const {
    std::vector<std::string> all = str::split(slurp(audit_file(paths)), '\n');
    if (!all.empty() && all.back().empty()) all.pop_back();
    return all;
  }
};

TEST_F(Audit, OneSortedLineAnEvent) {
  ASSERT_TRUE(append_audit(
      paths, {"launch.started", "it\nbegan", {{"z", "1"}, {"a", "2"}}, "2026-06-01T10:00:00Z", "info", "x"}));
  EXPECT_EQ(slurp(audit_file(paths)),
            R"({"event_type":"launch.started","message":"it\nbegan","metadata":{"a":"2","z":"1"},)"
            R"("occurred_at":"2026-06-01T10:00:00Z","severity":"info","subject":"x"})"
            "\n");
  EXPECT_EQ(mode(audit_file(paths)), 0600U);
  EXPECT_EQ(mode(audit_file(paths).parent_path()), 0700U);
  ASSERT_TRUE(append_audit(paths, {"launch.ended", "", {}, "", "error", ""}));
  EXPECT_EQ(json::parse(lines().at(1))->str("/occurred_at").size(), 20U) << "now";
}

TEST_F(Audit, HoldsNoSecrets) {
  ASSERT_TRUE(append_audit(paths, {"a.b",
                                   "got ghp_0123456789abcdefghij",
                                   {{"api_key", "hunter2"},
                                    {"url", "https://u:p@h.example/"},
                                    {"sandbox_id", std::string(64, 'a')},
                                    {"network_policy", "open"}},
                                   "",
                                   "info",
                                   ""}));
  const json::Value line = json::parse(lines().at(0)).value();
  EXPECT_EQ(line.str("/message"), "***");
  EXPECT_EQ(line.str("/metadata/api_key"), "***");
  EXPECT_EQ(line.str("/metadata/url"), "***");
  EXPECT_EQ(line.str("/metadata/sandbox_id"), std::string(64, 'a'));
  EXPECT_EQ(line.str("/metadata/network_policy"), "open");
}

TEST_F(Audit, LongAndBrokenTextIsCut) {
  ASSERT_TRUE(append_audit(paths, {"a.b", std::string(100'000, 'x'), {{"k", "\xff\xfe"}}, "", "info", ""}));
  EXPECT_LT(lines().at(0).size(), 5000U);
  EXPECT_TRUE(json::parse(lines().at(0)));
}

TEST_F(Audit, WhatCannotBeWrittenIsAnError) {
  const auto refused = [&](const char* why) {
    const Status status = append_audit(paths, {"a.b", "", {}, "", "info", ""});
    ASSERT_FALSE(status) << why;
    EXPECT_EQ(status.error().id, "audit.unwritable") << why;
    EXPECT_EQ(status.error().kind, Kind::config) << why;
  };
  write("state/audit", "a file in the way");
  refused("no directory");
  stdfs::remove(dir / "state/audit");
  const stdfs::path file = audit_file(paths);
  stdfs::create_directories(file.parent_path());
  stdfs::create_symlink(write("elsewhere", ""), file);
  refused("a link");
  EXPECT_EQ(slurp(dir / "elsewhere"), "");
  stdfs::remove(file);
  ASSERT_EQ(::mkfifo(file.c_str(), 0600), 0);
  refused("a FIFO");
  stdfs::remove(file);
  stdfs::create_directory(file);
  refused("a directory");
  stdfs::remove(file);
  ::chmod(file.parent_path().c_str(), 0777);
  refused("a directory that everyone can write");
  EXPECT_FALSE(stdfs::exists(file));
  ::chmod(file.parent_path().c_str(), 0700);
  write("state/audit/launch-events.jsonl", "");
  ::chmod(file.c_str(), 0666);
  refused("a file that everyone can write");
  ::chmod(file.c_str(), 0600);
  ::chmod(paths.state.c_str(), 0775);  // what umask 002 makes
  EXPECT_TRUE(append_audit(paths, {"a.b", "", {}, "", "info", ""}));
  EXPECT_EQ(append_audit(paths, {"", "", {}, "", "info", ""}).error().id, "audit.invalid");
  EXPECT_EQ(append_audit(paths, {"a.b", "", {}, "", "loud", ""}).error().id, "audit.invalid");
}

TEST_F(Audit, AHalfLineDoesNotSwallowTheNext) {
  ASSERT_TRUE(append_audit(paths, {"a.one", "", {}, "", "info", ""}));
  { std::ofstream(audit_file(paths), std::ios::app) << R"({"event_type":"tor)"; }
  ASSERT_TRUE(append_audit(paths, {"a.two", "", {}, "", "info", ""}));
  ASSERT_EQ(lines().size(), 3U);
  EXPECT_EQ(json::parse(lines()[0])->str("/event_type"), "a.one");
  EXPECT_FALSE(json::parse(lines()[1]));
  EXPECT_EQ(json::parse(lines()[2])->str("/event_type"), "a.two");
}

TEST_F(Audit, ConcurrentWritersMixNoLines) {
  std::vector<pid_t> children;
  for (int i = 0; i < 8; ++i) {
    children.push_back(test::spawn([&] {
      for (int j = 0; j < 10; ++j) {
        if (!append_audit(paths, {"a.b", std::string(3000, 'x'), {}, "", "info", ""})) return 1;
      }
      return 0;
    }));
  }
  for (const pid_t child : children) EXPECT_EQ(test::join(child), 0);
  EXPECT_EQ(lines().size(), 80U);
  for (const std::string& line : lines()) EXPECT_TRUE(json::parse(line));
}

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
