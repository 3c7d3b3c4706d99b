// SPDX-License-Identifier: Apache-2.0
#include "egress/name.h"

#include <algorithm>
#include <array>
#include <idn2.h>

#include "base/str.h"

namespace scc::egress {

namespace {

constexpr std::size_t kMaxName = 253;  // RFC 1035 2.3.4, without the root
constexpr std::size_t kMaxLabel = 63;
constexpr std::size_t kMaxText = 1024;

bool digit(char c) {
  return c >= '0' && c <= '9';
}
bool letter(char c) {
  return c >= 'a' && c <= 'z';
}
char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

std::string lowered(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(), lower);
  return out;
}

/// The last label is a number to some reader: all digits, or 0x and hexadecimal digits. Such hosts are
/// addresses (WHATWG URL, "ends in a number"), whatever stands before it.
bool numeric_end(std::string_view name) {
  const std::string_view last = name.substr(name.rfind('.') + 1);
  if (last.empty()) return false;
  if (std::all_of(last.begin(), last.end(), digit)) return true;
  const auto hex = [](char c) { return digit(c) || (c >= 'a' && c <= 'f'); };
  return str::starts_with(last, "0x") && std::all_of(last.begin() + 2, last.end(), hex);
}

auto refused(std::string_view text, const std::string& why) {
  return fail(Kind::config, "egress.host",
              "\"" + str::printable(text.substr(0, 128)) + "\" cannot be a host of an egress rule: " + why,
              "name the host as its certificate does, api.example.com or *.example.com");
}

/// Empty when the name is made of labels that DNS knows.
std::string label_problem(std::string_view name) {
  if (name.empty()) return "it is empty";
  if (name.size() > kMaxName) return "it is too long";
  for (const std::string& label : str::split(name, '.')) {
    if (label.empty()) return "it has an empty label";
    if (label.size() > kMaxLabel) return "a label is too long";
    if (label.front() == '-' || label.back() == '-') return "a label begins or ends with a hyphen";
    const bool plain =
        std::all_of(label.begin(), label.end(), [](char c) { return letter(c) || digit(c) || c == '-'; });
    if (!plain) return "it holds a character that host names do not have";
  }
  return {};
}

/// Names below it are registered by many owners.
bool shared(std::string_view name) {
  static constexpr std::array<std::string_view, 12> kSecond = {"ac", "co",  "com", "edu", "gob", "gov",
                                                               "go", "mil", "ne",  "net", "or",  "org"};
  const std::size_t dot = name.find('.');
  if (dot == std::string_view::npos) return true;
  const std::string_view top = name.substr(dot + 1);
  return top.size() == 2 && std::find(kSecond.begin(), kSecond.end(), name.substr(0, dot)) != kSecond.end();
}

}  // namespace

Result<std::string> to_ascii(std::string_view text) {
  if (text.size() > kMaxText) return refused(text, "it is too long");
  const bool ascii = std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c < 0x7f; });
  if (ascii) return lowered(text);
  if (!str::valid_utf8(text)) return refused(text, "it is not UTF-8");
  for (const char c : text) {
    if (static_cast<unsigned char>(c) <= ' ' || c == 0x7f)
      return refused(text, "it holds white space or a control character");
  }
  char* out = nullptr;
  const int code = idn2_to_ascii_8z(std::string(text).c_str(), &out, IDN2_NONTRANSITIONAL | IDN2_NFC_INPUT);
  if (code != IDN2_OK)
    return refused(text,
                   std::string("as an international name it is not valid (") + idn2_strerror(code) + ")");
  std::string name(out);
  idn2_free(out);
  return lowered(name);
}

Result<std::string> rule_host(std::string_view text, Use use) {
  std::string_view rest = text;
  const bool below = str::starts_with(rest, "*.") || str::starts_with(rest, ".");
  if (below) rest.remove_prefix(rest.front() == '*' ? 2 : 1);
  SCC_TRY(std::string name, to_ascii(rest));
  if (!name.empty() && name.back() == '.') name.pop_back();
  if (numeric_end(name)) return refused(text, "it is an address, or some readers take it for one");
  if (const std::string problem = label_problem(name); !problem.empty()) return refused(text, problem);
  if (use == Use::allow) {
    if (name.find('.') == std::string::npos) return refused(text, "it has one label only");
    if (below && shared(name)) return refused(text, "many owners register names below it");
  }
  return (below ? "*." : "") + name;
}

Wire wire_host(std::string_view text) {
  Wire out;
  while (!text.empty() && text.back() == '.') text.remove_suffix(1);
  out.name = lowered(text.substr(0, kMaxText));
  if (out.name.find_first_of(":[]") != std::string::npos || numeric_end(out.name)) {
    out.form = Form::literal;
    return out;
  }
  // Hyphens at the ends of labels are compared like any other character: no rule has them.
  if (out.name.empty() || text.size() > kMaxName) return out;
  for (const std::string& label : str::split(out.name, '.')) {
    const bool plain =
        std::all_of(label.begin(), label.end(), [](char c) { return letter(c) || digit(c) || c == '-'; });
    if (label.empty() || label.size() > kMaxLabel || !plain) return out;
  }
  out.form = Form::name;
  return out;
}

}  // namespace scc::egress
