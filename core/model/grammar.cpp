// SPDX-License-Identifier: Apache-2.0
#include "model/grammar.h"

#include <algorithm>
#include <arpa/inet.h>
#include <array>
#include <charconv>

#include "base/str.h"
#include "model/types.h"

namespace scc::model::grammar {

namespace {

bool digit(char c) noexcept {
  return c >= '0' && c <= '9';
}
bool lower(char c) noexcept {
  return c >= 'a' && c <= 'z';
}
char fold(char c) noexcept {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}
bool visible(char c) noexcept {
  return c > ' ' && c <= '~';
}

template <class Test>
bool every(std::string_view text, Test test) noexcept {
  return std::all_of(text.begin(), text.end(), test);
}

std::string folded(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(), fold);
  return out;
}

/// A decimal number without sign from 0 to `most`; -1 when it is none.
int number(std::string_view text, int most) noexcept {
  if (text.empty() || text.size() > 6 || !every(text, digit)) return -1;
  int value = 0;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value <= most ? value : -1;
}

bool address(int family, std::string_view text) noexcept {
  std::array<char, 64> buffer{};
  if (text.empty() || text.size() >= buffer.size()) return false;
  std::copy(text.begin(), text.end(), buffer.begin());
  std::array<unsigned char, 16> out{};
  return inet_pton(family, buffer.data(), out.data()) == 1;
}

/// Takes ":port" off the end when a port is there; false when what is there is no port.
bool take_port(std::string_view& text) noexcept {
  const std::size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) return true;
  const int port = number(text.substr(colon + 1), 65535);
  if (port < 1) return false;
  text = text.substr(0, colon);
  return true;
}

/// Would some reader of URLs take this last label for a number, as in 0x7f.1 or 2130706433?
bool numeric_label(std::string_view label) noexcept {
  if (label.size() > 2 && label[0] == '0' && fold(label[1]) == 'x')
    label.remove_prefix(2);
  else if (!every(label, digit))
    return false;
  return every(label, [](char c) { return digit(c) || (fold(c) >= 'a' && fold(c) <= 'f'); });
}

/// The authority without user information, as host and port.
bool split_authority(std::string_view authority, Url& out) {
  std::string_view rest;
  if (!authority.empty() && authority.front() == '[') {
    const std::size_t close = authority.find(']');
    if (close == std::string_view::npos) return false;
    out.host = folded(authority.substr(1, close - 1));
    if (!ipv6(out.host)) return false;
    rest = authority.substr(close + 1);
  } else {
    const std::size_t colon = authority.find(':');
    std::string_view name = authority.substr(0, colon);
    rest = colon == std::string_view::npos ? std::string_view() : authority.substr(colon);
    if (!name.empty() && name.back() == '.') name.remove_suffix(1);
    if (!host(name) && !ipv4(name)) return false;
    out.host = folded(name);
  }
  if (rest.empty()) return true;
  if (rest.front() != ':') return false;
  out.port = number(rest.substr(1), 65535);
  return out.port >= 1;
}

}  // namespace

bool alnum(char c) noexcept {
  return digit(c) || lower(fold(c));
}
bool name_char(char c) noexcept {
  return alnum(c) || c == '.' || c == '_' || c == '-';
}

