// SPDX-License-Identifier: Apache-2.0
// git/snapshots.h with the real git: the snapshots are made here by its plumbing, as the guard makes them
// (tests/e2e/undo_test.py has both together).
#include <fstream>

#include <gmock/gmock.h>

#include "git/snapshots.h"
#include "os/process.h"
#include "support/temp_dir.h"

namespace scc::git {
namespace {

namespace stdfs = std::filesystem;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr const char* kId = "20260101T000000Z-0000000a";

class UndoTest : public testing::Test {
 protected:
  void SetUp() override {
    root = stdfs::canonical(scratch.path());
    git({"init", "-q", "-b", "main", "."});
    put("a", "one");
    put("gone", "gone");
    git({"add", "-A"});
    git({"commit", "-q", "-m", "first"});
    place = {root, root / ".git", root / ".git", {root / ".git"}};
  }
  std::string git(std::vector<std::string> arguments, const std::string& input = {}) {
    os::ProcessRequest run;
    run.argv = {"git"};
    run.argv.insert(run.argv.end(), arguments.begin(), arguments.end());
    run.cwd = root;
    run.input = input;
    run.env = {{"PATH", "/usr/bin:/bin"},           {"HOME", "/nonexistent"},
               {"GIT_CONFIG_NOSYSTEM", "1"},        {"GIT_AUTHOR_NAME", "t"},
               {"GIT_AUTHOR_EMAIL", "t@example"},   {"GIT_COMMITTER_NAME", "t"},
               {"GIT_COMMITTER_EMAIL", "t@example"}};
    const auto done = os::run(run);
    EXPECT_TRUE(done && done->exit_code == 0) << arguments[0] << (done ? done->err : done.error().message);
    std::string out = done ? done->out : "";
    while (!out.empty() && out.back() == '\n') out.pop_back();
    return out;
  }
  void put(const std::string& path, const std::string& text) {
    stdfs::create_directories((root / path).parent_path());
    std::ofstream(root / path) << text;
  }
  std::string text(const std::string& path) {
    std::ifstream in(root / path);
    return {std::istreambuf_iterator<char>(in), {}};
  }
  /// Of everything in the working tree as it is; the index is left alone.
  void snapshot(const std::string& id = kId, const std::string& more = {}) {
    const std::string head = git({"rev-parse", "HEAD"});
    const std::string index = git({"commit-tree", git({"write-tree"}), "-p", head, "-m", "index"});
    stdfs::copy_file(root / ".git/index", root / ".git/kept");
    git({"add", "-A"});
    const std::string tree = git({"write-tree"});
    stdfs::rename(root / ".git/kept", root / ".git/index");
    plant(id, tree, "Scc-Head: " + head + "\nScc-Index: " + index + "\nScc-Branch: refs/heads/main\n" + more);
  }
  void plant(const std::string& id, const std::string& tree, const std::string& lines) {
    const std::string message =
        "before git test\n\nScc-Snapshot: 1\nScc-Root: " + root.native() + "\n" + lines;
    git({"update-ref", "refs/scc/snapshots/" + id, git({"commit-tree", tree, "-p", "HEAD", "-m", message})});
  }
  Result<Undo> back(bool dry_run = false, const std::string& id = kId) {
    const auto all = list_snapshots(place);
    if (!all) return fail(Error(all.error()));
    for (const Snapshot& one : *all) {
      if (one.id == id) return undo(place, one, dry_run);
    }
    return fail(Kind::not_found, "test", "no such snapshot");
  }

