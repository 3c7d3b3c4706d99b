// SPDX-License-Identifier: Apache-2.0
// Parts of the document of `config explain`, and its lines for people.
#include <algorithm>
#include <map>

#include "base/str.h"
#include "policy/explain.h"

namespace scc::policy {

namespace {

/// What belongs to one --field: keys of `effective`, the decisions' field, the records' type, other keys.
struct Part {
  model::Strings effective;
  std::string decisions;
  std::string type;
  model::Strings keys;
};

const std::map<std::string, Part, std::less<>>& parts() {
  static const std::map<std::string, Part, std::less<>> kParts = {
      {"plugins", {{"plugins"}, "plugins", "plugin", {}}},
      {"mcp_servers", {{"mcp_servers"}, "mcp_servers", "mcp_server", {}}},
      {"session", {{"session"}, "session", "", {}}},
      {"network", {{"network_policy", "egress"}, "network_policy", "", {}}},
      {"egress", {{"egress"}, "egress", "egress", {}}},
      {"dev_environment",
       {{"dev_environment_commands", "dev_environment_logs", "dev_environment_health_checks"},
        "dev_environment",
        "dev_environment",
        {}}},
      {"providers", {{"allowed_providers"}, "providers", "provider", {}}},
      {"images", {{"images"}, "images", "image", {}}},
      {"bundles", {{"bundles"}, "bundles", "", {}}},
      {"safety_net", {{"safety_net"}, "safety_net", "", {}}},
      {"blocked", {{}, "", "", {"blocked_items"}}},
      {"denied", {{}, "", "", {"denied_additions"}}},
      {"ignored", {{}, "", "", {"ignored_policy_changes"}}},
      {"disabled", {{}, "", "", {"disabled_items"}}},
      {"decisions", {{}, "", "", {"decisions"}}},
      {"exceptions", {{}, "", "", {"exceptions"}}},
      {"warnings", {{}, "", "", {"warnings"}}},
      {"enforcement", {{}, "", "", {"enforcement"}}},
      {"layers", {{}, "", "", {"layers"}}},
      {"personal_profile", {{}, "", "", {"personal_profile"}}},
      {"rendered", {{}, "", "", {"rendered"}}},
  };
  return kParts;
}

std::string_view alias(std::string_view field) {
  static const std::map<std::string_view, std::string_view> kAliases = {
      {"network_policy", "network"},
      {"dev_environment_commands", "dev_environment"},
      {"enforcement_status", "enforcement"},
      {"blocked_items", "blocked"},
      {"denied_additions", "denied"},
      {"ignored_policy_changes", "ignored"},
      {"disabled_items", "disabled"},
      {"allowed_providers", "providers"},
      {"mcp", "mcp_servers"},
      {"personal", "personal_profile"}};
  const auto found = kAliases.find(field);
  return found == kAliases.end() ? field : found->second;
}

bool begins(const std::string& text, const std::string& start) {
  return text == start || str::starts_with(text, start + ".") || str::starts_with(text, start + "_");
}

json::Value filtered(const json::Value* list, const char* key, const std::string& start) {
  json::Array out;
  if (list != nullptr) {
    for (const json::Value& one : list->items()) {
      if (begins(one.str(std::string("/") + key), start)) out.push_back(one);
    }
  }
  return json::Value(std::move(out));
}

std::string line_of(const json::Value& value) {
  if (value.is_string()) return value.as_string();
  if (value.is_array()) {
    model::Strings items;
    for (const json::Value& one : value.items()) items.push_back(line_of(one));
    return items.empty() ? "none" : str::join(items, ", ");
  }
  return value.is_null() ? "" : json::dump(value);
}

class Rows {
 public:
  explicit Rows(const json::Value& data) : data_(data) {}

  std::vector<ExplainRow> take() {
    values();
    lists();
    refusals("blocked_items", "Blocked", "blocked_by");
    refusals("denied_additions", "Denied", "reason");
    ignored();
    refusals("disabled_items", "Switched off", "target_type");
    rest();
    return std::move(rows_);
  }

