// SPDX-License-Identifier: Apache-2.0
// The record: what is written, what is refused, and that each way of changing it is seen.
#include "egress/record.h"

#include <algorithm>
#include <fstream>
#include <sstream>

#include <gmock/gmock.h>

#include "base/str.h"
#include "support/temp_dir.h"

namespace scc::egress {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr const char* kSession = "0190c0de-0000-7000-8000-000000000001";

std::string decision(const std::string& host, const std::string& verdict = "deny",
                     const std::string& rule = "builtin/not-listed") {
  return R"({"t":1795778623.598,"method":"CONNECT","host":")" + host +
         R"(","port":"443","status":403,"verdict":")" + verdict + R"(","rule":")" + rule + "\"}";
}

class RecordTest : public ::testing::Test {
 protected:
  void SetUp() override {
    paths_.state = dir_.path() / "state";
    std::filesystem::create_directories(paths_.state);
  }
  Recorder open() {
    auto out = Recorder::open(paths_, kSession);
    EXPECT_TRUE(out) << (out ? "" : out.error().message);
    return std::move(*out);
  }
  void fill(int count) {
    Recorder recorder = open();
    for (int i = 0; i < count; ++i)
      EXPECT_TRUE(recorder.append(decision("h" + std::to_string(i) + ".example.com")));
  }
  std::string text() const {
    std::ifstream in(record_file(paths_, kSession), std::ios::binary);
    std::stringstream out;
    out << in.rdbuf();
    return out.str();
  }
  void write(const std::string& bytes) const {
    std::ofstream(record_file(paths_, kSession), std::ios::binary) << bytes;
  }
  std::vector<std::string> lines() const {
    auto out = str::split(text(), '\n');
    out.pop_back();
    return out;
  }
  void write(const std::vector<std::string>& all) const {
    write(all.empty() ? std::string() : str::join(all, "\n") + "\n");
  }
  Checked check() {
    events_.clear();
    auto out = read_record(paths_, kSession, [&](const Event& event) { events_.push_back(event); });
    EXPECT_TRUE(out);
    return out.value_or(Checked{});
  }
  std::string refusal(const std::string& line) {
    const auto out = open().append(line);
    return out ? (*out ? "recorded" : "ignored") : out.error().id;
  }

  test::TempDir dir_;
  os::Paths paths_;
  std::vector<Event> events_;
};

TEST_F(RecordTest, ALineIsADecisionAndNothingElse) {
  Recorder recorder = open();
  ASSERT_TRUE(recorder.append(
      R"({"t":1.5,"method":"GET","host":"a.example.com","port":"80","status":200,"verdict":"allow","rule":"org/allow/a.example.com:80","url":"/secret?token=1"})"));
  EXPECT_THAT(text(), Not(HasSubstr("secret")));
  const Checked checked = check();
  EXPECT_TRUE(checked.intact) << checked.problem;
  ASSERT_EQ(events_.size(), 1U);
  const Event& event = events_[0];
  EXPECT_EQ(event.seq, 1);
  EXPECT_EQ(event.session, kSession);
  EXPECT_EQ(event.method, "GET");
  EXPECT_EQ(event.host, "a.example.com");
  EXPECT_EQ(event.port, 80);
  EXPECT_EQ(event.verdict, "allow");
  EXPECT_EQ(event.layer, "org");
  EXPECT_EQ(event.hash, recorder.head().hash);
  // A time that cannot be true is replaced by the clock's.
  EXPECT_GT(event.time, "2026");
  EXPECT_EQ(event.time.size(), std::string("2026-11-27T11:23:43.598Z").size());
  const json::Value json = event.to_json();
  EXPECT_EQ(json.members().size(), 11U);
}

TEST_F(RecordTest, GoesOnWhereItEnded) {
  fill(3);
  fill(2);
  const Checked checked = check();
  EXPECT_TRUE(checked.intact) << checked.problem;
  EXPECT_EQ(checked.head.seq, 5);
  EXPECT_EQ(events_[3].prev, events_[2].hash);
}

