// SPDX-License-Identifier: Apache-2.0
// No set-id bit leaves a sandbox: every way to make one is tried inside, first without the checker (the tries
// work, so the test can fail), then through it, and the host looks at what is there afterwards.
#include <map>
#include <sstream>
#include <string>

#include <sys/stat.h>

#include "engine_test.h"

namespace scc::test {
namespace {

using SetId = EngineTest;
namespace fs = std::filesystem;

std::map<std::string, std::string> outcomes(const std::string& text) {
  std::map<std::string, std::string> result;
  std::istringstream lines(text);
  std::string name;
  std::string value;
  while (lines >> name >> value) result[name] = value;
  return result;
}

int count_setid(const fs::path& root) {
  int count = 0;
  for (const auto& entry : fs::recursive_directory_iterator(root)) {
    struct stat info = {};
    if (lstat(entry.path().c_str(), &info) == 0 && (info.st_mode & 06000U) != 0) ++count;
  }
  return count;
}

TEST_F(SetId, ControlWithoutTheChecker) {
  Box box;
  ASSERT_TRUE(box.started) << box.error;
  const Outcome outcome = run(box.exec({"/opt/scc/bin/probe", "setid", "/ws"}));
  ASSERT_EQ(outcome.code, 0) << outcome.err;
  auto results = outcomes(outcome.out);
  for (const char* way :
       {"chmod", "chmod-gid", "fchmod", "fchmodat", "open", "openat", "creat", "tmpfile", "mknod"}) {
    EXPECT_EQ(results[way], "DONE") << way;
  }
  EXPECT_GT(count_setid(box.workspace), 0);
}

TEST_F(SetId, NoWayWorksThroughTheChecker) {
  Box box;
  ASSERT_TRUE(box.started) << box.error;
  const Outcome outcome = box.run_checked({"/opt/scc/bin/probe", "setid", "/ws"});
  ASSERT_EQ(outcome.code, 0) << outcome.err;
  auto results = outcomes(outcome.out);
  for (const char* way : {"chmod", "chmod-gid", "fchmod", "fchmodat", "open", "openat", "creat", "tmpfile",
                          "mknod", "mknodat"}) {
    EXPECT_EQ(results[way], "EPERM") << way;
  }
  // Denied by our filter or, where the engine's does not know the call, by that one with its own error.
  EXPECT_TRUE(results["fchmodat2"] == "EPERM" || results["fchmodat2"] == "ENOSYS") << results["fchmodat2"];
  for (const char* way : {"openat2", "io_uring_setup"}) {
    EXPECT_TRUE(results[way] == "ENOSYS" || results[way] == "EPERM") << way << ' ' << results[way];
  }
#if defined(__x86_64__)
  EXPECT_NE(results["int80-chmod"], "DONE");
  EXPECT_NE(results["x32-chmod"], "DONE");
  EXPECT_FALSE(results["int80-chmod"].empty());
#endif
  for (const char* ordinary : {"mkdir", "plain-chmod", "plain-open"})
    EXPECT_EQ(results[ordinary], "DONE") << ordinary;
  EXPECT_EQ(count_setid(box.workspace), 0);
}

TEST_F(SetId, KernelInterfacesAreClosedAndThreadsWork) {
  Box box;
  ASSERT_TRUE(box.started) << box.error;
  const Outcome outcome = box.run_checked({"/opt/scc/bin/probe", "kernel"});
  ASSERT_EQ(outcome.code, 0) << outcome.err;
  auto results = outcomes(outcome.out);
  EXPECT_EQ(results.size(), 14U);
  for (const auto& [name, result] : results) {
    EXPECT_TRUE(result == "EPERM" || result == "ENOSYS") << name << ' ' << result;
  }
  EXPECT_EQ(box.run_checked({"/opt/scc/bin/probe", "threads"}).out, "threads 1 exec 7\n");
}

}  // namespace
}  // namespace scc::test
