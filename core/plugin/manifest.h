// SPDX-License-Identifier: Apache-2.0
// plugin.json (schema scc.plugin/1, sdk.md §4), typed and bounded. No I/O beyond what the caller gives.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "json/value.h"

namespace scc::plugin {

struct ManifestLibrary {
  std::string path;    ///< relative to the plugin's directory, no "..", not absolute
  std::string sha256;  ///< 64 lower-case hex digits
};

struct ManifestComponent {
  std::string kind;       ///< provider, runtime, netpolicy, mcp-transport, safety-check
  std::string interface;  ///< scc.provider/1
  std::string id;
  std::string title;
  int auto_priority = 0;      ///< order of automatic choice, high first; 0: never chosen automatically
  std::string image_context;  ///< id of an image context (provider), or empty
  json::Value capabilities;   ///< object
};

struct Grants {
  std::vector<std::string> process;
  std::vector<std::string> endpoints;
  std::vector<std::string> files;
  std::vector<std::string> env;
};

struct Manifest {
  std::string id;
  std::string version;
  std::string title;
  std::string vendor;
  std::string license;
  int sdk_major = 0;
  int sdk_min_minor = 0;
  std::map<std::string, ManifestLibrary> libraries;  ///< platform -> library
  std::map<std::string, ManifestLibrary>
      container;  ///< of safety checks, where a sandbox needs another build
  std::vector<ManifestComponent> components;
  Grants grants;
  std::vector<std::string> protected_paths;
  std::vector<std::string> engine_sockets;
  std::vector<std::string> workspace_markers;
  std::vector<std::string> env_strip;
  std::string config_schema;  ///< relative path, or empty
  json::Value document;       ///< as read
};

/// "linux-x86_64", "linux-aarch64", "macos-arm64" of this build.
std::string_view platform() noexcept;

/// Parses and checks. Kind::config: plugin.manifest (pointer and reason), plugin.sdk-version, plugin.platform
/// are judged by the caller. `directory_name` must equal the id.
Result<Manifest> parse_manifest(std::string_view text, std::string_view directory_name);

}  // namespace scc::plugin
