// SPDX-License-Identifier: Apache-2.0
// The small grammars of configuration values: names, versions, hosts, URLs, egress targets, paths. Everything
// is ASCII on purpose, so that a look-alike letter cannot evade a pattern. Pure predicates; linear time.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace scc::model::grammar {

bool alnum(char c) noexcept;
/// A letter, a digit, '.', '_' or '-'.
bool name_char(char c) noexcept;

bool name(std::string_view text) noexcept;          ///< [A-Za-z0-9][A-Za-z0-9._-]{0,63}
bool action_name(std::string_view text) noexcept;   ///< the same with ':' inside
bool server_name(std::string_view text) noexcept;   ///< [A-Za-z0-9_-]{1,64}
bool slug(std::string_view text) noexcept;          ///< [a-z0-9-]+
bool rule_id(std::string_view text) noexcept;       ///< [a-z][a-z0-9]*[.][a-z][a-z0-9_]*
bool program(std::string_view text) noexcept;       ///< [A-Za-z0-9][A-Za-z0-9._+-]*
bool option(std::string_view text) noexcept;        ///< '-' and printable ASCII without blanks
bool plugin_id(std::string_view text) noexcept;     ///< [a-z][a-z0-9.-]{0,62}
bool plugin_glob(std::string_view text) noexcept;   ///< the same, with '*' for any run
bool version(std::string_view text) noexcept;       ///< [0-9]+[.][0-9]+[.][0-9]+
bool component_id(std::string_view text) noexcept;  ///< [a-z0-9][a-z0-9._-]{0,62}
bool sha256(std::string_view text) noexcept;        ///< [0-9a-f]{64}
bool glob(std::string_view text) noexcept;          ///< printable ASCII, not blank
bool printable(std::string_view text) noexcept;     ///< printable ASCII, not empty
bool word(std::string_view text) noexcept;          ///< printable ASCII without blanks, not empty
bool absolute(std::string_view text) noexcept;      ///< begins with '/', printable ASCII
bool env_name(std::string_view text) noexcept;      ///< [A-Za-z_][A-Za-z0-9_]*
bool header_name(std::string_view text) noexcept;   ///< a token of RFC 9110
bool header_value(std::string_view text) noexcept;  ///< no control characters but tab
bool github_owner(std::string_view text) noexcept;
bool github_repo(std::string_view text) noexcept;  ///< [A-Za-z0-9._-]+
bool https_prefix(std::string_view text) noexcept;
bool git_prefix(std::string_view text) noexcept;   ///< https:// or git@
bool http_prefix(std::string_view text) noexcept;  ///< http:// or https://
bool not_dots(std::string_view text) noexcept;     ///< neither "." nor ".."
/// A branch or tag: no leading '-', no "..", no character that git forbids in a name.
bool branch(std::string_view text) noexcept;
/// Without '..' segments, backslashes and control characters; may begin with '/'.
bool contained_path(std::string_view text) noexcept;
/// The same, and relative.
bool relative_path(std::string_view text) noexcept;
/// RFC 3339 with an offset or Z.
bool time(std::string_view text) noexcept;
/// Comparators, all of which must hold: ">=1.2 <2". Core/plugin compares; this is about the form alone.
bool version_range(std::string_view text) noexcept;

/// The parts of an http(s) URL. The host is lower case without a trailing dot and without brackets.
struct Url {
  std::string scheme;
  std::string host;
  int port = -1;  ///< -1: not written
  bool userinfo = false;
};
/// Strict, so that no other reader of the same text can see another host: nullopt for blanks, control
/// characters, backslashes, an empty or percent-encoded host, numbers that some readers take for addresses.
std::optional<Url> split_url(std::string_view text);
/// localhost, 127.0.0.0/8 or ::1, as split_url gives hosts.
bool loopback(std::string_view host);

bool https_url(std::string_view text) noexcept;  ///< https, no user information
bool git_url(std::string_view text) noexcept;    ///< https_url, or git@host:path
/// https without user information; http to a loopback address only.
bool server_url(std::string_view text) noexcept;

/// A host name: labels of letters, digits, '-' and '_'; the last one is not a number.
bool host(std::string_view text) noexcept;
bool ipv4(std::string_view text) noexcept;
bool ipv6(std::string_view text) noexcept;
bool address(std::string_view text) noexcept;  ///< ipv4 or ipv6
bool cidr(std::string_view text) noexcept;     ///< an address, '/', and how many bits of it count
/// The name of an engine's network, [A-Za-z0-9_][A-Za-z0-9_.-]{0,127}, and none of the words for a mode.
bool engine_network(std::string_view text) noexcept;
/// http://HOST:PORT, where HOST is [A-Za-z0-9._-]{1,253} and PORT [0-9]{1,5}.
bool plain_proxy(std::string_view text) noexcept;
/// host, .domain, *.domain, an address or a CIDR block, each with an optional port: "a.example:443",
/// "10.0.0.0/8", "::1", "[::1]:443".
bool target(std::string_view text) noexcept;

/// X.Y.Z, pre-release and build ignored. nullopt when the text is no version.
struct Triple {
  std::int64_t major = 0;
  std::int64_t minor = 0;
  std::int64_t patch = 0;
  auto operator<=>(const Triple&) const = default;  // NOLINT(modernize-use-nullptr): there is none
};
std::optional<Triple> triple(std::string_view text) noexcept;

}  // namespace scc::model::grammar
