// SPDX-License-Identifier: Apache-2.0
// Reading and comparing egress targets. Source of the built-in ranges: RFC 6890 and RFC 4291.
#include "policy/targets.h"

#include <algorithm>
#include <arpa/inet.h>

#include "base/str.h"
#include "model/grammar.h"

namespace scc::policy {

namespace {

/// Splits ":443" off; IPv6 literals have a port only behind brackets.
int split_port(std::string_view& text) {
  std::size_t colon = std::string_view::npos;
  if (!text.empty() && text.front() == '[') {
    const std::size_t close = text.find(']');
    colon = close + 1 < text.size() ? close + 1 : std::string_view::npos;
  } else if (std::count(text.begin(), text.end(), ':') == 1) {
    colon = text.find(':');
  }
  int port = -1;
  if (colon != std::string_view::npos) {
    port = 0;
    for (const char c : text.substr(colon + 1)) port = port * 10 + (c - '0');
    text = text.substr(0, colon);
  }
  if (!text.empty() && text.front() == '[') text = text.substr(1, text.size() - 2);
  return port;
}

void mask(Target& target) {
  const unsigned width = target.v4 ? 32 : 128;
  for (unsigned bit = target.bits; bit < width; ++bit) {
    target.bytes[bit / 8] = static_cast<std::uint8_t>(target.bytes[bit / 8] & ~(0x80U >> (bit % 8)));
  }
}

bool read_block(std::string_view text, Target& target) {
  const std::size_t slash = text.find('/');
  const std::string address(text.substr(0, slash));
  target.v4 = inet_pton(AF_INET, address.c_str(), target.bytes.data()) == 1;
  if (!target.v4 && inet_pton(AF_INET6, address.c_str(), target.bytes.data()) != 1) return false;
  target.kind = Target::Kind::block;
  target.bits = target.v4 ? 32 : 128;
  if (slash != std::string_view::npos) {
    unsigned bits = 0;
    for (const char c : text.substr(slash + 1)) bits = bits * 10 + static_cast<unsigned>(c - '0');
    if (bits > target.bits) return false;
    target.bits = bits;
  }
  mask(target);
  return true;
}

bool covers_block(const Target& outer, const Target& inner) {
  if (outer.v4 != inner.v4 || outer.bits > inner.bits) return false;
  Target cut = inner;
  cut.bits = outer.bits;
  mask(cut);
  return cut.bytes == outer.bytes;
}

bool below(std::string_view name, std::string_view domain) {
  return name == domain || (name.size() > domain.size() && str::ends_with(name, domain) &&
                            name[name.size() - domain.size() - 1] == '.');
}

bool covers_name(const Target& outer, const Target& inner) {
  if (outer.kind == Target::Kind::domain) {
    return inner.kind != Target::Kind::block && below(inner.name, outer.name);
  }
  if (outer.kind == Target::Kind::block) {
    return inner.kind == Target::Kind::block && covers_block(outer, inner);
  }
  return inner.kind == Target::Kind::host && inner.name == outer.name;
}

}  // namespace

std::optional<Target> parse_target(std::string_view text) {
  std::string lower(str::trim(text));
  std::transform(lower.begin(), lower.end(), lower.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
  if (!model::grammar::target(lower)) return std::nullopt;
  std::string_view rest = lower;
  Target target;
  target.port = split_port(rest);
  if (read_block(rest, target)) return target;
  if (str::starts_with(rest, "*.")) rest.remove_prefix(1);
  if (str::starts_with(rest, ".")) {
    target.kind = Target::Kind::domain;
    rest.remove_prefix(1);
  }
  while (!rest.empty() && rest.back() == '.') rest.remove_suffix(1);
  if (rest.empty()) return std::nullopt;
  target.name = std::string(rest);
  return target;
}

std::string to_string(const Target& target) {
  std::string out;
  if (target.kind == Target::Kind::block) {
    std::array<char, INET6_ADDRSTRLEN> text{};
    inet_ntop(target.v4 ? AF_INET : AF_INET6, target.bytes.data(), text.data(), text.size());
    out = text.data();
    if (target.bits != (target.v4 ? 32U : 128U)) out += "/" + std::to_string(target.bits);
    if (!target.v4 && target.port >= 0) out = "[" + out + "]";
  } else {
    out = (target.kind == Target::Kind::domain ? "." : "") + target.name;
  }
  if (target.port >= 0) out += ":" + std::to_string(target.port);
  return out;
}

bool covers(const Target& outer, const Target& inner) {
  return (outer.port < 0 || outer.port == inner.port) && covers_name(outer, inner);
}

std::optional<Target> intersection(const Target& a, const Target& b) {
  if (a.port >= 0 && b.port >= 0 && a.port != b.port) return std::nullopt;
  // Names and blocks are nested or disjoint, so the smaller one is the intersection.
  std::optional<Target> both;
  if (covers_name(a, b)) {
    both = b;
  } else if (covers_name(b, a)) {
    both = a;
  }
  if (both) both->port = std::max(a.port, b.port);
  return both;
}

std::size_t find_cover(const model::Strings& targets, const Target& target) {
  for (std::size_t i = 0; i < targets.size(); ++i) {
    const auto outer = parse_target(targets[i]);
    if (outer && covers(*outer, target)) return i;
  }
  return targets.size();
}

model::Strings narrow(const model::Strings& allow, const model::Strings& only) {
  std::vector<Target> kept;
  for (const std::string& text : only) {
    if (auto target = parse_target(text)) kept.push_back(std::move(*target));
  }
  model::Strings out;
  for (const std::string& text : allow) {
    const auto target = parse_target(text);
    if (!target) continue;
    for (const Target& other : kept) {
      // An allowance without a port opens 443 alone: narrowing it to another port leaves nothing.
      if (target->port < 0 && other.port >= 0 && other.port != 443) continue;
      const auto both = intersection(*target, other);
      if (!both) continue;
      std::string spelled = to_string(*both);
      if (std::find(out.begin(), out.end(), spelled) == out.end()) out.push_back(std::move(spelled));
    }
  }
  return out;
}

const model::Strings& builtin_deny() {
  static const model::Strings kRanges = {
      "0.0.0.0/8",     "10.0.0.0/8",        "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16",
      "172.16.0.0/12", "192.168.0.0/16",    "224.0.0.0/4",   "240.0.0.0/4", "::",
      "::1",           "::ffff:0.0.0.0/96", "fc00::/7",      "fe80::/10",   "ff00::/8"};
  return kRanges;
}

}  // namespace scc::policy