 private:
  const json::Value* decision(const std::string& field, const std::string& value) const {
    const json::Value* list = data_.at("/decisions");
    if (list == nullptr) return nullptr;
    for (const json::Value& one : list->items()) {
      if (one.str("/field") == field && (value.empty() || one.str("/value") == value)) return &one;
    }
    return nullptr;
  }

  void row(std::string section, std::string item, std::string value, const json::Value* decided,
           std::string note = {}) {
    ExplainRow out{std::move(section), std::move(item), std::move(value), {}, {}, std::move(note), {}};
    if (decided != nullptr) {
      out.source = decided->str("/source");
      out.rule = decided->str("/rule");
      if (out.note.empty()) out.note = decided->str("/reason");
      if (decided->has("/expires_in")) out.note += ", for " + decided->str("/expires_in");
    }
    rows_.push_back(std::move(out));
  }

  void values() {
    const json::Value* effective = data_.at("/effective");
    if (effective == nullptr) return;
    if (const json::Value* network = effective->at("/network_policy")) {
      row("Values", "network policy", network->is_null() ? "open (no policy set)" : network->as_string(),
          decision("network_policy", ""));
    }
    if (const json::Value* session = effective->at("/session")) {
      const json::Value* timeout = session->at("/timeout_hours");
      row("Values", "session timeout", timeout == nullptr ? "8 h (default)" : line_of(*timeout) + " h",
          decision("session.timeout_hours", ""));
      if (const json::Value* resume = session->at("/auto_resume")) {
        row("Values", "resume by itself", line_of(*resume), decision("session.auto_resume", ""));
      }
      if (const json::Value* live = session->at("/enforce_live")) {
        row("Values", "ends when narrowed", line_of(*live), decision("session.enforce_live", ""));
      }
    }
    if (const json::Value* providers = effective->at("/allowed_providers")) {
      row("Values", "providers", providers->is_null() ? "all" : line_of(*providers),
          decision("providers", ""));
    }
    if (const json::Value* images = effective->at("/images")) {
      for (const auto& [provider, ref] : images->members()) {
        row("Values", "image of " + provider, ref.as_string(), decision("images." + provider, ""));
      }
    }
  }

  void lists() {
    const json::Value* effective = data_.at("/effective");
    if (effective == nullptr) return;
    for (const std::string& ref : effective->strings_at("/plugins"))
      row("Plugins", ref, "", decision("plugins", ref));
    if (const json::Value* servers = effective->at("/mcp_servers")) {
      for (const json::Value& one : servers->items()) {
        const std::string name = one.str("/name", one.str("/url"));
        row("MCP servers", name, one.str("/url", one.str("/command")), decision("mcp_servers", name));
      }
    }
    for (const char* kind : {"commands", "logs", "health_checks"}) {
      const json::Value* list = effective->at(std::string("/dev_environment_") + kind);
      for (const json::Value& one : list == nullptr ? json::Array() : list->items()) {
        const std::string name = one.str("/name");
        row("Commands", name, str::join(one.strings_at("/argv"), " "),
            decision(std::string("dev_environment.") + kind, name));
      }
    }
    for (const std::string& target : effective->strings_at("/egress/allow")) {
      row("Reachable", target, "", decision("egress", target));
    }
  }

  void refusals(const std::string& key, const std::string& section, const std::string& because) {
    const json::Value* list = data_.at("/" + key);
    if (list == nullptr) return;
    for (const json::Value& one : list->items()) {
      ExplainRow out{section,
                     one.str("/item"),
                     one.str("/target_type"),
                     one.str("/source"),
                     one.str("/rule"),
                     one.str("/" + because),
                     {}};
      const std::string code = one.str("/code");
      if (!code.empty()) out.note = code + ": " + out.note;
      if (const json::Value* changes = one.at("/changes")) {
        for (const json::Value& change : changes->items()) {
          out.remedies.push_back(change.str("/who") + ": " + change.str("/text"));
        }
      }
      rows_.push_back(std::move(out));
    }
  }

