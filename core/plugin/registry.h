// SPDX-License-Identifier: Apache-2.0
// The plugins that this run can see: manifests found, trust judged, libraries mapped on first use. Listing
// reads manifests only. [main]
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "json/value.h"
#include "os/env.h"
#include "plugin/manifest.h"
#include "plugin/policy.h"
#include "scc/abi.h"

namespace scc::plugin {

enum class TrustClass { dev, user, system, bundled, builtin };
std::string_view to_string(TrustClass value) noexcept;

/// Why an entry can or cannot be used, in the order of the checks (sdk.md §6).
enum class State { ready, untrusted, changed, shadowed, refused, unreadable, suspect, denied };
std::string_view to_string(State value) noexcept;

struct Entry {
  Manifest manifest;
  os::stdfs::path directory;
  TrustClass trust = TrustClass::user;
  State state = State::refused;
  Kind error_kind = Kind::prereq;
  std::string error_id;  ///< of the check that stopped it; empty when ready
  std::string reason;    ///< for people
  std::string hint;
  std::string sha256;  ///< of the library's bytes as the manifest says
  std::string manifest_sha256;
  const scc_plugin_v1* builtin = nullptr;  ///< compiled in: no directory, no library
  std::size_t rank = 0;                    ///< order of discovery
  PolicyVerdict policy;                    ///< the rule that allows or (state denied) denies it
};

/// What is known about an entry beyond its manifest, for `scc plugin info`.
struct Provenance {
  std::string vouched_by;  ///< who vouches for these bytes; empty: nobody
  std::string since;       ///< RFC 3339, of a local trust record
  std::string rule;        ///< of the policy, "/plugins/allow/0 of <source>"; empty: no rule speaks about it
  bool probed = false;     ///< these bytes passed the probe of this host before
  bool suspect = false;    ///< they crashed the host when last used
};

struct Options {
  std::vector<os::stdfs::path> plugin_dirs;  ///< --plugin-dir
  std::vector<std::string> allow_override;   ///< --allow-override
  bool use_env_path = true;                  ///< SCC_PLUGIN_PATH
  /// Components compiled into the host; the caller passes builtin::plugins().
  std::vector<const scc_plugin_v1*> builtins;
  /// The system directories; tests replace them.
  std::vector<os::stdfs::path> system_dirs{"/usr/local/lib/scc/plugins", "/opt/scc/plugins"};
  /// A step that a plugin wants to show (the ui service); silent when empty.
  std::function<void(std::string_view plugin, std::string_view title)> on_step;
  /// Whether the user asked to stop; os::cancelled() when empty. Never consulted by verbs that clean up.
  std::function<bool()> cancelled;
};

struct SearchDir {
  os::stdfs::path path;
  TrustClass trust = TrustClass::user;
  bool used = false;
  std::string reason;  ///< "found 5 plugins", "does not exist", "ignored: running as root for another user"
};

/// What the core takes as the union over all usable manifests.
struct Declarations {
  std::vector<std::string> protected_paths;
  std::vector<std::string> engine_sockets;
  std::vector<std::string> workspace_markers;
  std::vector<std::string> env_strip;
};

/// What a component was made from; recorded in the plan.
struct ComponentRef {
  std::string kind;  ///< provider, runtime, netpolicy, mcp-transport, safety-check
  std::string id;
  std::string plugin;
  std::string version;
  std::string sha256;  ///< empty for built-ins
};

class Provider;   // provider.h
class Runtime;    // runtime.h
class NetPolicy;  // netpolicy.h

class Registry {
 public:
  /// Scans; never fails for a broken plugin (its entry says why).
  static Result<Registry> scan(const os::Environment& env, const os::Paths& paths, const Options& options);
  Registry(Registry&&) noexcept;
  Registry& operator=(Registry&&) noexcept;
  ~Registry();

  /// Judges every entry anew under the organisation's policy, once, before any library is loaded. `lower`:
  /// layers below it, which can only tighten. From then on a network policy that is not built in comes from
  /// the plugin that `policy` names, by default only from one that came with scc. Kind::config plugin.policy
  /// when a rule cannot be understood: nothing may be loaded then.
  Status set_policy(Policy policy, std::vector<Policy> lower = {});
  /// Kind::prereq plugin.required when a plugin that the policy requires is missing or unusable.
  Status check_required() const;

  const std::vector<Entry>& entries() const noexcept;  ///< sorted by id, winners before losers
  const std::vector<SearchDir>& search_dirs() const noexcept;
  /// What the user should know about the scan: a damaged trust store, ...
  const std::vector<std::string>& warnings() const noexcept;
  Declarations declarations() const;
  Provenance provenance(const Entry& entry) const;
  /// Component ids of a kind in usable entries, by auto_priority (high first), then id.
  std::vector<std::string> components(std::string_view kind) const;
  /// The manifest's object of one component (capabilities, image_context, ...), or nullptr.
  const ManifestComponent* component(std::string_view kind, std::string_view id) const noexcept;
  /// The entry that provides it, or nullptr.
  const Entry* owner(std::string_view kind, std::string_view id) const noexcept;

  /// Loads (trust pipeline, probe, map) and creates an instance. `user_config` is the plugin's section of the
  /// merged configuration. Unknown id: Kind::usage, plugin.unknown-component, with the nearest id.
  Result<std::unique_ptr<Provider>> provider(std::string_view id, const json::Value& user_config);
  Result<std::unique_ptr<Runtime>> runtime(std::string_view id, const json::Value& user_config);
  Result<std::unique_ptr<NetPolicy>> netpolicy(std::string_view id, const json::Value& user_config);

  /// Records or removes the local trust of a user, system or dev plugin.
  Status trust(std::string_view id);
  Status untrust(std::string_view id);

 private:
  struct Impl;
  explicit Registry(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace scc::plugin
