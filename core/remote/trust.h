// SPDX-License-Identifier: Apache-2.0
// What a fetched team document may add: its marketplaces against the organisation's grant (config.md §5.6).
// Pure; the caller turns its model into these structs.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace scc::remote {

struct TrustGrant {
  bool inherit_org_marketplaces = true;
  bool allow_additional_marketplaces = false;
  std::vector<std::string> marketplace_source_patterns;
};

/// A marketplace that the fetched document defines. github: "github.com/OWNER/REPO" or its URL.
struct Marketplace {
  enum class Type : std::uint8_t { github, git, url, directory };
  std::string alias;
  Type type = Type::github;
  std::string url;
};

struct TrustInput {
  TrustGrant grant;  ///< the default when the organisation gives none
  std::vector<Marketplace> marketplaces;
  std::vector<std::string> org_aliases;
  std::vector<std::string> implicit_aliases;     ///< names that exist without being defined
  std::vector<std::string> org_default_plugins;  ///< "name@alias"
};

enum class TrustCode : std::uint8_t {
  not_allowed,       ///< the grant allows no marketplaces of the team's own
  alias_collision,   ///< the alias is the organisation's or an implicit one
  untrusted_source,  ///< no pattern matches the source
  directory,         ///< a directory of this machine named by a fetched document
  org_unavailable,   ///< inherit_org_marketplaces is false but a default plugin needs one
};
std::string_view trust_code_name(TrustCode code) noexcept;

struct TrustViolation {
  TrustCode code = TrustCode::not_allowed;
  std::string alias;
  std::string message;  ///< names alias, source, patterns; printable
};

/// Every violation; empty means trusted. One violation refuses the whole document (exit 6).
std::vector<TrustViolation> check_trust(const TrustInput& input);

/// "host/path": without scheme, user, default port and ".git", host in lower case; `git@h:p` is h/p. nullopt
/// when it cannot be compared safely: dot segments, empty segments, encoded dots or slashes, a query,
/// backslashes, control characters.
std::optional<std::string> normalise_url(std::string_view url);

/// Case-insensitive; * and ? stay within a segment; ** as a whole segment stands for any number of them, also
/// none; [a-z], [!x] and [^x] are classes. Time grows with pattern times text, whatever they hold.
bool glob_match(std::string_view pattern, std::string_view text);

/// normalise_url for patterns, which may hold glob characters.
std::string normalise_pattern(std::string_view pattern);

}  // namespace scc::remote
