// SPDX-License-Identifier: Apache-2.0
// The user's own config.json: read, checked, typed. Absent means defaults; anything wrong is Kind::config
// with the file, the JSON pointer, and for an unknown key the nearest known one. Read-only: nothing here
// writes the file.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "json/value.h"
#include "os/env.h"

namespace scc::config {

struct UserConfig {
  os::stdfs::path file;  ///< where it was looked for
  bool present = false;
  std::string runtime_preferred;
  std::string selected_provider;
  json::Value open_network;       ///< {network?, dns[]} for the policy "open"
  std::string tls_ca_file;        ///< PEM of extra authorities for sandboxes, or empty
  std::int64_t memory_bytes = 0;  ///< 0: three quarters of the engine's memory
  std::int64_t pids = 4096;
  std::string credential_volume;                       ///< names the credential volume instead of "default"
  std::map<std::string, std::string> image_refs;       ///< image id -> ref that the user chose
  std::map<std::string, json::Value> provider_config;  ///< provider id -> its section
  std::map<std::string, json::Value> plugin_config;    ///< plugin id -> its section
};

/// Parses the text of a config file. `file` is for messages.
Result<UserConfig> parse_user_config(std::string_view text, const os::stdfs::path& file);
/// Reads <config>/config.json.
Result<UserConfig> load_user_config(const os::Paths& paths);
/// "8g", "512m", "1048576" in bytes; nullopt for anything else, for less than 64 MiB and for more than 16
/// TiB.
std::optional<std::int64_t> parse_memory(std::string_view text) noexcept;

}  // namespace scc::config
