// SPDX-License-Identifier: Apache-2.0
// Matching: the pattern is cut at its stars into segments of fixed length. The first and the last are
// anchored where no star stands before or after them; each one between is taken at its leftmost place, which
// is right because its length is fixed. Short segments are compared in place; long ones by shifting a set of
// bits (Baeza-Yates and Gonnet), so that no text makes one segment cost more than text times length / 64.
#include "model/glob.h"

#include <algorithm>
#include <cstring>

#include "base/str.h"

namespace scc::model {

namespace {

constexpr std::size_t kShort = 16;
constexpr std::size_t kNowhere = std::string_view::npos;

char lower(char c) noexcept {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}
std::size_t byte(char c) noexcept {
  return static_cast<unsigned char>(c);
}

}  // namespace

std::string fold(std::string_view text) {
  std::string folded(str::trim(text));
  std::transform(folded.begin(), folded.end(), folded.begin(), lower);
  return folded;
}

Glob::Glob(std::string_view pattern) : text_(fold(pattern)) {
  const std::string_view folded = text_;
  Segment open;
  bool star_before = false;
  for (std::size_t at = 0; at < folded.size();) {
    const char c = folded[at];
    if (c == '*') {
      literal_ = false;
      star_first_ = star_first_ || at == 0;
      star_last_ = at + 1 == folded.size();
      if (open.size > 0) segments_.push_back(open);
      open = {units_.size(), 0};
      star_before = true;
      ++at;
      continue;
    }
    Unit unit;
    std::size_t next = at + 1;
    if (c == '?') {
      unit.kind = Unit::Kind::any;
      literal_ = false;
    } else if (c == '[' && (next = read_set(folded, at)) != at) {
      unit.kind = Unit::Kind::set;
      unit.set = static_cast<std::uint32_t>(sets_.size() - 1);
      literal_ = false;
    } else {
      unit.character = c;
      needs_ |= character_mask({&c, 1});
      next = at + 1;
    }
    units_.push_back(unit);
    ++open.size;
    at = next;
  }
  if (open.size > 0 || !star_before) segments_.push_back(open);
}

/// Reads the class that opens at `open` and returns the place behind it, or `open` when it never closes.
std::size_t Glob::read_set(std::string_view pattern, std::size_t open) {
  std::size_t at = open + 1;
  const bool negated = at < pattern.size() && pattern[at] == '!';
  if (negated) ++at;
  // A ']' right behind the opening is a member.
  const std::size_t close = pattern.find(']', at + 1);
  if (at >= pattern.size() || close == kNowhere) return open;
  Set set{};
  while (at < close) {
    const char from = pattern[at];
    const bool range = at + 2 < close && pattern[at + 1] == '-';
    const char to = range ? pattern[at + 2] : from;
    for (std::size_t c = byte(from); c <= byte(to); ++c) set[c / 64] |= std::uint64_t{1} << (c % 64);
    at += range ? 3 : 1;
  }
  if (negated) {
    for (std::uint64_t& word : set) word = ~word;
  }
  sets_.push_back(set);
  return close + 1;
}

bool Glob::unit_matches(const Unit& unit, char c) const noexcept {
  switch (unit.kind) {
    case Unit::Kind::any:
      return true;
    case Unit::Kind::set:
      return ((sets_[unit.set][byte(c) / 64] >> (byte(c) % 64)) & 1U) != 0;
    case Unit::Kind::character:
      break;
  }
  return unit.character == c;
}

bool Glob::segment_at(const Segment& segment, std::string_view text, std::size_t at) const noexcept {
  for (std::size_t i = 0; i < segment.size; ++i) {
    if (!unit_matches(units_[segment.begin + i], text[at + i])) return false;
  }
  return true;
}

std::size_t Glob::find_segment(const Segment& segment, std::string_view text, std::size_t from) const {
  if (segment.size > kShort) return find_long_segment(segment, text, from);
  // Most texts do not even hold the first character: that is found out at the speed of memchr.
  const Unit& head = units_[segment.begin];
  const bool plain = head.kind == Unit::Kind::character;
  for (std::size_t at = from; at + segment.size <= text.size(); ++at) {
    if (plain) {
      const void* hit = std::memchr(text.data() + at, head.character, text.size() - segment.size - at + 1);
      if (hit == nullptr) return kNowhere;
      at = static_cast<std::size_t>(static_cast<const char*>(hit) - text.data());
    }
    if (segment_at(segment, text, at)) return at;
  }
  return kNowhere;
}

std::size_t Glob::find_long_segment(const Segment& segment, std::string_view text, std::size_t from) const {
  if (from + segment.size > text.size()) return kNowhere;
  const std::size_t words = (segment.size + 63) / 64;
  // accepts[c * words + w]: which units of the segment take the byte c.
  std::vector<std::uint64_t> accepts(256 * words);
  for (std::size_t i = 0; i < segment.size; ++i) {
    const std::uint64_t bit = std::uint64_t{1} << (i % 64);
    for (std::size_t c = 0; c < 256; ++c) {
      if (unit_matches(units_[segment.begin + i], static_cast<char>(c))) accepts[c * words + i / 64] |= bit;
    }
  }
  std::vector<std::uint64_t> state(words);
  const std::size_t last = segment.size - 1;
  for (std::size_t at = from; at < text.size(); ++at) {
    std::uint64_t carry = 1;
    for (std::size_t w = 0; w < words; ++w) {
      const std::uint64_t next = state[w] >> 63U;
      state[w] = ((state[w] << 1U) | carry) & accepts[byte(text[at]) * words + w];
      carry = next;
    }
    if (((state[last / 64] >> (last % 64)) & 1U) != 0) return at + 1 - segment.size;
  }
  return kNowhere;
}

bool Glob::matches_folded(std::string_view folded) const {
  if (folded.empty() || text_.empty()) return false;
  if (literal_) return folded == text_;
  if (segments_.empty()) return true;  // stars alone
  std::size_t at = 0;
  std::size_t first = 0;
  std::size_t last = segments_.size();
  if (!star_first_) {
    const Segment& head = segments_.front();
    if (head.size > folded.size() || !segment_at(head, folded, 0)) return false;
    at = head.size;
    first = 1;
    if (last == 1 && !star_last_) return at == folded.size();
  }
  if (!star_last_ && last > first) {
    const Segment& tail = segments_.back();
    if (tail.size > folded.size() - at || !segment_at(tail, folded, folded.size() - tail.size)) return false;
    folded.remove_suffix(tail.size);
    --last;
  }
  for (std::size_t i = first; i < last; ++i) {
    const std::size_t found = find_segment(segments_[i], folded, at);
    if (found == kNowhere) return false;
    at = found + segments_[i].size;
  }
  return true;
}

GlobList::GlobList(const std::vector<std::string>& patterns) : patterns_(patterns) {
  for (std::size_t i = 0; i < patterns_.size(); ++i) {
    Glob glob(patterns_[i]);
    if (glob.text().empty()) continue;
    if (glob.literal()) {
      literals_.emplace(glob.text(), i);  // the first of equals stays
    } else {
      const bool with_at = glob.text().find('@') != kNowhere;
      needs_.push_back(glob.needs());
      wild_.push_back({i, with_at, std::move(glob)});
    }
  }
}

std::optional<std::size_t> GlobList::first(std::string_view folded, std::string_view name,
                                           bool plugin) const {
  std::size_t best = kNowhere;
  if (const auto found = literals_.find(folded); found != literals_.end()) best = found->second;
  if (plugin && name.size() != folded.size()) {
    if (const auto found = literals_.find(name); found != literals_.end())
      best = std::min(best, found->second);
  }
  const std::uint64_t has = character_mask(folded);  // of the name, too, which is a part of it
  for (std::size_t i = 0; i < wild_.size(); ++i) {
    if ((needs_[i] & ~has) != 0) continue;
    const Wild& wild = wild_[i];
    if (wild.index > best) break;
    if (wild.glob.matches_folded(plugin && !wild.with_at ? name : folded)) {
      best = wild.index;
      break;
    }
  }
  if (best == kNowhere) return std::nullopt;
  return best;
}

std::optional<std::size_t> GlobList::find(std::string_view text) const {
  const std::string folded = fold(text);
  return first(folded, folded, false);
}

std::optional<std::size_t> GlobList::find_plugin(std::string_view reference) const {
  const std::string folded = fold(reference);
  return first(folded, std::string_view(folded).substr(0, folded.find('@')), true);
}

}  // namespace scc::model
