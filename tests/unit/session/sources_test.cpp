// SPDX-License-Identifier: Apache-2.0
// The binds of a sandbox against what lies at their sources: real files, and the evidence that a checker
// would give for them.
#include "session/sources.h"

#include <filesystem>
#include <fstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include "base/str.h"
#include "os/fs.h"
#include "support/launch_plan.h"
#include "support/temp_dir.h"

namespace scc::session {
namespace {

namespace stdfs = std::filesystem;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

class SourcesTest : public ::testing::Test {
 protected:
  SourcesTest() {
    stdfs::create_directories(work / "repo/.git/hooks");
    stdfs::create_directories(work / "secret");
    std::ofstream(work / "repo/.git/config") << "[core]\n";
  }
  static void add_mount(json::Value& plan, const stdfs::path& source, const stdfs::path& target) {
    plan["sandbox"]["mounts"].array().push_back(
        test::make_mount("bind", source.native(), target.native(), true));
  }
  json::Value plan() const {
    json::Value out;
    out["workspace"]["root"] = (work / "repo").native();
    out["sandbox"]["mounts"] = json::Array{};
    for (const char* part : {"repo", "repo/.git", "repo/.git/hooks", "repo/.git/config"}) {
      add_mount(out, work / part, work / part);
    }
    return out;
  }
  /// What the checker says when each bind shows what is at its path at this moment.
  json::Value evidence() const {
    json::Value out;
    out["boot_id"] = str::trim(os::read_file("/proc/sys/kernel/random/boot_id").value());
    out["mounts"] = json::Array{};
    for (const BindSource& source : sources) {
      struct stat info {};
      EXPECT_EQ(::stat(source.path.c_str(), &info), 0) << source.path;
      json::Value mount;
      mount["target"] = source.target;
      mount["device"] = static_cast<std::int64_t>(info.st_dev);
      mount["inode"] = static_cast<std::int64_t>(info.st_ino);
      out["mounts"].array().push_back(std::move(mount));
    }
    return out;
  }
  std::vector<std::string> names(const json::Value& seen) const {
    std::vector<std::string> out;
    for (const CheckFailure& failure : verify_sources(seen, sources)) {
      EXPECT_EQ(failure.name.find("source:" + work.native()), 0U) << failure.name;
      out.push_back(failure.name.substr(7 + work.native().size()));
    }
    return out;
  }
  test::TempDir dir;
  stdfs::path work = stdfs::canonical(dir.path());
  std::vector<BindSource> sources = bind_sources(plan());
};

TEST_F(SourcesTest, AcceptsWhatLiesThere) {
  EXPECT_EQ(sources.size(), 4U);
  EXPECT_THAT(names(evidence()), IsEmpty());
}

TEST_F(SourcesTest, RefusesALinkThatTheEngineFollowed) {
  stdfs::rename(work / "repo/.git/hooks", work / "repo/.git/aside");
  stdfs::create_directory_symlink(work / "secret", work / "repo/.git/hooks");
  const json::Value seen = evidence();  // the engine bound `secret`
  EXPECT_THAT(names(seen), ElementsAre("/repo/.git/hooks"));
  // Also when the link is taken away again before anybody looks.
  stdfs::remove(work / "repo/.git/hooks");
  stdfs::rename(work / "repo/.git/aside", work / "repo/.git/hooks");
  EXPECT_THAT(names(seen), ElementsAre("/repo/.git/hooks"));
}

TEST_F(SourcesTest, RefusesALinkAboveTheWorkspace) {
  stdfs::rename(work / "repo", work / "moved");
  stdfs::create_directory_symlink(work / "moved", work / "repo");
  EXPECT_THAT(names(evidence()), ElementsAre("/repo", "/repo/.git", "/repo/.git/hooks", "/repo/.git/config"));
}

TEST_F(SourcesTest, RefusesWhatIsNotTold) {
  json::Value seen = evidence();
  seen["mounts"].array()[0].object().erase("inode");
  seen["mounts"].array()[1]["device"] = "66";
  seen["mounts"].array().pop_back();
  EXPECT_THAT(names(seen), ElementsAre("/repo", "/repo/.git", "/repo/.git/config"));
}

TEST_F(SourcesTest, NumbersOfAnotherKernelMeanNothing) {
  json::Value seen = evidence();
  for (json::Value& mount : seen["mounts"].array()) mount["inode"] = 1;
  EXPECT_EQ(names(seen).size(), 4U);
  seen["boot_id"] = "01234567-89ab-cdef-0123-456789abcdef";
  EXPECT_THAT(names(seen), IsEmpty());
}

// An id-mapped view is gone by then, and a path map names another machine's directories.
TEST_F(SourcesTest, LooksAtTheWorkspaceByItsOwnPath) {
  for (const stdfs::path& view : {work / "instance/ws", stdfs::path("/elsewhere/repo")}) {
    json::Value mapped = plan();
    for (json::Value& mount : mapped["sandbox"]["mounts"].array()) {
      const stdfs::path rest = stdfs::path(mount.str("/target")).lexically_relative(work / "repo");
      mount["source"] = (rest == "." ? view : view / rest).native();
    }
    sources = bind_sources(mapped);
    EXPECT_THAT(names(evidence()), IsEmpty());
    EXPECT_EQ(sources.at(3).path, work / "repo/.git/config");
  }
}

TEST_F(SourcesTest, FilesOfSccMayLieBehindALink) {
  stdfs::create_directories(work / "disk/state");
  std::ofstream(work / "disk/state/passwd") << "x\n";
  stdfs::create_directory_symlink(work / "disk", work / "link");
  json::Value more = plan();
  add_mount(more, work / "link/state/passwd", "/etc/passwd");
  sources = bind_sources(more);
  const json::Value seen = evidence();
  EXPECT_THAT(names(seen), IsEmpty());
  stdfs::remove(work / "disk/state/passwd");
  EXPECT_EQ(verify_sources(seen, sources).size(), 1U);
}

}  // namespace
}  // namespace scc::session
