// SPDX-License-Identifier: Apache-2.0
#include "os/fs.h"

#include <fcntl.h>

#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "base/str.h"
#include "unit/os/scratch.h"

namespace scc::os {
namespace {

using test::join;
using test::slurp;
using test::spawn;

class Fs : public test::Scratch {};

TEST_F(Fs, ReadFileReadsRegularFilesOnly) {
  write("a", "hello");
  EXPECT_EQ(read_file(dir / "a").value(), "hello");
  EXPECT_EQ(read_file(dir / "none").error().kind, Kind::not_found);
  EXPECT_EQ(read_file(dir / "a" / "b").error().kind, Kind::not_found);
  ASSERT_EQ(::mkfifo((dir / "fifo").c_str(), 0600), 0);
  EXPECT_EQ(read_file(dir / "fifo").error().id, "os.not-regular");
  EXPECT_EQ(read_file("/dev/zero").error().id, "os.not-regular");
  EXPECT_EQ(read_file(dir).error().id, "os.not-regular");
  stdfs::create_symlink(dir / "a", dir / "link");
  EXPECT_EQ(read_file(dir / "link").error().id, "os.link");
  EXPECT_EQ(read_file(dir / "link").error().kind, Kind::policy);
}

TEST_F(Fs, ReadFileIsBounded) {
  write("a", "12345");
  EXPECT_EQ(read_file(dir / "a", 5).value(), "12345");
  EXPECT_EQ(read_file(dir / "a", 4).error().id, "os.too-large");
}

TEST_F(Fs, ReadFileReadsProcFilesOfSizeZero) {
  EXPECT_FALSE(read_file("/proc/self/stat").value().empty());
}

TEST_F(Fs, ErrorsPrintForeignNamesSafely) {
  const auto error = read_file(dir / "a\x1b[2Jb").error();
  EXPECT_EQ(error.message.find('\x1b'), std::string::npos);
  EXPECT_NE(error.message.find("\\x1b[2J"), std::string::npos) << error.message;
}

TEST_F(Fs, AtomicWriteSetsModeAndLeavesNoTemp) {
  const ::mode_t old = ::umask(0);
  ASSERT_TRUE(write_file_atomic(dir / "a", "one"));
  ::umask(077);
  ASSERT_TRUE(write_file_atomic(dir / "b", "two", 0444));
  ::umask(old);
  struct stat info {};
  ASSERT_EQ(::stat((dir / "a").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 07777U, 0600U);
  ASSERT_EQ(::stat((dir / "b").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 07777U, 0444U);
  ASSERT_TRUE(write_file_atomic(dir / "b", "three"));
  EXPECT_EQ(slurp(dir / "b"), "three");
  EXPECT_EQ(std::distance(stdfs::directory_iterator(dir), {}), 2);
}

TEST_F(Fs, AtomicWriteReplacesALinkInsteadOfFollowingIt) {
  write("victim", "old");
  stdfs::create_symlink(dir / "victim", dir / "link");
  ASSERT_TRUE(write_file_atomic(dir / "link", "new"));
  EXPECT_EQ(slurp(dir / "victim"), "old");
  EXPECT_FALSE(stdfs::is_symlink(dir / "link"));
}

TEST_F(Fs, AtomicWriteOverADirectoryFailsAndCleansUp) {
  mkdir("d");
  EXPECT_FALSE(write_file_atomic(dir / "d", "x"));
  EXPECT_FALSE(write_file_atomic(dir / "none" / "x", "x"));
  EXPECT_EQ(std::distance(stdfs::directory_iterator(dir), {}), 1);
}

// A writer is killed at a random moment, many times: whoever reads sees one whole version.
TEST_F(Fs, AtomicWriteSurvivesAKillAtAnyMoment) {
  const std::string a(200'000, 'a');
  const std::string b(300'000, 'b');
  ASSERT_TRUE(write_file_atomic(dir / "f", a));
  for (int round = 0; round < 40; ++round) {
    const pid_t pid = spawn([&] {
      for (;;) {
        if (!write_file_atomic(dir / "f", b) || !write_file_atomic(dir / "f", a)) return 1;
      }
      return 0;
    });
    for (int i = 0; i < round; ++i) {
      const std::string seen = read_file(dir / "f").value();
      ASSERT_TRUE(seen == a || seen == b) << seen.size();
    }
    ::usleep(static_cast<useconds_t>(137 * round));
    ASSERT_EQ(::kill(pid, SIGKILL), 0);
    ASSERT_EQ(join(pid), 128 + SIGKILL);
    const std::string seen = read_file(dir / "f").value();
    ASSERT_TRUE(seen == a || seen == b) << seen.size();
  }
}

TEST_F(Fs, AppendLineKeepsLinesWhole) {
  std::vector<pid_t> writers;
  for (int w = 0; w < 4; ++w) {
    writers.push_back(spawn([&, w] {
      for (int i = 0; i < 50; ++i) {
        if (!append_line(dir / "log", std::string(300, static_cast<char>('a' + w)))) return 1;
      }
      return 0;
    }));
  }
  for (const pid_t pid : writers) EXPECT_EQ(join(pid), 0);
  std::ifstream in(dir / "log");
  std::string line;
  int count = 0;
  while (std::getline(in, line)) {
    ++count;
    ASSERT_EQ(line, std::string(300, line[0]));
  }
  EXPECT_EQ(count, 200);
}

TEST_F(Fs, AppendLineRefusesLinksAndFifos) {
  write("victim", "");
  stdfs::create_symlink(dir / "victim", dir / "link");
  EXPECT_EQ(append_line(dir / "link", "x").error().id, "os.link");
  ASSERT_EQ(::mkfifo((dir / "fifo").c_str(), 0600), 0);
  EXPECT_FALSE(append_line(dir / "fifo", "x"));
  EXPECT_EQ(slurp(dir / "victim"), "");
}

TEST_F(Fs, MakeDirsIsPrivateAndRefusesALink) {
  const ::mode_t old = ::umask(0);
  ASSERT_TRUE(make_dirs(dir / "a/b/c/"));
  ::umask(old);
  for (const char* name : {"a", "a/b", "a/b/c"}) {
    EXPECT_EQ(stdfs::status(dir / name).permissions(), stdfs::perms::owner_all) << name;
  }
  ASSERT_TRUE(make_dirs(dir / "a/b/c"));
  stdfs::create_directory_symlink(dir / "a", dir / "link");
  EXPECT_EQ(make_dirs(dir / "link").error().id, "os.link");
  EXPECT_TRUE(make_dirs(dir / "link/x"));  // a link on the way is the user's business
  write("file", "");
  EXPECT_FALSE(make_dirs(dir / "file"));
  EXPECT_FALSE(make_dirs(dir / "file/x"));
  EXPECT_FALSE(make_dirs(""));
}

TEST_F(Fs, TempDirsDiffer) {
  const auto a = make_temp_dir(dir, "x-").value();
  const auto b = make_temp_dir(dir, "x-").value();
  EXPECT_NE(a, b);
  EXPECT_EQ(a.filename().native().size(), 2U + 12U);
  EXPECT_EQ(stdfs::status(a).permissions(), stdfs::perms::owner_all);
}

TEST_F(Fs, OpenBeneathRefusesEveryWayOut) {
  write("root/sub/file", "inside");
  write("outside", "secret");
  stdfs::create_symlink("../../outside", dir / "root/sub/out");
  stdfs::create_symlink("file", dir / "root/sub/in");
  stdfs::create_directory_symlink(dir, dir / "root/up");
  stdfs::create_directory_symlink("/proc/self/root", dir / "root/magic");
  const Fd root{::open((dir / "root").c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
  ASSERT_TRUE(open_beneath(root.get(), "sub/file", O_RDONLY));
  ASSERT_TRUE(open_beneath(root.get(), ".", O_RDONLY | O_DIRECTORY));
  ASSERT_TRUE(open_beneath(root.get(), "sub/file", O_PATH | O_NONBLOCK | O_NOCTTY));
  for (const char* bad : {"sub/out", "sub/in", "up/outside", "up", "magic/etc/passwd", "../outside",
                          "sub/../sub/file", "/etc/passwd", "sub/../../outside"}) {
    const auto opened = open_beneath(root.get(), bad, O_RDONLY);
    ASSERT_FALSE(opened) << bad;
    EXPECT_EQ(opened.error().id, "os.link") << bad;
    EXPECT_EQ(opened.error().kind, Kind::policy) << bad;
    EXPECT_FALSE(open_beneath(root.get(), bad, O_PATH | O_NOFOLLOW)) << bad;
  }
  EXPECT_EQ(open_beneath(root.get(), "sub/none", O_RDONLY).error().kind, Kind::not_found);
  const Fd proc{::open("/proc/self", O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
  EXPECT_FALSE(open_beneath(proc.get(), "root/etc/passwd", O_RDONLY));
  EXPECT_FALSE(open_beneath(proc.get(), "cwd", O_RDONLY));
}

TEST_F(Fs, OpenBeneathCreatesBeneathOnly) {
  mkdir("root");
  mkdir("other");
  stdfs::create_directory_symlink(dir / "other", dir / "root/link");
  const Fd root{::open((dir / "root").c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
  EXPECT_TRUE(open_beneath(root.get(), "new", O_WRONLY | O_CREAT | O_EXCL, 0600));
  EXPECT_FALSE(open_beneath(root.get(), "link/new", O_WRONLY | O_CREAT | O_EXCL, 0600));
  EXPECT_TRUE(stdfs::is_empty(dir / "other"));
}

TEST_F(Fs, ReadBeneathReadsBoundedRegularFiles) {
  write("root/a", "abc");
  mkdir("root/d");
  ASSERT_EQ(::mkfifo((dir / "root/fifo").c_str(), 0600), 0);
  stdfs::create_symlink(dir / "root", dir / "rootlink");
  EXPECT_EQ(read_beneath(dir / "root", "a", 3).value(), "abc");
  EXPECT_EQ(read_beneath(dir / "root", "a", 2).error().id, "os.too-large");
  EXPECT_EQ(read_beneath(dir / "root", "fifo", 9).error().id, "os.not-regular");
  EXPECT_EQ(read_beneath(dir / "root", "d", 9).error().id, "os.not-regular");
  EXPECT_EQ(read_beneath(dir / "root", "none", 9).error().kind, Kind::not_found);
  EXPECT_FALSE(read_beneath(dir / "rootlink", "a", 9));
}

TEST_F(Fs, SafePathAcceptsWhatOnlyWeCanChange) {
  const ::mode_t old = ::umask(022);
  write("a/b/file", "");
  ::umask(old);
  EXPECT_TRUE(check_safe_path(dir / "a/b/file", "t.unsafe"));  // below the sticky /tmp
  EXPECT_TRUE(check_safe_path(dir / "a/b/", "t.unsafe"));
  stdfs::create_directory_symlink(dir / "a", dir / "link");
  EXPECT_TRUE(check_safe_path(dir / "link/b", "t.unsafe"));
}

TEST_F(Fs, SafePathNamesTheChmodThatMends) {
  mkdir("it's/b");
  ASSERT_EQ(::chmod((dir / "it's").c_str(), 0777), 0);
  auto error = check_safe_path(dir / "it's/b", "t.unsafe").error();
  EXPECT_EQ(error.kind, Kind::policy);
  EXPECT_EQ(error.id, "t.unsafe");
  EXPECT_EQ(error.hint, "run: chmod go-w '" + dir.native() + "/it'\\''s'");
  ASSERT_EQ(::chmod((dir / "it's").c_str(), 0770), 0);
  EXPECT_EQ(check_safe_path(dir / "it's/b", "t").error().hint,
            "run: chmod g-w '" + dir.native() + "/it'\\''s'");
  ASSERT_EQ(::chmod((dir / "it's").c_str(), 0700), 0);
  EXPECT_TRUE(check_safe_path(dir / "it's/b", "t"));
  ASSERT_EQ(::chmod((dir / "it's/b").c_str(), 01777), 0);  // sticky helps an ancestor, not the end
  EXPECT_EQ(check_safe_path(dir / "it's/b", "t").error().hint,
            "run: chmod go-w '" + dir.native() + "/it'\\''s/b'");
}

TEST_F(Fs, SafePathRefusesLinksAtTheEndAndUnsafeTargetsOnTheWay) {
  mkdir("real");
  mkdir("open/d");
  stdfs::create_directory_symlink(dir / "real", dir / "link");
  EXPECT_FALSE(check_safe_path(dir / "link", "t"));
  EXPECT_FALSE(check_safe_path("relative", "t"));
  EXPECT_FALSE(check_safe_path(dir / "real/../real", "t"));
  ASSERT_EQ(::chmod((dir / "open").c_str(), 0777), 0);
  stdfs::create_directory_symlink(dir / "open/d", dir / "hop");
  mkdir("open/d/e");
  EXPECT_FALSE(check_safe_path(dir / "hop/e", "t"));
  EXPECT_EQ(check_safe_path(dir / "none", "t").error().kind, Kind::not_found);
}

TEST_F(Fs, SafePathRefusesForeignOwners) {
  if (!test::root()) GTEST_SKIP() << "needs root to give a file away";
  mkdir("a/b");
  ASSERT_EQ(::chown((dir / "a").c_str(), 12345, 12345), 0);
  const auto error = check_safe_path(dir / "a/b", "t").error();
  EXPECT_EQ(error.hint, "run: chown 0 " + dir.native() + "/a");
  ASSERT_EQ(::chown((dir / "a").c_str(), 0, 0), 0);
  EXPECT_TRUE(check_safe_path(dir / "a/b", "t"));
}

TEST_F(Fs, SealedMemfdCannotChange) {
  const Fd fd = sealed_memfd("lib.so", "bytes").value();
  EXPECT_EQ(::pwrite(fd.get(), "x", 1, 0), -1);
  EXPECT_EQ(::ftruncate(fd.get(), 0), -1);
  const std::string proc = "/proc/self/fd/" + std::to_string(fd.get());
  EXPECT_EQ(slurp(proc), "bytes");
  void* map = ::mmap(nullptr, 5, PROT_READ | PROT_EXEC, MAP_PRIVATE, fd.get(), 0);
  EXPECT_NE(map, MAP_FAILED);
  ::munmap(map, 5);
}

TEST_F(Fs, Hashes) {
  const std::string empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
  EXPECT_EQ(sha256_hex(""), empty);
  EXPECT_EQ(sha256_hex("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  const std::string big(300'000, 'z');
  write("big", big);
  EXPECT_EQ(sha256_file(dir / "big").value(), sha256_hex(big));
  EXPECT_FALSE(sha256_file(dir));
  EXPECT_EQ(random_hex(8).size(), 16U);
  EXPECT_NE(random_hex(8), random_hex(8));
}

}  // namespace
}  // namespace scc::os
