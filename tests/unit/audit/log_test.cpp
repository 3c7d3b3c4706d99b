// SPDX-License-Identifier: Apache-2.0
// The audit log: what is written, that each way of changing it is seen, and that what cannot be written is an
// error.
#include "audit/log.h"

#include <csignal>

#include <gmock/gmock.h>
#include <sys/resource.h>

#include "base/str.h"
#include "unit/config/local.h"

namespace scc::audit {
namespace {

using test::slurp;
using test::stdfs::path;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

Event event(const std::string& type, const std::string& message = "") {
  Event out;
  out.event_type = type;
  out.message = message;
  return out;
}

class AuditLog : public test::Local {
 protected:
  Log log() const { return Log(paths, rotate_); }
  std::vector<std::string> lines(const path& file) const {
    std::vector<std::string> all = str::split(slurp(file), '\n');
    if (!all.empty() && all.back().empty()) all.pop_back();
    return all;
  }
  std::vector<std::string> lines() const { return lines(log().file()); }
  void put(const std::vector<std::string>& all) const {
    std::ofstream(log().file(), std::ios::binary) << (all.empty() ? "" : str::join(all, "\n") + "\n");
  }
  void fill(int count) {
    for (int i = 0; i < count; ++i) ASSERT_TRUE(log().append(event("a.b", "event " + std::to_string(i))));
  }
  Verified verify() {
    const auto out = log().verify();
    EXPECT_TRUE(out) << (out ? "" : out.error().message);
    return out.value_or(Verified{});
  }
  /// Seen by who reads it, and nothing is added to it.
  void expect_broken(const std::string& what) {
    const Verified seen = verify();
    EXPECT_FALSE(seen.intact);
    EXPECT_THAT(seen.problem, HasSubstr(what));
  }
  std::string refusal() const {
    const Status done = log().append(event("a.b"));
    return done ? "written" : done.error().id;
  }

