// SPDX-License-Identifier: Apache-2.0
#include "plugin/registry.h"

#include <algorithm>
#include <fcntl.h>
#include <set>

#include "base/str.h"
#include "json/schema.h"
#include "plugin/adapt.h"
#include "plugin/discovery.h"
#include "plugin/loader.h"

namespace scc::plugin {

namespace {

constexpr std::size_t kMaxSchema = std::size_t{256} << 10U;

Error error_of(const Entry& entry) {
  return Error{entry.error_kind, entry.error_id, entry.reason, entry.hint, {}};
}

/// Non-UTF-8 values cannot be part of a document; they are left out.
json::Value granted_env(const Grants& grants, const os::Environment& env) {
  json::Object out;
  for (const std::string& name : grants.env) {
    const std::optional<std::string> value = env.get(name);
    if (value && str::valid_utf8(*value)) out.emplace(name, *value);
  }
  return json::Value(std::move(out));
}

/// The plugin's own schema for its section of the user's configuration.
Status check_config(const Entry& entry, const json::Value& config) {
  if (entry.manifest.config_schema.empty()) return {};
  SCC_TRY(const std::string text,
          os::read_beneath(entry.directory, entry.manifest.config_schema, kMaxSchema));
  SCC_TRY(const json::Value document, json::parse(text));
  SCC_TRY(const json::Schema schema, json::Schema::compile(document));
  if (const Status valid = schema.check(config); !valid) {
    return fail(Kind::config, "plugin.config",
                "the configuration of plugin " + entry.manifest.id + " is wrong: " + valid.error().message,
                "correct plugins." + entry.manifest.id + ".config in your configuration");
  }
  return {};
}

}  // namespace

std::string_view to_string(TrustClass value) noexcept {
  switch (value) {
    case TrustClass::dev:
      return "dev";
    case TrustClass::user:
      return "user";
    case TrustClass::system:
      return "system";
    case TrustClass::bundled:
      return "bundled";
    case TrustClass::builtin:
      return "builtin";
  }
  return "?";
}

std::string_view to_string(State value) noexcept {
  switch (value) {
    case State::ready:
      return "ready";
    case State::untrusted:
      return "untrusted";
    case State::changed:
      return "changed";
    case State::shadowed:
      return "shadowed";
    case State::refused:
      return "refused";
    case State::unreadable:
      return "unreadable";
    case State::suspect:
      return "suspect";
    case State::denied:
      return "denied";
  }
  return "?";
}

struct Registry::Impl {
  Impl(const os::Environment& env, const os::Paths& paths_in, const Options& options)
      : paths(paths_in), cache(paths_in.cache / "plugin-probe") {
    auto shared = std::make_shared<HostServices>();
    shared->env = env;
    shared->state = paths.state;
    shared->runtime = paths.runtime;
    shared->on_step = options.on_step;
    shared->cancelled = options.cancelled;
    services = std::move(shared);
  }

  void settle();
  void apply_policy(Entry& entry);
  void judge(Entry& entry);
  void judge_all();
  const Entry* find_owner(std::string_view kind, std::string_view id) const;
  Error unknown(std::string_view kind, std::string_view id) const;
  Result<ComponentSource> source(std::string_view kind, std::string_view id, const json::Value& user_config);
  Result<Entry*> trustable(std::string_view id);

