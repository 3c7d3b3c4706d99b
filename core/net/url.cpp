// SPDX-License-Identifier: Apache-2.0
// URLs by libcurl's own parser, so that what is checked is what is connected to, and the classes of
// addresses.
#include "net/url.h"

#include <algorithm>
#include <arpa/inet.h>
#include <array>
#include <cstring>

#include "base/str.h"

namespace scc::net {

namespace {

struct UrlFree {
  void operator()(CURLU* url) const noexcept { curl_url_cleanup(url); }
};
using Handle = std::unique_ptr<CURLU, UrlFree>;

std::string part(CURLU* url, CURLUPart what, unsigned flags = 0) {
  char* text = nullptr;
  std::string out;
  if (curl_url_get(url, what, &text, flags) == CURLUE_OK && text != nullptr) out = text;
  curl_free(text);
  return out;
}

tl::unexpected<Error> bad(std::string_view text, std::string_view why) {
  return fail(Kind::usage, "fetch.url", "not a usable URL: " + str::printable(text) + ": " + std::string(why),
              "use https://HOST/PATH without a user name or password");
}

bool has_prefix(const std::array<unsigned char, 16>& bytes, std::initializer_list<unsigned char> prefix) {
  return std::equal(prefix.begin(), prefix.end(), bytes.begin());
}

bool is_private_v4(const unsigned char* b) noexcept {
  return b[0] == 0 || b[0] == 10 || b[0] == 127 || b[0] >= 224 || (b[0] == 100 && (b[1] & 0xc0U) == 64) ||
         (b[0] == 169 && b[1] == 254) || (b[0] == 172 && (b[1] & 0xf0U) == 16) ||
         (b[0] == 192 && b[1] == 168);
}

bool is_private_v6(const std::array<unsigned char, 16>& b) {
  if (has_prefix(b, {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff})) return is_private_v4(b.data() + 12);
  if (has_prefix(b, {0, 0x64, 0xff, 0x9b, 0, 0, 0, 0, 0, 0, 0, 0})) return is_private_v4(b.data() + 12);
  // ::/96 holds the unspecified address, loopback and the old IPv4-compatible form.
  if (has_prefix(b, {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0})) return true;
  return (b[0] & 0xfeU) == 0xfc || (b[0] == 0xfe && (b[1] & 0x80U) != 0) || b[0] == 0xff;
}

}  // namespace

Result<Url> parse_url(std::string_view text) {
  if (text.size() > 4096) return bad(text.substr(0, 100), "longer than 4096 bytes");
  const bool plain = std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c < 0x7f; });
  if (!plain) return bad(text, "white space, control characters and others outside ASCII must be encoded");
  const std::string_view authority =
      text.substr(0, text.find_first_of("/?#", std::string_view("https://").size()));
  if (authority.find_first_of("%\\") != std::string_view::npos) {
    return bad(text, "the host is encoded");  // libcurl would decode it
  }
  // libcurl would skip further slashes and take the path's first part for the host.
  if (str::starts_with(text, "https:///")) return bad(text, "no host");
  const Handle url(curl_url());
  if (!url) throw std::bad_alloc();
  const CURLUcode code = curl_url_set(url.get(), CURLUPART_URL, std::string(text).c_str(),
                                      CURLU_PATH_AS_IS | CURLU_DISALLOW_USER);
  if (code == CURLUE_USER_NOT_ALLOWED) return bad("https://...", "it holds a user name");
  if (code != CURLUE_OK) return bad(text, curl_url_strerror(code));
  if (part(url.get(), CURLUPART_SCHEME) != "https") return bad(text, "only https is spoken");
  Url out;
  out.host = part(url.get(), CURLUPART_HOST);
  for (char& c : out.host) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  out.port = std::atoi(part(url.get(), CURLUPART_PORT, CURLU_DEFAULT_PORT).c_str());
  out.path = part(url.get(), CURLUPART_PATH);
  out.query = part(url.get(), CURLUPART_QUERY);
  if (out.host.empty() || out.port <= 0) return bad(text, "no host");
  return out;
}

Result<std::string> resolve_location(const std::string& base, const std::string& location) {
  const Handle url(curl_url());
  if (!url) throw std::bad_alloc();
  if (curl_url_set(url.get(), CURLUPART_URL, base.c_str(), CURLU_PATH_AS_IS) != CURLUE_OK) {
    return bad(base, "it cannot be parsed");
  }
  const CURLUcode code = curl_url_set(url.get(), CURLUPART_URL, location.c_str(), CURLU_NON_SUPPORT_SCHEME);
  if (code != CURLUE_OK) return bad(location, curl_url_strerror(code));
  return part(url.get(), CURLUPART_URL);
}

bool is_private_address(std::string_view address) {
  std::string text(address);
  if (text.size() > 2 && text.front() == '[' && text.back() == ']') text = text.substr(1, text.size() - 2);
  text = text.substr(0, text.find('%'));  // a zone
  std::array<unsigned char, 16> bytes{};
  if (inet_pton(AF_INET, text.c_str(), bytes.data()) == 1) return is_private_v4(bytes.data());
  return inet_pton(AF_INET6, text.c_str(), bytes.data()) == 1 && is_private_v6(bytes);
}

bool is_local_name(std::string_view host) {
  if (!host.empty() && host.back() == '.') host.remove_suffix(1);
  return host == "localhost" || str::ends_with(host, ".localhost");
}

}  // namespace scc::net
