// SPDX-License-Identifier: Apache-2.0
#include "remote/trust.h"

#include <algorithm>

#include "base/str.h"

namespace scc::remote {

namespace {

char lower(char c) noexcept {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

std::string lower(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(), [](char c) { return lower(c); });
  return out;
}

/// One element of a segment's pattern: a character, ?, * or a class.
struct Element {
  enum class Type : std::uint8_t { literal, any, star, set } type = Type::literal;
  char literal = '\0';
  bool negated = false;
  std::vector<std::pair<char, char>> ranges;

  bool matches(char c) const {
    if (type == Type::any) return true;
    if (type == Type::literal) return literal == c;
    const bool inside = std::any_of(ranges.begin(), ranges.end(),
                                    [&](const auto& range) { return c >= range.first && c <= range.second; });
    return inside != negated;
  }
};

/// The class that begins at text[at] == '['; nullopt when it has no end, then '[' is itself.
std::optional<Element> parse_class(std::string_view text, std::size_t& at) {
  Element out;
  out.type = Element::Type::set;
  std::size_t i = at + 1;
  if (i < text.size() && (text[i] == '!' || text[i] == '^')) {
    out.negated = true;
    ++i;
  }
  for (bool first = true; i < text.size(); first = false) {
    if (text[i] == ']' && !first) {
      at = i;
      return out;
    }
    const bool range = i + 2 < text.size() && text[i + 1] == '-' && text[i + 2] != ']';
    out.ranges.emplace_back(text[i], range ? text[i + 2] : text[i]);
    i += range ? 3 : 1;
  }
  return std::nullopt;
}

std::vector<Element> parse_segment(std::string_view text) {
  std::vector<Element> out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    Element element;
    element.literal = text[i];
    if (text[i] == '?') element.type = Element::Type::any;
    if (text[i] == '*') element.type = Element::Type::star;
    if (text[i] == '[') {
      if (auto set = parse_class(text, i)) element = *std::move(set);
    }
    if (element.type == Element::Type::star && !out.empty() && out.back().type == Element::Type::star)
      continue;
    out.push_back(std::move(element));
  }
  return out;
}

/// Greedy with one place to return to: the last star. Quadratic at worst.
bool segment_match(const std::vector<Element>& pattern, std::string_view text) {
  std::size_t p = 0;
  std::size_t t = 0;
  std::size_t star = std::string_view::npos;
  std::size_t resume = 0;
  while (t < text.size()) {
    if (p < pattern.size() && pattern[p].type == Element::Type::star) {
      star = p++;
      resume = t;
    } else if (p < pattern.size() && pattern[p].matches(text[t])) {
      ++p;
      ++t;
    } else if (star != std::string_view::npos) {
      p = star + 1;
      t = ++resume;
    } else {
      return false;
    }
  }
  while (p < pattern.size() && pattern[p].type == Element::Type::star) ++p;
  return p == pattern.size();
}

/// Without scheme and, before the first '/', without user; scp form turned into a path.
std::string strip_scheme(std::string_view text) {
  std::string_view rest = text;
  bool url = false;
  for (const std::string_view scheme : {"https://", "http://", "ssh://"}) {
    if (lower(text.substr(0, scheme.size())) == scheme) {
      rest = text.substr(scheme.size());
      url = true;
      break;
    }
  }
  const std::size_t slash = std::min(rest.find('/'), rest.size());
  const std::size_t at = rest.substr(0, slash).rfind('@');
  if (!url && at != std::string_view::npos) {  // git@host:path
    const std::size_t colon = rest.find(':', at);
    if (colon == std::string_view::npos || colon > slash) return std::string(rest);
    return std::string(rest.substr(at + 1, colon - at - 1)) + "/" + std::string(rest.substr(colon + 1));
  }
  if (url && at != std::string_view::npos) rest.remove_prefix(at + 1);
  return std::string(rest);
}

std::string tidy(std::string text) {
  while (!text.empty() && text.back() == '/') text.pop_back();
  if (text.size() > 4 && str::ends_with(text, ".git")) text.resize(text.size() - 4);
  const std::size_t slash = std::min(text.find('/'), text.size());
  std::string host = lower(text.substr(0, slash));
  if (str::ends_with(host, ":443")) host.resize(host.size() - 4);
  if (!host.empty() && host.back() == '.') host.pop_back();
  return host + text.substr(slash);
}

TrustViolation violation(TrustCode code, const std::string& alias, std::string message) {
  return {code, alias, std::move(message)};
}

std::optional<TrustViolation> check_source(const Marketplace& market, const TrustGrant& grant) {
  const std::string name = "marketplace " + str::printable(market.alias);
  const auto normal = normalise_url(market.url);
  const auto& patterns = grant.marketplace_source_patterns;
  const bool trusted =
      normal && std::any_of(patterns.begin(), patterns.end(), [&](const std::string& pattern) {
        return glob_match(normalise_pattern(pattern), *normal);
      });
  if (trusted) return std::nullopt;
  std::string why = " matches none of the organisation's marketplace_source_patterns (";
  for (std::size_t i = 0; i < patterns.size(); ++i) why += (i == 0 ? "" : ", ") + str::printable(patterns[i]);
  if (patterns.empty()) why += "none given";
  if (!normal) why = " cannot be compared with patterns safely (";
  if (!normal) why += "dot segments, a query or encoded characters";
  return violation(TrustCode::untrusted_source, market.alias,
                   name + ": source " + str::printable(normal.value_or(market.url)) + why + ")");
}

bool contains(const std::vector<std::string>& list, const std::string& item) {
  const std::string wanted = lower(item);
  return std::any_of(list.begin(), list.end(), [&](const std::string& one) { return lower(one) == wanted; });
}

void check_defaults(const TrustInput& input, std::vector<TrustViolation>& out) {
  if (input.grant.inherit_org_marketplaces) return;
  for (const std::string& plugin : input.org_default_plugins) {
    const std::size_t at = plugin.rfind('@');
    if (at == std::string::npos) continue;
    const std::string alias = plugin.substr(at + 1);
    if (!contains(input.org_aliases, alias) || contains(input.implicit_aliases, alias)) continue;
    out.push_back(violation(TrustCode::org_unavailable, alias,
                            "default plugin " + str::printable(plugin) + " needs marketplace " +
                                str::printable(alias) +
                                ", which inherit_org_marketplaces: false takes away"));
  }
}

}  // namespace

