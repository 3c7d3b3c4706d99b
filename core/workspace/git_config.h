// SPDX-License-Identifier: Apache-2.0
// The few keys of a repository's config that decide what must be bound read-only. The text is hostile: it is
// parsed with bounds and nothing in it is obeyed. Private to this folder.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace scc::workspace::detail {

struct ConfigEntry {
  std::string section;     ///< lower case, without the subsection
  std::string subsection;  ///< as written
  std::string key;         ///< lower case
  std::string value;       ///< unquoted; "true" for a key without '='
};

/// git-config(1) syntax: sections, subsections, comments, quotes, escapes, continued lines. A malformed line
/// is left out (git would refuse the whole file).
std::vector<ConfigEntry> parse_git_config(std::string_view text);

/// The last value of section.key without a subsection.
std::optional<std::string> config_value(const std::vector<ConfigEntry>& entries, std::string_view section,
                                        std::string_view key);
bool config_true(const std::optional<std::string>& value);

}  // namespace scc::workspace::detail