  test::TempDir scratch;
  stdfs::path root;
  SnapshotPlace place;
};

TEST_F(UndoTest, FilesIndexAndBranchComeBackAndGoAgain) {
  put("a", "work");
  put("staged", "staged");
  git({"add", "staged"});
  put("new/one two", "new");
  stdfs::remove(root / "gone");
  stdfs::create_symlink("/etc/passwd", root / "link");
  put("run", "run");
  stdfs::permissions(root / "run", stdfs::perms::owner_all);
  const std::string status = git({"status", "--porcelain", "-uall"});
  const std::string head = git({"rev-parse", "HEAD"});
  snapshot();
  git({"reset", "-q", "--hard"});
  git({"clean", "-fdq"});
  put("a", "later");
  git({"commit", "-q", "-am", "later"});
  const std::string later = git({"rev-parse", "HEAD"});
  git({"pack-refs", "--all"});

  const auto tried = back(true);
  ASSERT_TRUE(tried) << tried.error().message;
  EXPECT_EQ(text("a"), "later");
  EXPECT_THAT(tried->removed, ElementsAre("gone"));
  const auto done = back();
  ASSERT_TRUE(done) << done.error().message;
  EXPECT_EQ(done->written, tried->written);
  EXPECT_THAT(done->left, IsEmpty());
  EXPECT_EQ(git({"status", "--porcelain", "-uall"}), status);
  EXPECT_EQ(git({"rev-parse", "HEAD"}), head);
  EXPECT_EQ(git({"symbolic-ref", "HEAD"}), "refs/heads/main");
  EXPECT_EQ(stdfs::read_symlink(root / "link"), "/etc/passwd");
  EXPECT_EQ(text("new/one two"), "new");
  git({"fsck", "--strict"});

  const auto again = back(false, done->saved);
  ASSERT_TRUE(again) << again.error().message;
  EXPECT_EQ(git({"rev-parse", "HEAD"}), later);
  EXPECT_EQ(text("a"), "later");
  EXPECT_EQ(text("gone"), "gone");
}

TEST_F(UndoTest, ABranchThatIsGoneComesBack) {
  const std::string side = git({"commit-tree", git({"write-tree"}), "-p", "HEAD", "-m", "side"});
  snapshot(kId, "Scc-Ref: " + side + " refs/heads/side\nScc-Ref: " + side + " refs/heads/../../x\n");
  const auto done = back();
  ASSERT_TRUE(done) << done.error().message;
  ASSERT_EQ(done->refs.size(), 1U);
  EXPECT_EQ(git({"rev-parse", "side"}), side);
}

TEST_F(UndoTest, AnotherWorkingTreesSnapshotsAndOtherRefsAreNotListed) {
  snapshot();
  git({"update-ref", "refs/scc/snapshots/other", "HEAD"});
  git({"update-ref", "refs/scc/snapshots/20260101T000000Z-0000000b", "HEAD"});
  auto all = list_snapshots(place);
  ASSERT_TRUE(all) << all.error().message;
  ASSERT_EQ(all->size(), 1U);
  EXPECT_EQ(all->front().command, "git test");
  place.root = "/elsewhere";
  all = list_snapshots(place);
  ASSERT_TRUE(all);
  EXPECT_THAT(*all, IsEmpty());
}

TEST_F(UndoTest, RefusesPathsThatNoWorkingTreeMayHave) {
  for (const std::string name : {".git", ".GiT", "..", "."}) {
    std::string inner = "100755 pre-commit";
    const std::string blob = git({"hash-object", "-w", "--stdin"}, "#!/bin/sh\n");
    const auto object = [&](std::string entry, const std::string& hex) {
      entry += '\0';
      for (std::size_t i = 0; i < hex.size(); i += 2)
        entry += static_cast<char>(std::stoi(hex.substr(i, 2), nullptr, 16));
      return git({"hash-object", "-w", "-t", "tree", "--literally", "--stdin"}, entry);
    };
    plant(kId, object("40000 " + name, object(inner, blob)), "");
    const auto done = back();
    ASSERT_FALSE(done) << name;
    EXPECT_EQ(done.error().id, "undo.damaged") << name;
    EXPECT_FALSE(stdfs::exists(root / ".git/pre-commit"));
  }
}

TEST_F(UndoTest, FollowsNoLinkAndWritesNothingThatIsClosed) {
  const test::TempDir outside;
  put("sub/kept", "inside");
  put("admin/hook", "inside");
  snapshot();
  stdfs::remove_all(root / "sub");
  std::ofstream(outside.path() / "kept") << "outside";
  stdfs::create_directory_symlink(outside.path(), root / "sub");
  put("admin/hook", "changed");
  place.closed.push_back(root / "admin");
  const auto done = back();
  ASSERT_TRUE(done) << done.error().message;
  ASSERT_EQ(done->left.size(), 2U);
  EXPECT_THAT(done->left[0], HasSubstr("admin/hook"));
  EXPECT_THAT(done->left[1], HasSubstr("sub/kept"));
  std::ifstream in(outside.path() / "kept");
  EXPECT_EQ(std::string(std::istreambuf_iterator<char>(in), {}), "outside");
  EXPECT_EQ(text("admin/hook"), "changed");
}

/// An agent may write there: what belongs to another repository of this machine must not come into this one.
TEST_F(UndoTest, TakesNoObjectsFromElsewhere) {
  snapshot();
  const stdfs::path objects = root / ".git/objects";
  std::ofstream(objects / "info/alternates") << "/nonexistent/objects\n";
  EXPECT_THAT(back().error().message, HasSubstr("another repository"));
  stdfs::remove(objects / "info/alternates");
  // A folder that none of the objects is in: their names depend on the time.
  std::string folder = "00";
  for (int i = 1; stdfs::exists(objects / folder); ++i) folder = std::string(1, "0123456789abcdef"[i]) + "0";
  for (const std::string& link : {folder, std::string("pack/pack-1.pack"), std::string("info/x")}) {
    stdfs::create_symlink("/nonexistent", objects / link);
    EXPECT_THAT(back().error().message, HasSubstr(link + " is a symbolic link"));
    stdfs::remove(objects / link);
  }
  EXPECT_TRUE(back(true));
}

TEST_F(UndoTest, WaitsForGitAndWantsEveryObject) {
  put("a", "work");
  snapshot();
  std::ofstream(root / ".git/index.lock") << "";
  EXPECT_EQ(back().error().id, "undo.busy");
  stdfs::remove(root / ".git/index.lock");
  git({"reset", "-q", "--hard"});
  const std::string blob = git({"hash-object", "--stdin"}, "work");
  stdfs::remove(root / ".git/objects" / blob.substr(0, 2) / blob.substr(2));
  const auto done = back();
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().id, "undo.damaged");
  EXPECT_EQ(text("a"), "one") << "nothing was touched";
}

}  // namespace
}  // namespace scc::git