  void ignored() {
    const json::Value* list = data_.at("/ignored_policy_changes");
    if (list == nullptr) return;
    for (const json::Value& one : list->items()) {
      rows_.push_back({"Ignored",
                       one.str("/field"),
                       one.str("/requested_value") + " (stays " + one.str("/effective_value") + ")",
                       one.str("/source"),
                       one.str("/rule"),
                       one.str("/code") + ": " + one.str("/reason"),
                       {}});
    }
  }

  void rest() {
    if (const json::Value* active = data_.at("/exceptions/active")) {
      for (const json::Value& one : active->items()) {
        model::Strings targets = one.strings_at("/targets/plugins");
        for (std::string& server : one.strings_at("/targets/mcp_servers"))
          targets.push_back(std::move(server));
        rows_.push_back({"Exceptions",
                         one.str("/id"),
                         str::join(targets, ", "),
                         one.str("/source"),
                         "",
                         one.str("/reason") + ", for " + one.str("/expires_in"),
                         {}});
      }
    }
    if (const json::Value* list = data_.at("/enforcement")) {
      for (const json::Value& one : list->items()) {
        rows_.push_back(
            {"Enforcement", one.str("/surface"), one.str("/status"), "", "", one.str("/detail"), {}});
      }
    }
    if (const json::Value* list = data_.at("/layers")) {
      for (const json::Value& one : list->items()) {
        rows_.push_back({"Layers",
                         one.str("/name"),
                         one.str("/origin"),
                         "",
                         "",
                         one.flag("/stale") ? "stale, of " + one.str("/fetched_at") : one.str("/fetched_at"),
                         {}});
      }
    }
    for (const std::string& text : data_.strings_at("/warnings")) {
      rows_.push_back({"Warnings", text, "", "", "", "", {}});
    }
  }

  const json::Value& data_;
  std::vector<ExplainRow> rows_;
};

}  // namespace

const model::Strings& explain_fields() {
  static const model::Strings kFields = [] {
    model::Strings out;
    for (const auto& [name, part] : parts()) out.push_back(name);
    return out;
  }();
  return kFields;
}

Result<json::Value> explain_field(const json::Value& data, std::string_view field) {
  const auto found = parts().find(alias(field));
  if (found == parts().end()) {
    const std::string near = str::nearest(field, explain_fields());
    return fail(Kind::usage, "explain.field",
                "there is no part \"" + str::printable(field) + "\"" +
                    (near.empty() ? "" : "; did you mean " + near + "?"),
                "one of " + str::join(explain_fields(), ", "));
  }
  const Part& part = found->second;
  json::Value out;
  out["organization"] = data.has("/organization") ? *data.at("/organization") : json::Value();
  out["team"] = data.str("/team");
  out["field"] = found->first;
  for (const std::string& key : part.keys) {
    if (const json::Value* value = data.at("/" + key)) out[key] = *value;
  }
  for (const std::string& key : part.effective) {
    if (const json::Value* value = data.at("/effective/" + key)) out["effective"][key] = *value;
  }
  if (part.effective.empty()) return out;
  out["decisions"] = filtered(data.at("/decisions"), "field", part.decisions);
  out["ignored_policy_changes"] = filtered(data.at("/ignored_policy_changes"), "field", part.decisions);
  if (part.type.empty()) return out;
  for (const char* list : {"blocked_items", "denied_additions", "disabled_items"}) {
    out[list] = filtered(data.at(std::string("/") + list), "target_type", part.type);
  }
  return out;
}

std::vector<ExplainRow> explain_rows(const json::Value& data) {
  return Rows(data).take();
}

}  // namespace scc::policy
