// SPDX-License-Identifier: Apache-2.0
// Making a suggested change in the typed layers: the pointers that `why` suggests, each with the value it
// means. What is not one of them is refused, so that a suggestion nobody can make never looks as if it
// worked.
#include <algorithm>

#include "base/str.h"
#include "model/parse.h"
#include "policy/state.h"
#include "policy/why.h"

namespace scc::policy {

namespace {

using Path = model::Strings;

Path split_pointer(const std::string& text) {
  Path out;
  for (const std::string& part : str::split(text, '/')) {
    std::string plain;
    for (std::size_t at = 0; at < part.size(); ++at) {
      const bool escaped = part[at] == '~' && at + 1 < part.size();
      plain += !escaped ? part[at] : part[at + 1] == '1' ? '/' : '~';
      if (escaped) ++at;
    }
    out.push_back(std::move(plain));
  }
  if (!out.empty()) out.erase(out.begin());
  return out;
}

/// The list of an optional one, if it is there: adding to an absent list would narrow, not widen.
model::Strings* inner(std::optional<model::Strings>& list) {
  return list ? &*list : nullptr;
}

/// The parts of an editable document, by the names that they have there.
struct Document {
  std::map<std::string, model::Strings*> lists;
  std::map<std::string, bool*> flags;
  std::map<std::string, std::optional<model::NetworkPolicy>*> policies;
};

Document org_document(model::Org& org, const std::string& team) {
  Document out;
  model::Security& security = org.security;
  model::Defaults& defaults = org.defaults;
  model::Delegation& delegation = org.delegation;
  out.lists = {{"/security/blocked_plugins", &security.blocked_plugins},
               {"/security/blocked_mcp_servers", &security.blocked_mcp_servers},
               {"/security/blocked_base_images", &security.blocked_base_images},
               {"/security/egress_deny", &security.egress_deny},
               {"/security/allowed_stdio_prefixes", &security.allowed_stdio_prefixes},
               {"/defaults/enabled_plugins", &defaults.enabled_plugins},
               {"/defaults/disabled_plugins", &defaults.disabled_plugins},
               {"/defaults/optional_plugins", &defaults.optional_plugins},
               {"/defaults/allowed_plugins", inner(defaults.allowed_plugins)},
               {"/defaults/allowed_mcp_servers", inner(defaults.allowed_mcp_servers)},
               {"/defaults/allowed_providers", inner(defaults.allowed_providers)},
               {"/defaults/allowed_base_images", inner(defaults.allowed_base_images)},
               {"/defaults/egress/allow", &defaults.egress.allow},
               {"/delegation/teams/allow_additional_plugins", &delegation.team_plugins},
               {"/delegation/teams/allow_additional_mcp_servers", &delegation.team_mcp_servers},
               {"/delegation/teams/allow_dev_environment_commands", &delegation.team_dev_commands},
               {"/delegation/teams/allow_egress", &delegation.team_egress},
               {"/delegation/teams/allow_base_images", &delegation.team_base_images}};
  out.flags = {{"/security/allow_stdio_mcp", &security.allow_stdio_mcp},
               {"/delegation/projects/inherit_team_delegation", &delegation.projects_inherit},
               {"/delegation/users/allow_personal_profiles", &delegation.personal_profiles}};
  out.policies = {{"/defaults/network_policy", &defaults.network_policy}};
  if (const auto found = org.profiles.find(team); found != org.profiles.end()) {
    model::Team& profile = found->second;
    const std::string base = pointer({"profiles", team});
    out.lists[base + "/additional_plugins"] = &profile.additional_plugins;
    out.lists[base + "/allowed_providers"] = inner(profile.allowed_providers);
    out.lists[base + "/egress/allow"] = &profile.egress.allow;
    out.lists[base + "/egress/deny"] = &profile.egress.deny;
    out.flags[base + "/delegation/allow_project_overrides"] = &profile.allow_project_overrides;
    out.policies[base + "/network_policy"] = &profile.network_policy;
  }
  return out;
}

Document project_document(model::Project& project) {
  Document out;
  out.lists = {{"/additional_plugins", &project.additional_plugins},
               {"/disabled_plugins", &project.disabled_plugins},
               {"/disabled_mcp_servers", &project.disabled_mcp_servers},
               {"/allowed_providers", inner(project.allowed_providers)},
               {"/egress/deny", &project.egress.deny},
               {"/egress/only", inner(project.egress.only)}};
  out.policies = {{"/network_policy", &project.network_policy}};
  return out;
}

Document team_document(model::TeamFile& file) {
  Document out;
  out.lists = {{"/enabled_plugins", &file.enabled_plugins},
               {"/disabled_plugins", &file.disabled_plugins},
               {"/egress/allow", &file.egress.allow},
               {"/egress/deny", &file.egress.deny}};
  out.policies = {{"/network_policy", &file.network_policy}};
  return out;
}

bool edit_list(model::Strings& list, const std::string& last, const Change& change) {
  if (change.action == "add") {
    if (last != "-") return false;
    list.push_back(change.value);
    return true;
  }
  if (last.empty() || last.find_first_not_of("0123456789") != std::string::npos || last.size() > 6)
    return false;
  const std::size_t index = std::stoul(last);
  if (index >= list.size()) return false;
  const auto at = list.begin() + static_cast<std::ptrdiff_t>(index);
  if (change.action == "set") {
    *at = change.value;
  } else if (change.action == "remove") {
    list.erase(at);
  } else {
    return false;
  }
  return true;
}

bool edit(Document& document, const Change& change) {
  if (const auto found = document.flags.find(change.pointer); found != document.flags.end()) {
    if (change.action != "set") return false;
    *found->second = change.value == "true";
    return true;
  }
  if (const auto found = document.policies.find(change.pointer); found != document.policies.end()) {
    if (change.action == "remove") {
      found->second->reset();
      return true;
    }
    const auto value = model::network_policy(change.value);
    if (change.action != "set" || !value) return false;
    *found->second = value;
    return true;
  }
  const std::size_t slash = change.pointer.rfind('/');
  if (slash == std::string::npos) return false;
  const auto found = document.lists.find(change.pointer.substr(0, slash));
  if (found == document.lists.end() || found->second == nullptr) return false;
  return edit_list(*found->second, change.pointer.substr(slash + 1), change);
}

bool edit_personal(model::Personal& personal, const Change& change) {
  const Path path = split_pointer(change.pointer);
  if (path.size() != 2 || path[0] != "plugins") return false;
  auto& plugins = personal.plugins;
  const auto found =
      std::find_if(plugins.begin(), plugins.end(), [&](const auto& one) { return one.first == path[1]; });
  if (change.action == "remove") {
    if (found == plugins.end()) return false;
    plugins.erase(found);
    return true;
  }
  if (change.action != "add" && change.action != "set") return false;
  const bool on = change.value == "true";
  if (found != plugins.end()) {
    found->second = on;
  } else {
    plugins.emplace_back(path[1], on);
    std::sort(plugins.begin(), plugins.end());
  }
  return true;
}

std::optional<model::Exception> read_exception(const std::string& text) {
  const auto value = json::parse(text);
  if (!value || !value->is_object()) return std::nullopt;
  model::Exception out;
  out.id = value->str("/id");
  out.scope = value->str("/scope", "policy");
  out.reason = value->str("/reason");
  out.created_at = value->str("/created_at");
  out.expires_at = value->str("/expires_at");
  out.plugins = value->strings_at("/allow/plugins");
  out.mcp_servers = value->strings_at("/allow/mcp_servers");
  return out;
}

bool edit_layer(Layers& layers, model::Org& org, const Change& change) {
  if (change.layer == "user") {
    layers.team = change.value;
    return change.pointer == "/selected_profile";
  }
  if (change.layer == "exception" || (change.layer == "org" && change.pointer == "/exceptions/-")) {
    auto exception = read_exception(change.value);
    if (!exception || change.action != "add" || change.pointer != "/exceptions/-") return false;
    auto& list = change.layer == "org" ? org.exceptions : layers.user_exceptions;
    list.push_back(std::move(*exception));
    return true;
  }
  if (change.layer == "org") {
    Document document = org_document(org, layers.team);
    return edit(document, change);
  }
  if (change.layer == "project") {
    if (!layers.project) layers.project.emplace();
    Document document = project_document(*layers.project);
    return edit(document, change);
  }
  if (change.layer == "personal") {
    if (!layers.personal) layers.personal.emplace();
    return edit_personal(*layers.personal, change);
  }
  if (change.layer == "team." + layers.team && layers.team_file) {
    Document document = team_document(*layers.team_file);
    return edit(document, change);
  }
  return false;
}

}  // namespace

Result<Layers> apply(const Layers& layers, const Change& change, model::Org& storage) {
  Layers out = layers;
  if (layers.org != nullptr) {
    storage = *layers.org;
    out.org = &storage;
  }
  if (!edit_layer(out, storage, change)) {
    return fail(Kind::internal, "why.change",
                "the change of " + change.layer + change.pointer + " cannot be made");
  }
  return out;
}

}  // namespace scc::policy
