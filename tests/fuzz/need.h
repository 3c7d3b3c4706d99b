// SPDX-License-Identifier: Apache-2.0
// What the fuzz targets share. Each target is also linked into a test of the ordinary build, which replays
// its corpus (tests/unit/fuzz).
#pragma once

#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size);

namespace scc::fuzz {

/// An answer that may not be is a crash, so that libFuzzer keeps the input.
inline void need(bool holds, const char* what) {
  if (holds) return;
  std::fprintf(stderr, "does not hold: %s\n", what);
  std::abort();
}

/// The words of an input: byte 1 ends one, NUL cannot be in one.
inline std::vector<std::string> words(std::string_view text) {
  std::vector<std::string> out(1);
  for (const char c : text) {
    if (c == '\x01') {
      out.emplace_back();
    } else if (c != '\0') {
      out.back() += c;
    }
  }
  return out;
}

/// One word as a shell reads it literally.
inline std::string quoted(std::string_view word) {
  std::string out = "'";
  for (const char c : word) out += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return out + "'";
}

}  // namespace scc::fuzz
