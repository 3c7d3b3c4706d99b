// SPDX-License-Identifier: Apache-2.0
// Random cases that can be played again: the seed is printed with each property and taken from SCC_TEST_SEED.
#pragma once

#include <cstdint>
#include <cstdlib>
#include <iostream>
#include <random>
#include <string>
#include <string_view>
#include <vector>

namespace scc::policy::testing {

constexpr int kCases = 10000;

class Random {
 public:
  explicit Random(std::string_view property) : engine_(seed()) {
    std::cout << property << ": SCC_TEST_SEED=" << seed() << '\n';
  }
  static std::uint64_t seed() {
    static const std::uint64_t value = [] {
      const char* text = std::getenv("SCC_TEST_SEED");
      return text != nullptr ? std::strtoull(text, nullptr, 10) : std::random_device{}();
    }();
    return value;
  }
  /// 0 to bound - 1.
  std::size_t below(std::size_t bound) {
    return bound == 0 ? 0 : static_cast<std::size_t>(engine_() % bound);
  }
  bool chance(std::size_t percent) { return below(100) < percent; }
  template <class T>
  const T& pick(const std::vector<T>& items) {
    return items[below(items.size())];
  }
  /// Up to `longest` characters of an alphabet.
  std::string text(std::string_view alphabet, std::size_t longest) {
    std::string out(below(longest + 1), ' ');
    for (char& c : out) c = alphabet[below(alphabet.size())];
    return out;
  }

 private:
  std::mt19937_64 engine_;
};

}  // namespace scc::policy::testing