std::string_view trust_code_name(TrustCode code) noexcept {
  switch (code) {
    case TrustCode::not_allowed:
      return "TRUST_MARKETPLACES_NOT_ALLOWED";
    case TrustCode::alias_collision:
      return "TRUST_ALIAS_COLLISION";
    case TrustCode::untrusted_source:
      return "TRUST_SOURCE_NOT_TRUSTED";
    case TrustCode::directory:
      return "TRUST_DIRECTORY_FORBIDDEN";
    case TrustCode::org_unavailable:
      break;
  }
  return "TRUST_ORG_MARKETPLACE_UNAVAILABLE";
}

std::optional<std::string> normalise_url(std::string_view url) {
  const std::string_view text = str::trim(url);
  const bool plain = std::all_of(text.begin(), text.end(), [](char c) {
    return c > ' ' && c < 0x7f && std::string_view("\\?#%*[]").find(c) == std::string_view::npos;
  });
  if (text.empty() || !plain) return std::nullopt;
  std::string out = tidy(strip_scheme(text));
  const auto segments = str::split(out, '/');
  const bool bad = std::any_of(segments.begin(), segments.end(), [](const std::string& segment) {
    return segment.empty() || segment == "." || segment == "..";
  });
  if (bad || segments.front().find('@') != std::string::npos) return std::nullopt;
  return out;
}

std::string normalise_pattern(std::string_view pattern) {
  return tidy(strip_scheme(str::trim(pattern)));
}

bool glob_match(std::string_view pattern, std::string_view text) {
  const auto patterns = str::split(lower(pattern), '/');
  const auto segments = str::split(lower(text), '/');
  // reach[i]: the patterns so far match the first i segments.
  std::vector<bool> reach(segments.size() + 1, false);
  reach[0] = true;
  for (const std::string& one : patterns) {
    std::vector<bool> next(segments.size() + 1, false);
    if (one == "**") {
      bool seen = false;
      for (std::size_t i = 0; i <= segments.size(); ++i) {
        seen = seen || reach[i];
        next[i] = seen;
      }
    } else {
      const auto elements = parse_segment(one);
      for (std::size_t i = 0; i < segments.size(); ++i) {
        next[i + 1] = reach[i] && segment_match(elements, segments[i]);
      }
    }
    reach = std::move(next);
  }
  return reach.back();
}

std::vector<TrustViolation> check_trust(const TrustInput& input) {
  std::vector<TrustViolation> out;
  for (const Marketplace& market : input.marketplaces) {
    const std::string name = "marketplace " + str::printable(market.alias);
    if (market.type == Marketplace::Type::directory) {
      out.push_back(violation(TrustCode::directory, market.alias,
                              name + ": a fetched document may not name a directory of this machine"));
      continue;
    }
    if (!input.grant.allow_additional_marketplaces) {
      out.push_back(violation(TrustCode::not_allowed, market.alias,
                              name + ": the organisation's grant allows no marketplaces of the team's own"));
      continue;
    }
    if (contains(input.org_aliases, market.alias) || contains(input.implicit_aliases, market.alias)) {
      out.push_back(violation(TrustCode::alias_collision, market.alias,
                              name + ": the alias belongs to the organisation already"));
      continue;
    }
    if (auto found = check_source(market, input.grant)) out.push_back(*std::move(found));
  }
  check_defaults(input, out);
  return out;
}

}  // namespace scc::remote
