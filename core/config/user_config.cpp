// SPDX-License-Identifier: Apache-2.0
#include "config/user_config.h"

#include <algorithm>

#include "base/str.h"
#include "config/keys.h"

namespace scc::config {

namespace {

constexpr json::Limits kLimits{std::size_t{1} << 20U, 32};

tl::unexpected<Error> invalid(const stdfs::path& file, std::vector<std::string> problems) {
  Error error{Kind::config, "config.invalid",
              str::printable(file.native()) + ": the user configuration is not valid",
              "mend the file, or move it away to run with defaults", std::move(problems)};
  return fail(std::move(error));
}

void read_source(const json::Value& root, UserConfig& out) {
  const json::Value* section = root.at("/organization_source");
  if (section == nullptr || section->is_null()) return;
  OrgSource source;
  source.url = section->str("/url");
  source.path = section->str("/path");
  source.auth = section->str("/auth");
  source.auth_header = section->str("/auth_header", source.auth_header);
  source.public_key = section->str("/public_key");
  out.organization_source = std::move(source);
}

/// The rule that the table cannot say. With a pinned place the user may give the rest of the section.
void check_source(const UserConfig& config, std::vector<std::string>& problems) {
  if (!config.organization_source || config.system.pins("organization_source.url")) return;
  const OrgSource& source = *config.organization_source;
  if (source.url.empty() == source.path.empty()) {
    problems.emplace_back("/organization_source: must hold either \"url\" or \"path\"");
  }
}

/// The user's token and key are meant for the place that the user wrote; they follow a pin only to the same
/// place.
void pin_source(UserConfig& out) {
  const json::Value* section = out.system.document.at("/organization_source");
  if (section == nullptr || section->is_null()) return;
  const auto differs = [](const std::string& mine, const std::string& pinned) {
    return !mine.empty() && mine != pinned;
  };
  const auto warn = [&out](std::string_view what) {
    out.warnings.push_back(str::printable(out.file.native()) + ": " + std::string(what) +
                           " is ignored: " + str::printable(out.system.file.native()) + " pins another");
  };
  OrgSource source = out.organization_source.value_or(OrgSource{});
  if (out.system.pins("organization_source.url")) {
    const std::string url = section->str("/url");
    const std::string path = section->str("/path");
    if (differs(source.url, url) || differs(source.path, path)) {
      warn("/organization_source");
      source = OrgSource{};
    }
    source.url = url;
    source.path = path;
  }
  if (out.system.pins("organization_source.public_key")) {
    const std::string key = section->str("/public_key");
    if (differs(source.public_key, key)) warn("/organization_source/public_key");
    source.public_key = key;
  }
  if (out.system.pins("organization_source.auth")) source.auth = section->str("/auth");
  if (out.system.pins("organization_source.auth_header")) source.auth_header = section->str("/auth_header");
  // A pinned key without a place pins how a source is checked, not that there is one.
  if (!source.url.empty() || !source.path.empty()) out.organization_source = std::move(source);
}

void apply_pins(UserConfig& out) {
  const auto warn = [&out](std::string_view what) {
    out.warnings.push_back(str::printable(out.file.native()) + ": " + std::string(what) +
                           " is ignored: " + str::printable(out.system.file.native()) + " pins another");
  };
  pin_source(out);
  if (out.system.pins("tls.ca_file")) {
    const std::string pinned = out.system.document.str("/tls/ca_file");
    if (!out.tls_ca_file.empty() && out.tls_ca_file != pinned) warn("/tls/ca_file");
    out.tls_ca_file = pinned;
  }
  if (out.system.pins("standalone")) {
    if (out.standalone) warn("/standalone");
    out.standalone = false;
  }
}

void read_fields(const json::Value& root, UserConfig& out) {
  out.runtime_preferred = root.str("/runtime/preferred");
  out.selected_provider = root.str("/selected_provider");
  out.ask_provider = out.selected_provider == "ask";
  if (out.ask_provider) out.selected_provider.clear();
  out.tls_ca_file = root.str("/tls/ca_file");
  out.credential_volume = root.str("/credentials/volume");
  if (const json::Value* open = root.at("/network/open")) out.open_network = *open;
  if (const json::Value* enforced = root.at("/network/enforced")) out.enforced_network = *enforced;
  out.memory_bytes = parse_memory(root.str("/sandbox/memory")).value_or(0);
  out.pids = root.integer("/sandbox/pids", out.pids);
  out.on_exit = root.str("/session/on_exit", out.on_exit);
  const auto members = [&root](std::string_view pointer) -> const json::Object& {
    static const json::Object kNone;
    const json::Value* value = root.at(pointer);
    return value != nullptr ? value->members() : kNone;
  };
  for (const auto& [id, section] : members("/images")) out.image_refs[id] = section.str("/ref");
  for (const auto& [id, section] : members("/providers")) {
    if (section.is_object()) out.provider_config[id] = section;
  }
  for (const auto& [id, section] : members("/plugins")) {
    if (const json::Value* config = section.at("/config"); config != nullptr && config->is_object()) {
      out.plugin_config[id] = *config;
    }
  }
  read_source(root, out);
  out.standalone = root.flag("/standalone");
  out.selected_profile = root.str("/selected_profile");
  out.workspace_team_map = root.map_at("/workspace_team_map");
  out.cache_enabled = root.flag("/cache/enabled", true);
  if (const json::Value* hours = root.at("/cache/ttl_hours"); hours != nullptr && hours->is_int()) {
    out.cache_ttl_hours = hours->as_int();
  }
  out.hooks_enabled = root.flag("/hooks/enabled");
  out.workspace_base = root.str("/overrides/workspace_base", out.workspace_base);
  out.onboarding_seen = root.flag("/onboarding_seen");
  out.trusted_env = root.strings_at("/trusted_env");
}

}  // namespace

bool SystemConfig::pins(std::string_view key) const {
  return std::find(pinned.begin(), pinned.end(), key) != pinned.end();
}

Result<UserConfig> parse_user_config(std::string_view text, const stdfs::path& file,
                                     const SystemConfig& system) {
  auto parsed = json::parse(text, kLimits);
  if (!parsed) {
    Error error = std::move(parsed).error();
    error.message = str::printable(file.native()) + ": " + error.message;
    if (error.hint.empty()) error.hint = "mend the file, or move it away to run with defaults";
    return fail(std::move(error));
  }
  if (!parsed->is_object()) return invalid(file, {"(root): must be a JSON object"});
  std::vector<std::string> problems = check_document(*parsed, KeyScope::user);
  UserConfig out;
  out.file = file;
  out.present = true;
  out.system = system;
  if (problems.empty()) {
    read_fields(*parsed, out);
    check_source(out, problems);
  }
  if (!problems.empty()) return invalid(file, std::move(problems));
  apply_pins(out);
  return out;
}

Result<UserConfig> load_user_config(const os::Paths& paths) {
  SCC_TRY(SystemConfig system, load_system_config(paths));
  const stdfs::path file = paths.config / "config.json";
  auto text = os::read_file(file);
  if (text) return parse_user_config(*text, file, system);
  if (text.error().kind != Kind::not_found) return fail(std::move(text).error());
  UserConfig defaults;
  defaults.file = file;
  defaults.system = std::move(system);
  apply_pins(defaults);
  return defaults;
}

}  // namespace scc::config
