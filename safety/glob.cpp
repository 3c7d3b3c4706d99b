// SPDX-License-Identifier: Apache-2.0
// Patterns of file names, as far as a shell's word can be one. Not fnmatch(3), which brings the C library's
// locales along.
#include "safety/judge.h"

namespace scc::safety {

namespace {

/// Length of the bracket expression that `pattern` begins with, 0: the '[' stands for itself.
std::size_t bracket(std::string_view pattern) {
  std::size_t at = 1;
  if (at < pattern.size() && (pattern[at] == '!' || pattern[at] == '^')) ++at;
  if (at < pattern.size() && pattern[at] == ']') ++at;
  for (; at < pattern.size() && pattern[at] != ']'; ++at) {
    if (pattern[at] == '\\') ++at;
    const bool opens = at + 1 < pattern.size() && pattern[at] == '[' &&
                       std::string_view(":.=").find(pattern[at + 1]) != std::string_view::npos;
    if (!opens) continue;
    const std::size_t end = pattern.find(std::string{pattern[at + 1], ']'}, at + 2);
    if (end != std::string_view::npos) at = end + 1;
  }
  return at < pattern.size() ? at + 1 : 0;
}

bool in_set(std::string_view set, char c) {
  set = set.substr(1, set.size() - 2);
  const bool negated = set[0] == '!' || set[0] == '^';
  if (negated) set.remove_prefix(1);
  // Classes and collating symbols may hold anything.
  for (const std::string_view open : {"[:", "[.", "[="}) {
    if (set.find(open) != std::string_view::npos) return true;
  }
  bool found = false;
  for (std::size_t i = 0; i < set.size(); ++i) {
    if (set[i] == '\\' && i + 1 < set.size()) ++i;
    char last = set[i];
    const char first = last;
    if (i + 2 < set.size() && set[i + 1] == '-') {
      i += 2;
      if (set[i] == '\\' && i + 1 < set.size()) ++i;
      last = set[i];
    }
    found = found || (first <= c && c <= last);
  }
  return found != negated;
}

}  // namespace

bool glob_matches(std::string_view pattern, std::string_view text) {
  std::size_t star = std::string_view::npos;  // the last one, and where it ends in the text
  std::size_t taken = 0;
  std::size_t p = 0;
  std::size_t t = 0;
  while (t < text.size() || p < pattern.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      star = p++;
      taken = t;
      continue;
    }
    if (p < pattern.size() && t < text.size()) {
      const std::size_t set = pattern[p] == '[' ? bracket(pattern.substr(p)) : 0;
      const std::size_t escape = set == 0 && pattern[p] == '\\' && p + 1 < pattern.size() ? 1 : 0;
      const bool one = set > 0 ? in_set(pattern.substr(p, set), text[t])
                               : (pattern[p] == '?' || pattern[p + escape] == text[t]);
      if (one) {
        p += set > 0 ? set : 1 + escape;
        ++t;
        continue;
      }
    }
    if (star == std::string_view::npos || taken >= text.size()) return false;
    p = star + 1;
    t = ++taken;
  }
  return true;
}

}  // namespace scc::safety
