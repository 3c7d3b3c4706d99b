// SPDX-License-Identifier: Apache-2.0
// The globs of the configuration: fnmatch over whole strings, blanks trimmed and ASCII case folded on both
// sides. `*` any run (also of '/'), `?` one character, `[abc]`, `[a-z]`, `[!abc]`; there is no escape.
// Patterns are compiled once; matching never backtracks over more than one star, so hostile globs cost no
// more than plain ones. No I/O; const methods may be called from several threads.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace scc::model {

/// Lower-case ASCII without blanks around it: what is compared.
std::string fold(std::string_view text);

class Glob {
 public:
  explicit Glob(std::string_view pattern);
  /// `folded` must come from fold(). An empty text or pattern matches nothing.
  bool matches_folded(std::string_view folded) const;
  bool matches(std::string_view text) const { return matches_folded(fold(text)); }
  /// Holds no wildcard: equal text is the only match.
  bool literal() const noexcept { return literal_; }
  const std::string& text() const noexcept { return text_; }  ///< folded
  /// The characters that a text must hold to match, as character_mask() of them.
  std::uint64_t needs() const noexcept { return needs_; }

 private:
  /// One character of a pattern; classes index sets_.
  struct Unit {
    enum class Kind : std::uint8_t { character, any, set } kind = Kind::character;
    char character = 0;
    std::uint32_t set = 0;
  };
  using Set = std::array<std::uint64_t, 4>;
  /// The run of units between two stars.
  struct Segment {
    std::size_t begin = 0;
    std::size_t size = 0;
  };

  std::size_t read_set(std::string_view pattern, std::size_t open);
  bool unit_matches(const Unit& unit, char c) const noexcept;
  bool segment_at(const Segment& segment, std::string_view text, std::size_t at) const noexcept;
  std::size_t find_segment(const Segment& segment, std::string_view text, std::size_t from) const;
  std::size_t find_long_segment(const Segment& segment, std::string_view text, std::size_t from) const;

  std::string text_;
  std::vector<Unit> units_;
  std::vector<Set> sets_;
  std::vector<Segment> segments_;
  std::uint64_t needs_ = 0;
  bool literal_ = true;
  bool star_first_ = false;
  bool star_last_ = false;
};

/// A bit for each character, several characters a bit: what lacks a bit lacks the character.
constexpr std::uint64_t character_mask(std::string_view text) noexcept {
  std::uint64_t mask = 0;
  for (const char c : text) mask |= std::uint64_t{1} << (static_cast<unsigned char>(c) & 63U);
  return mask;
}

inline bool glob_match(std::string_view pattern, std::string_view text) {
  return Glob(pattern).matches(text);
}

/// An ordered list of globs. The first match in list order is the one reported, in its own spelling.
class GlobList {
 public:
  GlobList() = default;
  explicit GlobList(const std::vector<std::string>& patterns);

  /// The index of the first pattern that matches the text.
  std::optional<std::size_t> find(std::string_view text) const;
  /// The rule for plugins: a pattern without '@' looks at the part of `name@marketplace` before the '@' only.
  std::optional<std::size_t> find_plugin(std::string_view reference) const;
  bool matches(std::string_view text) const { return find(text).has_value(); }
  bool matches_plugin(std::string_view reference) const { return find_plugin(reference).has_value(); }

  const std::string& pattern(std::size_t index) const { return patterns_[index]; }
  bool empty() const noexcept { return patterns_.empty(); }
  std::size_t size() const noexcept { return patterns_.size(); }

 private:
  struct Wild {
    std::size_t index;
    bool with_at;
    Glob glob;
  };
  std::optional<std::size_t> first(std::string_view folded, std::string_view name, bool plugin) const;

  std::vector<std::string> patterns_;
  /// Literals by their folded text: a list of ten thousand names costs one look-up.
  std::map<std::string, std::size_t, std::less<>> literals_;
  std::vector<Wild> wild_;
  /// Of each of `wild_`, side by side: most patterns are passed over without being looked at.
  std::vector<std::uint64_t> needs_;
};

}  // namespace scc::model