TEST_F(RecordTest, ForeignLinesAreBounded) {
  EXPECT_EQ(refusal(decision("a.example.com")), "recorded");
  EXPECT_EQ(refusal(""), "egress.line");
  EXPECT_EQ(refusal("x"), "egress.line");
  EXPECT_EQ(refusal("[]"), "egress.line");
  EXPECT_EQ(refusal("{}"), "egress.line");
  EXPECT_EQ(refusal(decision("a.example.com", "maybe")), "egress.line");
  EXPECT_EQ(refusal(decision(std::string(400, 'a'))), "egress.line");
  EXPECT_EQ(refusal(decision("a") + std::string(5000, ' ')), "egress.line");
  EXPECT_EQ(refusal(decision("a", "deny", std::string(200, 'r'))), "egress.line");
  EXPECT_EQ(refusal(R"({"method":"GET","host":"a","port":"x","verdict":"deny","rule":"r"})"), "egress.line");
  EXPECT_EQ(refusal(R"({"method":"GET","method":"PUT","host":"a","port":"1","verdict":"deny","rule":"r"})"),
            "egress.line");
  // The probe of readiness asks nothing.
  EXPECT_EQ(refusal(R"({"t":1,"method":"-","host":"-","port":"-","status":0,"verdict":"-","rule":"-"})"),
            "ignored");
  check();
  EXPECT_EQ(events_.size(), 1U);
}

TEST_F(RecordTest, WhatTheProxyCouldNotReadItRefused) {
  EXPECT_EQ(
      refusal(R"({"t":1,"method":"CONNECT","host":"-","port":"-","status":400,"verdict":"-","rule":"-"})"),
      "recorded");
  check();
  EXPECT_EQ(events_[0].verdict, "deny");
  EXPECT_EQ(events_[0].rule, "builtin/unreadable");
  EXPECT_EQ(events_[0].layer, "builtin");
}

TEST_F(RecordTest, ControlCharactersDoNotArrive) {
  EXPECT_EQ(
      refusal(
          R"({"t":1,"method":"G\u001b[31m","host":"a\u0000\n<b>","port":"443","status":403,"verdict":"deny","rule":"x\"y"})"),
      "recorded");
  check();
  EXPECT_EQ(events_[0].method, "G??31m");
  EXPECT_EQ(events_[0].host, "a???b?");
  EXPECT_EQ(events_[0].rule, "x?y");
  EXPECT_EQ(events_[0].layer, "unknown");
}

TEST_F(RecordTest, EachWayOfChangingItIsSeen) {
  fill(5);
  const auto whole = lines();
  const auto broken = [&](std::vector<std::string> all) {
    write(all);
    const Checked checked = check();
    const auto again = Recorder::open(paths_, kSession);
    EXPECT_EQ(again ? "" : again.error().id, checked.intact ? "" : "egress.chain");
    return checked.intact ? "" : checked.problem;
  };
  EXPECT_EQ(broken(whole), "");
  auto all = whole;
  all[2].replace(all[2].find("h2.example"), 10, "x2.example");
  EXPECT_EQ(broken(all), "line 3: it was changed");
  EXPECT_EQ(events_.size(), 2U);
  all = whole;
  all.erase(all.begin() + 1);
  EXPECT_EQ(broken(all), "line 2: its number is 3 after 1");
  all = whole;
  std::swap(all[1], all[2]);
  EXPECT_THAT(broken(all), HasSubstr("line 2"));
  all = whole;
  all.insert(all.begin() + 2, all[1]);
  EXPECT_THAT(broken(all), HasSubstr("line 3"));
  all = whole;
  all.erase(all.begin());
  EXPECT_THAT(broken(all), HasSubstr("line 1"));
  all = whole;
  all[4].insert(all[4].size() - 1, R"(,"x":1)");
  EXPECT_EQ(broken(all), "line 5: it is not as scc writes it");
  all = whole;
  all[3] = " " + all[3];
  EXPECT_EQ(broken(all), "line 4: it is not as scc writes it");
  all = whole;
  all[3] = std::string(20000, 'x');
  EXPECT_THAT(broken(all), HasSubstr("line 4"));
  all = whole;
  all.insert(all.begin() + 1, "");
  EXPECT_THAT(broken(all), HasSubstr("line 2"));
}

