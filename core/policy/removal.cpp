// SPDX-License-Identifier: Apache-2.0
// Switching off: a layer may switch off what team, personal profile or project added. A plugin of the
// organisation's defaults only when defaults.optional_plugins names it, a member of a required bundle never:
// otherwise a file that a repository brings could switch off a safety plugin.
#include "model/parse.h"
#include "policy/state.h"

namespace scc::policy {

void State::remove_plugin(PluginItem& item, const Asker& asker, const std::string& rule) {
  if (item.asker.layer == Asker::Layer::org && !optional_plugin(item.ref)) {
    out_.ignored.push_back({"plugins." + item.ref, "disabled", "enabled", asker.source,
                            asker.source + " may not switch off a plugin of the organisation's defaults",
                            "REMOVAL_REFUSED", "/defaults/optional_plugins", rule});
    return;
  }
  item.alive = false;
  forget_decision(item.decision);
  plugin_index_.erase(fold(item.ref));
  out_.disabled.push_back({item.ref, asker.source, "plugin", item.asker.by, rule, item.entry});
  for (const auto& [by, entry] : item.also) {
    out_.disabled.push_back({item.ref, asker.source, "plugin", by, rule, entry});
  }
}

void State::remove_plugins(const Asker& asker, const model::Strings& patterns, const std::string& base) {
  if (patterns.empty()) return;
  const GlobList list(patterns);
  for (PluginItem& item : plugins_) {
    if (!item.alive) continue;
    if (const auto hit = list.find_plugin(item.ref)) remove_plugin(item, asker, pointer(base, *hit));
  }
}

void State::personal_removals(const Asker& asker) {
  for (const auto& [text, on] : layers_.personal->plugins) {
    if (on) continue;
    const auto ref = model::normalise_plugin_ref(text, aliases_);
    const std::string entry = pointer({"plugins", text});
    if (!ref) {
      refuse({false, false, "INVALID_REF", ref.error().message, asker.source, entry}, asker, text, "plugin",
             entry);
      continue;
    }
    const std::string key = fold(*ref);
    personal_off_.emplace(key, entry);  // holds for what the project asks for later, too
    const auto found = plugin_index_.find(key);
    if (found != plugin_index_.end()) remove_plugin(plugins_[found->second], asker, entry);
  }
}

void State::remove_servers(const Asker& asker, const model::Strings& patterns, const std::string& base) {
  if (patterns.empty()) return;
  const GlobList list(patterns);
  for (McpItem& item : servers_) {
    if (!item.alive) continue;
    const auto hit = find_block(list, item.server);
    if (!hit) continue;
    const std::string name = mcp_item(item.server);
    if (item.required) {
      out_.ignored.push_back({"mcp_servers." + name, "disabled", "enabled", asker.source,
                              asker.source + " may not switch off a member of a required bundle",
                              "REMOVAL_REFUSED", item.entry, pointer(base, *hit)});
      continue;
    }
    item.alive = false;
    forget_decision(item.decision);
    out_.disabled.push_back(
        {name, asker.source, "mcp_server", item.asker.by, pointer(base, *hit), item.entry});
  }
}

}  // namespace scc::policy