  os::Paths paths;
  std::shared_ptr<const HostServices> services;
  ProbeCache cache;
  Trust trust;
  std::vector<std::string> allow_override;
  std::vector<Policy> policies;   ///< highest first; empty: none was set
  std::optional<Error> unusable;  ///< a policy that cannot be understood: nothing is loaded
  bool loaded = false;
  std::vector<Entry> entries;
  std::vector<SearchDir> dirs;
  std::vector<std::string> warnings;
};

/// Who shadows whom, and what is to be said of the winners.
void Registry::Impl::settle() {
  resolve_shadowing(entries, allow_override);
  judge_all();
}

void Registry::Impl::apply_policy(Entry& entry) {
  if (entry.state != State::ready) return;
  std::set<std::string> modes;
  for (const Entry& other : entries) {
    if (other.builtin == nullptr) continue;
    for (const ManifestComponent& c : other.manifest.components) {
      if (c.kind == "netpolicy") modes.insert(c.id);
    }
  }
  Result<PolicyVerdict> verdict = judge_by_policy(policies, entry, modes);
  if (verdict) {
    entry.policy = std::move(*verdict);
    return;
  }
  const Error& error = verdict.error();
  entry.policy = {error.context.empty() ? std::string() : error.context.front(), {}, false};
  refuse(entry, State::denied, error);
}

/// What `load` would say, as far as it can be known without reading whole libraries.
void Registry::Impl::judge(Entry& entry) {
  if (entry.state != State::ready || entry.builtin != nullptr) return;
  const bool local = entry.trust != TrustClass::bundled && !entry.policy.vouched;
  if (local && !trust.store.knows(entry.manifest.id)) {
    const Status vouched = trust.check(entry, entry.sha256, entry.manifest_sha256);
    return refuse(entry, State::untrusted, vouched.error());
  }
  const os::stdfs::path path = entry.directory / entry.manifest.libraries.at(std::string(platform())).path;
  const Result<std::string> hash = cache.hash_of(path);
  if (!hash) return refuse(entry, State::refused, hash.error());
  if (const Status vouched = trust.check(entry, *hash, entry.manifest_sha256); !vouched) {
    const bool unknown = vouched.error().id == "plugin.untrusted";
    return refuse(entry, unknown ? State::untrusted : State::changed, vouched.error());
  }
  if (cache.suspect(entry.sha256)) {
    refuse(entry, State::suspect,
           Error{Kind::prereq,
                 "plugin.suspect",
                 "plugin " + entry.manifest.id + " crashed scc when it was last used",
                 "run `scc plugin trust " + entry.manifest.id + "` to test it and use it again",
                 {}});
  }
}

void Registry::Impl::judge_all() {
  for (Entry& entry : entries) judge(entry);
  cache.save_hashes();
}

const Entry* Registry::Impl::find_owner(std::string_view kind, std::string_view id) const {
  const Entry* found = nullptr;
  for (const Entry& entry : entries) {
    if (entry.state == State::shadowed || entry.state == State::unreadable) continue;
    for (const ManifestComponent& c : entry.manifest.components) {
      if (c.kind != kind || c.id != id) continue;
      if (entry.state == State::ready) return &entry;
      if (found == nullptr) found = &entry;
    }
  }
  return found;
}

Error Registry::Impl::unknown(std::string_view kind, std::string_view id) const {
  // A plugin by that name that could not even be read explains more than a list of others.
  for (const Entry& entry : entries) {
    const bool named =
        entry.manifest.id == id || entry.manifest.id == std::string(kind) + "-" + std::string(id);
    const bool telling = entry.state == State::unreadable || entry.state == State::refused;
    if (named && (telling || entry.state == State::denied)) return error_of(entry);
  }
  std::vector<std::string> known;
  for (const Entry& entry : entries) {
    for (const ManifestComponent& c : entry.manifest.components) {
      if (c.kind == kind && entry.state != State::shadowed) known.push_back(c.id);
    }
  }
  const std::string near = str::nearest(id, known);
  std::string hint = "run `scc plugin list`";
  if (!near.empty()) hint = "did you mean " + near + "?";
  if (near.empty() && !known.empty()) hint = "available: " + str::join(known, ", ");
  return Error{Kind::usage,
               "plugin.unknown-component",
               "there is no " + std::string(kind) + " \"" + str::printable(id) + "\"",
               std::move(hint),
               {}};
}

Result<ComponentSource> Registry::Impl::source(std::string_view kind, std::string_view id,
                                               const json::Value& user_config) {
  if (unusable) return fail(*unusable);
  const Entry* entry = find_owner(kind, id);
  if (entry == nullptr) return fail(unknown(kind, id));
  if (entry->state != State::ready) return fail(error_of(*entry));
  const ManifestComponent* wanted = nullptr;
  for (const ManifestComponent& c : entry->manifest.components) {
    if (c.kind == kind && c.id == id && (wanted == nullptr || supported(c.interface))) wanted = &c;
  }
  if (!supported(wanted->interface)) {
    return fail(Kind::prereq, "plugin.interface",
                "the " + std::string(kind) + " " + std::string(id) + " speaks " + wanted->interface +
                    ", which this scc does not know",
                "install a newer scc");
  }
  json::Value config = user_config.is_object() ? user_config : json::Value(json::Object{});
  SCC_CHECK(check_config(*entry, config));
  Loader loader(trust, cache, services);
  loaded = true;
  SCC_TRY(const Loaded* library, loader.load(*entry));
  const auto& tables = library->tables.components;
  const auto table = std::find_if(tables.begin(), tables.end(), [&](const TableComponent& c) {
    return c.interface == wanted->interface && c.id == id;
  });
  if (table == tables.end()) {
    return fail(Kind::prereq, "plugin.manifest-mismatch",
                "the library has no " + wanted->interface + " " + wanted->id,
                "build the plugin and its manifest together, and install both");
  }
  // Providers plan with what the documents say: a value of the environment may be a secret, and plans are
  // kept.
  const bool acts = kind == "runtime" || kind == "netpolicy";
  json::Value document;
  document["schema"] = "scc.component-config/1";
  document["config"] = std::move(config);
  document["env"] = acts ? granted_env(entry->manifest.grants, services->env) : json::Value(json::Object{});
  document["plugin_dir"] = entry->builtin != nullptr ? std::string("/") : entry->directory.string();
  SCC_TRY(std::string text, Caller::request("component-config", document));
  ComponentSource out;
  out.ref = {std::string(kind), std::string(id), entry->manifest.id, entry->manifest.version,
             library->sha256};
  out.blame = library->blame;
  out.host = &new_context(entry->manifest.id, std::string(kind), entry->manifest.grants, services);
  out.table = table->table;
  out.config = std::move(text);
  return out;
}

Result<Entry*> Registry::Impl::trustable(std::string_view id) {
  std::vector<std::string> known;
  for (Entry& entry : entries) {
    if (entry.manifest.id == id && entry.state != State::shadowed) return &entry;
    known.push_back(entry.manifest.id);
  }
  const std::string near = str::nearest(id, known);
  return fail(Kind::not_found, "plugin.unknown", "there is no plugin \"" + str::printable(id) + "\"",
              near.empty() ? "run `scc plugin list --all`" : "did you mean " + near + "?");
}

Registry::Registry(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Registry::Registry(Registry&&) noexcept = default;
Registry& Registry::operator=(Registry&&) noexcept = default;
Registry::~Registry() = default;

Result<Registry> Registry::scan(const os::Environment& env, const os::Paths& paths, const Options& options) {
  auto impl = std::make_unique<Impl>(env, paths, options);
  impl->dirs = search_list(env, paths, options);
  impl->allow_override = options.allow_override;
  for (SearchDir& dir : impl->dirs) scan_directory(dir, impl->entries);
  for (const scc_plugin_v1* plugin : options.builtins) impl->entries.push_back(builtin_entry(*plugin));
  for (std::size_t i = 0; i < impl->entries.size(); ++i) impl->entries[i].rank = i;
  impl->trust.store = TrustStore::load(paths.state / "plugin-trust.json", impl->warnings);
  impl->trust.lock = PluginsLock::load(paths.plugins / "plugins.lock", impl->warnings);
  impl->settle();
  return Registry(std::move(impl));
}

Status Registry::set_policy(Policy policy, std::vector<Policy> lower) {
  Impl& impl = *impl_;
  if (impl.loaded || !impl.policies.empty() || impl.unusable) {
    return fail(Kind::internal, "plugin.policy-late", "the policy for plugins came after their first use");
  }
  impl.policies = std::move(lower);
  impl.policies.insert(impl.policies.begin(), std::move(policy));
  bool locked = false;
  bool user = true;
  for (const Policy& layer : impl.policies) {
    if (Status readable = check_policy(layer); !readable) {
      impl.unusable = readable.error();
      return readable;
    }
    locked = locked || layer.locked;
    user = user && layer.allow_user;
  }
  if (locked && !impl.allow_override.empty()) {
    impl.warnings.emplace_back("--allow-override has no effect: the organisation locked the plugins");
    impl.allow_override.clear();
  }
  for (SearchDir& dir : impl.dirs) {
    const bool off = dir.trust == TrustClass::dev ? locked || !user : dir.trust == TrustClass::user && !user;
    if (!off || !dir.used) continue;
    dir.used = false;
    dir.reason = "ignored: the organisation does not allow plugins from here";
  }
  std::sort(impl.entries.begin(), impl.entries.end(),
            [](const Entry& a, const Entry& b) { return a.rank < b.rank; });
  for (Entry& entry : impl.entries) {
    const bool judged = entry.state == State::shadowed || entry.state == State::untrusted ||
                        entry.state == State::changed || entry.state == State::suspect;
    if (judged) refuse(entry, State::ready, Error{Kind::prereq, {}, {}, {}, {}});
    impl.apply_policy(entry);
  }
  impl.settle();
  return {};
}

Status Registry::check_required() const {
  if (impl_->unusable) return fail(*impl_->unusable);
  for (const Policy& layer : impl_->policies) {
    for (const std::string& id : layer.required) {
      const Entry* found = nullptr;
      for (const Entry& entry : impl_->entries) {
        if (entry.manifest.id != id || entry.state == State::shadowed) continue;
        if (found == nullptr || entry.state == State::ready) found = &entry;
      }
      if (found != nullptr && found->state == State::ready) continue;
      const std::string why =
          found == nullptr ? std::string("is not installed") : "cannot be used: " + found->reason;
      std::string hint = "install it, then run `scc plugin list`";
      if (found != nullptr && !found->hint.empty()) hint = found->hint;
      return fail(Kind::prereq, "plugin.required",
                  layer.source + " requires the plugin " + str::printable(id) + " (" + layer.pointer +
                      "/required), which " + why,
                  std::move(hint));
    }
  }
  return {};
}

const std::vector<Entry>& Registry::entries() const noexcept {
  return impl_->entries;
}
const std::vector<SearchDir>& Registry::search_dirs() const noexcept {
  return impl_->dirs;
}
const std::vector<std::string>& Registry::warnings() const noexcept {
  return impl_->warnings;
}

Provenance Registry::provenance(const Entry& entry) const {
  Provenance out;
  out.suspect = impl_->cache.suspect(entry.sha256);
  out.probed = recorded_probe(impl_->cache, entry).has_value();
  if (!entry.policy.rule.empty()) {
    out.rule = entry.policy.rule;
    if (!entry.policy.source.empty()) out.rule += " of " + entry.policy.source;
  }
  if (entry.builtin != nullptr) {
    out.vouched_by = "scc itself";
  } else if (entry.trust == TrustClass::bundled) {
    const auto& known = impl_->trust.lock.plugins;
    const auto found = known.find(entry.manifest.id);
    const bool same = found != known.end() && found->second.library == entry.sha256 &&
                      found->second.manifest == entry.manifest_sha256;
    if (same) out.vouched_by = "the installation (plugins.lock)";
  } else if (entry.policy.vouched) {
    out.vouched_by = entry.policy.source;
  } else if (const TrustRecord* record =
                 impl_->trust.store.find(entry.manifest.id, entry.sha256, entry.manifest_sha256)) {
    out.vouched_by = "you (scc plugin trust)";
    out.since = record->time;
  }
  return out;
}

Declarations Registry::declarations() const {
  Declarations out;
  const auto add = [](std::vector<std::string>& to, const std::vector<std::string>& from) {
    for (const std::string& item : from) {
      if (std::find(to.begin(), to.end(), item) == to.end()) to.push_back(item);
    }
  };
  for (const Entry& entry : impl_->entries) {
    if (entry.state == State::unreadable || entry.state == State::shadowed) continue;
    if (str::starts_with(entry.error_id, "plugin.unsafe")) continue;  // anybody may have written it
    // These only forbid, so they count even while the plugin is not (or no longer) trusted.
    add(out.protected_paths, entry.manifest.protected_paths);
    add(out.engine_sockets, entry.manifest.engine_sockets);
    add(out.env_strip, entry.manifest.env_strip);
    // These choose something; a plugin that nobody vouches for has no say.
    if (entry.state == State::ready) add(out.workspace_markers, entry.manifest.workspace_markers);
  }
  return out;
}

std::vector<std::string> Registry::components(std::string_view kind) const {
  std::vector<std::pair<int, std::string>> found;
  for (const Entry& entry : impl_->entries) {
    if (entry.state != State::ready) continue;
    for (const ManifestComponent& c : entry.manifest.components) {
      if (c.kind == kind && supported(c.interface)) found.emplace_back(-c.auto_priority, c.id);
    }
  }
  std::sort(found.begin(), found.end());
  std::vector<std::string> out;
  for (auto& [priority, id] : found) {
    if (std::find(out.begin(), out.end(), id) == out.end()) out.push_back(std::move(id));
  }
  return out;
}

const ManifestComponent* Registry::component(std::string_view kind, std::string_view id) const noexcept {
  const Entry* entry = owner(kind, id);
  if (entry == nullptr) return nullptr;
  for (const ManifestComponent& c : entry->manifest.components) {
    if (c.kind == kind && c.id == id) return &c;
  }
  return nullptr;
}

const Entry* Registry::owner(std::string_view kind, std::string_view id) const noexcept {
  return impl_->find_owner(kind, id);
}

Result<std::unique_ptr<Provider>> Registry::provider(std::string_view id, const json::Value& user_config) {
  SCC_TRY(ComponentSource source, impl_->source("provider", id, user_config));
  return adapt_provider(std::move(source));
}

Result<std::unique_ptr<Runtime>> Registry::runtime(std::string_view id, const json::Value& user_config) {
  SCC_TRY(ComponentSource source, impl_->source("runtime", id, user_config));
  return adapt_runtime(std::move(source));
}

Result<std::unique_ptr<NetPolicy>> Registry::netpolicy(std::string_view id, const json::Value& user_config) {
  SCC_TRY(ComponentSource source, impl_->source("netpolicy", id, user_config));
  return adapt_netpolicy(std::move(source));
}

Status Registry::trust(std::string_view id) {
  SCC_TRY(Entry * entry, impl_->trustable(id));
  if (entry->trust == TrustClass::builtin) {
    return fail(Kind::usage, "plugin.builtin", "plugin " + std::string(id) + " is part of scc", "");
  }
  const State state = entry->state;
  const bool hopeless = state == State::refused || state == State::unreadable || state == State::denied;
  if (hopeless) return fail(error_of(*entry));
  Loader loader(impl_->trust, impl_->cache, impl_->services);
  SCC_CHECK(loader.examine(*entry));
  if (entry->trust == TrustClass::bundled) {
    if (state != State::suspect && state != State::ready) return fail(error_of(*entry));
  } else {
    SCC_CHECK(impl_->trust.store.add(
        {entry->manifest.id, entry->sha256, entry->manifest_sha256, entry->directory.string(), utc_now()}));
  }
  impl_->cache.clear_suspect(entry->sha256);
  refuse(*entry, State::ready, Error{Kind::prereq, {}, {}, {}, {}});
  impl_->judge(*entry);
  return {};
}

Status Registry::untrust(std::string_view id) {
  SCC_TRY(Entry * entry, impl_->trustable(id));
  if (entry->trust == TrustClass::builtin || entry->trust == TrustClass::bundled) {
    return fail(Kind::usage, "plugin.bundled",
                "plugin " + std::string(id) + " came with scc and needs no local trust",
                "remove its directory to be without it");
  }
  SCC_CHECK(impl_->trust.store.remove(id));
  if (entry->state == State::ready || entry->state == State::changed || entry->state == State::suspect) {
    refuse(*entry, State::ready, Error{Kind::prereq, {}, {}, {}, {}});
    impl_->judge(*entry);
  }
  return {};
}

}  // namespace scc::plugin
