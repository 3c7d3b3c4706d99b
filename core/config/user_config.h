// SPDX-License-Identifier: Apache-2.0
// The user's own config.json and the root-owned system file that may pin parts of it: read, checked, typed.
// Absent means defaults; anything wrong is Kind::config with the file, the JSON pointer, and for an unknown
// key the nearest known one. Reading writes nothing; user_config_edit.h writes.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "json/value.h"
#include "os/env.h"

namespace scc::config {

namespace stdfs = std::filesystem;

/// Where the organisation's document comes from; exactly one of url and path.
struct OrgSource {
  std::string url;
  std::string path;  ///< absolute; read again every time
  std::string auth;  ///< env:NAME or command:WORDS; empty: none
  std::string auth_header = "Authorization";
  std::string public_key;  ///< as `scc org keygen` prints it; empty: no signature is demanded
};

/// What /etc/scc/config.json (os::Paths::system) pins. An absent one pins nothing.
struct SystemConfig {
  stdfs::path file;
  bool present = false;
  json::Value document;  ///< an object
  /// Dotted keys that the user's file cannot change: organization_source.url (stands for url and path), ...
  std::vector<std::string> pinned;
  bool pins(std::string_view key) const;
};

struct UserConfig {
  stdfs::path file;  ///< where it was looked for
  bool present = false;
  std::string runtime_preferred;
  std::string selected_provider;  ///< empty: no choice was made, or ask_provider
  bool ask_provider = false;      ///< selected_provider is "ask"
  json::Value open_network;       ///< {network?, dns[]} for the policy "open"
  json::Value enforced_network;  ///< {network?, dns[], internal_blocks[], transport?} for web-egress-enforced
  std::string tls_ca_file;       ///< PEM of extra authorities for sandboxes, or empty
  std::int64_t memory_bytes = 0;  ///< 0: three quarters of the engine's memory
  std::int64_t pids = 4096;
  std::string on_exit = "stop";                        ///< stop, keep, remove
  std::string credential_volume;                       ///< names the credential volume instead of "default"
  std::map<std::string, std::string> image_refs;       ///< image id -> ref that the user chose
  std::map<std::string, json::Value> provider_config;  ///< provider id -> its section
  std::map<std::string, json::Value> plugin_config;    ///< plugin id -> its section

  std::optional<OrgSource> organization_source;
  bool standalone = false;
  std::string selected_profile;                           ///< current team; empty: none
  std::map<std::string, std::string> workspace_team_map;  ///< real path -> last team used there
  bool cache_enabled = true;
  std::optional<std::int64_t> cache_ttl_hours;  ///< upper bound of the organisation's own; absent: none
  bool hooks_enabled = false;
  std::string workspace_base = "~/projects";
  bool onboarding_seen = false;
  std::vector<std::string> trusted_env;  ///< variables that remote documents may name in headers

  SystemConfig system;
  std::vector<std::string> warnings;  ///< where the user's file says otherwise than a pin
};

/// Parses the text of a config file. `file` is for messages. `system`: its pins win over the text.
Result<UserConfig> parse_user_config(std::string_view text, const stdfs::path& file,
                                     const SystemConfig& system = {});
/// Reads <config>/config.json and the system file.
Result<UserConfig> load_user_config(const os::Paths& paths);

/// Reads <system>/config.json. Kind::policy config.system-unsafe when the file, or a directory on the way, is
/// not root's (paths.system_owner's) alone to write, or the file is a link or no regular file; Kind::config
/// config.system-invalid when it says what it may not.
Result<SystemConfig> load_system_config(const os::Paths& paths);

}  // namespace scc::config
