// SPDX-License-Identifier: Apache-2.0
#include "net/wire.h"

#include <algorithm>
#include <charconv>

#include "base/str.h"

namespace scc::net {
namespace {

bool is_token(std::string_view text) noexcept {
  constexpr std::string_view kMarks = "!#$%&'*+-.^_`|~";
  return !text.empty() && std::all_of(text.begin(), text.end(), [&](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           kMarks.find(c) != std::string_view::npos;
  });
}

bool is_value(std::string_view text) noexcept {
  return std::all_of(text.begin(), text.end(), [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return byte == '\t' || (byte >= 0x20 && byte != 0x7f);
  });
}

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return out;
}

tl::unexpected<Error> bad_answer(std::string message) {
  return fail(Kind::tool, "endpoint.protocol", std::move(message),
              "check that the endpoint serves HTTP and nothing sits in front of it");
}

bool has_header(const std::map<std::string, std::string>& headers, std::string_view name) {
  return std::any_of(headers.begin(), headers.end(),
                     [&](const auto& header) { return lower(header.first) == name; });
}

}  // namespace

Status check_request(std::string_view method, std::string_view path,
                     const std::map<std::string, std::string>& headers) {
  const auto refuse = [](std::string message) {
    return fail(Kind::usage, "endpoint.request", std::move(message));
  };
  if (!is_token(method) || method.size() > 16) return refuse("not an HTTP method: " + str::printable(method));
  const bool clean = std::all_of(path.begin(), path.end(), [](char c) { return c > 0x20 && c < 0x7f; });
  if (path.empty() || path.front() != '/' || !clean || path.find('#') != std::string_view::npos) {
    return refuse("not a request path (it needs percent escapes): " + str::printable(path));
  }
  for (const auto& [name, value] : headers) {
    if (!is_token(name) || !is_value(value)) return refuse("not a header: " + str::printable(name));
  }
  return {};
}

std::string request_text(std::string_view method, std::string_view path, std::string_view host,
                         const std::map<std::string, std::string>& headers, std::string_view body) {
  std::string text;
  text.append(method).append(" ").append(path).append(" HTTP/1.1\r\n");
  const auto add = [&](std::string_view name, std::string_view value) {
    text.append(name).append(": ").append(value).append("\r\n");
  };
  if (!has_header(headers, "host")) add("Host", host);
  for (const auto& [name, value] : headers) {
    if (lower(name) != "content-length") add(name, value);
  }
  if (!has_header(headers, "connection")) add("Connection", "Upgrade");
  if (!has_header(headers, "upgrade")) add("Upgrade", "tcp");
  add("Content-Length", std::to_string(body.size()));
  text.append("\r\n").append(body);
  return text;
}

bool add_header(std::string_view line, std::map<std::string, std::string>& headers) {
  const auto colon = line.find(':');
  if (colon == std::string_view::npos || !is_token(line.substr(0, colon))) return false;
  const auto value = str::trim(line.substr(colon + 1));
  if (!is_value(value)) return false;
  const auto [at, added] = headers.emplace(lower(line.substr(0, colon)), value);
  if (!added) at->second.append(", ").append(value);
  return true;
}

namespace {

/// "HTTP/1.1 101 UPGRADED" -> 101; 0 when malformed.
int parse_status(std::string_view line) {
  if (!str::starts_with(line, "HTTP/1.") || line.size() < 12 || line[8] != ' ') return 0;
  if (line.size() > 12 && line[12] != ' ') return 0;
  int status = 0;
  const auto digits = line.substr(9, 3);
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), status);
  const bool whole = error == std::errc{} && end == digits.data() + digits.size();
  return whole && status >= 100 && status <= 599 ? status : 0;
}

}  // namespace

Result<std::optional<Head>> parse_head(std::string_view bytes) {
  constexpr std::string_view kStart = "HTTP/1.";
  const auto probe = bytes.substr(0, kStart.size());
  if (probe != kStart.substr(0, probe.size())) return bad_answer("the answer is not HTTP/1.x");
  const auto end = bytes.substr(0, kMaxHead).find("\r\n\r\n");
  if (end == std::string_view::npos) {
    if (bytes.size() >= kMaxHead) return bad_answer("the answer's headers are larger than 64 KiB");
    return std::optional<Head>{};
  }
  Head head;
  head.size = end + 4;
  std::string_view rest = bytes.substr(0, end + 2);
  bool first = true;
  while (!rest.empty()) {
    const auto stop = rest.find("\r\n");
    const auto line = rest.substr(0, stop);
    rest.remove_prefix(stop + 2);
    if (first) {
      head.status = parse_status(line);
      if (head.status == 0) return bad_answer("the answer has no valid status line");
      first = false;
    } else if (!add_header(line, head.headers)) {
      return bad_answer("the answer has a malformed header line");
    }
  }
  return std::optional<Head>(std::move(head));
}

Result<Framing> framing_of(const Head& head) {
  const auto length = head.headers.find("content-length");
  const auto encoding = head.headers.find("transfer-encoding");
  if (encoding != head.headers.end()) {
    if (length != head.headers.end() || lower(encoding->second) != "chunked") {
      return bad_answer("the answer's body has an unknown framing");
    }
    return Framing{Framing::Kind::chunked, 0};
  }
  if (length == head.headers.end()) return Framing{};
  Framing framing{Framing::Kind::length, 0};
  const auto& text = length->second;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), framing.length);
  if (error != std::errc{} || end != text.data() + text.size() || framing.length > kMaxBody) {
    return bad_answer("the answer's content-length is not usable: " + str::printable(text));
  }
  return framing;
}

Result<std::optional<std::string>> decode_chunked(std::string_view bytes) {
  std::string body;
  while (true) {
    const auto stop = bytes.find("\r\n");
    if (stop == std::string_view::npos) {
      if (bytes.size() > 1024) return bad_answer("a chunk header is too long");
      return std::optional<std::string>{};
    }
    const auto line = bytes.substr(0, std::min(bytes.find(';'), stop));
    std::size_t size = 0;
    const auto [end, error] = std::from_chars(line.data(), line.data() + line.size(), size, 16);
    if (error != std::errc{} ||
        !str::trim({end, static_cast<std::size_t>(line.data() + line.size() - end)}).empty()) {
      return bad_answer("a chunk header is malformed");
    }
    bytes.remove_prefix(stop + 2);
    if (size == 0) return std::optional<std::string>(std::move(body));
    if (size > kMaxBody - body.size()) return bad_answer("the answer's body is larger than 16 MiB");
    if (bytes.size() < size + 2) return std::optional<std::string>{};
    if (bytes.substr(size, 2) != "\r\n") return bad_answer("a chunk has no end");
    body.append(bytes.substr(0, size));
    bytes.remove_prefix(size + 2);
  }
}

}  // namespace scc::net