  std::uintmax_t rotate_ = kRotateBytes;
};

TEST_F(AuditLog, OneCanonicalLineAnEvent) {
  Event one = event("launch.started", "it\nbegan");
  one.metadata = {{"z", "1"}, {"a", "2"}};
  one.occurred_at = "2026-06-01T10:00:00Z";
  one.session = "0190c0de";
  ASSERT_TRUE(log().append(one));
  ASSERT_EQ(lines().size(), 1U);
  EXPECT_THAT(lines()[0], HasSubstr(R"("message":"it\nbegan","metadata":{"a":"2","z":"1"},)"
                                    R"("occurred_at":"2026-06-01T10:00:00Z","prev":")"));
  const json::Value line = json::parse(lines()[0]).value();
  EXPECT_EQ(line.integer("/seq"), 1);
  EXPECT_EQ(line.str("/source"), "host");
  EXPECT_EQ(mode(log().file()), 0600U);
  EXPECT_EQ(mode(log().head_file()), 0600U);
  EXPECT_EQ(mode(log().directory()), 0700U);
  const Verified seen = verify();
  EXPECT_TRUE(seen.intact) << seen.problem;
  EXPECT_EQ(seen.head.hash, line.str("/hash"));
}

TEST_F(AuditLog, NothingWrittenIsNoLog) {
  const Verified seen = verify();
  EXPECT_FALSE(seen.present);
  EXPECT_TRUE(seen.intact);
  EXPECT_FALSE(test::stdfs::exists(log().directory())) << "reading makes nothing";
}

TEST_F(AuditLog, HoldsNoSecrets) {
  Event one = event("a.b", "got ghp_0123456789abcdefghij");
  one.metadata = {{"api_key", "hunter2"},
                  {"url", "https://u:p@h.example/"},
                  {"sandbox_id", std::string(64, 'a')},
                  {"network_policy", "open"}};
  one.argv = {"git", "push", "https://me:hunter2@h.example/r"};
  ASSERT_TRUE(log().append(one));
  const json::Value line = json::parse(lines().at(0)).value();
  EXPECT_EQ(line.str("/message"), "***");
  EXPECT_EQ(line.str("/metadata/api_key"), "***");
  EXPECT_EQ(line.str("/metadata/url"), "***");
  EXPECT_EQ(line.str("/metadata/sandbox_id"), std::string(64, 'a'));
  EXPECT_EQ(line.str("/metadata/network_policy"), "open");
  EXPECT_THAT(slurp(log().file()), ::testing::Not(HasSubstr("hunter2")));
}

TEST_F(AuditLog, AChangedLineIsSeen) {
  fill(4);
  auto all = lines();
  const auto at = all[1].find("event 1");
  all[1].replace(at, 7, "event 9");
  put(all);
  expect_broken("audit.jsonl line 2: it was changed");
  // The last one, which the next event would follow.
  all = lines();
  fill(0);
  all[1].replace(at, 7, "event 1");
  all[3].replace(all[3].find("event 3"), 7, "event 9");
  put(all);
  expect_broken("line 4: it was changed");
  EXPECT_EQ(refusal(), "audit.chain");
}

TEST_F(AuditLog, LinesTakenOffTheEndAreSeen) {
  fill(4);
  auto all = lines();
  all.pop_back();
  put(all);
  expect_broken("lines 4 to 4 were taken off the end");
  EXPECT_EQ(refusal(), "audit.chain");
  put({});
  expect_broken("lines 1 to 4 were taken off the end");
  EXPECT_EQ(refusal(), "audit.chain");
  test::stdfs::remove(log().file());
  expect_broken("lines 1 to 4 were taken off the end");
  EXPECT_EQ(refusal(), "audit.chain");
}

TEST_F(AuditLog, LinesMovedTakenOutOrPutInAreSeen) {
  fill(4);
  const auto whole = lines();
  auto all = whole;
  std::swap(all[1], all[2]);
  put(all);
  expect_broken("line 2: its number is 3 after 1");
  all = whole;
  all.erase(all.begin() + 1);
  put(all);
  expect_broken("line 2: its number is 3 after 1");
  all = whole;
  all.insert(all.begin() + 2, all[1]);
  put(all);
  expect_broken("line 3: its number is 2 after 2");
  all = whole;
  all.erase(all.begin());
  put(all);
  expect_broken("line 1: its number is 2 after 0");
}

TEST_F(AuditLog, LinesOfAnotherLogAreSeen) {
  fill(4);
  const auto mine = lines();
  paths.state = dir / "other";
  fill(4);
  auto all = lines();
  std::copy(mine.begin(), mine.begin() + 2, all.begin());
  put(all);
  expect_broken("line 3: it does not follow the line before");
  // All of the other log, as long as this one.
  put(mine);
  expect_broken("line 4 is another one than head.json names");
  EXPECT_EQ(refusal(), "audit.chain");
}

TEST_F(AuditLog, AMissingOrChangedHeadIsSeen) {
  fill(2);
  const std::string head = slurp(log().head_file());
  test::stdfs::remove(log().head_file());
  expect_broken("head.json is missing");
  EXPECT_EQ(refusal(), "audit.chain");
  write("state/audit/head.json", "{}");
  expect_broken("head.json");
  EXPECT_EQ(refusal(), "audit.chain");
  write("state/audit/head.json", head);
  EXPECT_TRUE(verify().intact);
  EXPECT_EQ(refusal(), "written");
}

TEST_F(AuditLog, ACrashBetweenLineAndHeadLosesNothing) {
  fill(2);
  const std::string head = slurp(log().head_file());
  fill(1);
  write("state/audit/head.json", head);
  EXPECT_TRUE(verify().intact);
  EXPECT_EQ(refusal(), "written");
  EXPECT_EQ(verify().lines, 4);
}

TEST_F(AuditLog, HalfALineOfAPowerCutIsSetAside) {
  fill(1);
  { std::ofstream(log().file(), std::ios::app) << R"({"event_type":"tor)"; }
  EXPECT_TRUE(verify().torn);
  EXPECT_EQ(refusal(), "written");
  const Verified seen = verify();
  EXPECT_TRUE(seen.intact) << seen.problem;
  EXPECT_EQ(seen.lines, 2);
  EXPECT_THAT(slurp(log().file().native() + ".torn"), HasSubstr("tor"));
}

TEST_F(AuditLog, GoesOnInANewFileWithTheSameChain) {
  rotate_ = 1'000;
  fill(10);
  Verified seen = verify();
  EXPECT_TRUE(seen.intact) << seen.problem;
  EXPECT_EQ(seen.lines, 10);
  ASSERT_GE(seen.files.size(), 3U);
  EXPECT_THAT(seen.files[0], HasSubstr("audit-00000000000"));
  EXPECT_EQ(seen.files.back(), "audit.jsonl");
  const path second = log().directory() / seen.files[1];
  const std::string bytes = slurp(second);
  test::stdfs::remove(second);
  expect_broken("its number is");
  write("state/audit/" + second.filename().native(), bytes);
  EXPECT_TRUE(verify().intact);
  const path first = log().directory() / seen.files[0];
  test::stdfs::remove(first);
  expect_broken("after 0");
}

TEST_F(AuditLog, ACrashWhileTheFileIsChangedForANewOneIsMended) {
  fill(3);
  const auto last = json::parse(slurp(log().head_file()))->integer("/seq");
  ASSERT_EQ(last, 3);
  test::stdfs::rename(log().file(), log().directory() / "audit-000000000003.jsonl");
  EXPECT_TRUE(verify().intact);
  EXPECT_EQ(refusal(), "written");
  EXPECT_TRUE(verify().intact);
  EXPECT_EQ(verify().lines, 4);
  EXPECT_EQ(lines().size(), 1U);
}

TEST_F(AuditLog, WhatCannotBeWrittenIsAnError) {
  const auto refused = [&](const char* why) {
    const Status status = log().append(event("a.b"));
    ASSERT_FALSE(status) << why;
    EXPECT_EQ(status.error().id, "audit.unwritable") << why;
    EXPECT_EQ(status.error().kind, Kind::config) << why;
    EXPECT_FALSE(status.error().hint.empty()) << why;
  };
  write("state/audit", "a file in the way");
  refused("no directory");
  test::stdfs::remove(dir / "state/audit");
  const path file = log().file();
  test::stdfs::create_directories(file.parent_path());
  test::stdfs::create_symlink(write("elsewhere", ""), file);
  refused("a link");
  EXPECT_EQ(slurp(dir / "elsewhere"), "");
  test::stdfs::remove(file);
  ASSERT_EQ(::mkfifo(file.c_str(), 0600), 0);
  refused("a FIFO");
  test::stdfs::remove(file);
  test::stdfs::create_directory(file);
  refused("a directory");
  test::stdfs::remove(file);
  ::chmod(file.parent_path().c_str(), 0777);
  refused("a directory that everyone can write");
  EXPECT_FALSE(test::stdfs::exists(file));
  ::chmod(file.parent_path().c_str(), 0700);
  write("state/audit/audit.jsonl", "");
  ::chmod(file.c_str(), 0666);
  refused("a file that everyone can write");
  ::chmod(file.c_str(), 0600);
  EXPECT_EQ(refusal(), "written");
  EXPECT_EQ(log().append(event("")).error().id, "audit.invalid");
  Event loud = event("a.b");
  loud.severity = "loud";
  EXPECT_EQ(log().append(loud).error().id, "audit.invalid");
}

/// RLIMIT_FSIZE stands in for a full disk: writes stop in the middle with an error.
TEST_F(AuditLog, AFullDiskWritesNothingAndLeavesTheLogWhole) {
  fill(3);
  const std::string before = slurp(log().file());
  const pid_t child = test::spawn([&] {
    ::signal(SIGXFSZ, SIG_IGN);
    const struct rlimit full = {before.size() + 40, before.size() + 40};
    if (::setrlimit(RLIMIT_FSIZE, &full) != 0) return 2;
    const Status done = log().append(event("a.b", std::string(200, 'x')));
    return !done && done.error().id == "audit.unwritable" && !done.error().hint.empty() ? 0 : 1;
  });
  EXPECT_EQ(test::join(child), 0);
  EXPECT_EQ(slurp(log().file()), before);
  EXPECT_TRUE(verify().intact);
  EXPECT_EQ(refusal(), "written");
  EXPECT_TRUE(verify().intact);
}

TEST_F(AuditLog, WritersOfSeveralProcessesMixNothing) {
  rotate_ = 20'000;
  std::vector<pid_t> children;
  for (int i = 0; i < 6; ++i) {
    children.push_back(test::spawn([&] {
      for (int j = 0; j < 8; ++j) {
        if (!log().append(event("a.b", std::string(1000, 'x')))) return 1;
      }
      return 0;
    }));
  }
  for (const pid_t child : children) EXPECT_EQ(test::join(child), 0);
  const Verified seen = verify();
  EXPECT_TRUE(seen.intact) << seen.problem;
  EXPECT_EQ(seen.lines, 48);
  EXPECT_GT(seen.files.size(), 1U);
}

TEST_F(AuditLog, LongAndBrokenTextIsCut) {
  Event one = event("a.b", std::string(100'000, 'x'));
  one.metadata = {{"k", "\xff\xfe"}};
  ASSERT_TRUE(log().append(one));
  EXPECT_LT(lines().at(0).size(), 5000U);
  EXPECT_TRUE(verify().intact);
}

}  // namespace
}  // namespace scc::audit