bool name(std::string_view text) noexcept {
  return !text.empty() && text.size() <= 64 && alnum(text.front()) && every(text, name_char);
}
bool action_name(std::string_view text) noexcept {
  return !text.empty() && text.size() <= 64 && alnum(text.front()) &&
         every(text, [](char c) { return name_char(c) || c == ':'; });
}
bool server_name(std::string_view text) noexcept {
  return !text.empty() && text.size() <= 64 &&
         every(text, [](char c) { return alnum(c) || c == '_' || c == '-'; });
}
bool rule_id(std::string_view text) noexcept {
  const std::size_t dot = text.find('.');
  if (dot == std::string_view::npos || dot == 0 || dot + 1 == text.size()) return false;
  const auto plain = [](char c) { return lower(c) || digit(c); };
  return lower(text.front()) && every(text.substr(0, dot), plain) && lower(text[dot + 1]) &&
         every(text.substr(dot + 1), [&](char c) { return plain(c) || c == '_'; });
}
bool program(std::string_view text) noexcept {
  return !text.empty() && alnum(text.front()) && every(text, [](char c) { return name_char(c) || c == '+'; });
}
bool option(std::string_view text) noexcept {
  return text.size() > 1 && text.front() == '-' && word(text);
}
bool slug(std::string_view text) noexcept {
  return !text.empty() && every(text, [](char c) { return lower(c) || digit(c) || c == '-'; });
}
bool plugin_id(std::string_view text) noexcept {
  return !text.empty() && text.size() <= 63 && lower(text.front()) &&
         every(text, [](char c) { return lower(c) || digit(c) || c == '.' || c == '-'; });
}
bool version(std::string_view text) noexcept {
  int parts = 0;
  while (true) {
    const std::size_t dot = text.find('.');
    const std::string_view part = text.substr(0, dot);
    if (part.empty() || !every(part, digit) || ++parts > 3) return false;
    if (dot == std::string_view::npos) return parts == 3;
    text.remove_prefix(dot + 1);
  }
}
bool plugin_glob(std::string_view text) noexcept {
  return !text.empty() && text.size() <= 63 && (lower(text.front()) || text.front() == '*') &&
         every(text, [](char c) { return lower(c) || digit(c) || c == '.' || c == '-' || c == '*'; });
}
bool address(std::string_view text) noexcept {
  return ipv4(text) || ipv6(text);
}
bool cidr(std::string_view text) noexcept {
  const std::size_t slash = text.find('/');
  if (slash == std::string_view::npos) return false;
  const std::string_view base = text.substr(0, slash);
  const std::string_view bits = text.substr(slash + 1);
  return (ipv4(base) && number(bits, 32) >= 0) || (ipv6(base) && number(bits, 128) >= 0);
}
bool engine_network(std::string_view text) noexcept {
  constexpr std::array<std::string_view, 5> kModes{"host", "none", "private", "default", "bridge"};
  const auto inner = [](char c) { return lower(fold(c)) || digit(c) || c == '_' || c == '.' || c == '-'; };
  return !text.empty() && text.size() <= 128 && text.front() != '.' && text.front() != '-' &&
         every(text, inner) && std::find(kModes.begin(), kModes.end(), text) == kModes.end();
}
bool plain_proxy(std::string_view text) noexcept {
  constexpr std::string_view kScheme = "http://";
  if (text.substr(0, kScheme.size()) != kScheme) return false;
  text.remove_prefix(kScheme.size());
  const std::size_t colon = text.find(':');
  if (colon == std::string_view::npos || colon == 0 || colon > 253) return false;
  const std::string_view port = text.substr(colon + 1);
  const auto inner = [](char c) { return lower(fold(c)) || digit(c) || c == '_' || c == '.' || c == '-'; };
  return every(text.substr(0, colon), inner) && !port.empty() && port.size() <= 5 && every(port, digit);
}
bool component_id(std::string_view text) noexcept {
  const auto first = [](char c) { return lower(c) || digit(c); };
  return !text.empty() && text.size() <= 63 && first(text.front()) &&
         every(text, [&](char c) { return first(c) || c == '.' || c == '_' || c == '-'; });
}
bool sha256(std::string_view text) noexcept {
  return text.size() == 64 && every(text, [](char c) { return digit(c) || (c >= 'a' && c <= 'f'); });
}
bool glob(std::string_view text) noexcept {
  return every(text, [](char c) { return c >= ' ' && c <= '~'; }) &&
         std::any_of(text.begin(), text.end(), visible);
}
bool printable(std::string_view text) noexcept {
  return !text.empty() && every(text, [](char c) { return c >= ' ' && c <= '~'; });
}
bool word(std::string_view text) noexcept {
  return !text.empty() && every(text, visible);
}
bool absolute(std::string_view text) noexcept {
  return printable(text) && text.front() == '/';
}
bool env_name(std::string_view text) noexcept {
  return !text.empty() && !digit(text.front()) && every(text, [](char c) { return alnum(c) || c == '_'; });
}
bool header_name(std::string_view text) noexcept {
  constexpr std::string_view kMarks = "!#$%&'*+-.^_`|~";
  return !text.empty() &&
         every(text, [&](char c) { return alnum(c) || kMarks.find(c) != std::string_view::npos; });
}
bool header_value(std::string_view text) noexcept {
  return every(text, [](char c) {
    return c == '\t' || (static_cast<unsigned char>(c) >= 0x20U && static_cast<unsigned char>(c) != 0x7FU);
  });
}
bool github_owner(std::string_view text) noexcept {
  return !text.empty() && alnum(text.front()) && alnum(text.back()) &&
         every(text, [](char c) { return alnum(c) || c == '-'; });
}
bool github_repo(std::string_view text) noexcept {
  return !text.empty() && every(text, name_char);
}
bool https_prefix(std::string_view text) noexcept {
  return str::starts_with(text, "https://");
}
bool git_prefix(std::string_view text) noexcept {
  return https_prefix(text) || str::starts_with(text, "git@");
}
bool http_prefix(std::string_view text) noexcept {
  return https_prefix(text) || str::starts_with(text, "http://");
}
bool not_dots(std::string_view text) noexcept {
  return text != "." && text != "..";
}

