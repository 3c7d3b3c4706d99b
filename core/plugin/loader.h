// SPDX-License-Identifier: Apache-2.0
// The trust pipeline of sdk.md §6: from an entry to functions that may be called. Every step has its error id
// and stops there; the bytes that were judged are the bytes that are mapped, because they are read once and
// sealed in memory. What is mapped stays mapped for the life of the process. [main]
#pragma once

#include <map>
#include <memory>
#include <string>

#include "plugin/call.h"
#include "plugin/host.h"
#include "plugin/interfaces.h"
#include "plugin/probe_cache.h"
#include "plugin/registry.h"
#include "plugin/trust_store.h"

namespace scc::plugin {

/// A library that is mapped and initialised, or a built-in.
struct Loaded {
  Tables tables;
  std::string sha256;  ///< empty for built-ins
  const Blame* blame = nullptr;
};

/// Who vouches for which bytes.
struct Trust {
  TrustStore store;
  PluginsLock lock;

  /// `library` and `manifest` are what was read from disk. Kind::policy plugin.untrusted, plugin.hash.
  Status check(const Entry& entry, std::string_view library, std::string_view manifest) const;
};

class Loader {
 public:
  Loader(const Trust& trust, ProbeCache& cache, std::shared_ptr<const HostServices> services);

  Result<const Loaded*> load(const Entry& entry);

  /// Steps 1 to 6 without the question of trust, and the probe anew: what `scc plugin trust` does before it
  /// records anything.
  Status examine(const Entry& entry);

 private:
  struct Bytes {
    std::string data;
    std::string sha256;
  };
  Result<Bytes> read_library(const Entry& entry) const;
  Result<const Loaded*> load_checked(const Entry& entry);
  Status probe(const Entry& entry, const std::string& sha256, int memfd, bool use_cache);
  Result<const Loaded*> map(const Entry& entry, const std::string& sha256, os::Fd memfd);
  Status initialise(const Entry& entry, Loaded& loaded);

  const Trust& trust_;
  ProbeCache& cache_;
  std::shared_ptr<const HostServices> services_;
};

/// A context that lives as long as the process.
HostContext& new_context(std::string plugin, std::string kind, Grants grants,
                         std::shared_ptr<const HostServices> services);

/// Result of probing recorded for `scc plugin info`: {id, version, components}; nullopt when never probed.
std::optional<json::Value> recorded_probe(const ProbeCache& cache, const Entry& entry);

}  // namespace scc::plugin
