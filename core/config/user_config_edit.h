// SPDX-License-Identifier: Apache-2.0
// Reading one key of the user configuration and changing some: under a lock, on top of what the file holds at
// that moment, checked as a whole before it replaces the file (temp + fsync + rename, 0600). Types come from
// the table in keys.h. What the system file pins is refused.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/user_config.h"

namespace scc::config {

struct ConfigValue {
  json::Value value;
  std::string source;  ///< user, system, default
};
/// Kind::usage config.unknown-key; Kind::not_found config.unset when nobody gave it and it has no default.
Result<ConfigValue> get_config_value(const os::Paths& paths, std::string_view key);

/// The user's document with the pins over it, tokens' commands and what looks like a secret masked: for `scc
/// config show`.
Result<json::Value> show_config(const os::Paths& paths);

/// `text` as the type of `key`: plain for strings, true or false, digits, JSON for lists and objects. The
/// text null is json null, which unsets. Kind::usage config.value.
Result<json::Value> parse_config_value(std::string_view key, std::string_view text);

struct ConfigEdit {
  std::string key;    ///< dotted
  json::Value value;  ///< null: unset
};
/// All edits or none. Errors: config.unknown-key, config.value (usage); config.pinned (policy);
/// config.version when the file is of another version; config.invalid when the outcome would not be valid.
Status edit_user_config(const os::Paths& paths, const std::vector<ConfigEdit>& edits);

}  // namespace scc::config
