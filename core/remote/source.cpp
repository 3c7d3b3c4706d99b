// SPDX-License-Identifier: Apache-2.0
#include "remote/source.h"

#include <algorithm>

#include "base/str.h"
#include "net/fetch.h"

namespace scc::remote {

namespace {

namespace stdfs = os::stdfs;

constexpr std::string_view kForms =
    "a local file, https://HOST/PATH, github:OWNER/REPO[@REF][:PATH], gitlab:GROUP/REPO[@REF][:PATH] or "
    "HOST.TLD:GROUP/REPO[@REF][:PATH]";

tl::unexpected<Error> bad(const std::string& id, std::string_view text, std::string_view why,
                          std::string hint = {}) {
  if (hint.empty()) hint = "give " + std::string(kForms);
  return fail(Kind::config, "source." + id, "source " + str::printable(text) + ": " + std::string(why),
              std::move(hint));
}

bool is_alnum(char c) noexcept {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

bool all_of(std::string_view text, std::string_view extra) noexcept {
  return !text.empty() && std::all_of(text.begin(), text.end(), [&](char c) {
    return is_alnum(c) || extra.find(c) != std::string_view::npos;
  });
}

/// A segment that would be taken out of a path by whoever resolves it.
bool has_dot_segment(std::string_view path) {
  const auto parts = str::split(path, '/');
  return std::any_of(parts.begin(), parts.end(), [](const std::string& part) {
    std::string plain;
    for (std::size_t i = 0; i < part.size(); ++i) {
      const bool dot = part[i] == '%' && i + 2 < part.size() && part[i + 1] == '2' &&
                       (part[i + 2] == 'e' || part[i + 2] == 'E');
      plain += dot ? '.' : part[i];
      if (dot) i += 2;
    }
    return plain == "." || plain == "..";
  });
}

bool is_full_commit(std::string_view ref) noexcept {
  return ref.size() == 40 && std::all_of(ref.begin(), ref.end(), [](char c) {
           return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
         });
}

/// vN.N.N
bool is_release_tag(std::string_view ref) {
  if (ref.empty() || ref.front() != 'v') return false;
  const auto parts = str::split(ref.substr(1), '.');
  return parts.size() == 3 && std::all_of(parts.begin(), parts.end(), [](const std::string& part) {
           return !part.empty() && part.find_first_not_of("0123456789") == std::string::npos;
         });
}

bool has_control(std::string_view text) noexcept {
  return std::any_of(text.begin(), text.end(), [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return byte < 0x20 || byte == 0x7f;
  });
}

Result<Source> file_source(std::string_view text, std::string_view path, const stdfs::path& cwd,
                           const stdfs::path& home) {
  stdfs::path where(path);
  if (path == "~" || str::starts_with(path, "~/")) {
    where = home / stdfs::path(path.size() > 2 ? path.substr(2) : "");
  } else if (!path.empty() && path.front() == '~') {
    return bad("form", text, "only ~ and ~/ are understood, not another user's home");
  }
  if (where.empty()) return bad("empty", text, "no path");
  if (where.is_relative()) where = cwd / where;
  std::error_code ec;
  const stdfs::path real = stdfs::canonical(where, ec);
  if (ec) {
    return bad("missing", text, "no such file: " + str::printable(where.lexically_normal().native()),
               "run: scc org init -o " + str::printable(path));
  }
  if (!stdfs::is_regular_file(real, ec)) {
    return bad("missing", text, "not a file: " + str::printable(real.native()), "name the document itself");
  }
  Source out;
  out.original = text;
  out.provider = Provider::file;
  out.file = real;
  out.path = real.native();
  out.is_pinned = true;
  return out;
}

/// OWNER/REPO[@REF][:PATH] into `out`; `groups` allows several segments before the repository.
Status parse_repository(std::string_view text, std::string_view rest, bool groups, Source& out) {
  // The reference holds no ':', so the first one after the repository begins the path.
  const std::size_t at = rest.find('@');
  const std::size_t colon = rest.find(':', at == std::string_view::npos ? 0 : at);
  const std::string_view repository = rest.substr(0, std::min(at, colon));
  if (at != std::string_view::npos) {
    out.ref = rest.substr(at + 1, colon == std::string_view::npos ? colon : colon - at - 1);
    if (out.ref.empty()) return bad("form", text, "nothing after '@'");
  }
  out.path =
      colon == std::string_view::npos ? std::string(kDefaultOrgPath) : std::string(rest.substr(colon + 1));
  const std::size_t slash = repository.rfind('/');
  if (slash == std::string_view::npos) return bad("form", text, "OWNER/REPO is missing");
  out.owner = repository.substr(0, slash);
  out.repo = repository.substr(slash + 1);
  if (has_dot_segment(repository) || has_dot_segment(out.path) || out.ref.find("..") != std::string::npos ||
      has_dot_segment(out.ref)) {
    return bad("path", text, "\".\" and \"..\" lead elsewhere than they say", "write the path without them");
  }
  const bool owner_ok = groups ? all_of(out.owner, "-_./") && out.owner.find("//") == std::string::npos &&
                                     out.owner.front() != '/' && out.owner.back() != '/'
                               : all_of(out.owner, "-_.");
  if (!owner_ok || !all_of(out.repo, "-_.")) return bad("form", text, "OWNER/REPO holds other characters");
  if (out.path.empty() || out.path.front() == '/' || out.path.back() == '/' ||
      out.path.find("//") != std::string::npos) {
    return bad("path", text, "the path must name a file inside the repository");
  }
  if (has_control(out.path) || has_control(out.ref) || !str::valid_utf8(out.path) ||
      !str::valid_utf8(out.ref)) {
    return bad("path", text, "control characters in path or reference");
  }
  out.is_pinned = is_full_commit(out.ref) || is_release_tag(out.ref);
  return {};
}

Result<Source> github_source(std::string_view text) {
  Source out;
  SCC_CHECK(parse_repository(text, text.substr(7), false, out));
  out.original = text;
  out.provider = Provider::github;
  out.host = "raw.githubusercontent.com";
  out.resolved_url = "https://" + out.host + "/" + out.owner + "/" + out.repo + "/" +
                     encode_path(out.ref.empty() ? "HEAD" : out.ref) + "/" + encode_path(out.path);
  return out;
}

Result<Source> gitlab_source(std::string_view text, std::string_view host, std::string_view rest,
                             Provider provider) {
  Source out;
  SCC_CHECK(parse_repository(text, rest, true, out));
  out.original = text;
  out.provider = provider;
  for (const char c : host) out.host += c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  out.resolved_url = "https://" + out.host + "/" + out.owner + "/" + out.repo + "/-/raw/" +
                     encode_path(out.ref.empty() ? "main" : out.ref) + "/" + encode_path(out.path);
  return out;
}

/// A prefix that only a local path has.
bool is_path_form(std::string_view text) {
  const bool drive = text.size() > 2 && is_alnum(text[0]) && !(text[0] >= '0' && text[0] <= '9') &&
                     text[1] == ':' && (text[2] == '\\' || text[2] == '/');
  return drive || text.front() == '/' || text.front() == '~' || text == "." || text == ".." ||
         str::starts_with(text, "./") || str::starts_with(text, "../");
}

/// host.tld before the first ':'
std::string_view host_prefix(std::string_view text) noexcept {
  const std::size_t colon = text.find(':');
  if (colon == std::string_view::npos) return {};
  const std::string_view host = text.substr(0, colon);
  const bool dotted = host.find('.') != std::string_view::npos && host.front() != '.' && host.back() != '.' &&
                      host.find("..") == std::string_view::npos && host.front() != '-';
  return dotted && all_of(host, "-.") ? host : std::string_view{};
}

}  // namespace

std::string_view provider_name(Provider provider) noexcept {
  switch (provider) {
    case Provider::file:
      return "file";
    case Provider::https:
      return "https";
    case Provider::github:
      return "github";
    case Provider::gitlab:
      return "gitlab";
    case Provider::custom:
      break;
  }
  return "custom";
}

std::string encode_path(std::string_view path) {
  constexpr std::string_view digits = "0123456789ABCDEF";
  std::string out;
  for (const char c : path) {
    if (is_alnum(c) || std::string_view("-._~/").find(c) != std::string_view::npos) {
      out += c;
      continue;
    }
    const auto byte = static_cast<unsigned char>(c);
    out += '%';
    out += digits[byte >> 4U];
    out += digits[byte & 0xfU];
  }
  return out;
}

std::string signature_url(std::string_view url) {
  const std::size_t end = std::min(url.find_first_of("?#"), url.size());
  return std::string(url.substr(0, end)) + ".sig" + std::string(url.substr(end));
}

Result<Source> parse_url_source(std::string_view url) {
  const std::string_view text = str::trim(url);
  if (str::starts_with(text, "http://")) {
    return bad("http", text, "plain HTTP is not allowed: anyone on the way could rewrite the rules",
               "use https://");
  }
  if (str::starts_with(text, "git@") || str::starts_with(text, "ssh://")) {
    return bad("ssh", text, "a document is not read over ssh", "use the https address of the file");
  }
  const auto parsed = net::parse_url(text);
  if (!parsed)
    return bad("url", text.find('@') == std::string_view::npos ? text : "https://...",
               parsed.error().message);
  if (text.find('#') != std::string_view::npos) return bad("url", text, "a fragment names no other document");
  if (has_dot_segment(parsed->path)) {
    return bad("path", text, "\".\" and \"..\" lead elsewhere than they say", "write the path without them");
  }
  Source out;
  out.original = text;
  out.resolved_url = text;
  out.host = parsed->host;
  out.path = parsed->path;
  return out;
}

Result<Source> parse_source(std::string_view given, const stdfs::path& cwd, const stdfs::path& home) {
  const std::string_view text = str::trim(given);
  if (text.empty()) return bad("empty", text, "nothing given");
  if (text.size() > 4096 || has_control(text)) return bad("form", text.substr(0, 100), "not a source");
  if (str::starts_with(text, "file:")) {
    std::string_view path = text.substr(5);
    if (str::starts_with(path, "//localhost/")) path.remove_prefix(11);
    if (str::starts_with(path, "///")) path.remove_prefix(2);
    if (str::starts_with(path, "//")) return bad("form", text, "a file on another host");
    return file_source(text, path, cwd, home);
  }
  if (is_path_form(text)) return file_source(text, text, cwd, home);
  for (const std::string_view scheme : {"https://", "http://", "ssh://", "git@"}) {
    if (str::starts_with(text, scheme)) return parse_url_source(text);
  }
  if (str::starts_with(text, "github:")) return github_source(text);
  if (str::starts_with(text, "gitlab:")) {
    return gitlab_source(text, "gitlab.com", text.substr(7), Provider::gitlab);
  }
  if (const std::string_view host = host_prefix(text); !host.empty()) {
    return gitlab_source(text, host, text.substr(host.size() + 1), Provider::custom);
  }
  std::error_code ec;
  if (stdfs::exists(cwd / stdfs::path(text), ec)) return file_source(text, text, cwd, home);
  return bad("form", text, "neither an existing file nor a known form");
}

}  // namespace scc::remote
