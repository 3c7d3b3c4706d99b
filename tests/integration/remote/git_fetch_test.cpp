// SPDX-License-Identifier: Apache-2.0
// git/fetch.h beyond what team documents use: commits, limits, the local form.
#include <fstream>

#include <gmock/gmock.h>

#include "git/fetch.h"
#include "os/process.h"
#include "support/temp_dir.h"

namespace scc::git {
namespace {

using testing::HasSubstr;
namespace stdfs = std::filesystem;

class GitFileTest : public testing::Test {
 protected:
  void SetUp() override {
    git({"init", "-q", "-b", "main", "."});
    first = commit("one");
    second = commit("two");
    git({"checkout", "-q", "--orphan", "lone"});
    lone = commit("lone");
    git({"checkout", "-q", "main"});
  }
  std::string git(std::vector<std::string> arguments) {
    os::ProcessRequest run;
    run.argv = {"git"};
    run.argv.insert(run.argv.end(), arguments.begin(), arguments.end());
    run.cwd = scratch.path();
    run.env = {{"PATH", "/usr/bin:/bin"},           {"HOME", "/nonexistent"},
               {"GIT_CONFIG_NOSYSTEM", "1"},        {"GIT_AUTHOR_NAME", "t"},
               {"GIT_AUTHOR_EMAIL", "t@example"},   {"GIT_COMMITTER_NAME", "t"},
               {"GIT_COMMITTER_EMAIL", "t@example"}};
    const auto done = os::run(run);
    EXPECT_TRUE(done && done->exit_code == 0) << (done ? done->err : done.error().message);
    std::string out = done ? done->out : "";
    while (!out.empty() && out.back() == '\n') out.pop_back();
    return out;
  }
  std::string commit(const std::string& text) {
    std::ofstream(scratch.path() / "f") << text;
    git({"add", "f"});
    git({"commit", "-q", "-m", text});
    return git({"rev-parse", "HEAD"});
  }
  Result<FileAtCommit> read(FileRequest file) { return read_local_file(scratch.path(), file); }
  std::string error(FileRequest file) {
    const auto got = read(std::move(file));
    return got ? "ok" : got.error().id;
  }
  test::TempDir scratch;
  std::string first, second, lone;
};

TEST_F(GitFileTest, BranchesAndCommits) {
  EXPECT_EQ(read({"", "", "f", 100})->commit, second);
  EXPECT_EQ(read({"main", "", "f", 100})->bytes, "two");
  EXPECT_EQ(read({"main", first, "f", 100})->bytes, "one");
  EXPECT_EQ(read({"lone", "", "f", 100})->bytes, "lone");
  EXPECT_EQ(error({"main", lone, "f", 100}), "git.commit");  // exists, but on another branch
  EXPECT_EQ(error({"main", std::string(40, 'a'), "f", 100}), "git.commit");
  EXPECT_EQ(error({"none", "", "f", 100}), "git.branch");
  EXPECT_EQ(error({"main", "", "g", 100}), "git.path");
  EXPECT_EQ(error({"main", "", "f", 2}), "git.file-limit");
  EXPECT_EQ(error({"main", "", "../f", 100}), "git.request");
  EXPECT_EQ(error({"main", "abc", "f", 100}), "git.request");
  EXPECT_EQ(error({"-x", "", "f", 100}), "git.request");
}

TEST_F(GitFileTest, LocalOnlyAtThePathItself) {
  stdfs::create_directory(scratch.path() / "sub");
  const auto got = read_local_file(scratch.path() / "sub", {"", "", "f", 100});
  ASSERT_FALSE(got);
  EXPECT_EQ(got.error().id, "git.repository");
}

TEST_F(GitFileTest, ErrorsOfTheTransportComeThrough) {
  RemoteRequest request;
  request.url = "https://example.invalid/x";
  request.file = {"main", "", "f", 100};
  request.work = scratch.path();
  int calls = 0;
  request.http = [&](const HttpRequest& what) -> Result<HttpReply> {
    ++calls;
    EXPECT_EQ(what.url, "https://example.invalid/x/info/refs?service=git-upload-pack");
    EXPECT_EQ(what.limit, request.transfer_limit);
    return fail(Kind::prereq, "fetch.refused", "nobody home");
  };
  const auto got = read_remote_file(request);
  ASSERT_FALSE(got);
  EXPECT_EQ(got.error().id, "fetch.refused");
  EXPECT_EQ(calls, 1);
  request.http = [](const HttpRequest&) -> Result<HttpReply> { throw 1; };
  EXPECT_EQ(read_remote_file(request).error().id, "git.internal");
  for (const char* noise :
       {"", "0000", "zzzz", "001e# service=git-upload-pack\n", "001e# service=git-upload-pack\n0000",
        "001e# service=git-upload-pack\n0000fff0", "ffffffff"}) {
    request.http = [&](const HttpRequest& what) -> Result<HttpReply> { return HttpReply{noise, what.url}; };
    const auto bad = read_remote_file(request);
    ASSERT_FALSE(bad) << noise;
    EXPECT_THAT(bad.error().id, testing::StartsWith("git.")) << noise;
  }
}

}  // namespace
}  // namespace scc::git
