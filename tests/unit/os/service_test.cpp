// SPDX-License-Identifier: Apache-2.0
#include "os/service.h"

#include <chrono>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <thread>
#include <unistd.h>

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/wait.h>

namespace scc::os {
namespace {

using namespace std::chrono_literals;

class ServiceTest : public testing::Test {
 protected:
  ServiceTest() {
    std::string pattern = (std::filesystem::temp_directory_path() / "svc-XXXXXX").string();
    base_ = mkdtemp(pattern.data());
  }
  ~ServiceTest() override { std::filesystem::remove_all(base_); }
  ServiceRequest request(const std::string& script) const {
    ServiceRequest request;
    request.argv = {"sh", "-c", script};
    request.env = {{"PATH", "/usr/bin:/bin"}};
    request.base = base_;
    return request;
  }
  static bool alive(pid_t pid) {
    std::ifstream stat("/proc/" + std::to_string(pid) + "/stat");
    std::string word, name, state;
    stat >> word >> name >> state;
    return stat && state != "Z";
  }
  static bool ends(pid_t pid) {
    for (int i = 0; i < 500 && alive(pid); ++i) std::this_thread::sleep_for(10ms);
    return !alive(pid);
  }
  static std::string output_of(const Service& service, std::size_t size) {
    for (int i = 0; i < 500 && service.output().size() < size; ++i) std::this_thread::sleep_for(10ms);
    return service.output();
  }
  std::filesystem::path base_;
};

TEST_F(ServiceTest, GivesAListeningSocketAndNothingElse) {
  setenv("SCC_TEST_CANARY", "x", 1);
  auto service = Service::start(
      request("echo $LISTEN_FDS $(($LISTEN_PID == $$)) $SCC_TEST_CANARY; ls -l /proc/$$/fd; sleep 99"));
  ASSERT_TRUE(service) << service.error().message;
  std::string text = output_of(**service, 200);
  EXPECT_EQ(text.substr(0, 4), "1 1\n") << text;
  EXPECT_NE(text.find(" 3 -> socket:"), std::string::npos) << text;
  EXPECT_EQ(text.find(" 4 -> "), std::string::npos) << text;
  EXPECT_TRUE((*service)->running());
}

TEST_F(ServiceTest, EndsWithItsOwner) {
  auto service = Service::start(request("sleep 99 & echo $!; wait"));
  ASSERT_TRUE(service) << service.error().message;
  const pid_t child = std::stoi(output_of(**service, 2));
  const pid_t pid = (*service)->pid();
  const auto socket = (*service)->socket();
  service->reset();
  EXPECT_FALSE(alive(pid));
  EXPECT_FALSE(std::filesystem::exists(socket.parent_path()));
  EXPECT_TRUE(alive(child)) << "what a service started on purpose stays";
  kill(child, SIGKILL);
}

TEST_F(ServiceTest, IsKilledWhenItDoesNotHearSigterm) {
  auto service = Service::start(request("trap '' TERM; echo up; while :; do sleep 1; done"));
  ASSERT_TRUE(service);
  output_of(**service, 3);
  const pid_t pid = (*service)->pid();
  service->reset();
  EXPECT_FALSE(alive(pid));
}

TEST_F(ServiceTest, EndsWhenItsHostIsKilled) {
  int ends_of_pipe[2];
  ASSERT_EQ(pipe(ends_of_pipe), 0);
  const pid_t host = fork();
  if (host == 0) {
    auto service = Service::start(request("trap '' TERM HUP; while :; do sleep 1; done"));
    const int pid = service ? (*service)->pid() : -1;
    if (write(ends_of_pipe[1], &pid, sizeof pid) != sizeof pid) _exit(1);
    for (;;) pause();
  }
  int pid = -1;
  ASSERT_EQ(read(ends_of_pipe[0], &pid, sizeof pid), static_cast<ssize_t>(sizeof pid));
  ASSERT_GT(pid, 0);
  EXPECT_TRUE(alive(pid));
  kill(host, SIGKILL);
  waitpid(host, nullptr, 0);
  EXPECT_TRUE(ends(pid));
  close(ends_of_pipe[0]);
  close(ends_of_pipe[1]);

  // What it left is removed by the next one, once it is old enough to be nobody's.
  std::filesystem::path left;
  for (const auto& entry : std::filesystem::directory_iterator(base_)) left = entry.path();
  ASSERT_FALSE(left.empty());
  timeval old[2] = {{1, 0}, {1, 0}};
  ASSERT_EQ(utimes(left.c_str(), old), 0);
  auto next = Service::start(request("sleep 99"));
  ASSERT_TRUE(next);
  EXPECT_FALSE(std::filesystem::exists(left));
  ASSERT_EQ(utimes((*next)->socket().parent_path().c_str(), old), 0);
  auto third = Service::start(request("sleep 99"));
  EXPECT_TRUE(std::filesystem::exists((*next)->socket())) << "a living one's stays, however old";
}

TEST_F(ServiceTest, AnUnreadServiceNeverWaits) {
  auto service =
      Service::start(request("head -c 1000000 /dev/zero; echo done > \"$0\" 2>/dev/null; sleep 99"));
  ASSERT_TRUE(service);
  std::this_thread::sleep_for(50ms);
  EXPECT_LE((*service)->output().size(), std::size_t{128} << 10U);
}

TEST_F(ServiceTest, TellsWhatCannotBeStarted) {
  ServiceRequest none = request("");
  none.argv = {"no-such-program"};
  const auto missing = Service::start(none);
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().id, "process.not-found");
  std::ofstream(base_ / "broken") << "no program";
  std::filesystem::permissions(base_ / "broken", std::filesystem::perms::all);
  none.argv = {(base_ / "broken").string()};
  const auto broken = Service::start(none);
  ASSERT_FALSE(broken) << "ENOEXEC is told, not swallowed";
}

}  // namespace
}  // namespace scc::os