TEST_F(RecordTest, ALineOfAnotherSessionIsSeen) {
  fill(1);
  auto other = Recorder::open(paths_, "other");
  ASSERT_TRUE(other);
  ASSERT_TRUE(other->append(decision("a.example.com")));
  std::filesystem::copy_file(record_file(paths_, "other"), record_file(paths_, kSession),
                             std::filesystem::copy_options::overwrite_existing);
  EXPECT_EQ(check().problem, "line 1: it is of another session");
}

TEST_F(RecordTest, LinesTakenOffTheEndChangeTheHead) {
  fill(3);
  const Head head = check().head;
  auto all = lines();
  all.pop_back();
  write(all);
  const Checked checked = check();
  EXPECT_TRUE(checked.intact);
  EXPECT_NE(checked.head.hash, head.hash);
  EXPECT_EQ(checked.head.seq, 2);
}

TEST_F(RecordTest, HalfALineIsSetAside) {
  fill(2);
  const std::string whole = text();
  write(whole + R"({"seq":3,"ti)");
  EXPECT_TRUE(check().torn);
  fill(1);
  const Checked checked = check();
  EXPECT_TRUE(checked.intact) << checked.problem;
  EXPECT_FALSE(checked.torn);
  EXPECT_EQ(checked.head.seq, 3);
  std::ifstream aside(record_file(paths_, kSession).native() + ".torn");
  std::string line;
  std::getline(aside, line);
  EXPECT_EQ(line, R"({"seq":3,"ti)");
}

TEST_F(RecordTest, OneWriterAndOneFile) {
  const Recorder first = open();
  const auto second = Recorder::open(paths_, kSession);
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().id, "lock.busy");
  for (const char* name : {"", ".", "..", "../x", "a/b", ".hidden", "a b", "a\n"}) {
    const auto out = Recorder::open(paths_, name);
    EXPECT_EQ(out ? "" : out.error().id, "egress.session") << name;
    EXPECT_FALSE(read_record(paths_, name, [](const Event&) {}));
  }
}

TEST_F(RecordTest, AnUnsafeFileIsRefused) {
  fill(1);
  const auto file = record_file(paths_, kSession);
  std::filesystem::permissions(file, std::filesystem::perms(0666));
  auto out = Recorder::open(paths_, kSession);
  EXPECT_EQ(out ? "" : out.error().id, "egress.unsafe");
  std::filesystem::remove(file);
  std::filesystem::create_symlink("/dev/null", file);
  EXPECT_FALSE(Recorder::open(paths_, kSession));
  std::filesystem::remove(file);
  std::ofstream(dir_.path() / "elsewhere") << "";
  std::filesystem::create_hard_link(dir_.path() / "elsewhere", file);
  EXPECT_FALSE(Recorder::open(paths_, kSession));
}

TEST_F(RecordTest, TellsWhichSessionsHaveOne) {
  EXPECT_THAT(*recorded_sessions(paths_), ElementsAre());
  const auto none = read_record(paths_, kSession, [](const Event&) {});
  EXPECT_EQ(none ? "" : none.error().id, "egress.none");
  fill(1);
  std::ofstream(paths_.state / "egress" / "notes.txt") << "";
  EXPECT_THAT(*recorded_sessions(paths_), ElementsAre(kSession));
}

}  // namespace
}  // namespace scc::egress
