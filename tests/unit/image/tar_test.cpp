// SPDX-License-Identifier: Apache-2.0
// Archives: the same content gives the same bytes; what an engine sends back is not believed.
#include "image/tar.h"

#include <gmock/gmock.h>

#include "unit/image/support.h"

namespace scc::image {
namespace {

using testing::drain;
using ::testing::HasSubstr;
using testing::read_tar;
using testing::TempDir;
using testing::write;

Context small_context() {
  Context context;
  context.files = {File{"Containerfile", false, "FROM x\n"}, File{"a/b/run", true, std::string(1500, 'r')},
                   File{"a/empty", false, ""}};
  return context;
}

TEST(ContextSource, EntriesCarryNothingOfThisMachine) {
  const Context context = small_context();
  const auto entries = read_tar(drain(context_source(context)));
  ASSERT_EQ(entries.size(), 5U);
  EXPECT_EQ(entries[0].path, "Containerfile");
  EXPECT_EQ(entries[1].path, "a/");
  EXPECT_EQ(entries[2].path, "a/b/");
  EXPECT_EQ(entries[3].path, "a/b/run");
  EXPECT_EQ(entries[3].mode, 0755U);
  EXPECT_EQ(entries[3].bytes, std::string(1500, 'r'));
  EXPECT_EQ(entries[4].path, "a/empty");
  EXPECT_EQ(entries[4].mode, 0644U);
  for (const auto& entry : entries) {
    EXPECT_EQ(entry.uid + entry.gid + entry.mtime, 0U) << entry.path;
  }
}

TEST(ContextSource, TheSameBytesWhateverTheBuffer) {
  const Context context = small_context();
  const std::string whole = drain(context_source(context), 1U << 16U);
  EXPECT_EQ(whole.size() % 512, 0U);
  EXPECT_EQ(whole, drain(context_source(context), 1));
  EXPECT_EQ(whole, drain(context_source(context), 777));
}

TEST(ContextSource, ManyFilesStreamInBoundedPieces) {
  Context context;
  for (int i = 0; i < 300; ++i) {
    context.files.push_back(File{"f" + std::to_string(1000 + i), false, std::string(1000, 'x')});
  }
  EXPECT_EQ(read_tar(drain(context_source(context))).size(), 300U);
}

TEST(FileSource, ReadsAndStopsOnRequest) {
  const TempDir root;
  write(root / "file", std::string(10'000, 'y'));
  EXPECT_EQ(drain(*file_source(root / "file")), std::string(10'000, 'y'));
  EXPECT_EQ(drain(*file_source(root / "file", [] { return true; })), "ABORTED");
  EXPECT_EQ(file_source(root / "absent").error().kind, Kind::not_found);
}

TEST(OwnerTar, OneDirectory) {
  const auto entries = read_tar(owner_tar(1000, 1001, 0700));
  ASSERT_EQ(entries.size(), 1U);
  EXPECT_EQ(entries[0].path, "./");
  EXPECT_EQ(entries[0].type, '5');
  EXPECT_EQ(entries[0].mode, 0700U);
  EXPECT_EQ(entries[0].uid, 1000U);
  EXPECT_EQ(entries[0].gid, 1001U);
}

std::string tar_of(const std::vector<File>& files) {
  Context context;
  context.files = files;
  return drain(context_source(context));
}

TEST(ExtractSingle, OnlyOneRegularBoundedFile) {
  EXPECT_EQ(*extract_single(tar_of({File{"nonce", false, "abc"}}), 10), "abc");
  EXPECT_EQ(*extract_single(tar_of({File{"nonce", false, ""}}), 10), "");
  EXPECT_THAT(extract_single(tar_of({File{"nonce", false, "abc"}}), 2).error().message, HasSubstr("larger"));
  EXPECT_THAT(extract_single(tar_of({File{"a", false, "1"}, File{"b", false, "2"}}), 10).error().message,
              HasSubstr("more than one"));
  EXPECT_THAT(extract_single(owner_tar(0, 0, 0755), 10).error().message, HasSubstr("regular file"));
  EXPECT_FALSE(extract_single("", 10));
  EXPECT_FALSE(extract_single(std::string(512, 'z'), 10));
  std::string cut = tar_of({File{"nonce", false, std::string(2000, 'n')}});
  cut.resize(1024);
  EXPECT_FALSE(extract_single(cut, 4096));
}

TEST(ExtractSingle, ALinkIsNoFile) {
  std::string tar = tar_of({File{"nonce", false, ""}});
  tar[156] = '2';
  tar.replace(157, 6, "/etc/x");
  unsigned sum = 0;
  for (std::size_t i = 0; i < 512; ++i) {
    sum += i >= 148 && i < 156 ? 32U : static_cast<unsigned char>(tar[i]);
  }
  char digits[8];
  std::snprintf(digits, sizeof digits, "%06o", sum);
  tar.replace(148, 8, std::string(digits, 6) + std::string("\0 ", 2));
  EXPECT_THAT(extract_single(tar, 10).error().message, HasSubstr("regular file"));
}

TEST(BoundedBuffer, StopsTheTransfer) {
  BoundedBuffer buffer(5);
  const auto sink = buffer.sink();
  EXPECT_TRUE(sink("abc"));
  EXPECT_FALSE(sink("def"));
  EXPECT_TRUE(buffer.overflowed());
  EXPECT_EQ(buffer.bytes(), "abc");
}

}  // namespace
}  // namespace scc::image
