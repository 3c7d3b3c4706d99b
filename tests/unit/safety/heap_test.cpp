// SPDX-License-Identifier: Apache-2.0
// What a judgement costs in memory, counted at operator new: nothing of it stays, and its peak is a small
// multiple of what is judged, from ten arguments to a hundred thousand, of one byte or of 128 KiB.
#include <algorithm>
#include <cstdlib>
#include <new>

#include <gtest/gtest.h>

#include "guard/git_side.h"
#include "safety/engine.h"

namespace {

constexpr std::size_t kHead = alignof(std::max_align_t);
// NOLINTBEGIN(cppcoreguidelines-avoid-non-const-global-variables)
std::size_t live = 0;
std::size_t peak = 0;
// NOLINTEND(cppcoreguidelines-avoid-non-const-global-variables)

void* take(std::size_t size) noexcept {
  auto* raw = static_cast<char*>(std::malloc(size + kHead));
  if (raw == nullptr) return nullptr;
  *reinterpret_cast<std::size_t*>(raw) = size;
  live += size;
  peak = std::max(peak, live);
  return raw + kHead;
}

void give(void* pointer) noexcept {
  if (pointer == nullptr) return;
  char* raw = static_cast<char*>(pointer) - kHead;
  live -= *reinterpret_cast<std::size_t*>(raw);
  std::free(raw);
}

}  // namespace

void* operator new(std::size_t size) {
  void* out = take(size);
  if (out == nullptr) throw std::bad_alloc();
  return out;
}
void* operator new[](std::size_t size) {
  return operator new(size);
}
void* operator new(std::size_t size, const std::nothrow_t&) noexcept {
  return take(size);
}
void* operator new[](std::size_t size, const std::nothrow_t&) noexcept {
  return take(size);
}
void operator delete(void* pointer) noexcept {
  give(pointer);
}
void operator delete[](void* pointer) noexcept {
  give(pointer);
}
void operator delete(void* pointer, std::size_t) noexcept {
  give(pointer);
}
void operator delete[](void* pointer, std::size_t) noexcept {
  give(pointer);
}

namespace scc::safety {
namespace {

using Words = std::vector<std::string>;

struct Cost {
  std::size_t peak;
  std::size_t left;
};

template <class Judgement>
Cost cost_of(Judgement judgement) {
  judgement();  // what is made once and for all
  const std::size_t before = live;
  ::peak = live;
  for (int i = 0; i < 3; ++i) judgement();
  return {::peak - before, live - before};
}

std::size_t bytes(const Words& words) {
  std::size_t out = 0;
  for (const std::string& word : words) out += sizeof word + word.capacity() + 1;
  return out;
}

/// Commands of which the tail is long.
const std::vector<Words>& commands() {
  static const std::vector<Words> kAll{{"git", "add", "--"},
                                       {"git", "push", "origin"},
                                       {"git", "checkout", "main", "--"},
                                       {"git", "commit", "-m"},
                                       {"git", "branch", "-D"},
                                       {"git", "no-such-verb"},
                                       {"git", "rebase", "--exec"},
                                       {"git", "submodule", "foreach"},
                                       {"git-push", "--force"},
                                       {"curl", "-s"},
                                       {"rsync", "-a"},
                                       {"env", "A=1", "git", "push"},
                                       {"sudo", "timeout", "5", "git", "add"},
                                       {"sh", "-c", "git push \"$@\"", "sh"},
                                       {"find", ".", "-exec", "git", "add"},
                                       {"xargs", "git", "add"},
                                       {"echo"}};
  return kAll;
}

constexpr std::size_t kSpare = std::size_t{64} << 10U;  ///< tables and messages, whatever is judged
constexpr std::size_t kTimes = 12;

void judge_all(std::size_t count, const std::string& word) {
  for (const Words& command : commands()) {
    Words argv = command;
    argv.resize(command.size() + count, word);
    const std::string what = command[0] + " " + command[std::min<std::size_t>(1, command.size() - 1)];
    const std::size_t size = bytes(argv);
    const Cost engine = cost_of([&] { static_cast<void>(evaluate_argv(argv, Policy{})); });
    EXPECT_EQ(engine.left, 0U) << what << ", " << count;
    EXPECT_LE(engine.peak, kSpare + kTimes * size) << what << ", " << count;
    if (!command[0].starts_with("git") || command[1] == "no-such-verb") continue;
    const guard::GitEnvironment none{guard::Variables{}};
    const Cost whole = cost_of([&] { static_cast<void>(guard::judge_git(argv, none, Policy{}, false)); });
    EXPECT_EQ(whole.left, 0U) << what << ", " << count;
    EXPECT_LE(whole.peak, kSpare + kTimes * size) << what << ", " << count;
  }
}

TEST(Heap, PeakFollowsTheArgvAndNothingStays) {
  for (const std::size_t count : {10U, 1'000U, 100'000U}) judge_all(count, "file");
}

TEST(Heap, LongArgumentsCostTheirLength) {
  const std::string longest(131'000, 'x');  // the kernel takes 128 KiB, with the zero at the end
  for (const std::size_t count : {1U, 4U, 15U}) judge_all(count, longest);
}

TEST(Heap, LinesUpToTheLimit) {
  constexpr std::size_t kMost = 65'000;
  const auto repeat = [](const std::string& one) {
    std::string out;
    while (out.size() + one.size() <= kMost) out += one;
    return out;
  };
  for (const std::string one :
       {"x ", "git push -f;", "a=1 ", "a=$a;", "{a,b}", "$(", "'", "\"$a\" ", "<<E\n", "f() { ", "`x` ",
        "| sh ", "if x;", "$'\\x67' ", "\\", "((1));", "case x in x) "}) {
    const std::string text = "git " + repeat(one);
    const Cost cost = cost_of([&] { static_cast<void>(evaluate_line(text, Policy{})); });
    EXPECT_EQ(cost.left, 0U) << one;
    EXPECT_LE(cost.peak, std::size_t{32} << 20U) << one;
    std::fprintf(stderr, "%s: %zu KiB\n", one.c_str(), cost.peak >> 10U);
  }
}

}  // namespace
}  // namespace scc::safety
