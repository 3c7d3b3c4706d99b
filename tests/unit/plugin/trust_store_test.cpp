// SPDX-License-Identifier: Apache-2.0
#include "plugin/trust_store.h"

#include <sys/stat.h>

#include "plugin/probe_cache.h"
#include "unit/plugin/plugin_fixture.h"

namespace scc::plugin {
namespace {

class TrustStoreTest : public test::PluginFixture {
 protected:
  TrustStore load() {
    warnings_.clear();
    return TrustStore::load(file_, warnings_);
  }
  static TrustRecord record(std::string id, char hash) {
    return {std::move(id), std::string(64, hash), std::string(64, 'e'), "/somewhere", utc_now()};
  }
  std::filesystem::path file_ = root_ / "state/plugin-trust.json";
  std::vector<std::string> warnings_;
};

TEST_F(TrustStoreTest, KeepsRecordsPrivately) {
  TrustStore store = load();
  EXPECT_TRUE(warnings_.empty());
  EXPECT_FALSE(store.knows("acme"));
  ASSERT_TRUE(store.add(record("acme", 'a')));
  ASSERT_TRUE(store.add(record("acme", 'b')));
  ASSERT_TRUE(store.add(record("acme", 'b')));
  const TrustStore again = load();
  EXPECT_EQ(again.records().size(), 2U);
  EXPECT_TRUE(again.allows("acme", std::string(64, 'a'), std::string(64, 'e')));
  EXPECT_FALSE(again.allows("acme", std::string(64, 'c'), std::string(64, 'e')));
  EXPECT_FALSE(again.allows("acme", std::string(64, 'a'), std::string(64, 'f'))) << "the grants changed";
  EXPECT_FALSE(again.allows("acme2", std::string(64, 'a'), std::string(64, 'e')));
  struct stat info {};
  ASSERT_EQ(stat(file_.c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 07777U, 0600U);
  EXPECT_FALSE(std::filesystem::exists(file_.string() + ".lock"));
}

TEST_F(TrustStoreTest, TwoRunsDoNotLoseEachOthersRecords) {
  TrustStore one = load();
  TrustStore two = load();
  ASSERT_TRUE(one.add(record("one", 'a')));
  ASSERT_TRUE(two.add(record("two", 'b')));
  EXPECT_EQ(load().records().size(), 2U);
  ASSERT_TRUE(one.remove("one"));
  EXPECT_TRUE(load().knows("two"));
  EXPECT_FALSE(load().knows("one"));
}

TEST_F(TrustStoreTest, ADamagedStoreTrustsNothingAndIsSetAside) {
  for (const char* damage : {"{", "[]", R"({"schema":"scc.plugin-trust/2","records":[]})",
                             R"({"schema":"scc.plugin-trust/1","records":[{"id":"x"}]})"}) {
    test::write(file_, damage);
    TrustStore store = load();
    EXPECT_TRUE(store.records().empty());
    ASSERT_EQ(warnings_.size(), 1U) << damage;
    EXPECT_NE(warnings_[0].find("damaged"), std::string::npos);
    EXPECT_EQ(test::slurp(file_), damage) << "reading must not write";
    ASSERT_TRUE(store.add(record("acme", 'a')));
    EXPECT_TRUE(load().knows("acme"));
    std::size_t aside = 0;
    for (const auto& item : std::filesystem::directory_iterator(file_.parent_path())) {
      if (item.path().filename().string().find(".corrupt-") == std::string::npos) continue;
      ++aside;
      EXPECT_EQ(test::slurp(item.path()), damage);
      std::filesystem::remove(item.path());
    }
    EXPECT_EQ(aside, 1U);
  }
}

TEST_F(TrustStoreTest, AStoreThatOthersMayWriteTrustsNothing) {
  TrustStore store = load();
  ASSERT_TRUE(store.add(record("acme", 'a')));
  ASSERT_EQ(chmod(file_.c_str(), 0666), 0);
  EXPECT_FALSE(load().knows("acme"));
  EXPECT_EQ(warnings_.size(), 1U);
}

TEST_F(TrustStoreTest, HashesAreCachedUntilTheFileChanges) {
  const auto file = root_ / "lib.so";
  test::write(file, "one");
  ProbeCache cache(root_ / "cache");
  EXPECT_EQ(*cache.hash_of(file), os::sha256_hex("one"));
  test::write(file, "two");
  EXPECT_EQ(*cache.hash_of(file), os::sha256_hex("two"));
  cache.save_hashes();
  EXPECT_FALSE(std::filesystem::exists(root_ / "cache"))
      << "a file this young may change within its time stamp";
}

TEST_F(TrustStoreTest, ACachedHashIsUsedForTheSameStampOnly) {
  // A file of the system is old: its hash is cached and comes back without reading.
  const std::filesystem::path file = std::filesystem::canonical("/bin/sh");
  struct stat info {};
  ASSERT_EQ(stat(file.c_str(), &info), 0);
  ProbeCache cache(root_ / "cache");
  const Result<std::string> read = cache.hash_of(file);
  ASSERT_TRUE(read) << read.error().message;
  cache.save_hashes();
  std::string index = test::slurp(root_ / "cache/hashes.json");
  ASSERT_NE(index.find(*read), std::string::npos);
  index.replace(index.find(*read), 64, std::string(64, '7'));
  test::write(root_ / "cache/hashes.json", index);
  EXPECT_EQ(*ProbeCache(root_ / "cache").hash_of(file), std::string(64, '7')) << "the cache was not used";
  index.replace(index.find(":" + std::to_string(info.st_size) + ":"), 2, ":9");
  test::write(root_ / "cache/hashes.json", index);
  EXPECT_EQ(*ProbeCache(root_ / "cache").hash_of(file), *read);
}

TEST_F(TrustStoreTest, ProbeResultsBelongToTheirBytes) {
  ProbeCache cache(root_ / "cache");
  const std::string sha(64, 'a');
  EXPECT_FALSE(cache.passed(sha));
  json::Value result;
  result["id"] = "acme";
  cache.record(sha, result);
  ASSERT_TRUE(cache.passed(sha));
  EXPECT_EQ(cache.passed(sha)->str("/id"), "acme");
  // A copy under another hash's name proves nothing.
  for (const auto& item : std::filesystem::directory_iterator(root_ / "cache")) {
    std::string name = item.path().filename().string();
    name.replace(0, 64, std::string(64, 'b'));
    std::filesystem::copy_file(item.path(), root_ / "cache" / name);
    break;
  }
  EXPECT_FALSE(cache.passed(std::string(64, 'b')));
}

}  // namespace
}  // namespace scc::plugin
