// SPDX-License-Identifier: Apache-2.0
// The cache file: whole or not there, and the old one when its writer is killed at any moment.
#include "remote/cache_file.h"

#include <csignal>
#include <random>

#include <gmock/gmock.h>
#include <sys/prctl.h>

#include "base/str.h"
#include "support/temp_dir.h"
#include "unit/os/scratch.h"

namespace scc::remote {
namespace {

namespace stdfs = std::filesystem;
using testing::AnyOf;
using testing::HasSubstr;

class CacheFileTest : public test::Scratch {
 protected:
  CacheFile cache(const std::string& kill_at = {}) const {
    os::Environment env = test::environment_in(dir);
    if (!kill_at.empty()) env.vars["SCC_TEST_KILL_AT"] = kill_at;
    return {dir / "cache" / "doc.json", dir / "run" / "doc.lock", env, "test.store"};
  }
  static CacheEntry entry(std::string document) {
    return {"https://a/b", std::move(document), 1000, 2000, 3000, "\"tag\"", "abc", "sig \n"};
  }
  std::string cached() const {
    const auto loaded = cache().load("https://a/b");
    return loaded.entry ? loaded.entry->document : "(" + loaded.problem + ")";
  }
  std::size_t files() const {
    return static_cast<std::size_t>(
        std::distance(stdfs::directory_iterator(dir / "cache"), stdfs::directory_iterator()));
  }
};

TEST_F(CacheFileTest, RoundTrip) {
  EXPECT_FALSE(cache().load("x").entry);
  EXPECT_EQ(cache().load("x").problem, "");
  const std::string odd = "{\"a\":\"\\u0000\x01 \xc3\xa4\"}\n\t";
  ASSERT_TRUE(cache().store(entry(odd)));
  const auto loaded = cache().load("https://a/b").entry.value();
  EXPECT_EQ(loaded.document, odd);
  EXPECT_EQ(loaded.fetched_at, 1000);
  EXPECT_EQ(loaded.checked_at, 2000);
  EXPECT_EQ(loaded.expires_at, 3000);
  EXPECT_EQ(loaded.etag, "\"tag\"");
  EXPECT_EQ(loaded.commit, "abc");
  EXPECT_EQ(loaded.signature, "sig \n");
  EXPECT_THAT(cache().load("https://a/c").problem, HasSubstr("another source"));
  EXPECT_EQ(files(), 1U);
}

TEST_F(CacheFileTest, AnyDamageIsNoticed) {
  ASSERT_TRUE(cache().store(entry("document")));
  const std::string good = os::read_file(dir / "cache/doc.json").value();
  for (std::size_t i = 0; i < good.size(); ++i) {
    std::string bent = good;
    bent[i] = bent[i] == 'x' ? 'y' : 'x';
    write("cache/doc.json", bent);
    const auto loaded = cache().load("https://a/b");
    // What is not the document has no fingerprint; the document itself is whole or gone.
    ASSERT_TRUE(!loaded.entry || loaded.entry->document == "document") << i;
  }
  for (std::size_t size = 0; size + 1 < good.size(); ++size) {
    write("cache/doc.json", good.substr(0, size));
    ASSERT_FALSE(cache().load("https://a/b").entry) << size;
  }
}

TEST_F(CacheFileTest, KilledAtEachStep) {
  ASSERT_TRUE(cache().store(entry("old")));
  const auto killed = [&](const std::string& point) {
    const pid_t pid = test::spawn([&] { return cache(point).store(entry("new")) ? 0 : 1; });
    return test::join(pid) == 128 + SIGKILL;
  };
  ASSERT_TRUE(killed("test.store:before"));
  EXPECT_EQ(cached(), "old");
  ASSERT_TRUE(killed("test.store"));
  EXPECT_EQ(cached(), "old");
  ASSERT_TRUE(killed("test.store:after"));
  EXPECT_EQ(cached(), "new");
  EXPECT_TRUE(cache().store(entry("next")));  // the lock of the dead is free
  EXPECT_EQ(cached(), "next");
}

TEST_F(CacheFileTest, KilledAtRandomMoments) {
  const unsigned seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 random(seed);
  const std::string a(200'000, 'a');
  const std::string b(200'000, 'b');
  ASSERT_TRUE(cache().store(entry(a)));
  int saw_b = 0;
  // On a busy machine a child may not get to its first write in time: then there are more rounds.
  for (int round = 0; round < 60 || (saw_b == 0 && round < 1000); ++round) {
    const pid_t pid = test::spawn([&] {
      ::prctl(PR_SET_PDEATHSIG, SIGKILL);
      for (bool even = false;; even = !even) {
        if (!cache().store(entry(even ? a : b))) return 1;
      }
      return 0;
    });
    ::usleep(static_cast<useconds_t>(random() % 20'000) * static_cast<useconds_t>(1 + round / 60));
    ::kill(pid, SIGKILL);
    ASSERT_EQ(test::join(pid), 128 + SIGKILL);
    const std::string now = cached();
    ASSERT_TRUE(now == a || now == b) << now.substr(0, 200);
    saw_b += now == b ? 1 : 0;
  }
  EXPECT_GT(saw_b, 0) << "no write was seen: the children were killed too early";
  ASSERT_TRUE(cache().store(entry("last")));
  EXPECT_EQ(files(), 1U) << "what the killed left behind is swept up";
  EXPECT_EQ(cached(), "last");
}

TEST_F(CacheFileTest, ReadersBesideAWriter) {
  const std::string a(100'000, 'a');
  const std::string b(100'000, 'b');
  ASSERT_TRUE(cache().store(entry(a)));
  const pid_t pid = test::spawn([&] {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    for (bool even = false;; even = !even) {
      if (!cache().store(entry(even ? a : b))) return 1;
    }
    return 0;
  });
  for (int i = 0; i < 300; ++i) {
    const std::string now = cached();
    ASSERT_TRUE(now == a || now == b) << now.substr(0, 200);
  }
  ::kill(pid, SIGKILL);
  test::join(pid);
}

TEST_F(CacheFileTest, ABusyLockIsAnError) {
  const auto lock = os::FileLock::acquire(dir / "run" / "doc.lock", 0).value();
  const pid_t pid = test::spawn([&] {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    const auto stored = cache().store(entry("x"));
    return !stored && stored.error().id == "lock.busy" ? 7 : 1;
  });
  EXPECT_EQ(test::join(pid), 7);
  EXPECT_FALSE(stdfs::exists(dir / "cache" / "doc.json"));
}

}  // namespace
}  // namespace scc::remote
