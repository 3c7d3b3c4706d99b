// SPDX-License-Identifier: Apache-2.0
// Version ranges of the plugin policy: SemVer 2.0.0 precedence (§11), ranges as conjunctions of comparisons.
#include <algorithm>
#include <array>
#include <cstdint>

#include "base/str.h"
#include "plugin/policy.h"

namespace scc::plugin {

namespace {

constexpr std::size_t kMaxDigits = 18;  // fits into int64

struct Version {
  std::array<std::int64_t, 3> parts{};
  std::vector<std::string> pre;  ///< identifiers of the pre-release; empty: a release
};

bool digits(std::string_view text) {
  return !text.empty() && text.size() <= kMaxDigits &&
         std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

bool identifier(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-';
  });
}

std::optional<Version> parse(std::string_view text) {
  Version out;
  text = text.substr(0, text.find('+'));  // build metadata has no precedence
  const std::size_t dash = text.find('-');
  if (dash != std::string_view::npos) {
    out.pre = str::split(text.substr(dash + 1), '.');
    if (!std::all_of(out.pre.begin(), out.pre.end(), identifier)) return std::nullopt;
  }
  const std::vector<std::string> numbers = str::split(text.substr(0, dash), '.');
  if (numbers.empty() || numbers.size() > out.parts.size()) return std::nullopt;
  for (std::size_t i = 0; i < numbers.size(); ++i) {
    if (!digits(numbers[i])) return std::nullopt;
    out.parts.at(i) = std::stoll(numbers[i]);
  }
  return out;
}

int sign(std::int64_t a, std::int64_t b) {
  return a < b ? -1 : (a > b ? 1 : 0);
}

/// Numbers by value and below words; a longer list is higher when the rest is equal.
int compare_pre(const std::vector<std::string>& a, const std::vector<std::string>& b) {
  if (a.empty() || b.empty()) return sign(a.empty() ? 1 : 0, b.empty() ? 1 : 0);
  for (std::size_t i = 0; i < std::min(a.size(), b.size()); ++i) {
    const bool an = digits(a[i]);
    const bool bn = digits(b[i]);
    int order = a[i].compare(b[i]);
    if (an && bn) order = sign(std::stoll(a[i]), std::stoll(b[i]));
    if (an != bn) order = an ? -1 : 1;
    if (order != 0) return order < 0 ? -1 : 1;
  }
  return sign(static_cast<std::int64_t>(a.size()), static_cast<std::int64_t>(b.size()));
}

int compare(const Version& a, const Version& b) {
  for (std::size_t i = 0; i < a.parts.size(); ++i) {
    if (const int order = sign(a.parts.at(i), b.parts.at(i)); order != 0) return order;
  }
  return compare_pre(a.pre, b.pre);
}

bool holds(std::string_view op, int order) {
  if (op == "<") return order < 0;
  if (op == "<=") return order <= 0;
  if (op == ">") return order > 0;
  if (op == ">=") return order >= 0;
  return order == 0;
}

}  // namespace

Result<bool> version_in_range(std::string_view version, std::string_view range) {
  const std::optional<Version> have = parse(version);
  bool inside = true;
  bool pre_named = !have || have->pre.empty();
  bool any = false;
  for (const std::string& term : str::split(range, ' ')) {
    if (term.empty()) continue;
    any = true;
    const std::size_t start = term.find_first_not_of("<>=");
    const std::string op = term.substr(0, start);
    const std::optional<Version> bound =
        start == std::string::npos ? std::nullopt : parse(std::string_view(term).substr(start));
    const bool known = op.empty() || op == "=" || op == "<" || op == "<=" || op == ">" || op == ">=";
    if (!known || !bound) {
      return fail(Kind::config, "plugin.policy",
                  "\"" + str::printable(range) + "\" is not a range of versions",
                  "write it like \">=1.2 <2\"");
    }
    if (!have) continue;
    inside = inside && holds(op, compare(*have, *bound));
    pre_named = pre_named || (!bound->pre.empty() && bound->parts == have->parts);
  }
  if (!any) return true;
  return have.has_value() && inside && pre_named;
}

}  // namespace scc::plugin
