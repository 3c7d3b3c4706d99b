// SPDX-License-Identifier: Apache-2.0
// The one table of the user configuration's keys: path, type, bounds, default, whether the system file may
// pin it. The reader's checks, the writer's conversions and the "did you mean" all come from it. No I/O.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "json/value.h"

namespace scc::config {

enum class KeyType : std::uint8_t { string, boolean, integer, strings, object };

struct Key {
  std::string_view path;  ///< dotted; "*" is a name that the user chooses
  KeyType type;
  /// What is wrong with a value of the right type; empty: nothing. May be null.
  std::string (*check)(const json::Value& value);
  std::string_view fallback;  ///< JSON text of the default; empty: none
  bool pinnable;              ///< the system file may hold it
  std::string_view help;
};

/// Sorted by path.
const std::vector<Key>& user_keys();

enum class KeyScope : std::uint8_t { user, system };
/// Every problem of a document, "/pointer: what"; for an unknown key the nearest known one. null counts as
/// absent.
std::vector<std::string> check_document(const json::Value& root, KeyScope scope);

/// A dotted path, split by the table: names with dots (directories, references) stay whole where the table
/// has a name of the user's choice at the end or between fixed parts.
struct Located {
  std::vector<std::string> steps;
  const Key* key = nullptr;  ///< null: a section, or something inside an open object
};
/// Kind::usage config.unknown-key with the nearest known path.
Result<Located> locate(std::string_view dotted);

/// The value at `steps`, or nullptr. An array has no named members.
const json::Value* find(const json::Value& root, const std::vector<std::string>& steps);

// Shared checks; each returns what is wrong, or an empty string.
std::string check_team_name(std::string_view name);
std::string check_env_name(std::string_view name);
/// `env:NAME` or `command:WORDS`.
std::string check_auth_spec(std::string_view spec);

/// "8g", "512m", "1048576" in bytes; nullopt for anything else, for less than 64 MiB and for more than 16
/// TiB.
std::optional<std::int64_t> parse_memory(std::string_view text) noexcept;

}  // namespace scc::config
