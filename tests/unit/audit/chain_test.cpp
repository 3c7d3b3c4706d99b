// SPDX-License-Identifier: Apache-2.0
#include "audit/chain.h"

#include <fcntl.h>
#include <fstream>

#include <gtest/gtest.h>

#include "unit/os/scratch.h"

namespace scc::audit {
namespace {

class Chain : public test::Scratch {
 protected:
  std::string lines(int count, const std::string& seed = "seed") {
    Head head = chain_start(seed);
    std::string out;
    for (int i = 0; i < count; ++i) {
      json::Value body;
      body["what"] = "event " + std::to_string(i);
      out += link_line(std::move(body), head) + "\n";
    }
    return out;
  }
  Checked check(const std::string& text) {
    const test::stdfs::path file = write("chain", text);
    const auto fd = open_chain(file, O_RDONLY, "chain.unsafe");
    EXPECT_TRUE(fd);
    ChainReader reader{4096};
    auto out = check_chain(*fd, file, chain_start("seed"), reader);
    EXPECT_TRUE(out);
    return out.value_or(Checked{});
  }
};

TEST_F(Chain, HoldsTogether) {
  const Checked seen = check(lines(5));
  EXPECT_TRUE(seen.intact) << seen.problem;
  EXPECT_EQ(seen.head.seq, 5);
  EXPECT_FALSE(seen.torn);
  EXPECT_TRUE(check(lines(2) + "{\"hal").torn);
}

TEST_F(Chain, AnotherChainsLinesDoNotFit) {
  EXPECT_EQ(check(lines(1, "other")).problem, "line 1: it does not follow the line before");
}

TEST_F(Chain, AnotherSpellingOfALineIsSeen) {
  std::string text = lines(1);
  text.insert(1, " ");
  EXPECT_EQ(check(text).problem, "line 1: it is not as scc writes it");
  EXPECT_EQ(check("[]\n").problem, "line 1: it is no JSON object");
  EXPECT_FALSE(check(std::string(5000, 'x')).intact);
}

TEST_F(Chain, FilesThatOthersCouldWriteAreRefused) {
  const test::stdfs::path file = write("chain", "");
  ASSERT_EQ(::chmod(file.c_str(), 0666), 0);
  EXPECT_EQ(open_chain(file, O_RDONLY, "chain.unsafe").error().id, "chain.unsafe");
}

}  // namespace
}  // namespace scc::audit
