// SPDX-License-Identifier: Apache-2.0
#include "session/instance.h"

#include <fstream>
#include <thread>
#include <unistd.h>

#include <gtest/gtest.h>
#include <sys/wait.h>

#include "session/journal.h"
#include "support/temp_dir.h"

namespace scc::session {
namespace {

class InstanceTest : public ::testing::Test {
 protected:
  test::TempDir home;
  os::Environment env = test::environment_in(home.path());
  os::Paths paths = os::Paths::from(env);
  const std::string name = "scc-oci-0123456789abcdef";

  SessionRecord record() const {
    SessionRecord out;
    out.id = new_session_id();
    out.name = name;
    out.workspace = "/tmp/a \x1b[31m\"b";
    out.runtime = "fake";
    out.status = SessionStatus::running;
    out.started = utc_now();
    return out;
  }
};

TEST_F(InstanceTest, NamesThatMayBecomeFileNames) {
  EXPECT_TRUE(valid_name(name));
  for (const char* bad : {"", ".", "..", "../x", "a/b", "-a", "a b", "a\n"})
    EXPECT_FALSE(valid_name(bad)) << bad;
  EXPECT_FALSE(valid_name(std::string(129, 'a')));
}

TEST_F(InstanceTest, SessionIdIsUuidVersion7AndGrowsWithTime) {
  const std::string first = new_session_id();
  ASSERT_EQ(first.size(), 36U);
  EXPECT_EQ(first[14], '7');
  EXPECT_NE(std::string("89ab").find(first[19]), std::string::npos) << first;
  std::this_thread::sleep_for(std::chrono::milliseconds(2));  // the resolution of the format
  EXPECT_LT(first, new_session_id());
}

TEST_F(InstanceTest, RecordSurvivesTheRoundTripRaw) {
  const stdfs::path directory = instance_dir(paths, name);
  ASSERT_TRUE(os::make_dirs(directory));
  SessionRecord written = record();
  written.exit_code = 137;
  written.pid = 42;
  ASSERT_TRUE(write_record(directory, written));
  const auto read = read_record(directory);
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(read->to_json(), written.to_json());
  EXPECT_EQ(read->workspace, written.workspace);
}

TEST_F(InstanceTest, BrokenRecordIsReportedAndNotTaken) {
  const stdfs::path directory = instance_dir(paths, name);
  ASSERT_TRUE(os::make_dirs(directory));
  std::ofstream(directory / "session.json") << "{\"schema\":";
  EXPECT_EQ(read_record(directory).error().id, "session.record");
  std::ofstream(directory / "session.json") << R"({"schema":"scc.session/1","status":"dancing"})";
  EXPECT_EQ(read_record(directory).error().id, "session.record");
  const auto list = list_instances(paths);
  ASSERT_TRUE(list);
  ASSERT_EQ(list->size(), 1U);
  EXPECT_FALSE(list->front().record);
  EXPECT_NE(list->front().problem, "");
}

TEST_F(InstanceTest, ListLeavesOutLinksAndForeignNames) {
  ASSERT_TRUE(os::make_dirs(instances_dir(paths) / "has space"));
  ASSERT_TRUE(os::make_dirs(home.path() / "elsewhere"));
  stdfs::create_directory_symlink(home.path() / "elsewhere", instances_dir(paths) / "scc-oci-link");
  ASSERT_TRUE(os::make_dirs(instance_dir(paths, name)));
  const auto list = list_instances(paths);
  ASSERT_TRUE(list);
  ASSERT_EQ(list->size(), 1U);
  EXPECT_EQ(list->front().name, name);
}

TEST_F(InstanceTest, NoDirectoryIsAnEmptyList) {
  EXPECT_TRUE(list_instances(paths)->empty());
}

TEST_F(InstanceTest, LiveWhileTheLockIsHeld) {
  EXPECT_FALSE(is_live(paths, name));
  auto lock = os::FileLock::acquire(launch_lock_path(paths, name), 0);
  ASSERT_TRUE(lock);
  EXPECT_TRUE(is_live(paths, name));
}

TEST_F(InstanceTest, LiveWhileTheRecordedProcessLives) {
  const stdfs::path directory = instance_dir(paths, name);
  ASSERT_TRUE(os::make_dirs(directory));
  int pipe_fds[2];
  ASSERT_EQ(::pipe(pipe_fds), 0);
  const pid_t child = ::fork();
  if (child == 0) {
    SessionRecord mine = record();
    mine.pid = ::getpid();
    mine.pid_started = own_process_start();
    static_cast<void>(write_record(directory, mine));
    if (::write(pipe_fds[1], "x", 1) != 1) ::_exit(1);
    ::pause();
    ::_exit(0);
  }
  char ready = 0;
  ASSERT_EQ(::read(pipe_fds[0], &ready, 1), 1);
  EXPECT_TRUE(is_live(paths, name));
  ::kill(child, SIGKILL);
  siginfo_t info{};
  ASSERT_EQ(::waitid(P_PID, static_cast<id_t>(child), &info, WEXITED | WNOWAIT), 0);
  EXPECT_FALSE(is_live(paths, name)) << "a zombie does not live";
  ASSERT_EQ(::waitpid(child, nullptr, 0), child);
  EXPECT_FALSE(is_live(paths, name));
  // The same number with another start time is another process.
  SessionRecord reused = record();
  reused.pid = ::getpid();
  reused.pid_started = own_process_start() + 1;
  ASSERT_TRUE(write_record(directory, reused));
  EXPECT_FALSE(is_live(paths, name));
  ::close(pipe_fds[0]);
  ::close(pipe_fds[1]);
}

TEST_F(InstanceTest, RemoveIsIdempotent) {
  const stdfs::path directory = instance_dir(paths, name);
  ASSERT_TRUE(os::make_dirs(directory / "files" / "etc"));
  ASSERT_TRUE(os::make_dirs(directory / "ws"));
  EXPECT_TRUE(remove_instance(directory));
  EXPECT_FALSE(stdfs::exists(directory));
  EXPECT_TRUE(remove_instance(directory));
}

TEST_F(InstanceTest, WorkspaceFilesBehindAMountPointAreNeverRemoved) {
  const stdfs::path directory = instance_dir(paths, name);
  ASSERT_TRUE(os::make_dirs(directory / "ws"));
  std::ofstream(directory / "ws" / "precious") << "x";  // as if an unmount had been forgotten
  EXPECT_FALSE(remove_instance(directory)) << "ws is only ever rmdir'ed";
  EXPECT_TRUE(stdfs::exists(directory / "ws" / "precious"));
}

TEST_F(InstanceTest, JournalKeepsItsLinesAndToleratesATornOne) {
  const stdfs::path directory = instance_dir(paths, name);
  ASSERT_TRUE(os::make_dirs(directory));
  Journal journal(directory, env);
  ASSERT_TRUE(journal.step("a", json::Value(), [] { return Result<json::Value>(json::Value(1)); }));
  const auto failed =
      journal.step("b", json::Value(), [] { return Result<json::Value>(fail(Kind::tool, "x.y", "no")); });
  EXPECT_EQ(failed.error().id, "x.y");
  std::ofstream(journal.path(), std::ios::app) << R"({"seq":5,"op":"c)";
  const auto lines = read_journal(directory);
  ASSERT_TRUE(lines) << lines.error().message;
  ASSERT_EQ(lines->size(), 4U);
  EXPECT_EQ((*lines)[0].phase, "intent");
  EXPECT_EQ((*lines)[1].phase, "done");
  EXPECT_EQ((*lines)[1].data.as_int(), 1);
  EXPECT_EQ((*lines)[3].phase, "failed");
  EXPECT_EQ((*lines)[3].data.str("/id"), "x.y");
  std::ofstream(journal.path(), std::ios::app) << "\nx\n";
  EXPECT_EQ(read_journal(directory).error().id, "session.journal");
}

}  // namespace
}  // namespace scc::session
