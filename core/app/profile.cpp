// SPDX-License-Identifier: Apache-2.0
#include "app/profile.h"

#include <algorithm>

#include "app/launch.h"
#include "app/resolve.h"
#include "base/str.h"
#include "model/parse.h"

namespace scc::app {

namespace {

constexpr std::size_t kProfileLimit = std::size_t{256} << 10U;

struct Place {
  Resolved here;
  std::string repo_id;
  config::ProfileStore store;
  model::Personal current;
  bool present = false;
};

Result<Place> place_of(Host& host, const std::string& workspace) {
  LaunchOptions options;
  options.workspace = workspace;
  options.allow_suspicious = true;
  SCC_TRY(Resolved here, resolve_workspace(host, options));
  Place out{std::move(here), {}, config::ProfileStore(host.paths), {}, false};
  out.repo_id = repo_id_of(out.here.workspace.root, out.here.git);
  SCC_TRY(auto found, out.store.load(out.repo_id));
  out.present = found.has_value();
  if (found) out.current = *std::move(found);
  out.current.repo_id = out.repo_id;
  return out;
}

Result<json::Value> read_json(const Host& host, const std::string& file) {
  SCC_TRY(const std::string text, os::read_file(host.env.cwd / file, kProfileLimit));
  auto value = json::parse(text, {kProfileLimit, 16});
  if (value) return value;
  return fail(std::move(value).error().with("in " + file));
}

void set_plugin(model::Personal& profile, const std::string& ref, bool on) {
  auto& list = profile.plugins;
  const auto at = std::find_if(list.begin(), list.end(), [&](const auto& item) { return item.first == ref; });
  if (at != list.end()) {
    at->second = on;
  } else {
    list.emplace_back(ref, on);
    std::sort(list.begin(), list.end());
  }
}

/// The document's servers, judged by the reader of profiles.
Result<std::vector<model::McpServer>> servers_of(const Host& host, const std::string& file) {
  SCC_TRY(const json::Value value, read_json(host, file));
  json::Array servers;
  if (const json::Value* map = value.at("/mcpServers")) {
    for (const auto& [name, entry] : map->members()) {
      json::Value server = entry;
      server["name"] = name;
      if (!server.has("/type")) server["type"] = server.has("/command") ? "stdio" : "http";
      servers.push_back(std::move(server));
    }
  } else {
    servers.push_back(value);
  }
  json::Value document;
  document["version"] = "2";
  document["repo_id"] = "path:/";
  document["mcp_servers"] = std::move(servers);
  SCC_TRY(model::Personal parsed, model::parse_personal(document, file));
  return std::move(parsed.mcp_servers);
}

/// What would only be refused at each launch is not saved.
Status check_refs(const std::vector<std::string>& refs) {
  for (const std::string& text : refs) {
    auto ref = model::normalise_plugin_ref(text, {});
    if (ref) continue;
    return fail(Kind::usage, "profile.plugin", ref.error().message, ref.error().hint);
  }
  return {};
}

Status drop_item(model::Personal& profile, const std::string& item) {
  const std::size_t before = profile.plugins.size() + profile.mcp_servers.size();
  profile.plugins.erase(std::remove_if(profile.plugins.begin(), profile.plugins.end(),
                                       [&](const auto& entry) { return entry.first == item; }),
                        profile.plugins.end());
  profile.mcp_servers.erase(
      std::remove_if(profile.mcp_servers.begin(), profile.mcp_servers.end(),
                     [&](const model::McpServer& server) { return server.name == item; }),
      profile.mcp_servers.end());
  if (profile.plugins.size() + profile.mcp_servers.size() < before) return {};
  return fail(Kind::not_found, "profile.item", "the profile holds no " + item, "run `scc profile status`");
}

ProfileChange change_of(const Place& place, const model::Personal& next) {
  ProfileChange out;
  out.repo_id = place.repo_id;
  out.file = place.store.file(place.repo_id).native();
  out.replaces = place.present;
  out.diff = config::diff(place.current, next);
  return out;
}

}  // namespace

Result<ProfileChange> save_profile(Host& host, const std::string& workspace, const ProfileEdit& edit) {
  SCC_TRY(const Place place, place_of(host, workspace));
  SCC_CHECK(check_refs(edit.enable));
  SCC_CHECK(check_refs(edit.disable));
  model::Personal next = place.current;
  for (const std::string& item : edit.drop) SCC_CHECK(drop_item(next, item));
  for (const std::string& ref : edit.enable) set_plugin(next, ref, true);
  for (const std::string& ref : edit.disable) set_plugin(next, ref, false);
  for (const std::string& file : edit.mcp_files) {
    SCC_TRY(const auto servers, servers_of(host, file));
    for (const model::McpServer& server : servers) {
      const auto same = [&](const model::McpServer& other) { return other.name == server.name; };
      next.mcp_servers.erase(std::remove_if(next.mcp_servers.begin(), next.mcp_servers.end(), same),
                             next.mcp_servers.end());
      next.mcp_servers.push_back(server);
    }
  }
  next.saved_at = model::format_time(Host::now());
  std::vector<std::string> warnings;
  SCC_TRY(const model::Personal judged,
          model::parse_personal(model::to_json(next), "the profile", &warnings));
  ProfileChange out = change_of(place, judged);
  out.warnings = std::move(warnings);
  SCC_CHECK(place.store.save(judged));
  return out;
}

Result<ProfileChange> apply_profile(Host& host, const std::string& workspace, const std::string& file,
                                    bool preview) {
  SCC_TRY(const Place place, place_of(host, workspace));
  SCC_TRY(const json::Value value, read_json(host, file));
  std::vector<std::string> warnings;
  SCC_TRY(model::Personal next, model::parse_personal(value, file, &warnings));
  next.repo_id = place.repo_id;
  next.saved_at = model::format_time(Host::now());
  ProfileChange out = change_of(place, next);
  out.warnings = std::move(warnings);
  if (!preview && !out.diff.same()) SCC_CHECK(place.store.save(next));
  return out;
}

Result<ProfileStatus> profile_status(Host& host, const std::string& workspace, const std::string& team) {
  SCC_TRY(const Place place, place_of(host, workspace));
  GovernOptions options;
  options.team = team;
  options.freshness = Freshness::cache_only;
  options.workspace = place.here.workspace.root;
  options.git = &place.here.git;
  SCC_TRY(const Governance governance, govern(host, options));
  ProfileStatus out;
  out.repo_id = place.repo_id;
  out.file = place.store.file(place.repo_id).native();
  if (place.present) out.saved_at = place.current.saved_at;
  for (const auto& [ref, source] : governance.effective.plugin_sources) {
    if (source == "personal") out.effective.push_back(ref);
  }
  for (const model::EffectiveMcp& server : governance.effective.mcp_servers) {
    if (server.source == "personal") out.effective.push_back(server.server.name);
  }
  for (const model::Blocked& item : governance.effective.blocked) {
    if (item.requested_by == "personal") out.refused.push_back(item.item + ": blocked by " + item.blocked_by);
  }
  for (const model::Denied& item : governance.effective.denied) {
    if (item.requested_by == "personal") out.refused.push_back(item.item + ": " + item.reason);
  }
  for (const std::string& item : governance.skipped_personal) out.refused.push_back(item);
  return out;
}

}  // namespace scc::app
