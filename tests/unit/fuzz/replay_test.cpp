// SPDX-License-Identifier: Apache-2.0
// The committed corpus of a fuzz target, through the same entry as libFuzzer's: what was once interesting
// neither crashes nor gets an answer that may not be, in every build.
#include <algorithm>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <set>
#include <unistd.h>

#include <gtest/gtest.h>

#include "tests/fuzz/need.h"

namespace {

std::string current;  // NOLINT: the handler of a signal gets no argument of ours

void tell(int) {
  const ssize_t ignored = write(STDERR_FILENO, current.data(), current.size());
  static_cast<void>(ignored);
}

TEST(Corpus, IsReplayed) {
  std::vector<std::filesystem::path> files;
  for (const auto& one : std::filesystem::directory_iterator(SCC_CORPUS)) files.push_back(one.path());
  std::sort(files.begin(), files.end());
  std::signal(SIGABRT, tell);
  std::set<unsigned char> forms;
  for (const auto& path : files) {
    current = "input: " + path.string() + "\n";
    std::ifstream in(path, std::ios::binary);
    const std::string text{std::istreambuf_iterator<char>(in), {}};
    if (!text.empty()) forms.insert(static_cast<unsigned char>(text[0]) % SCC_FORMS);
    EXPECT_EQ(LLVMFuzzerTestOneInput(reinterpret_cast<const unsigned char*>(text.data()), text.size()), 0)
        << path;
  }
  EXPECT_GT(files.size(), 100U) << "no corpus in " << SCC_CORPUS;
  EXPECT_EQ(forms.size(), std::size_t{SCC_FORMS}) << "a form of the target has no input";
}

}  // namespace