bool branch(std::string_view text) noexcept {
  // git-check-ref-format(1), and no leading '-', which a command could take for an option.
  constexpr std::string_view kForbidden = "~^:?*[\\";
  if (!word(text) || text.front() == '-' || text.front() == '/' || text.back() == '/' || text.back() == '.') {
    return false;
  }
  if (text.find_first_of(kForbidden) != std::string_view::npos) return false;
  for (const std::string_view pair : {"..", "//", "@{", "/."}) {
    if (text.find(pair) != std::string_view::npos) return false;
  }
  return text.front() != '.' && text != "@" && !str::ends_with(text, ".lock");
}

bool contained_path(std::string_view text) noexcept {
  for (const char c : text) {
    if (static_cast<unsigned char>(c) < 0x20U || c == 0x7F || c == '\\') return false;
  }
  while (!text.empty()) {
    const std::size_t slash = text.find('/');
    if (text.substr(0, slash) == "..") return false;
    text = slash == std::string_view::npos ? std::string_view() : text.substr(slash + 1);
  }
  return true;
}
bool relative_path(std::string_view text) noexcept {
  return !text.empty() && text.front() != '/' && contained_path(text);
}
bool time(std::string_view text) noexcept {
  return parse_time(text).has_value();
}

std::optional<Url> split_url(std::string_view text) {
  Url out;
  const std::size_t colon = text.find("://");
  if (colon == std::string_view::npos || !word(text) || text.find('\\') != std::string_view::npos) {
    return std::nullopt;
  }
  out.scheme = folded(text.substr(0, colon));
  if (out.scheme != "http" && out.scheme != "https") return std::nullopt;
  const std::string_view rest = text.substr(colon + 3);
  std::string_view authority = rest.substr(0, rest.find_first_of("/?#"));
  if (const std::size_t at = authority.rfind('@'); at != std::string_view::npos) {
    out.userinfo = true;
    authority.remove_prefix(at + 1);
  }
  if (!split_authority(authority, out)) return std::nullopt;
  return out;
}

bool loopback(std::string_view host_name) {
  return host_name == "localhost" || host_name == "::1" ||
         (str::starts_with(host_name, "127.") && ipv4(host_name));
}

bool https_url(std::string_view text) noexcept {
  const auto url = split_url(text);
  return url && url->scheme == "https" && !url->userinfo;
}

bool git_url(std::string_view text) noexcept {
  if (!str::starts_with(text, "git@")) return https_url(text);
  text.remove_prefix(4);
  const std::size_t colon = text.find(':');
  if (colon == std::string_view::npos || !word(text)) return false;
  const std::string_view path = text.substr(colon + 1);
  const std::string_view server = text.substr(0, colon);
  return (host(server) || ipv4(server)) && !path.empty() && path.front() != '-' && contained_path(path);
}

