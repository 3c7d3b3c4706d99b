// SPDX-License-Identifier: Apache-2.0
// `scc plugin ...`: what is installed, who vouches for it, and the user's own trust.
#include <algorithm>
#include <cstdio>
#include <set>

#include "base/str.h"
#include "cli/ask.h"
#include "cli/command.h"

namespace scc::cli {

namespace {

json::Value entry_json(const plugin::Entry& entry) {
  json::Value out;
  out["id"] = entry.manifest.id;
  out["version"] = entry.manifest.version;
  out["title"] = entry.manifest.title;
  json::Array components;
  for (const plugin::ManifestComponent& component : entry.manifest.components) {
    json::Value item;
    item["kind"] = component.kind;
    item["interface"] = component.interface;
    item["id"] = component.id;
    components.push_back(std::move(item));
  }
  out["components"] = std::move(components);
  out["trust"] = plugin::to_string(entry.trust);
  out["state"] = plugin::to_string(entry.state);
  out["path"] = entry.directory.native();
  if (!entry.error_id.empty()) out["error_code"] = entry.error_id;
  if (!entry.reason.empty()) out["reason"] = entry.reason;
  if (!entry.policy.rule.empty()) out["rule"] = entry.policy.rule;
  return out;
}

std::string kinds(const plugin::Entry& entry) {
  std::set<std::string> names;
  for (const plugin::ManifestComponent& component : entry.manifest.components) names.insert(component.kind);
  return str::join({names.begin(), names.end()}, ",");
}

bool has_kind(const plugin::Entry& entry, const std::string& kind) {
  return std::any_of(entry.manifest.components.begin(), entry.manifest.components.end(),
                     [&](const plugin::ManifestComponent& component) { return component.kind == kind; });
}

Result<int> run_list(Env& env, const Args& args) {
  SCC_TRY(plugin::Registry * registry, env.host.registry());
  const std::string kind = args.get("kind");
  json::Array plugins;
  std::vector<std::vector<std::string>> rows;
  std::string untrusted;
  for (const plugin::Entry& entry : registry->entries()) {
    if (!kind.empty() && !has_kind(entry, kind)) continue;
    const bool hidden = entry.state == plugin::State::shadowed && !args.has("all");
    if (hidden) continue;
    plugins.push_back(entry_json(entry));
    rows.push_back({entry.manifest.id, entry.manifest.version, kinds(entry),
                    std::string(plugin::to_string(entry.trust)), std::string(plugin::to_string(entry.state)),
                    entry.reason});
    if (entry.state == plugin::State::untrusted || entry.state == plugin::State::changed)
      untrusted = entry.manifest.id;
  }
  json::Value data;
  data["count"] = static_cast<std::int64_t>(plugins.size());
  data["plugins"] = std::move(plugins);
  env.console.table({"ID", "VERSION", "KIND", "TRUST", "STATE", "NOTE"}, rows);
  if (!untrusted.empty()) env.console.hint("run `scc plugin trust " + untrusted + "` to allow it");
  env.console.envelope("PluginList", data);
  return 0;
}

Result<const plugin::Entry*> find_entry(plugin::Registry& registry, const Args& args, std::string_view verb) {
  if (args.positional.empty()) {
    return fail(Kind::usage, "cli.usage", "which plugin?", "run `scc plugin " + std::string(verb) + " ID`");
  }
  const std::string& id = args.positional[0];
  std::vector<std::string> ids;
  for (const plugin::Entry& entry : registry.entries()) {
    if (entry.manifest.id == id) return &entry;
    ids.push_back(entry.manifest.id);
  }
  const std::string near = str::nearest(id, ids);
  return fail(Kind::not_found, "plugin.unknown", "there is no plugin " + id,
              near.empty() ? "run `scc plugin list --all`" : "did you mean " + near + "?");
}

void add_list(json::Value& out, std::string_view key, const std::vector<std::string>& items) {
  out[key] = json::Value::strings(items);
}

json::Value info_json(const plugin::Entry& entry, const plugin::Provenance& known) {
  json::Value out = entry_json(entry);
  out["provenance"]["vouched_by"] = known.vouched_by;
  if (!known.since.empty()) out["provenance"]["since"] = known.since;
  if (!known.rule.empty()) out["provenance"]["rule"] = known.rule;
  out["provenance"]["probed"] = known.probed;
  out["provenance"]["suspect"] = known.suspect;
  out["vendor"] = entry.manifest.vendor;
  out["license"] = entry.manifest.license;
  out["sdk"]["major"] = entry.manifest.sdk_major;
  out["sdk"]["min_minor"] = entry.manifest.sdk_min_minor;
  out["sha256"] = entry.sha256;
  json::Value grants;
  add_list(grants, "process", entry.manifest.grants.process);
  add_list(grants, "endpoints", entry.manifest.grants.endpoints);
  add_list(grants, "files", entry.manifest.grants.files);
  add_list(grants, "env", entry.manifest.grants.env);
  out["grants"] = std::move(grants);
  add_list(out, "protected_paths", entry.manifest.protected_paths);
  add_list(out, "engine_sockets", entry.manifest.engine_sockets);
  if (!entry.hint.empty()) out["suggested_action"] = entry.hint;
  return out;
}

/// What became of the test run in a child process.
std::string probe_text(const plugin::Entry& entry, const plugin::Provenance& known) {
  if (entry.builtin != nullptr) return "not needed";
  if (known.suspect) return "passed, but these bytes crashed scc later";
  return known.probed ? "passed" : "not yet run";
}

void print_info(ui::Console& console, const plugin::Entry& entry, const plugin::Provenance& known) {
  const auto row = [&](std::string_view name, const std::string& value) {
    if (!value.empty()) console.line(std::string(name) + std::string(12 - name.size(), ' ') + value);
  };
  row("id", entry.manifest.id);
  row("version", entry.manifest.version);
  row("title", entry.manifest.title);
  row("vendor", entry.manifest.vendor);
  row("license", entry.manifest.license);
  row("sdk", std::to_string(entry.manifest.sdk_major) + "." + std::to_string(entry.manifest.sdk_min_minor));
  row("trust", std::string(plugin::to_string(entry.trust)));
  row("state", std::string(plugin::to_string(entry.state)));
  row("reason", entry.reason);
  std::string voucher = known.vouched_by.empty() ? "nobody" : known.vouched_by;
  if (!known.since.empty()) voucher += ", since " + known.since;
  row("vouched by", voucher);
  row("policy", known.rule);
  row("probe", probe_text(entry, known));
  row("sha256", entry.sha256);
  row("path", entry.directory.native());
  for (const plugin::ManifestComponent& component : entry.manifest.components) {
    row("component", component.kind + " " + component.id + " (" + component.interface + ")");
  }
  row("processes", str::join(entry.manifest.grants.process, " "));
  row("endpoints", str::join(entry.manifest.grants.endpoints, " "));
  row("files", str::join(entry.manifest.grants.files, " "));
  row("variables", str::join(entry.manifest.grants.env, " "));
  console.hint(entry.hint);
}

Result<int> run_info(Env& env, const Args& args) {
  SCC_TRY(plugin::Registry * registry, env.host.registry());
  SCC_TRY(const plugin::Entry* entry, find_entry(*registry, args, "info"));
  const plugin::Provenance known = registry->provenance(*entry);
  print_info(env.console, *entry, known);
  env.console.envelope("PluginInfo", info_json(*entry, known));
  return 0;
}

Result<int> run_paths(Env& env, const Args& /*args*/) {
  SCC_TRY(plugin::Registry * registry, env.host.registry());
  json::Array dirs;
  std::vector<std::vector<std::string>> rows;
  for (const plugin::SearchDir& dir : registry->search_dirs()) {
    json::Value item;
    item["path"] = dir.path.native();
    item["trust"] = plugin::to_string(dir.trust);
    item["used"] = dir.used;
    item["reason"] = dir.reason;
    dirs.push_back(std::move(item));
    rows.push_back(
        {dir.path.native(), std::string(plugin::to_string(dir.trust)), dir.used ? "yes" : "no", dir.reason});
  }
  json::Value data;
  data["directories"] = std::move(dirs);
  env.console.table({"DIRECTORY", "TRUST", "USED", "WHY"}, rows);
  env.console.envelope("PluginPaths", data);
  return 0;
}

Result<int> run_trust(Env& env, const Args& args) {
  SCC_TRY(plugin::Registry * registry, env.host.registry());
  SCC_TRY(const plugin::Entry* entry, find_entry(*registry, args, "trust"));
  const std::string id = entry->manifest.id;
  if (!env.assume_yes) print_info(env.console, *entry, registry->provenance(*entry));
  SCC_TRY(const bool go, confirmed(env, "trusting " + id));
  if (!go) return declined();
  SCC_CHECK(registry->trust(id));
  json::Value data;
  data["id"] = id;
  data["sha256"] = entry->sha256;
  data["trusted"] = true;
  env.console.note(id + " is trusted as long as its files do not change");
  env.console.envelope("PluginTrust", data);
  return 0;
}

Result<int> run_untrust(Env& env, const Args& args) {
  SCC_TRY(plugin::Registry * registry, env.host.registry());
  SCC_TRY(const plugin::Entry* entry, find_entry(*registry, args, "untrust"));
  SCC_CHECK(registry->untrust(entry->manifest.id));
  json::Value data;
  data["id"] = entry->manifest.id;
  data["trusted"] = false;
  env.console.note(entry->manifest.id + " is not trusted any more");
  env.console.envelope("PluginTrust", data);
  return 0;
}

}  // namespace

std::vector<Command> plugin_commands() {
  return {
      {"plugin list",
       "list plugins with trust and state",
       "",
       {{"kind", 0, "KIND", "only plugins with a component of this kind"},
        {"all", 0, "", "also shadowed ones"}},
       0,
       false,
       run_list},
      {"plugin info", "show one plugin: manifest, grants, hash, trust", "ID", {}, 1, false, run_info},
      {"plugin paths", "show where plugins are looked for, and why", "", {}, 0, false, run_paths},
      {"plugin trust", "allow a plugin to be loaded as it is now", "ID", {}, 1, false, run_trust},
      {"plugin untrust", "take that back", "ID", {}, 1, false, run_untrust},
  };
}

}  // namespace scc::cli
