// SPDX-License-Identifier: Apache-2.0
// Glob patterns of configuration lists: fnmatch over whole strings, case folded (ASCII), blanks trimmed. '*'
// also crosses '/'; '?' is one character; classes [abc], [a-z], [!abc]; no escapes. No backtracking beyond
// one star, so the time is at most pattern times text.
#pragma once

#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace scc::model {

/// Both sides are trimmed and folded here. An empty side never matches.
bool glob_match(std::string_view pattern, std::string_view text);

/// A list of patterns made ready once. Keeps the order: the first match is the one reported.
class GlobList {
 public:
  GlobList() = default;
  explicit GlobList(const std::vector<std::string>& patterns);

  static constexpr std::size_t npos = static_cast<std::size_t>(-1);
  /// Index of the first pattern that matches the whole text, or npos.
  std::size_t first(std::string_view text) const;
  /// The rule for plugin references: a pattern without '@' sees only the part before the first '@'.
  std::size_t first_plugin(std::string_view ref) const;
  bool matches(std::string_view text) const { return first(text) != npos; }
  bool matches_plugin(std::string_view ref) const { return first_plugin(ref) != npos; }
  const std::string& original(std::size_t index) const { return originals_[index]; }
  bool empty() const { return originals_.empty(); }
  std::size_t size() const { return originals_.size(); }

 private:
  struct Pattern {
    std::string text;  ///< folded, trimmed
    std::size_t index;
    bool qualified;  ///< holds '@'
  };
  std::size_t search(std::string_view whole, std::string_view bare, std::size_t best) const;

  std::vector<std::string> originals_;
  std::vector<Pattern> globs_;                          ///< those with a wildcard, in order
  std::unordered_map<std::string, std::size_t> exact_;  ///< those without: folded text -> first index
};

}  // namespace scc::model