bool server_url(std::string_view text) noexcept {
  const auto url = split_url(text);
  return url && !url->userinfo && (url->scheme == "https" || loopback(url->host));
}

bool host(std::string_view text) noexcept {
  if (text.empty() || text.size() > 253) return false;
  while (true) {
    const std::size_t dot = text.find('.');
    const std::string_view label = text.substr(0, dot);
    if (label.empty() || label.size() > 63 || label.front() == '-' || label.back() == '-') return false;
    if (!every(label, [](char c) { return alnum(c) || c == '-' || c == '_'; })) return false;
    if (dot == std::string_view::npos) return !numeric_label(label);
    text.remove_prefix(dot + 1);
  }
}
bool ipv4(std::string_view text) noexcept {
  return address(AF_INET, text);
}
bool ipv6(std::string_view text) noexcept {
  return address(AF_INET6, text);
}

bool target(std::string_view text) noexcept {
  if (text.empty()) return false;
  if (text.front() == '[') {
    const std::size_t close = text.find(']');
    if (close == std::string_view::npos) return false;
    std::string_view rest = text.substr(close + 1);
    const std::string_view inner = text.substr(1, close - 1);
    const bool port = rest.empty() || (rest.front() == ':' && take_port(rest) && rest.empty());
    return port && (ipv6(inner) || (cidr(inner) && inner.find(':') != std::string_view::npos));
  }
  if (ipv6(text)) return true;
  if (cidr(text)) return true;
  if (!take_port(text)) return false;
  if (ipv4(text) || (cidr(text) && text.find(':') == std::string_view::npos)) return true;
  if (str::starts_with(text, "*.")) {
    text.remove_prefix(2);
  } else if (str::starts_with(text, ".")) {
    text.remove_prefix(1);
  }
  return host(text);
}

std::optional<Triple> triple(std::string_view text) noexcept {
  // A build or a pre-release, "1.5.0-dev+g123": compared as its release.
  const std::string_view core = text.substr(0, text.find_first_of("-+ "));
  if (!version(core)) return std::nullopt;
  Triple out;
  const char* at = core.data();
  const char* const end = core.data() + core.size();
  for (std::int64_t* part : {&out.major, &out.minor, &out.patch}) {
    const auto [next, code] = std::from_chars(at, end, *part);
    if (code != std::errc{}) return std::nullopt;
    at = next == end ? next : next + 1;
  }
  return out;
}

namespace {

/// Dot-separated identifiers of a pre-release, SemVer 2.0.0.
bool pre_release(std::string_view text) noexcept {
  while (true) {
    const std::size_t dot = text.find('.');
    const std::string_view part = text.substr(0, dot);
    if (part.empty() || !every(part, [](char c) { return alnum(c) || c == '-'; })) return false;
    if (dot == std::string_view::npos) return true;
    text.remove_prefix(dot + 1);
  }
}

/// "<2", ">=1.2", "1.4.0-rc.1": an operator and one to three numbers.
bool comparator(std::string_view text) noexcept {
  for (const std::string_view op : {">=", "<=", ">", "<", "="}) {
    if (!str::starts_with(text, op)) continue;
    text.remove_prefix(op.size());
    break;
  }
  text = text.substr(0, text.find('+'));
  if (const std::size_t dash = text.find('-'); dash != std::string_view::npos) {
    if (!pre_release(text.substr(dash + 1))) return false;
    text = text.substr(0, dash);
  }
  for (int parts = 1; parts <= 3; ++parts) {
    const std::size_t dot = text.find('.');
    if (number(text.substr(0, dot), 999999) < 0) return false;
    if (dot == std::string_view::npos) return true;
    text.remove_prefix(dot + 1);
  }
  return false;
}

}  // namespace

bool version_range(std::string_view text) noexcept {
  bool any = false;
  while (true) {
    const std::size_t begin = text.find_first_not_of(' ');
    if (begin == std::string_view::npos) return any;
    text.remove_prefix(begin);
    const std::string_view term = text.substr(0, text.find(' '));
    if (!comparator(term)) return false;
    any = true;
    text.remove_prefix(term.size());
  }
}

}  // namespace scc::model::grammar
