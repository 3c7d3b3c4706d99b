// SPDX-License-Identifier: Apache-2.0
#include "app/doctor.h"

#include <fstream>

#include <gtest/gtest.h>
#include <sys/stat.h>

#include "app/doctor_checks.h"
#include "support/temp_dir.h"

namespace scc::app {
namespace {

using doctor::directory_check;
using doctor::file_check;
using State = Check::State;

class DoctorTest : public ::testing::Test {
 protected:
  DoctorTest() : host_(test::environment_in(temp_.path()), no_plugins()) {}
  static plugin::Options no_plugins() {
    plugin::Options out;
    out.system_dirs.clear();
    return out;
  }
  std::filesystem::path make_dir(const std::string& name, mode_t mode) {
    const auto path = temp_.path() / name;
    std::filesystem::create_directories(path);
    ::chmod(path.c_str(), mode);
    return path;
  }
  static mode_t mode_of(const std::filesystem::path& path) {
    struct stat info {};
    return ::lstat(path.c_str(), &info) == 0 ? info.st_mode & 07777U : 0;
  }
  static const Check* find(const DoctorReport& report, std::string_view id) {
    for (const Check& check : report.checks) {
      if (check.id == id) return &check;
    }
    return nullptr;
  }

  test::TempDir temp_;
  Host host_;
  uid_t me_ = ::geteuid();
};

TEST_F(DoctorTest, DirectoriesOfItsOwn) {
  EXPECT_EQ(directory_check("a", make_dir("good", 0700), me_, true).state, State::ok);
  EXPECT_EQ(directory_check("a", temp_.path() / "later", me_, true).state, State::ok) << "made when needed";
  EXPECT_EQ(directory_check("a", make_dir("readable", 0755), me_, false).state, State::ok);
  const Check readable = directory_check("a", make_dir("readable", 0755), me_, true);
  EXPECT_EQ(readable.state, State::warn);
  EXPECT_TRUE(readable.fixable);
  const Check writable = directory_check("a", make_dir("it's", 0770), me_, false);
  EXPECT_EQ(writable.state, State::fail);
  EXPECT_EQ(writable.remedy, "chmod 700 '" + temp_.path().native() + "/it'\\''s'");
  EXPECT_TRUE(writable.fixable);
  const Check foreign = directory_check("a", make_dir("good", 0700), me_ + 1, true);
  EXPECT_EQ(foreign.state, State::fail);
  EXPECT_FALSE(foreign.fixable) << "another user's directory is not changed";
  std::ofstream(temp_.path() / "file") << "x";
  EXPECT_EQ(directory_check("a", temp_.path() / "file", me_, true).state, State::fail);
  std::filesystem::create_symlink(temp_.path() / "good", temp_.path() / "link");
  EXPECT_EQ(directory_check("a", temp_.path() / "link", me_, true).state, State::fail);
}

TEST_F(DoctorTest, FilesOfItsOwn) {
  const auto path = temp_.path() / "f.json";
  EXPECT_EQ(file_check("f", path, me_).state, State::ok) << "absent";
  std::ofstream(path) << "{}";
  ::chmod(path.c_str(), 0600);
  EXPECT_EQ(file_check("f", path, me_).state, State::ok);
  ::chmod(path.c_str(), 0644);
  EXPECT_EQ(file_check("f", path, me_).state, State::warn);
  ::chmod(path.c_str(), 0666);
  EXPECT_EQ(file_check("f", path, me_).state, State::fail);
  EXPECT_EQ(file_check("f", path, me_ + 1).state, State::fail);
}

TEST_F(DoctorTest, DiskSpaceAndIds) {
  EXPECT_EQ(doctor::disk_check("/x", std::uint64_t{10} << 30U).state, State::ok);
  EXPECT_EQ(doctor::disk_check("/x", std::uint64_t{1} << 30U).state, State::warn);
  EXPECT_EQ(doctor::disk_check("/x", 1000).state, State::fail);
  EXPECT_TRUE(doctor::has_subordinate_ids("root:1:1\nu:100000:65536\n", "u", 7));
  EXPECT_TRUE(doctor::has_subordinate_ids("7:100000:65536", "u", 7)) << "by number";
  EXPECT_TRUE(doctor::has_subordinate_ids("u:1:32768\nu:90000:32768", "u", 7));
  EXPECT_FALSE(doctor::has_subordinate_ids("u:100000:1000", "u", 7));
  EXPECT_FALSE(doctor::has_subordinate_ids("uu:100000:65536\nbroken\n", "u", 7));
}

TEST_F(DoctorTest, WhatAnEngineSays) {
  const auto silent = *json::parse(
      R"({"reachable":false,"problems":[{"code":"runtime.permission","message":"no access","remedy":"join the group"}]})");
  auto checks = doctor::engine_checks("acme", silent, true);
  ASSERT_EQ(checks.size(), 1U);
  EXPECT_EQ(checks[0].id, "engine.acme");
  EXPECT_EQ(checks[0].state, State::fail);
  EXPECT_EQ(checks[0].remedy, "join the group");
  EXPECT_EQ(doctor::engine_checks("acme", silent, false)[0].state, State::skipped)
      << "another engine answers";
  const auto half = *json::parse(
      R"({"reachable":true,"version":"1","endpoint":"unix:///x","cgroup":{"memory":false,"pids":true},
          "security":{"seccomp":"unconfined"},"problems":[{"code":"x.y","message":"old","remedy":"update it"}]})");
  checks = doctor::engine_checks("acme", half, true);
  ASSERT_EQ(checks.size(), 4U);
  EXPECT_EQ(checks[0].state, State::ok);
  EXPECT_EQ(checks[1].remedy, "update it");
  EXPECT_EQ(checks[2].id, "engine.acme.cgroup-memory");
  for (std::size_t i = 1; i < checks.size(); ++i) EXPECT_EQ(checks[i].state, State::warn) << i;
}

TEST_F(DoctorTest, StoppedSandboxesAreNoLeftovers) {
  using session::PruneItem;
  session::PruneReport all;
  all.items = {{PruneItem::What::sandbox, "a", "1", "a", "r", "stopped", false},
               {PruneItem::What::network, "na", "2", "a", "r", "its session is gone", false},
               {PruneItem::What::instance, "a", "/i/a", "a", "", "its session is gone", false},
               {PruneItem::What::sandbox, "b", "3", "b", "r", "running, but its session is gone", true},
               {PruneItem::What::instance, "b", "/i/b", "b", "", "its session is gone", false},
               {PruneItem::What::volume, "vc", "4", "c", "r", "its session is gone", false}};
  const auto left = doctor::leftovers(all);
  ASSERT_EQ(left.items.size(), 3U);
  for (const PruneItem& item : left.items) EXPECT_NE(item.instance, "a");
}

TEST_F(DoctorTest, WithoutAnyEngine) {
  const auto report = examine(host_, {});
  ASSERT_TRUE(report);
  EXPECT_FALSE(report->ok());
  const Check* engine = find(*report, "engine");
  ASSERT_NE(engine, nullptr);
  EXPECT_EQ(engine->state, State::fail);
  EXPECT_FALSE(engine->remedy.empty());
  for (const Check& check : report->checks) {
    const bool wrong = check.state == State::fail || check.state == State::warn;
    EXPECT_TRUE(!wrong || !check.remedy.empty()) << check.id << " has no remedy";
    EXPECT_FALSE(check.message.empty()) << check.id;
  }
  DoctorOptions no_engine;
  no_engine.no_engine = true;
  const auto quick = examine(host_, no_engine);
  ASSERT_TRUE(quick);
  EXPECT_EQ(find(*quick, "engine"), nullptr);
}

TEST_F(DoctorTest, ABrokenConfigurationIsACheckAndNoError) {
  make_dir("config", 0755);
  const auto config = make_dir("config/scc", 0700);
  std::ofstream(config / "config.json") << "{\"standalon\": true}";
  DoctorOptions options;
  options.no_engine = true;
  const auto report = examine(host_, options);
  ASSERT_TRUE(report);
  const Check* check = find(*report, "user-config");
  ASSERT_NE(check, nullptr);
  EXPECT_EQ(check->state, State::fail);
  EXPECT_FALSE(check->details.empty());
}

TEST_F(DoctorTest, AnUnknownProviderIsAMistakeOfTheCaller) {
  DoctorOptions options;
  options.provider = "nobody";
  const auto report = examine(host_, options);
  ASSERT_FALSE(report);
  EXPECT_EQ(report.error().kind, Kind::usage);
}

TEST_F(DoctorTest, MendingChangesModesOfItsOwnFilesOnly) {
  make_dir("state", 0755);
  const auto state = make_dir("state/scc", 0777);
  DoctorOptions options;
  options.no_engine = true;
  auto report = examine(host_, options);
  ASSERT_TRUE(report);
  ASSERT_EQ(find(*report, "directory.state")->state, State::fail);
  const auto repairs = mend(host_, options, *report);
  ASSERT_EQ(repairs.size(), 1U);
  EXPECT_TRUE(repairs[0].error.empty()) << repairs[0].error;
  EXPECT_EQ(mode_of(state), 0700U);
  report = examine(host_, options);
  EXPECT_EQ(find(*report, "directory.state")->state, State::ok);
  // A link that took the directory's place meanwhile is not followed.
  const auto victim = make_dir("victim", 0755);
  DoctorReport stale;
  stale.checks.push_back(directory_check("state", make_dir("swapped", 0777), me_, true));
  std::filesystem::remove(temp_.path() / "swapped");
  std::filesystem::create_symlink(victim, temp_.path() / "swapped");
  const auto refused = mend(host_, options, stale);
  ASSERT_EQ(refused.size(), 1U);
  EXPECT_FALSE(refused[0].error.empty());
  EXPECT_EQ(mode_of(victim), 0755U);
}

}  // namespace
}  // namespace scc::app
