// SPDX-License-Identifier: Apache-2.0
// The few lines of HTTP/1.1 that an upgraded connection needs: the request as bytes, and a strict, bounded
// reader of the answer's head (RFC 9112). Pure functions; everything else is left to libcurl.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"

namespace scc::net {

constexpr std::size_t kMaxHead = std::size_t{64} << 10U;
constexpr std::size_t kMaxBody = std::size_t{16} << 20U;

/// Kind::usage, endpoint.request, when method, path or headers could not be sent as they are.
Status check_request(std::string_view method, std::string_view path,
                     const std::map<std::string, std::string>& headers);

/// The whole request; `headers` win over the ones that this function adds.
std::string request_text(std::string_view method, std::string_view path, std::string_view host,
                         const std::map<std::string, std::string>& headers, std::string_view body);

struct Head {
  int status = 0;
  std::map<std::string, std::string> headers;  ///< names in lower case, repeated ones joined with ", "
  std::size_t size = 0;                        ///< bytes of the head, with its empty line
};

/// The head at the start of `bytes`; nullopt: more bytes are needed. Kind::tool, endpoint.protocol, when it
/// is no HTTP/1.x answer or larger than kMaxHead.
Result<std::optional<Head>> parse_head(std::string_view bytes);

/// How the body after a head ends.
struct Framing {
  enum class Kind { length, chunked, until_close };
  Kind kind = Kind::until_close;
  std::size_t length = 0;
};
Result<Framing> framing_of(const Head& head);

/// The decoded body when `bytes` holds all of a chunked one; nullopt: more bytes are needed.
Result<std::optional<std::string>> decode_chunked(std::string_view bytes);

/// "Name: value" split and added in lower case; false when the line is malformed.
bool add_header(std::string_view line, std::map<std::string, std::string>& headers);

}  // namespace scc::net
