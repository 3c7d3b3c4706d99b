// SPDX-License-Identifier: Apache-2.0
// The session store: what is written is what is read, nothing is lost by two writers at once, a damaged file
// hides nothing, and what became of a session whose process died is told as it was.
#include "session/store.h"

#include <csignal>
#include <fstream>
#include <unistd.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <linux/capability.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "session/journal.h"
#include "support/temp_dir.h"

namespace scc::session {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class StoreTest : public ::testing::Test {
 protected:
  test::TempDir home;
  os::Environment env = test::environment_in(home.path());
  os::Paths paths = os::Paths::from(env);
  SessionStore store{paths};

  StoredSession make(const std::string& name, const std::string& started = utc_now()) const {
    StoredSession out;
    out.id = new_session_id();
    out.name = name;
    out.workspace = "/home/u/repo";
    out.provider = "fake";
    out.runtime = "fake";
    out.sandbox = "scc-oci-0123456789abcdef";
    out.status = SessionStatus::exited;
    out.created = started;
    out.started = started;
    out.ended = started;
    out.runs = 1;
    return out;
  }
  StoredSession saved(StoredSession session) const {
    EXPECT_TRUE(store.put(session));
    return session;
  }
  static void write(const stdfs::path& file, const std::string& text) {
    std::ofstream(file, std::ios::binary) << text;
  }
  /// A session that a process ran which is gone: pid 1's number with another start time.
  StoredSession orphan(SessionStatus status) const {
    StoredSession out = make("orphan");
    out.status = status;
    out.ended.clear();
    out.pid = 1;
    out.pid_started = 1'000'000'007;
    return out;
  }
};

TEST_F(StoreTest, RoundTripKeepsRawText) {
  StoredSession session = make("a");
  session.workspace = "/tmp/\x1b[31m\"x";
  session.conversation = "c-1";
  session.exit_code = 137;
  session.pinned = true;
  session.team = "core";
  saved(session);
  const auto read = store.read(session.id);
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(json::dump(read->to_json()), json::dump(session.to_json()));
}

TEST_F(StoreTest, NoDirectoryIsNoSession) {
  const auto listed = store.list();
  ASSERT_TRUE(listed);
  EXPECT_THAT(listed->sessions, IsEmpty());
  EXPECT_FALSE(stdfs::exists(store.directory())) << "a reader makes nothing";
}

TEST_F(StoreTest, NewestFirst) {
  saved(make("old", "2026-01-01T00:00:00.000Z"));
  saved(make("new", "2026-02-01T00:00:00.000Z"));
  const auto listed = store.list().value().sessions;
  ASSERT_THAT(listed, SizeIs(2));
  EXPECT_EQ(listed[0].name, "new");
}

TEST_F(StoreTest, ADamagedFileIsSetAsideAndHidesNothing) {
  saved(make("good"));
  const std::string id = new_session_id();
  write(store.directory() / (id + ".json"), "{\"schema\":\"scc.session-record/1\",");
  const auto listed = store.list();
  ASSERT_TRUE(listed);
  EXPECT_THAT(listed->sessions, SizeIs(1));
  ASSERT_THAT(listed->problems, SizeIs(1));
  EXPECT_THAT(listed->problems[0], HasSubstr("set aside as " + id + ".json.corrupt-"));
  std::size_t aside = 0;
  for (const auto& entry : stdfs::directory_iterator(store.directory())) {
    if (entry.path().native().find(".corrupt-") != std::string::npos) ++aside;
  }
  EXPECT_EQ(aside, 1U);
  EXPECT_THAT(store.list()->problems, IsEmpty()) << "told once";
}

TEST_F(StoreTest, AFileOfAnotherSessionOrALinkIsNoRecord) {
  const StoredSession session = saved(make("good"));
  const std::string other = new_session_id();
  stdfs::copy_file(store.directory() / (session.id + ".json"), store.directory() / (other + ".json"));
  EXPECT_EQ(store.read(other).error().id, "session.record");
  const std::string link = new_session_id();
  stdfs::create_symlink(store.directory() / (session.id + ".json"), store.directory() / (link + ".json"));
  EXPECT_FALSE(store.read(link));
  EXPECT_THAT(store.list()->sessions, SizeIs(1));
}

TEST_F(StoreTest, AFileThatCannotBeReadNowIsNotSetAside) {
  const StoredSession session = saved(make("a"));
  const stdfs::path file = store.directory() / (session.id + ".json");
  ASSERT_EQ(::chmod(file.c_str(), 0), 0);
  // Root reads every file, unless this thread gives up the capability to. (Taking the descriptors away
  // instead would also take them from a sanitizer, which asks for one to look at an object.)
  struct __user_cap_header_struct header {
    _LINUX_CAPABILITY_VERSION_3, 0
  };
  struct __user_cap_data_struct old[_LINUX_CAPABILITY_U32S_3] {};
  ASSERT_EQ(::syscall(SYS_capget, &header, old), 0);
  struct __user_cap_data_struct low[_LINUX_CAPABILITY_U32S_3] {
    old[0], old[1]
  };
  low[0].effective &= ~((1U << CAP_DAC_OVERRIDE) | (1U << CAP_DAC_READ_SEARCH));
  ASSERT_EQ(::syscall(SYS_capset, &header, low), 0);
  const auto listed = store.list();
  ASSERT_EQ(::syscall(SYS_capset, &header, old), 0);
  ASSERT_TRUE(listed) << listed.error().message;
  EXPECT_THAT(listed->sessions, IsEmpty());
  EXPECT_THAT(listed->problems, SizeIs(1));
  EXPECT_TRUE(stdfs::exists(file)) << "it may be whole";
  ASSERT_EQ(::chmod(file.c_str(), 0600), 0);
  EXPECT_THAT(store.list()->sessions, SizeIs(1));
}

TEST_F(StoreTest, AFileOfANewerSccStays) {
  ASSERT_TRUE(os::make_dirs(store.directory()));
  const stdfs::path file = store.directory() / (new_session_id() + ".json");
  write(file, "{\"schema\":\"scc.session-record/2\"}");
  const auto listed = store.list();
  ASSERT_TRUE(listed);
  EXPECT_THAT(listed->problems, ElementsAre(HasSubstr("newer scc")));
  EXPECT_TRUE(stdfs::exists(file));
}

TEST_F(StoreTest, IdsThatAreNoIdsAreNoFiles) {
  for (const char* bad : {"", "..", "../../etc/passwd", "x"}) {
    EXPECT_EQ(store.read(bad).error().id, "session.unknown") << bad;
    StoredSession session = make("a");
    session.id = bad;
    EXPECT_FALSE(store.put(session));
  }
}

TEST_F(StoreTest, TwoProcessesThatChangeOneRecordLoseNothing) {
  const StoredSession session = saved(make("shared"));
  constexpr int kRounds = 40;
  std::vector<pid_t> children;
  for (int child = 0; child < 2; ++child) {
    const pid_t pid = ::fork();
    if (pid == 0) {
      bool fine = true;
      for (int i = 0; i < kRounds; ++i) {
        fine = fine && store.update(session.id, [](StoredSession& now) {
          ++now.runs;
          return true;
        });
      }
      ::_exit(fine ? 0 : 1);
    }
    children.push_back(pid);
  }
  for (const pid_t pid : children) {
    int status = 0;
    ASSERT_EQ(::waitpid(pid, &status, 0), pid);
    EXPECT_EQ(status, 0);
  }
  EXPECT_EQ(store.read(session.id)->runs, 1 + 2 * kRounds);
}

TEST_F(StoreTest, AWriterThatIsKilledLeavesOldOrNew) {
  const StoredSession session = saved(make("victim"));
  for (int round = 0; round < 20; ++round) {
    const pid_t pid = ::fork();
    if (pid == 0) {
      for (std::int64_t i = 0;; ++i) {
        static_cast<void>(store.update(session.id, [i](StoredSession& now) {
          now.reason = std::string(static_cast<std::size_t>(i % 7) * 1000, 'x');
          return true;
        }));
      }
    }
    ::usleep(static_cast<useconds_t>(500 + round * 700));
    ::kill(pid, SIGKILL);
    ::waitpid(pid, nullptr, 0);
    const auto listed = store.list();
    ASSERT_TRUE(listed);
    EXPECT_THAT(listed->sessions, SizeIs(1));
    EXPECT_THAT(listed->problems, IsEmpty());
    EXPECT_TRUE(store.update(session.id, [](StoredSession&) { return true; })) << "the lock is free again";
  }
}

TEST_F(StoreTest, AHeldLockIsAnErrorThatNamesItsHolder) {
  const StoredSession session = saved(make("a"));
  const auto lock = os::FileLock::acquire(paths.state / "locks" / "sessions.lock", 0);
  ASSERT_TRUE(lock);
  EXPECT_TRUE(store.read(session.id)) << "readers do not wait";
  const pid_t pid = ::fork();  // the lock belongs to the open file: ask from elsewhere
  if (pid == 0) {
    const Status put = store.put(session);
    const bool fine = !put && put.error().id == "lock.busy" && put.error().kind == Kind::tool &&
                      put.error().message.find("held by process ") != std::string::npos;
    ::_exit(fine ? 0 : 1);
  }
  int status = 0;
  ::waitpid(pid, &status, 0);
  EXPECT_EQ(status, 0);
}

TEST_F(StoreTest, ResolvesByIdNameAndPrefix) {
  const StoredSession one = saved(make("one", "2026-01-01T00:00:00.000Z"));
  const StoredSession again = saved(make("one", "2026-01-02T00:00:00.000Z"));
  StoredSession elsewhere = make("two", "2026-01-03T00:00:00.000Z");
  saved(elsewhere);
  StoredSession same = make("two", "2026-01-04T00:00:00.000Z");
  same.workspace = "/home/u/other";
  saved(same);
  const auto all = store.list()->sessions;
  EXPECT_EQ(resolve_session(all, one.id)->id, one.id);
  EXPECT_EQ(resolve_session(all, "one")->id, again.id) << "the last one of the name";
  EXPECT_EQ(resolve_session(all, one.id.substr(0, 35))->id.substr(0, 35), one.id.substr(0, 35));
  EXPECT_EQ(resolve_session(all, "nope").error().kind, Kind::not_found);
  const auto ambiguous = resolve_session(all, "two");
  ASSERT_FALSE(ambiguous);
  EXPECT_EQ(ambiguous.error().id, "session.ambiguous");
  EXPECT_THAT(ambiguous.error().context, SizeIs(2));
  EXPECT_EQ(resolve_session(all, "two", "/home/u/other")->id, same.id);
  EXPECT_FALSE(resolve_session(all, one.id.substr(0, 3))) << "too short to mean anything";
}

TEST_F(StoreTest, ALiveSessionIsLeftAlone) {
  StoredSession session = make("live");
  session.status = SessionStatus::running;
  session.ended.clear();
  session.pid = ::getpid();
  session.pid_started = own_process_start();
  saved(session);
  EXPECT_EQ(list_reconciled(store, paths)->sessions[0].status, SessionStatus::running);
}

TEST_F(StoreTest, ASessionWithoutItsProcessFailed) {
  const StoredSession session = saved(orphan(SessionStatus::running));
  const auto listed = list_reconciled(store, paths);
  ASSERT_TRUE(listed);
  EXPECT_EQ(listed->sessions[0].status, SessionStatus::failed);
  EXPECT_EQ(listed->sessions[0].ended_by, "crash");
  EXPECT_FALSE(listed->sessions[0].exit_code) << "no code was seen, none is told";
  EXPECT_THAT(listed->sessions[0].reason, HasSubstr("process 1"));
  EXPECT_EQ(store.read(session.id)->status, SessionStatus::failed) << "on disk, too";
}

TEST_F(StoreTest, AnEndThatWasSeenIsTold) {
  const StoredSession session = saved(orphan(SessionStatus::running));
  SessionRecord record;
  record.id = session.id;
  record.name = session.sandbox;
  record.pid = session.pid;
  record.status = SessionStatus::running;
  const stdfs::path directory = instance_dir(paths, session.sandbox);
  ASSERT_TRUE(os::make_dirs(directory));
  ASSERT_TRUE(write_record(directory, record));
  Journal journal(directory, env);
  ASSERT_TRUE(journal.intent("agent.exec"));
  ASSERT_TRUE(journal.note("agent.exec", "started"));
  ASSERT_TRUE(journal.done("agent.exec", json::Value(json::Object{{"exit_code", 3}})));
  const StoredSession told = list_reconciled(store, paths)->sessions[0];
  EXPECT_EQ(told.status, SessionStatus::exited);
  EXPECT_EQ(told.exit_code, 3);
  EXPECT_EQ(told.ended_by, "agent");
}

TEST_F(StoreTest, TheInstanceOfALaterSessionSaysNothing) {
  const StoredSession session = saved(orphan(SessionStatus::starting));
  SessionRecord record;
  record.id = new_session_id();
  record.name = session.sandbox;
  record.pid = session.pid;
  record.status = SessionStatus::exited;
  record.exit_code = 0;
  const stdfs::path directory = instance_dir(paths, session.sandbox);
  ASSERT_TRUE(os::make_dirs(directory));
  ASSERT_TRUE(write_record(directory, record));
  EXPECT_EQ(list_reconciled(store, paths)->sessions[0].status, SessionStatus::failed);
}

TEST_F(StoreTest, RetentionSparesPinsNewOnesAndTheNewestOfEachTeam) {
  std::vector<StoredSession> all;
  for (int i = 0; i < 4; ++i) {
    StoredSession session = make("s" + std::to_string(i), "2026-01-0" + std::to_string(9 - i) + "T00:00:00Z");
    session.team = "core";
    all.push_back(session);
  }
  StoredSession other = make("other", "2026-01-01T00:00:00Z");
  other.team = "web";
  all.push_back(other);
  RetentionOptions options;
  options.keep = 1;
  options.now = parse_utc("2026-03-01T00:00:00Z").value();
  EXPECT_THAT(too_old(all, options), SizeIs(3)) << "the newest of either team stays";
  all[2].pinned = true;
  EXPECT_THAT(too_old(all, options), SizeIs(2));
  all[3].ended = "nonsense";
  all[3].started = "nonsense";
  EXPECT_THAT(too_old(all, options), SizeIs(1)) << "a time that cannot be read keeps its record";
  options.older_than_seconds = std::int64_t{60} * 24 * 3600;
  EXPECT_THAT(too_old(all, options), IsEmpty());
  options.older_than_seconds = 0;
  options.every_team = false;
  options.team = "web";
  EXPECT_THAT(too_old(all, options), IsEmpty()) << "only the team that was asked for is looked at";
}

TEST_F(StoreTest, RemoveAsksUnderTheLock) {
  const StoredSession one = saved(make("one"));
  const StoredSession two = saved(make("two"));
  const auto removed = store.remove({one.id, two.id, new_session_id()},
                                    [&](const StoredSession& session) { return session.name == "one"; });
  ASSERT_TRUE(removed);
  EXPECT_THAT(*removed, ElementsAre(one.id));
  EXPECT_TRUE(store.read(two.id));
}

TEST(SessionNames, AreShortAndPlain) {
  EXPECT_TRUE(valid_session_name("fix the bug-1_2.3"));
  for (const char* bad : {"", " a", "a ", "a/b", "a\x1b[31m", "${session.dir}"}) {
    EXPECT_FALSE(valid_session_name(bad)) << bad;
  }
  EXPECT_FALSE(valid_session_name(std::string(65, 'a')));
  EXPECT_EQ(session_name_of("a/b\x1b"), "a-b-");
  EXPECT_EQ(session_name_of("  "), "session");
  EXPECT_TRUE(valid_session_name(session_name_of(std::string(100, '/'))));
}

}  // namespace
}  // namespace scc::session
