// SPDX-License-Identifier: Apache-2.0
#include "model/glob.h"

#include <algorithm>

#include "base/str.h"

namespace scc::model {

namespace {

char fold(char c) noexcept {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

std::string folded(std::string_view text) {
  std::string out(str::trim(text));
  std::transform(out.begin(), out.end(), out.begin(), fold);
  return out;
}

/// One element of the pattern at `p` against `c`. `next` becomes the place after the element.
bool one(std::string_view pattern, std::size_t p, char c, std::size_t& next) noexcept {
  next = p + 1;
  if (pattern[p] == '?') return true;
  if (pattern[p] != '[') return pattern[p] == c;
  std::size_t i = p + 1;
  const bool negated = i < pattern.size() && pattern[i] == '!';
  if (negated) ++i;
  const std::size_t begin = i;
  // A ']' that comes first is a member.
  const std::size_t end = begin < pattern.size() ? pattern.find(']', begin + 1) : std::string_view::npos;
  if (end == std::string_view::npos) return c == '[';  // never closed: a literal
  bool member = false;
  while (i < end) {
    if (i + 2 < end && pattern[i + 1] == '-') {
      member = member || (pattern[i] <= c && c <= pattern[i + 2]);
      i += 3;
    } else {
      member = member || pattern[i] == c;
      ++i;
    }
  }
  next = end + 1;
  return member != negated;
}

/// Both sides folded. Goes back to the last star only.
bool match(std::string_view pattern, std::string_view text) noexcept {
  std::size_t p = 0;
  std::size_t t = 0;
  std::size_t star = std::string_view::npos;
  std::size_t mark = 0;
  while (t < text.size()) {
    std::size_t next = 0;
    if (p < pattern.size() && pattern[p] == '*') {
      star = ++p;
      mark = t;
    } else if (p < pattern.size() && one(pattern, p, text[t], next)) {
      p = next;
      ++t;
    } else if (star != std::string_view::npos) {
      p = star;
      t = ++mark;
    } else {
      return false;
    }
  }
  while (p < pattern.size() && pattern[p] == '*') ++p;
  return p == pattern.size();
}

}  // namespace

bool glob_match(std::string_view pattern, std::string_view text) {
  const std::string a = folded(pattern);
  const std::string b = folded(text);
  return !a.empty() && !b.empty() && match(a, b);
}

GlobList::GlobList(const std::vector<std::string>& patterns) : originals_(patterns) {
  for (std::size_t i = 0; i < patterns.size(); ++i) {
    std::string text = folded(patterns[i]);
    if (text.empty()) continue;
    if (text.find_first_of("*?[") == std::string::npos) {
      exact_.emplace(std::move(text), i);
    } else {
      const bool qualified = text.find('@') != std::string::npos;
      globs_.push_back({std::move(text), i, qualified});
    }
  }
}

std::size_t GlobList::search(std::string_view whole, std::string_view bare, std::size_t best) const {
  for (const Pattern& pattern : globs_) {
    if (pattern.index >= best) break;
    const std::string_view subject = pattern.qualified ? whole : bare;
    if (!subject.empty() && match(pattern.text, subject)) return pattern.index;
  }
  return best;
}

std::size_t GlobList::first(std::string_view text) const {
  if (originals_.empty()) return npos;
  const std::string subject = folded(text);
  if (subject.empty()) return npos;
  const auto found = exact_.find(subject);
  return search(subject, subject, found == exact_.end() ? npos : found->second);
}

std::size_t GlobList::first_plugin(std::string_view ref) const {
  if (originals_.empty()) return npos;
  const std::string whole = folded(ref);
  if (whole.empty()) return npos;
  const std::string bare = whole.substr(0, whole.find('@'));
  std::size_t best = npos;
  if (const auto found = exact_.find(whole); found != exact_.end()) best = found->second;
  // Without '@' on either side this is the same key; with it, only an unqualified pattern can equal `bare`.
  if (const auto found = exact_.find(bare); found != exact_.end()) best = std::min(best, found->second);
  return search(whole, bare, best);
}

}  // namespace scc::model
